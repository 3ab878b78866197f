import * as assert from 'node:assert/strict';
import { test } from 'node:test';
import * as words from '../../src/dashboard/words';
import { STATUSES } from '../../src/protocol';
import { makeRow, makeStudy } from '../samples';

test('what was ended early stands apart from what else was discarded', () => {
  assert.equal(words.standing(makeRow(1)), 'discarded');
  assert.equal(words.standing(makeRow(1, { kind: 'ended' })), 'ended early');
  assert.equal(words.STANDINGS.indexOf('ended early'), words.STANDINGS.indexOf('discarded') + 1);
  assert.equal(words.STANDINGS.length, STATUSES.length + 1);
});

test('no two standings share a shape: a colour alone says nothing to some', () => {
  const shapes = words.STANDINGS.map(standing => words.SHAPES[standing]);
  assert.equal(new Set(shapes).size, shapes.length);
});

test('a gain has a plus, also of nothing, and a loss a minus', () => {
  assert.equal(words.signed(0.5, 2), '+0.50');
  assert.equal(words.signed(0, 2), '+0.00');
  assert.equal(words.signed(-0.5, 2), '−0.50');
});

test('an effect stands with its interval, if it has one', () => {
  const row = makeRow(1, { effect: 0.02, low: -0.01, high: 0.05 });
  assert.equal(words.effect(row, 2), '+0.02 [−0.01, +0.05]');
  assert.equal(words.effect({ ...row, low: null }, 2), '+0.02');
  assert.equal(words.effect(makeRow(1), 2), '');
});

test('an effect has two digits of the smallest one worth having', () => {
  const digits = (min_effect: number) => {
    const { objective } = makeStudy();
    return words.effectDigits(makeStudy({ objective: { ...objective, min_effect } }));
  };
  assert.equal(digits(0.03), 3);
  assert.equal(digits(5), 1);
  assert.equal(digits(200), 0);
  assert.equal(digits(0), 4);
});

test('a text is cut at whole characters', () => {
  assert.equal(words.shorten('learning rate', 13), 'learning rate');
  assert.equal(words.shorten('learning rate', 10), 'learning…');
  assert.equal(words.shorten('🙂🙂🙂🙂', 3), '🙂🙂…');
});

test('a candidate without a hypothesis has a name all the same', () => {
  assert.equal(words.idea(makeRow(3, { hypothesis: '' })), 'no hypothesis');
  assert.equal(words.idea(makeRow(0, { hypothesis: '' })), 'baseline');
});

test('a goal says which way is better', () => {
  assert.equal(words.direction('minimize'), 'lower is better');
  assert.equal(words.direction('maximize'), 'higher is better');
});

test('marks are flags, a pin, and what it was revised from', () => {
  assert.deepEqual(words.marks(makeRow(1)), []);
  const row = makeRow(5, { flags: ['seed-only'], pinned: true, revises: 0 });
  assert.deepEqual(words.marks(row), ['seed-only', 'pinned', 'hunks of 0']);
});
