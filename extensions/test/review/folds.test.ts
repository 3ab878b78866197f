import * as assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { evidenceOf, foldsOf } from '../../src/review/folds';
import { asFake, installDocument } from '../fakes';
import { makeCard, makeDecision, makeTrial } from '../samples';

beforeEach(() => {
  installDocument();
});

test('evidence is told with its interval, its limit and its noise', () => {
  assert.deepEqual(evidenceOf(makeDecision({ against: 4, why: 'better' }), 3), [
    ['compared with', 'candidate 4'],
    ['gain', '+0.020'],
    ['interval', '+0.010 to +0.030 (95 %)'],
    ['trials', '5 of it, 5 of the other'],
    ['p', '0.0040, to be at most 0.0125'],
    ['noise of one trial', '0.011 (standard deviation)'],
    ['conclusion', 'better']
  ]);
});

test('what a comparison did not measure is left out', () => {
  const nothing = { against: null, effect: null, interval: null, p: null, sd: null };
  const names = evidenceOf(makeDecision(nothing), 3).map(([name]) => name);
  assert.deepEqual(names, ['trials']);
});

/** Text of one fold of a card. */
function textOf(card: ReturnType<typeof makeCard>, name: string): string {
  const fold = foldsOf(card).find(other => other.name === name);
  return fold ? asFake(fold.content).textContent : '';
}

test('a decision is told as what it did, by whom and why', () => {
  const decisions = [
    makeDecision({ before_run: true, effect: null, by: 'review' }),
    makeDecision({ verdict: 'revise', by: 'person', effect: null, hunks: [1, 3], why: 'simpler' }),
    makeDecision({ verdict: 'revise', by: 'person', effect: null, hunks: [1], rejected: [2, 3] }),
    makeDecision({ verdict: 'defer', by: 'person', effect: null })
  ];
  const text = textOf(makeCard(11, [], { decisions }), 'decisions');
  assert.match(text, /^asked a person by review, before it ran/);
  assert.match(text, /revised: only hunks 1, 3 by person: simpler/);
  assert.match(text, /revised: only hunk 1; rejected hunks 2, 3 by person/);
  assert.match(text, /taken back by person/);
});

test('trials are told with what they cost and how they were isolated', () => {
  const trials = [makeTrial(0), makeTrial(1, { self_reported: true, sandbox: 'off' })];
  const cost = { usd: 0.12, tokens: 18400, seconds: 164 };
  const card = makeCard(11, [], { trial_list: trials, cost });
  const [{ title }] = foldsOf(card);
  const words = 'Trials (2) · 3 min · 0.12 USD · 18\u2009400 tokens · sandbox bwrap · sandbox off';
  assert.equal(title, words);
  assert.match(textOf(card, 'trials'), /ok, self-reported/);
  assert.equal(textOf(makeCard(11), 'trials'), 'None yet.');
});

test('metrics and output are there only if there are any', () => {
  const names = (card: ReturnType<typeof makeCard>) => foldsOf(card).map(({ name }) => name);
  assert.deepEqual(names(makeCard(11)), ['trials', 'evidence', 'decisions']);
  const full = makeCard(11, [], { metrics: { loss: 3.5, tokens: 18250 }, log: 'step 1' });
  assert.deepEqual(names(full).slice(3), ['metrics', 'log']);
  assert.equal(textOf(full, 'metrics'), 'loss3.5000tokens18\u2009250');
});
