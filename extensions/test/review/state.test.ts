import * as assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client, Pending } from '../../src/client';
import { newPending } from '../../src/pending';
import type { Verb } from '../../src/protocol';
import { NO_MARKS, toggleMark } from '../../src/review/marks';
import { deskOf, latestDecision, startState, viewOf } from '../../src/review/state';
import { makeCard, makeStudy } from '../samples';

type Known = Pick<Client, 'cards' | 'pending' | 'study'>;

function ask(verb: Verb, candidate: number, state: Pending['state']): Pending {
  return { ...newPending(verb, { candidate }), state };
}

function know(...pending: Pending[]): Known {
  return {
    cards: new Map([[11, makeCard(11)]]),
    pending: new Map(pending.map(one => [one.decision_id, one])),
    study: makeStudy()
  };
}

test('nothing is drawn before the card is here', () => {
  const state = startState();
  assert.equal(viewOf(state, know()), null);
  state.shown = 12;
  assert.equal(viewOf(state, know()), null);
  state.shown = 11;
  assert.equal(viewOf(state, know())?.card.candidate, 11);
});

test('what was begun about a candidate is there again after another one was shown', () => {
  const state = startState();
  deskOf(state, 11).marks = toggleMark(NO_MARKS, 2, 'rejected');
  deskOf(state, 12).reason = 'too slow';
  state.shown = 11;
  assert.equal(viewOf(state, know())?.intent?.note, 'rejects hunk 2');
  assert.equal(deskOf(state, 11).reason, '');
});

test('a decision under way makes the card wait; a refused one does not', () => {
  const state = { ...startState(), shown: 11 };
  assert.equal(viewOf(state, know(ask('accept', 11, 'sent')))?.isIdle, false);
  assert.equal(viewOf(state, know(ask('edit', 11, 'filed')))?.isIdle, false);
  assert.equal(viewOf(state, know(ask('accept', 11, 'refused')))?.isIdle, true);
  assert.equal(viewOf(state, know(ask('accept', 12, 'sent')))?.isIdle, true);
});

test('the latest decision is about this candidate, and neither a pin nor a note', () => {
  const first = ask('accept', 11, 'refused');
  const second = ask('reject', 11, 'sent');
  const client = know(first, second, ask('accept', 12, 'sent'), ask('pin', 11, 'sent'));
  assert.equal(latestDecision(client, 11), second);
  assert.equal(latestDecision(client, 13), null);
});
