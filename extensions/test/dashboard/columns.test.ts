import * as assert from 'node:assert/strict';
import { test } from 'node:test';
import { COLUMNS, sortRows } from '../../src/dashboard/columns';
import type { Row } from '../../src/protocol';
import { makeRow } from '../samples';

const DIGITS = { score: 3, effect: 2 };

function order(rows: Row[], key: string, down: boolean): number[] {
  return sortRows(rows, { key, down }).map(row => row.candidate);
}

function textOf(row: Row, key: string): string {
  return COLUMNS.find(column => column.key === key)!.text(row, DIGITS);
}

test('rows are sorted either way', () => {
  const rows = [makeRow(0, { score: 2 }), makeRow(1, { score: 3 }), makeRow(2, { score: 1 })];
  assert.deepEqual(order(rows, 'score', false), [2, 0, 1]);
  assert.deepEqual(order(rows, 'score', true), [1, 0, 2]);
  assert.deepEqual(
    rows.map(row => row.candidate),
    [0, 1, 2]
  );
});

test('a missing value goes last either way', () => {
  const rows = [makeRow(0, { score: null }), makeRow(1, { score: 3 }), makeRow(2, { score: 1 })];
  assert.deepEqual(order(rows, 'score', false), [2, 1, 0]);
  assert.deepEqual(order(rows, 'score', true), [1, 2, 0]);
});

test('of equal rows the newest comes first', () => {
  const rows = [makeRow(0), makeRow(1), makeRow(2)];
  assert.deepEqual(order(rows, 'author', false), [2, 1, 0]);
  assert.deepEqual(order(rows, 'author', true), [2, 1, 0]);
});

test('statuses are sorted by how far they are, not by their letters', () => {
  const rows = [
    makeRow(0, { status: 'failed' }),
    makeRow(1, { status: 'kept' }),
    makeRow(2, { status: 'discarded', kind: 'ended' }),
    makeRow(3, { status: 'queued' }),
    makeRow(4)
  ];
  assert.deepEqual(order(rows, 'status', false), [3, 1, 4, 2, 0]);
});

test('the first click on a column shows what one looks for: the newest, the largest effect', () => {
  const downwards = COLUMNS.filter(column => column.down).map(({ key }) => key);
  assert.deepEqual(downwards, ['number', 'effect', 'trials', 'seconds', 'lines']);
});

test('cells are empty where there is nothing to say', () => {
  const row = makeRow(0, { score: null, trials: 0 });
  for (const key of ['score', 'effect', 'seconds', 'lines', 'parent']) {
    assert.equal(textOf(row, key), '', key);
  }
});

test('cells have the digits of the study', () => {
  const row = makeRow(4, { score: 3.80049, effect: -0.014, parent: 3 });
  assert.equal(textOf(row, 'score'), '3.800');
  assert.equal(textOf(row, 'effect'), '−0.01');
  assert.equal(textOf(row, 'lines'), '+2 −1');
  assert.equal(textOf(row, 'parent'), '3');
});

test('an idea has its marks before it', () => {
  const row = makeRow(4, { pinned: true, flags: ['seed-only'] });
  assert.equal(textOf(row, 'idea'), '[seed-only] [pinned] idea 4');
});
