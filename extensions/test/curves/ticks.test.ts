import * as assert from 'node:assert/strict';
import { test } from 'node:test';
import { logTicks, writeTick } from '../../src/curves/ticks';

test('ticks of a logarithm are round numbers, fewer over many decades', () => {
  assert.deepEqual(logTicks([0.9, 110], 8), [1, 2, 5, 10, 20, 50, 100]);
  assert.deepEqual(logTicks([0.9, 110], 4), [1, 10, 100]);
  assert.deepEqual(logTicks([1e-6, 1e6], 7), [1e-6, 1e-4, 1e-2, 1, 100, 1e4, 1e6]);
});

test('within a decade the steps are even', () => {
  const ticks = logTicks([3.1, 3.9], 5);
  const rounded = ticks.map(tick => Number(tick.toFixed(6)));
  assert.deepEqual(rounded, [3.2, 3.4, 3.6, 3.8]);
});

test('ticks lie in the range, and are not more than there is room for', () => {
  for (const low of [1e-9, 0.002, 0.7, 30]) {
    for (const factor of [1.01, 3, 50, 1e5, 1e15]) {
      for (const most of [2, 4, 9]) {
        const ticks = logTicks([low, low * factor], most);
        const outside = ticks.filter(tick => tick < low * 0.999 || tick > low * factor * 1.001);
        assert.deepEqual(outside, []);
        assert.ok(ticks.length <= most + 1, `${ticks} in [${low}, ${low * factor}]`);
      }
    }
  }
});

test('a tick has few letters', () => {
  assert.equal(writeTick(0.1 + 0.2), '0.3');
  assert.equal(writeTick(0), '0');
  assert.equal(writeTick(25_000), '25k');
  assert.equal(writeTick(-12_500), '-12.5k');
  assert.equal(writeTick(2e6), '2e6');
  assert.equal(writeTick(0.00002), '2e-5');
});
