import * as assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { followStudies, gainOf, newestOf } from '../../src/lab/studies';
import { FakeSocket, fakeClock, type Clock } from '../fakes';
import { makeEntry } from '../samples';

let clock: Clock;

beforeEach(() => {
  clock = fakeClock();
  FakeSocket.install();
});

afterEach(() => clock.restore());

const PAGE = { base: 'http://host/', socket: 'ws://host/', token: 'se cret' };

test('the list is followed over the socket of the server', async () => {
  const studies = followStudies(PAGE);
  let n_changes = 0;
  studies.on(() => (n_changes += 1));
  assert.equal(FakeSocket.latest.url, 'ws://host/workbench/watch?token=se+cret');
  assert.deepEqual([studies.list, studies.connected], [null, false]);
  FakeSocket.latest.deliver({ studies: [makeEntry('toy')], unreadable: [] });
  await studies.first;
  assert.equal(studies.list?.[0].study, 'toy');
  assert.ok(studies.connected);
  assert.equal(n_changes, 1);
});

test('a lost socket is opened again, and the list stays until then', async () => {
  const studies = followStudies(PAGE);
  FakeSocket.latest.deliver({ studies: [makeEntry('toy')], unreadable: [] });
  FakeSocket.latest.cut();
  assert.deepEqual([studies.list?.length, studies.connected], [1, false]);
  await clock.wind(500);
  assert.equal(FakeSocket.opened.length, 2);
  FakeSocket.latest.cut();
  await clock.wind(999);
  assert.equal(FakeSocket.opened.length, 2);
  await clock.wind(1);
  assert.equal(FakeSocket.opened.length, 3);
});

test('a gain is positive when it is better, whichever way the objective goes', () => {
  const baseline = { score: 4, spread: null };
  const best = { candidate: 3, score: 3 };
  assert.equal(gainOf(makeEntry('toy', { baseline, best })), 1);
  const objective = { name: 'accuracy', goal: 'maximize' } as const;
  assert.equal(gainOf(makeEntry('toy', { baseline, best, objective })), -1);
});

test('there is no gain while the baseline is the best, or has no score', () => {
  const best = { candidate: 3, score: 3 };
  assert.equal(gainOf(makeEntry('toy', { best: { candidate: 0, score: 4 } })), null);
  assert.equal(gainOf(makeEntry('toy', { best, baseline: { score: null, spread: null } })), null);
});

test('the newest study is that of the folder, else of the nearest folder around it', () => {
  const root = makeEntry('root');
  const deep = makeEntry('deep', { folder: 'a/b' });
  const studies = [makeEntry('other', { folder: 'c' }), root, deep, makeEntry('older')];
  assert.equal(newestOf(studies, 'a/b'), deep);
  assert.equal(newestOf(studies, 'a/b/c/d'), deep);
  assert.equal(newestOf(studies, 'a'), root);
  assert.equal(newestOf([deep], 'a'), undefined);
});
