import * as assert from 'node:assert/strict';
import { test } from 'node:test';
import { append, newCurve, type Curve } from '../src/curve';
import { makeSeries } from './samples';

const LIMIT = 20_000;

function extend(curve: Curve, values: number[]): void {
  const steps = values.map((_, i) => curve.length + i);
  append(curve, Float64Array.from(steps), Float32Array.from(values));
}

function valuesOf(curve: Curve): number[] {
  return [...curve.values.subarray(0, curve.length)];
}

test('points are kept in order while the arrays grow', () => {
  const curve = newCurve(makeSeries(1));
  extend(curve, [5, 4]);
  extend(
    curve,
    Array.from({ length: 1000 }, (_, i) => i)
  );
  assert.equal(curve.length, 1002);
  assert.deepEqual(valuesOf(curve).slice(0, 4), [5, 4, 0, 1]);
  assert.equal(curve.steps[1001], 1001);
  assert.equal(curve.thinned, 0);
});

test('a curve that is too long is halved and keeps every extreme in its order', () => {
  const curve = newCurve(makeSeries(1));
  const values = new Array(LIMIT + 1).fill(1);
  values[9] = 9;
  values[10] = -9;
  extend(curve, values);
  assert.equal(curve.thinned, 1);
  assert.ok(curve.length <= LIMIT / 2 + 4);
  const kept = valuesOf(curve);
  assert.deepEqual(
    kept.filter(value => value !== 1),
    [9, -9]
  );
  const step = curve.steps[kept.indexOf(9)];
  assert.equal(step, 9);
});

test('steps stay in order, and the last point stays, however often it is thinned', () => {
  const curve = newCurve(makeSeries(1));
  for (let n = 0; n < 30; n++) {
    const start = 5000 * n;
    const steps = Float64Array.from({ length: 5000 }, (_, i) => start + i);
    append(
      curve,
      steps,
      Float32Array.from(steps, step => Math.sin(step))
    );
  }
  assert.ok(curve.thinned > 1);
  assert.ok(curve.length <= LIMIT);
  const steps = curve.steps.subarray(0, curve.length);
  assert.ok(steps.every((step, i) => i === 0 || step > steps[i - 1]));
  assert.equal(steps[steps.length - 1], 149_999);
});

test('a curve of one value is thinned to one point of four', () => {
  const curve = newCurve(makeSeries(1));
  extend(curve, new Array(LIMIT + 4).fill(2));
  assert.equal(curve.length, LIMIT / 4 + 4);
});
