import * as assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '../../src/client';
import { describePlace, mountQueue, nextAfter, stepFrom } from '../../src/review/queue';
import { FakeElement, asElement, installDocument } from '../fakes';
import { makeState } from '../samples';

test('steps go round in both directions', () => {
  assert.equal(stepFrom([3, 7, 9], 3, 1), 7);
  assert.equal(stepFrom([3, 7, 9], 9, 1), 3);
  assert.equal(stepFrom([3, 7, 9], 3, -1), 9);
});

test('from a candidate that does not wait, a step goes to an end of the queue', () => {
  assert.equal(stepFrom([3, 7, 9], 5, 1), 3);
  assert.equal(stepFrom([3, 7, 9], null, -1), 9);
});

test('in an empty queue there is no step', () => {
  assert.equal(stepFrom([], 3, 1), null);
});

test('after a decision the next number comes up, else the first that waits', () => {
  assert.equal(nextAfter([3, 7, 9], 7), 9);
  assert.equal(nextAfter([3, 7, 9], 9), 3);
  assert.equal(nextAfter([7], 7), undefined);
  assert.equal(nextAfter([3, 9], 7), 9);
});

test('the place tells how many wait', () => {
  assert.equal(describePlace([3, 7], 7), '2 of 2 wait');
  assert.equal(describePlace([3], 3), '1 of 1 waits');
  assert.equal(describePlace([3], 8), '1 waits');
  assert.equal(describePlace([3, 7], null), '2 wait');
  assert.equal(describePlace([], 8), 'nothing waits');
});

test('the buttons select what waits, and are off when nothing else does', () => {
  installDocument();
  const el = new FakeElement('div');
  const selected: (number | null)[] = [];
  const select = (candidate: number | null) => selected.push(candidate);
  const client = { state: makeState({ waiting: [3, 7] }), select } as unknown as Client;
  const queue = mountQueue(asElement(el), client, () => {});
  queue.update(3);
  el.button('Next').emit('click');
  el.button('Previous').emit('click');
  assert.deepEqual(selected, [7, 7]);
  assert.equal(el.button('Next').disabled, false);
  client.state!.waiting = [3];
  queue.update(3);
  assert.ok(el.button('Next').disabled);
  client.state!.waiting = [];
  queue.step(1);
  assert.equal(selected.length, 2);
});
