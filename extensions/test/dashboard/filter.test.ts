import * as assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { Client } from '../../src/client';
import { familyOf, makeFilter, type Filter } from '../../src/dashboard/filter';
import { FakeElement, asFake, installDocument } from '../fakes';
import { makeRow } from '../samples';

// 0 ── 1 ── 3 ── 5
//  └── 2 ── 4
const ROWS = [
  makeRow(0, { status: 'kept', hypothesis: '' }),
  makeRow(1, { parent: 0, hypothesis: 'Wider layers' }),
  makeRow(2, { parent: 0, status: 'failed', author: 'ana' }),
  makeRow(3, { parent: 1, kind: 'ended', why: 'wider is worse' }),
  makeRow(4, { parent: 2, pinned: true }),
  makeRow(5, { parent: 3, status: 'kept' })
];

let filter: Filter;
let element: FakeElement;
let n_changes: number;

beforeEach(() => {
  installDocument();
  n_changes = 0;
  filter = makeFilter({ rows: ROWS } as Client, () => (n_changes += 1));
  element = asFake(filter.element);
});

function shown(): number[] {
  return filter.apply(ROWS).map(row => row.candidate);
}

function search(words: string): number[] {
  const input = element.all().find(({ tag }) => tag === 'input')!;
  input.value = words;
  input.emit('input');
  return shown();
}

test('a family is ancestors, the candidate, and all that was made from it', () => {
  const family = (candidate: number) => [...familyOf(ROWS, candidate)].sort((a, b) => a - b);
  assert.deepEqual(family(1), [0, 1, 3, 5]);
  assert.deepEqual(family(4), [0, 2, 4]);
  assert.deepEqual(family(0), [0, 1, 2, 3, 4, 5]);
});

test('without any wish all rows are shown', () => {
  assert.deepEqual(shown(), [0, 1, 2, 3, 4, 5]);
});

test('every word must be in idea, author, reason or marks, in letters of either case', () => {
  assert.deepEqual(search('wider'), [1, 3]);
  assert.deepEqual(search('WIDER worse'), [3]);
  assert.deepEqual(search('Ana'), [2]);
  assert.deepEqual(search('pinned'), [4]);
  assert.deepEqual(search('  '), [0, 1, 2, 3, 4, 5]);
  assert.equal(n_changes, 5);
});

test('statuses add up, and a second click takes one away', () => {
  element.button('kept').emit('click');
  assert.deepEqual(shown(), [0, 5]);
  element.button('ended early').emit('click');
  assert.deepEqual(shown(), [0, 3, 5]);
  element.button('kept').emit('click');
  assert.deepEqual(shown(), [3]);
});

test('words, statuses and lineage all have to fit', () => {
  filter.follow(3);
  assert.deepEqual(shown(), [0, 1, 3, 5]);
  element.button('kept').emit('click');
  assert.deepEqual(shown(), [0, 5]);
  assert.deepEqual(search('idea'), [5]);
  filter.follow(null);
  assert.deepEqual(search('wider'), []);
});

test('counts tell how many there are of each status, and how many are left', () => {
  filter.update(2);
  assert.equal(element.button('● kept').textContent, '● kept 2');
  assert.equal(element.button('failed').textContent, '✕ failed 1');
  assert.ok(element.button('waiting').hidden);
  assert.match(element.textContent, /2 of 6$/);
  filter.update(6);
  assert.match(element.textContent, /6 in all$/);
});

test('the chip of the lineage ends it', () => {
  filter.follow(4);
  filter.update(3);
  const chip = element.button('Lineage of 4');
  assert.equal(chip.hidden, false);
  chip.focus();
  chip.emit('click');
  const { activeElement } = document as unknown as { activeElement: FakeElement };
  assert.equal(activeElement.tag, 'input'); // a hidden chip would lose the focus
  filter.update(6);
  assert.ok(chip.hidden);
  assert.equal(shown().length, 6);
});
