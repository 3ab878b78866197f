import * as assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Curve } from '../../src/client';
import { nearest, rawLine, smoothLine, valueAt } from '../../src/curves/smoothing';
import { makeCurve } from '../samples';

/** As the definition says: a weighted mean of all values up to each one. */
function smoothNaively(values: number[], weight: number): number[] {
  return values.map((_, last) => {
    const weights = values.slice(0, last + 1).map((_, i) => weight ** (last - i));
    const total = weights.reduce((sum, each) => sum + each, 0);
    return weights.reduce((sum, each, i) => sum + each * values[i], 0) / total;
  });
}

function assertClose(actual: Float64Array, expected: number[]): void {
  const errors = expected.map((value, i) => Math.abs(actual[i] - value));
  assert.equal(actual.length, expected.length);
  assert.ok(Math.max(...errors) < 1e-12, `${[...actual]} is not ${expected}`);
}

function grow(curve: Curve, values: number[]): void {
  curve.steps = Float64Array.from(values.keys());
  curve.values = Float64Array.from(values);
  curve.length = values.length;
}

const VALUES = [4, 1, 3, 2, 2, 7];

test('the first values are not drawn towards zero', () => {
  assertClose(smoothLine(makeCurve(VALUES), 0.9).values, smoothNaively(VALUES, 0.9));
});

test('a curve that grows is smoothed as if it had come at once', () => {
  const curve = makeCurve(VALUES.slice(0, 2));
  smoothLine(curve, 0.6);
  grow(curve, VALUES);
  assertClose(smoothLine(curve, 0.6).values, smoothNaively(VALUES, 0.6));
});

test('another weight, or thinning, begins anew', () => {
  const curve = makeCurve(VALUES);
  smoothLine(curve, 0.9);
  assertClose(smoothLine(curve, 0.5).values, smoothNaively(VALUES, 0.5));
  const thinned = [1, 7];
  grow(curve, thinned);
  curve.thinned += 1;
  assertClose(smoothLine(curve, 0.5).values, smoothNaively(thinned, 0.5));
});

test('without smoothing the curve is itself, and only its valid part', () => {
  const curve = makeCurve(VALUES);
  curve.length = 2;
  assert.deepEqual([...smoothLine(curve, 0).values], [4, 1]);
  assert.deepEqual([...smoothLine(curve, 0.5).steps], [0, 1]);
  assert.deepEqual([...rawLine(curve).steps], [0, 1]);
});

const LINE = { steps: Float64Array.of(10, 20, 40), values: Float64Array.of(1, 3, 2) };

test('the nearest point is on either side of a step', () => {
  assert.equal(nearest(LINE, 14), 0);
  assert.equal(nearest(LINE, 16), 1);
  assert.equal(nearest(LINE, 0), 0);
  assert.equal(nearest(LINE, 99), 2);
  assert.equal(nearest(LINE, null), 2);
});

test('between two points the value is on the straight line, outside there is none', () => {
  assert.equal(valueAt(LINE, 10), 1);
  assert.equal(valueAt(LINE, 15), 2);
  assert.equal(valueAt(LINE, 25), 2.75);
  assert.equal(valueAt(LINE, 40), 2);
  assert.equal(valueAt(LINE, 9), null);
  assert.equal(valueAt(LINE, 41), null);
});
