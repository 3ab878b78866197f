import * as assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client, Curve } from '../../src/client';
import { LINGER_MS, N_COLOURS, followTrials, namesOf } from '../../src/curves/trials';
import type { TrialCurves } from '../../src/curves/trials';
import { makeCurve, makeState } from '../samples';

function clientWith(...curves: Curve[]): Client {
  const map = new Map(curves.map((curve, id) => [id, curve]));
  return { curves: map, state: makeState({ incumbent: 0 }), selected: null } as unknown as Client;
}

function curve(candidate: number, trial: number, running = false, name = 'loss'): Curve {
  return makeCurve([1], { candidate, trial, running, name });
}

function keys(trials: TrialCurves[]): string[] {
  return trials.map(({ key }) => key);
}

test('the incumbent comes first, then what runs by candidate and trial', () => {
  const client = clientWith(curve(7, 1, true), curve(7, 0, true), curve(3, 0, true), curve(0, 2));
  const trials = followTrials(client).choose(0);
  assert.deepEqual(keys(trials), ['0.2', '3.0', '7.0', '7.1']);
  assert.deepEqual(
    trials.map(({ reference }) => reference),
    [true, false, false, false]
  );
  assert.equal(trials[0].colour, 'incumbent');
});

test('the reference is the last trial that has ended', () => {
  const client = clientWith(curve(0, 0), curve(0, 1), curve(0, 2, true));
  const [reference] = followTrials(client).choose(0);
  assert.equal(reference.key, '0.1');
});

test('a trial that has ended stays for a while', () => {
  const running = curve(4, 0, true);
  const client = clientWith(running);
  const trials = followTrials(client);
  trials.follow(0);
  running.running = false;
  trials.follow(1000);
  assert.deepEqual(keys(trials.choose(1000)), ['4.0']);
  assert.equal(trials.untilNextVanishes(1000), LINGER_MS);
  assert.deepEqual(keys(trials.choose(1000 + LINGER_MS)), []);
  assert.equal(trials.untilNextVanishes(1000 + LINGER_MS), null);
});

test('the first of several to vanish is waited for', () => {
  const curves = [curve(4, 0, true), curve(5, 0, true)];
  const trials = followTrials(clientWith(...curves));
  trials.follow(0);
  curves[1].running = false;
  trials.follow(1000);
  curves[0].running = false;
  trials.follow(5000);
  assert.equal(trials.untilNextVanishes(5000), LINGER_MS - 4000);
});

test('what is selected is shown, however long ago it ended', () => {
  const client = clientWith(curve(4, 0), curve(5, 0));
  client.selected = 5;
  const [trial] = followTrials(client).choose(0);
  assert.deepEqual([trial.key, trial.colour], ['5.0', 'selected']);
});

test('a candidate keeps its colour, and a free one is used again', () => {
  const first = curve(4, 0, true);
  const second = curve(5, 0, true);
  const client = clientWith(first, second);
  const trials = followTrials(client);
  assert.deepEqual(
    trials.choose(0).map(({ colour }) => colour),
    [0, 1]
  );
  first.running = false;
  assert.deepEqual(
    trials.choose(0).map(({ colour }) => colour),
    [1]
  );
  client.curves.set(9, curve(6, 0, true));
  assert.deepEqual(
    trials.choose(0).map(({ colour }) => colour),
    [1, 0]
  );
});

test('with more candidates than colours, the last colour is shared', () => {
  const curves = Array.from({ length: N_COLOURS + 2 }, (_, i) => curve(i + 1, 0, true));
  const colours = followTrials(clientWith(...curves))
    .choose(0)
    .map(({ colour }) => colour);
  assert.deepEqual(colours.slice(-3), [N_COLOURS - 1, N_COLOURS - 1, N_COLOURS - 1]);
});

test('the objective is the first plot, then validation, then other losses', () => {
  const names = ['lr', 'train_loss', 'val_bpb', 'accuracy'];
  const client = clientWith(...names.map(name => curve(1, 0, true, name)));
  const [trial] = followTrials(client).choose(0);
  assert.equal(trial.curves.size, 4);
  assert.deepEqual(namesOf([trial], 'accuracy'), ['accuracy', 'val_bpb', 'train_loss', 'lr']);
});
