import * as assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_MARKS, toggleMark, undoMark, type Marks } from '../../src/review/marks';

function listMarks(marks: Marks): [number, string][] {
  return [...marks.byHunk].sort(([a], [b]) => a - b);
}

test('a hunk has the mark that was set last', () => {
  const marks = toggleMark(toggleMark(NO_MARKS, 2, 'accepted'), 2, 'rejected');
  assert.deepEqual(listMarks(marks), [[2, 'rejected']]);
});

test('the same mark again takes it off', () => {
  const marks = toggleMark(toggleMark(NO_MARKS, 2, 'accepted'), 2, 'accepted');
  assert.deepEqual(listMarks(marks), []);
});

test('undo goes back step by step, also over a mark that was taken off', () => {
  let marks = toggleMark(NO_MARKS, 1, 'accepted');
  marks = toggleMark(marks, 2, 'rejected');
  marks = toggleMark(marks, 1, 'accepted');
  const first = undoMark(marks)!;
  assert.equal(first.hunk, 1);
  assert.deepEqual(listMarks(first.marks), [
    [1, 'accepted'],
    [2, 'rejected']
  ]);
  const second = undoMark(first.marks)!;
  assert.equal(second.hunk, 2);
  assert.deepEqual(listMarks(second.marks), [[1, 'accepted']]);
});

test('with nothing to undo there is no step back', () => {
  assert.equal(undoMark(NO_MARKS), null);
  const { marks } = undoMark(toggleMark(NO_MARKS, 1, 'accepted'))!;
  assert.equal(undoMark(marks), null);
});

test('a change leaves the earlier value alone', () => {
  const before = toggleMark(NO_MARKS, 1, 'accepted');
  toggleMark(before, 2, 'rejected');
  undoMark(before);
  assert.deepEqual(listMarks(before), [[1, 'accepted']]);
  assert.equal(NO_MARKS.byHunk.size, 0);
});
