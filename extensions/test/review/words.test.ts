import * as assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '../../src/client';
import type { Card, Row, StudyState } from '../../src/protocol';
import * as words from '../../src/review/words';
import { makeCard, makeDecision, makeRow, makeState, makeStudy } from '../samples';

const SCORED: Partial<Card> = { effect: 0.0213, low: 0.0081, high: 0.0345 };

function describe(fields: Partial<Card>, minEffect = 0.03): string {
  return words.describeEffect(makeCard(11, [], { ...SCORED, ...fields }), minEffect);
}

test('a gain is told with its interval and what that means', () => {
  const decisions = [makeDecision({ against: 10 })];
  const start = '0.0213 better than candidate 10 (95 % interval +0.0081 to +0.0345)';
  assert.equal(describe({ decisions }), `${start}: better than chance explains.`);
  assert.match(describe({ low: 0.031 }), /more than the smallest effect worth having/);
  assert.match(describe({ low: -0.01 }), /chance alone could explain it/);
  const loss = describe({ effect: -0.02, low: -0.03, high: -0.01 });
  assert.match(loss, /^0.0200 worse than the baseline .*: worse than chance explains/);
});

test('scores without noise have no interval to speak of', () => {
  const equal = describe({ effect: 0, low: 0, high: 0 });
  assert.equal(equal, 'No different from the baseline, without noise: no gain.');
  const small = describe({ effect: 0.02, low: 0.02, high: 0.02 });
  assert.match(small, /without noise: better by less than the smallest effect/);
});

test('without an effect it says what is missing', () => {
  assert.equal(describe({ effect: null, score: null }), 'No score yet.');
  assert.equal(describe({ effect: null }), 'Not compared with anything yet.');
});

test('the comparison is the last decision that measured an effect', () => {
  const measured = makeDecision({ against: 4 });
  const veto = makeDecision({ verdict: 'discard', by: 'person', effect: null });
  const card = makeCard(11, [], { decisions: [makeDecision(), measured, veto] });
  assert.equal(words.findComparison(card), measured);
  assert.equal(words.findComparison(makeCard(11, [], { decisions: [veto] })), null);
});

test('a level of confidence is never rounded to certainty', () => {
  assert.equal(words.formatPercent(0.95), '95 %');
  assert.equal(words.formatPercent(0.9994), '99.94 %');
  assert.equal(words.formatPercent(0.99999), '99.999 %');
  assert.equal(words.formatPercent(0.5), '50 %');
});

test('numbers are listed as runs, and a long list is cut', () => {
  assert.equal(words.listNumbers([1, 3, 4, 5, 8, 9]), '1, 3–5, 8, 9');
  assert.equal(words.listNumbers([1, 3, 5, 7, 9, 11, 13, 14, 20]), '1, 3, 5, 7, 9, 11 and 3 more');
  assert.equal(words.nameHunks([2]), 'hunk 2');
  assert.equal(words.nameHunks([1, 2]), 'hunks 1, 2');
});

test('flags are told once, with a warning where the name does not say enough', () => {
  const flags = ['self-reported', 'odd'];
  const card = makeCard(11, [], { flags, self_reported: true, pinned: true });
  assert.deepEqual(
    words.flagsOf(card).map(({ name }) => name),
    ['self-reported', 'odd', 'pinned']
  );
  assert.equal(words.flagsOf(card)[1].warning, '');
  assert.match(words.flagsOf(card)[0].warning, /not checked/);
});

function progress(row: Partial<Row> | null, state: Partial<StudyState> = {}): string {
  const rows = row ? [makeRow(0, row)] : [];
  return words.describeProgress({ rows, state: makeState(state) } as Client, 0);
}

test('progress tells trials under way, then the status and its reason', () => {
  const trial = { candidate: 0, seed: 1, started_at: 0 };
  const running = [
    { ...trial, trial: 1 },
    { ...trial, trial: 2 },
    { ...trial, candidate: 9, trial: 0 }
  ];
  assert.equal(progress({ status: 'running' }, { running }), 'running, trial 2 and 3');
  assert.equal(progress({ status: 'waiting' }), 'waits for you');
  assert.equal(
    progress({ why: 'worse on its first trial' }),
    'discarded: worse on its first trial'
  );
  assert.equal(progress({ status: 'kept', why: 'accepted' }), 'kept');
  assert.equal(progress({ kind: 'ended', why: 'too slow' }), 'ended early: too slow');
  assert.equal(progress(null), 'recorded');
});

test('the empty place says what to expect there', () => {
  const client = { study: makeStudy(), state: makeState(), problem: '' } as Client;
  assert.match(words.describeAbsence(client, null), /What would be kept appears here/);
  assert.equal(words.describeAbsence(client, 7), 'Loading candidate 7 …');
  client.state!.options.review = 'off';
  assert.match(words.describeAbsence(client, null), /Review is off/);
  client.study!.read_only = true;
  assert.match(words.describeAbsence(client, null), /imported log/);
  client.state = null;
  client.problem = 'connecting';
  assert.equal(words.describeAbsence(client, null), 'Waiting for the study (connecting) …');
});
