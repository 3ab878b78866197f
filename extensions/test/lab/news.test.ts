import * as assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeWaiting, findEnds, findNewlyWaiting, summariseWaiting } from '../../src/lab/news';
import type { StudyEntry } from '../../src/protocol';
import { makeEntry } from '../samples';

/** What is reported when a study changes from one state to another. */
function endsBetween(before: Partial<StudyEntry>, after: Partial<StudyEntry>): string[] {
  const ends = findEnds([makeEntry('toy', before)], [makeEntry('toy', after)]);
  return ends.map(({ kind, text }) => `${kind}: ${text}`);
}

test('only candidates that did not wait before are new', () => {
  const before = [makeEntry('toy', { waiting: [1, 2] })];
  assert.deepEqual(findNewlyWaiting(before, makeEntry('toy', { waiting: [2, 3] })), [3]);
  assert.deepEqual(findNewlyWaiting([], makeEntry('toy', { waiting: [2] })), [2]);
});

test('a study that was begun anew at the same path is another one', () => {
  const before = [makeEntry('toy', { waiting: [1], opened_at: 1 })];
  const after = makeEntry('toy', { waiting: [1], opened_at: 2 });
  assert.deepEqual(findNewlyWaiting(before, after), [1]);
  assert.deepEqual(findEnds(before, [{ ...after, state: 'finished', waiting: [] }]), []);
});

test('an end is reported once, with its reason', () => {
  const end: Partial<StudyEntry> = { state: 'finished', reason: 'the budget is used' };
  assert.deepEqual(endsBetween({}, end), ['success: toy has finished: the budget is used']);
  assert.deepEqual(endsBetween(end, end), []);
  assert.deepEqual(endsBetween({}, { state: 'stopped' }), ['info: toy was stopped']);
});

test('a pause is reported only if something is broken', () => {
  assert.deepEqual(endsBetween({}, { state: 'paused' }), []);
  const fault: Partial<StudyEntry> = { state: 'paused', fault: true, reason: 'no GPU' };
  assert.deepEqual(endsBetween({}, fault), ['warning: toy has paused: no GPU']);
});

test('a study that failed before it was listed is reported, and no other end of a new study is', () => {
  const broken = makeEntry('toy', { state: 'paused', fault: true, reason: 'no GPU' });
  assert.deepEqual(
    findEnds([], [broken]).map(end => end.text),
    ['toy has paused: no GPU']
  );
  for (const state of ['paused', 'finished', 'stopped'] as const) {
    assert.deepEqual(findEnds([], [makeEntry('toy', { state })]), []);
  }
});

test('a study in which candidates wait has not finished before they are decided', () => {
  const waiting: Partial<StudyEntry> = { state: 'finished', waiting: [1] };
  assert.deepEqual(endsBetween({}, waiting), []);
  const over: Partial<StudyEntry> = { state: 'finished' };
  assert.deepEqual(endsBetween(waiting, over), ['success: toy has finished']);
});

test('a question names the candidate, or how many there are', () => {
  const one = makeEntry('toy', { waiting: [7] });
  assert.equal(describeWaiting(one), 'toy: candidate 7 waits for your review');
  const two = makeEntry('toy', { waiting: [7, 9] });
  assert.equal(describeWaiting(two), 'toy: 2 candidates wait for your review');
});

test('the summary counts over all studies', () => {
  const quiet = makeEntry('quiet');
  const one = makeEntry('one', { waiting: [7] });
  const two = makeEntry('two', { waiting: [1, 2] });
  assert.equal(summariseWaiting([quiet]), null);
  assert.equal(summariseWaiting([quiet, one]), '1 candidate waits for your review in one');
  const all = summariseWaiting([quiet, one, two]);
  assert.equal(all, '3 candidates wait for your review in 2 studies');
});
