import * as assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Curve } from '../../src/client';
import { describeLast, findCurves } from '../../src/review/spark';
import { makeCard, makeCurve, makeState } from '../samples';

function clientWith(...curves: Curve[]) {
  return { curves: new Map(curves.map((curve, i) => [i, curve])), state: makeState() };
}

test('the curves are of the last trials that have any point', () => {
  const first = makeCurve([3], { candidate: 11, trial: 0 });
  const second = makeCurve([2], { candidate: 11, trial: 1 });
  const empty = makeCurve([], { candidate: 11, trial: 2 });
  const reference = makeCurve([4], { candidate: 0 });
  const { current, reference: incumbent } = findCurves(
    clientWith(second, first, empty, reference),
    makeCard(11)
  );
  assert.equal(current, second);
  assert.equal(incumbent, reference);
});

test('the series are of one name', () => {
  const accuracy = makeCurve([3], { candidate: 11, trial: 5, name: 'accuracy' });
  assert.deepEqual(findCurves(clientWith(accuracy), makeCard(11)), {
    current: null,
    reference: null
  });
});

test('the incumbent is not compared with itself', () => {
  const curve = makeCurve([3], { candidate: 11 });
  const card = makeCard(11, [], { incumbent: { candidate: 11, score: 3 } });
  assert.deepEqual(findCurves(clientWith(curve), card), { current: curve, reference: null });
});

test('the last value stands beside the incumbent at the same step', () => {
  const current = makeCurve([3, 2.5, 2]);
  const longer = makeCurve([3, 2.9, 2.8, 2.7]);
  assert.equal(describeLast(current, null), 'loss 2.0000 at step 2');
  assert.equal(describeLast(current, longer), 'loss 2.0000 at step 2; incumbent 2.8000 (dashed)');
});

test('an incumbent that begins later has no value to compare with', () => {
  const late = makeCurve([9]);
  late.steps[0] = 50;
  assert.equal(describeLast(makeCurve([3, 2]), late), 'loss 2.0000 at step 1');
});
