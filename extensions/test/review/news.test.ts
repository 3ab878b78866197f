import * as assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pending } from '../../src/client';
import { newPending } from '../../src/pending';
import type { StudyState } from '../../src/protocol';
import { describeNews, type News } from '../../src/review/news';
import { makeState, makeStudy } from '../samples';

function status(fields: { connected?: boolean; isLate?: boolean; state?: Partial<StudyState> }) {
  return {
    connected: fields.connected ?? true,
    problem: fields.connected === false ? 'the kernel does not answer' : '',
    isLate: () => fields.isLate ?? false,
    state: makeState(fields.state),
    study: makeStudy()
  };
}

function pendingIn(state: Pending['state'], reason = ''): Pending {
  return { ...newPending('accept', { candidate: 11 }), state, reason };
}

function tell(fields: Parameters<typeof status>[0], latest: Pending | null, why = ''): News {
  return describeNews(status(fields), latest, why);
}

test('a decision is news until it is adopted', () => {
  assert.equal(tell({}, pendingIn('sent')).text, 'Sending …');
  assert.equal(tell({}, pendingIn('filed')).text, 'Recorded; waiting for the loop …');
  assert.equal(tell({}, pendingIn('adopted')).text, '');
});

test('a recorded decision waits for a loop that is alive or starting, else for one to come', () => {
  const starting: Partial<StudyState> = { alive: false, state: 'running' };
  assert.match(tell({ state: starting }, pendingIn('filed')).text, /waiting for the loop/);
  const paused: Partial<StudyState> = { alive: false, state: 'paused' };
  assert.match(tell({ state: paused }, pendingIn('filed')).text, /no loop is alive/);
});

test('a refusal gives its reason', () => {
  const news = tell({}, pendingIn('refused', 'these hunks alone are candidate 9.'));
  assert.equal(news.text, 'Refused: these hunks alone are candidate 9. Your choice is kept.');
  assert.equal(news.tone, 'bad');
});

test('a late decision can be sent again, and says how to reach the study', () => {
  const latest = pendingIn('sent');
  const news = tell({ isLate: true, connected: false }, latest, 'It has no score.');
  assert.equal(news.late, latest);
  assert.match(news.text, /^Disconnected: this decision is not stored \(the kernel does not/);
  assert.match(news.text, /%autoresearch attach toy-1/);
});

test('without a decision it says why less is on offer, else that one is disconnected', () => {
  assert.equal(tell({ connected: false }, null, 'It has no score.').text, 'It has no score.');
  assert.match(tell({ connected: false }, null).text, /What is shown may be old/);
  assert.deepEqual(tell({}, null), { tone: 'faint', text: '', late: null });
});
