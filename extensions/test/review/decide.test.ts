import * as assert from 'node:assert/strict';
import { test } from 'node:test';
import { STATUSES, type Card } from '../../src/protocol';
import * as decide from '../../src/review/decide';
import { NO_MARKS, toggleMark, type Mark, type Marks } from '../../src/review/marks';
import { makeCard, makeDecision, makeStudy } from '../samples';

const STUDY = makeStudy();

function mark(...marks: [hunk: number, mark: Mark][]): Marks {
  return marks.reduce((all, [hunk, word]) => toggleMark(all, hunk, word), NO_MARKS);
}

function intend(card: Card, marks: Marks): decide.Intent | null {
  return decide.intentOf(card, decide.offerFor(card, STUDY), marks);
}

/** The body of the request that Enter sends. */
function bodyOf(card: Card, marks: Marks, reason = ''): Record<string, unknown> {
  return decide.composeDecision(intend(card, marks)!, card, reason).body;
}

test('to reject a hunk is a rejection in the request', () => {
  const card = makeCard(11);
  const intent = intend(card, mark([2, 'rejected']))!;
  assert.equal(intent.verb, 'accept');
  assert.equal(intent.label, 'Accept hunks 1, 3, 4 and try them');
  assert.equal(intent.note, 'rejects hunk 2');
  assert.deepEqual(bodyOf(card, mark([2, 'rejected']), 'too slow'), {
    candidate: 11,
    program: 'digest11',
    hunks: [1, 3, 4],
    rejected: [2],
    reason: 'too slow'
  });
});

test('with an accepted hunk, what has no mark is left out and not rejected', () => {
  const card = makeCard(11);
  const marks = mark([1, 'accepted'], [3, 'rejected']);
  const intent = intend(card, marks)!;
  assert.equal(intent.label, 'Accept hunk 1 and try it');
  assert.equal(intent.note, 'rejects hunk 3, leaves out hunks 2, 4');
  assert.deepEqual(intent.hunks, [1]);
  assert.deepEqual(intent.rejected, [3]);
});

test('a request that rejects nothing has no word of rejection', () => {
  const body = bodyOf(makeCard(11), mark([1, 'accepted'], [3, 'accepted']));
  assert.deepEqual(body.hunks, [1, 3]);
  assert.equal('rejected' in body, false);
});

test('to reject every hunk is to reject the candidate', () => {
  const card = makeCard(11, [1, 2]);
  const intent = intend(card, mark([1, 'rejected'], [2, 'rejected']))!;
  assert.equal(intent.label, 'Reject candidate');
  const { verb, body } = decide.composeDecision(intent, card, '');
  assert.equal(verb, 'reject');
  assert.deepEqual(body, { candidate: 11, program: 'digest11', reason: '' });
});

test('to accept every hunk is to accept the candidate', () => {
  const card = makeCard(11, [1, 2]);
  const intent = intend(card, mark([1, 'accepted'], [2, 'accepted']))!;
  assert.equal(intent.label, 'Accept candidate');
  assert.equal(intent.hunks, null);
});

test('without a mark, Enter accepts what waits and nothing else', () => {
  assert.equal(intend(makeCard(11), NO_MARKS)?.label, 'Accept candidate');
  assert.equal(intend(makeCard(11, [1], { status: 'kept' }), NO_MARKS), null);
});

test('marks on hunks that are not in the card any more count for nothing', () => {
  const intent = intend(makeCard(11, [1, 2]), mark([1, 'accepted'], [7, 'rejected']))!;
  assert.deepEqual(intent.hunks, [1]);
  assert.deepEqual(intent.rejected, []);
});

test('hunks of a failed candidate can be tried, but it cannot be judged as a whole', () => {
  const card = makeCard(11, [1, 2], { status: 'failed', score: null });
  assert.equal(intend(card, mark([1, 'accepted']))?.label, 'Accept hunk 1 and try it');
  assert.equal(intend(card, mark([1, 'rejected'], [2, 'rejected'])), null);
});

test('hunks of all files count, and gaps do not', () => {
  const [file] = makeCard(11, [1, 2]).files;
  const [other] = makeCard(11, [3]).files;
  assert.deepEqual(decide.listHunks(makeCard(11, [], { files: [file, other] })), [1, 2, 3]);
});

const OFFERS: [
  words: string,
  fields: Partial<Card>,
  accept: string | null,
  reject: string | null
][] = [
  ['what waits', {}, 'Accept candidate', 'Reject candidate'],
  ['what runs without a score', { status: 'running', score: null }, null, 'Reject candidate'],
  ['what has a score already', { status: 'provisional' }, 'Keep it now', 'Reject candidate'],
  ['what was kept', { status: 'kept' }, null, 'Veto candidate'],
  ['what was discarded', { status: 'discarded' }, 'Keep it anyway', null],
  ['what was discarded unscored', { status: 'discarded', score: null }, null, null],
  ['what an ablation tried', { status: 'ablated' }, null, null]
];

for (const [words, fields, accept, reject] of OFFERS) {
  test(`${words} offers ${accept} and ${reject}`, () => {
    const offer = decide.offerFor(makeCard(11, [1], fields), STUDY);
    assert.equal(offer.accept, accept);
    assert.equal(offer.reject, reject);
  });
}

test('hunks can be judged wherever another version could still be tried', () => {
  const closed = new Set(['ablated', 'unknown']);
  const wrong = STATUSES.filter(status => {
    const offer = decide.offerFor(makeCard(11, [1], { status }), STUDY);
    return offer.hunks === closed.has(status);
  });
  assert.deepEqual(wrong, []);
});

test('what waits before its run is let run', () => {
  const decisions = [makeDecision({ before_run: true })];
  const card = makeCard(11, [1], { decisions, score: null });
  assert.ok(decide.isBeforeRun(card));
  assert.equal(decide.offerFor(card, STUDY).accept, 'Let it run');
});

test('a rejection before the run can be taken back', () => {
  const card = makeCard(11, [1], { status: 'discarded', score: null, can_be_tried: true });
  assert.equal(decide.offerFor(card, STUDY).accept, 'Take the decision back');
  assert.deepEqual(decide.composeTakeBack(card), {
    verb: 'accept',
    body: { candidate: 11, program: 'digest11' }
  });
});

test('an imported log and the baseline offer nothing, and say why', () => {
  const imported = decide.offerFor(makeCard(11), makeStudy({ read_only: true }));
  assert.deepEqual([imported.accept, imported.reject, imported.hunks], [null, null, false]);
  assert.match(imported.why, /imported log/);
  const baseline = decide.offerFor(makeCard(0), STUDY);
  assert.equal(baseline.hunks, false);
  assert.match(baseline.why, /baseline/);
});

test('a rejection, and some hunks alone, take descendants along; to accept all does not', () => {
  const card = makeCard(11, [1, 2], { descendants: [12] });
  const offer = decide.offerFor(card, STUDY);
  const some = intend(card, mark([1, 'accepted']))!;
  assert.ok(decide.takesOthersAlong(card, decide.intendWhole('reject', offer)!));
  assert.ok(decide.takesOthersAlong(card, some));
  assert.ok(!decide.takesOthersAlong(card, decide.intendWhole('accept', offer)!));
  assert.ok(!decide.takesOthersAlong(makeCard(11), some));
});

test('an edit is sent with the program that was looked at', () => {
  assert.deepEqual(decide.composeEdit(makeCard(11), { 'train.py': 'x = 2\n' }, 'simpler'), {
    verb: 'edit',
    body: {
      candidate: 11,
      program: 'digest11',
      files: { 'train.py': 'x = 2\n' },
      reason: 'simpler'
    }
  });
});
