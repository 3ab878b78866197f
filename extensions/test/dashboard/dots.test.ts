import * as assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstFrom, indexOf, progressDots, rangeOf } from '../../src/dashboard/dots';
import type { ProgressDots } from '../../src/dashboard/dots';
import { frontDots } from '../../src/dashboard/front';
import type { Plots, Row } from '../../src/protocol';
import { makePlots, makeRow, makeState, makeStudy } from '../samples';

const ROWS = [
  makeRow(0, { kind: 'kept', score: 4 }),
  makeRow(1, { kind: 'discarded', score: 9 }),
  makeRow(2, { kind: 'crashed', score: null }),
  makeRow(3, { kind: 'open', score: null }),
  makeRow(4, { kind: null, score: 1 }),
  makeRow(5, { kind: 'kept', score: 3 })
];

function draw(plots: Partial<Plots> = {}, all = false, rows: Row[] = ROWS): ProgressDots {
  return progressDots(rows, makeStudy(), makePlots(plots), all);
}

function candidates({ rows }: { rows: Row[] }): number[] {
  return rows.map(row => row.candidate);
}

test('what has no score yet is left out, what has none for good is on the axis', () => {
  const dots = draw();
  assert.deepEqual(candidates(dots), [0, 1, 2, 5]);
  assert.deepEqual(dots.places, [
    [0, 4],
    [1, 9],
    [2, null],
    [5, 3]
  ]);
  assert.deepEqual(dots.kinds, ['kept', 'discarded', 'crashed', 'kept']);
});

test('scores clearly worse than the baseline are counted, and drawn only if all are wanted', () => {
  const some = draw({ worst: 5, window: [2, 4.5] });
  assert.deepEqual(candidates(some), [0, 2, 5]);
  assert.equal(some.n_far, 1);
  assert.deepEqual(some.y, [2, 4.5]);
  const all = draw({ worst: 5, window: [2, 4.5] }, true);
  assert.deepEqual(candidates(all), [0, 1, 2, 5]);
  assert.ok(all.y[1] > 9);
});

test('what is worse depends on the way that the objective goes', () => {
  const { objective } = makeStudy();
  const study = makeStudy({ objective: { ...objective, goal: 'maximize' } });
  const rows = [makeRow(0, { kind: 'kept', score: 4 }), makeRow(1, { score: 1 })];
  assert.equal(progressDots(rows, study, makePlots({ worst: 3 }), false).n_far, 1);
  assert.equal(progressDots(rows, makeStudy(), makePlots({ worst: 3 }), false).n_far, 0);
});

test('what was kept is never too far', () => {
  const rows = [makeRow(0, { kind: 'kept', score: 9 })];
  assert.equal(draw({ worst: 5 }, false, rows).n_far, 0);
});

test('the running best goes through the leaders', () => {
  const { best } = draw({ leaders: [0, 5] });
  assert.deepEqual(best, [
    { candidate: 0, score: 4 },
    { candidate: 5, score: 3 }
  ]);
});

test('the horizontal axis reaches from the first candidate to the newest', () => {
  assert.deepEqual(draw().x, [-0.5, 5.5]);
  assert.deepEqual(draw({}, false, [ROWS[0]]).x, [-0.5, 1.5]); // also before there is another one
});

test('each kind is counted', () => {
  const { counts } = draw();
  assert.deepEqual([counts.kept, counts.discarded, counts.crashed, counts.open], [2, 1, 1, 0]);
});

test('a range has room on either side, also around a single value', () => {
  assert.deepEqual(rangeOf([2, 4], 0.5), [1, 5]);
  assert.deepEqual(rangeOf([10], 0.1), [9.5, 10.5]);
  assert.deepEqual(rangeOf([0], 0.1), [-0.5, 0.5]);
  assert.deepEqual(rangeOf([], 0.1), [0, 1]);
});

test('points are found by place and by candidate', () => {
  const dots = draw();
  assert.equal(firstFrom(dots, 1), 1);
  assert.equal(firstFrom(dots, 2.5), 3);
  assert.equal(firstFrom(dots, 99), 4);
  assert.equal(indexOf(dots, 5), 3);
  assert.equal(indexOf(dots, 4), null);
  assert.equal(indexOf(dots, null), null);
});

test('a frontier is drawn over two metrics, in the order that the feed gives', () => {
  const rows = [
    makeRow(0, { kind: 'kept', weighed: [5, 5, null] }),
    makeRow(1, { kind: 'discarded', weighed: [3, 8, 1] }),
    makeRow(2, { kind: 'crashed', weighed: [null, 8, 1] }),
    makeRow(3, { kind: 'open', weighed: [null, null, null] }),
    makeRow(4, { kind: null, weighed: [1, 1, 1] }),
    makeRow(5, { kind: 'crashed', weighed: [null, null, null] })
  ];
  const frontiers = [{ x: 'loss', y: 'size', candidates: [1, 0, 9] }];
  const plots = makePlots({ frontiers });
  const names = ['loss', 'size', 'time'];
  const state = makeState({ incumbent: 1 });
  const dots = frontDots(rows, state, plots, names, { x: 0, y: 1 });
  assert.deepEqual(candidates(dots), [1, 0]); // from left to right
  assert.deepEqual(dots.places, [
    [3, 8],
    [5, 5]
  ]);
  assert.deepEqual(dots.front, [0, 1]);
  assert.deepEqual([dots.incumbent, dots.baseline], [0, 1]);
  assert.equal(dots.n_missing, 2); // 3 may still get its metrics
  assert.deepEqual(frontDots(rows, state, plots, names, { x: 1, y: 0 }).front, []);
  assert.deepEqual(frontDots(rows, state, plots, names, { x: 0, y: 2 }).front, []);
});
