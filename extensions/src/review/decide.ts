/**
 * What a person can decide about a candidate, and the request that her marks on hunks amount to.
 *
 * Values only: nothing here is sent or drawn.
 */

import type { Card, StudyInfo } from '../protocol';
import type { Marks } from './marks';
import { nameHunks } from './words';

/** What is open to a person. */
export interface Offer {
  /** Label of the button that accepts the whole candidate; null: it cannot be accepted. */
  accept: string | null;
  /** Label of the button that rejects the whole candidate; null: it cannot be rejected. */
  reject: string | null;
  /** Whether single hunks can be accepted and rejected. */
  hunks: boolean;
  /** Why something is not on offer; '' where that needs no words. */
  why: string;
}

const ONLY_PARTS = 'only some of its hunks, or your own version, can be tried.';

export function offerFor(card: Card, study: StudyInfo): Offer {
  if (study.read_only) {
    return offerNothing(
      'This is an imported log: there is nothing to decide. ' +
        'Start a study of your own to go on from it.'
    );
  }
  if (card.candidate === 0) {
    return offerNothing(
      'The baseline is what the study starts from; it can be neither accepted nor rejected.'
    );
  }
  const isScored = card.score !== null;
  switch (card.status) {
    case 'waiting': {
      const accept = isBeforeRun(card) ? 'Let it run' : 'Accept candidate';
      return { accept, reject: 'Reject candidate', hunks: true, why: '' };
    }
    case 'queued':
    case 'running':
    case 'provisional': {
      const accept = isScored ? 'Keep it now' : null;
      return { accept, reject: 'Reject candidate', hunks: true, why: '' };
    }
    case 'kept':
      return { accept: null, reject: 'Veto candidate', hunks: true, why: '' };
    case 'discarded':
    case 'revised':
      return offerAfterwards(card);
    case 'failed':
      return { accept: null, reject: null, hunks: true, why: `It failed: ${ONLY_PARTS}` };
    case 'ablated':
      return offerNothing(
        'It takes a kept change out again, to measure what that change is worth; ' +
          'it is not meant to be kept.'
      );
    case 'unknown':
      return offerNothing('The log says nothing about how it ended.');
  }
}

function offerNothing(why: string): Offer {
  return { accept: null, reject: null, hunks: false, why };
}

/** What can still be done with a candidate that was discarded or revised. */
function offerAfterwards(card: Card): Offer {
  const offer: Offer = { accept: null, reject: null, hunks: true, why: '' };
  if (card.can_be_tried) {
    return {
      ...offer,
      accept: 'Take the decision back',
      why: 'It was decided before it was tried.'
    };
  }
  if (card.score === null) return { ...offer, why: `It has no score: ${ONLY_PARTS}` };
  return { ...offer, accept: 'Keep it anyway' };
}

/** Whether it waits for a person before anything of it is run. */
export function isBeforeRun(card: Card): boolean {
  const latest = card.decisions[card.decisions.length - 1];
  return card.status === 'waiting' && latest?.verdict === 'defer' && latest.before_run;
}

/** A decision that a person is about to send. */
export interface Intent {
  readonly verb: 'accept' | 'reject';
  /** The hunks to keep; null: the decision is about the whole candidate. */
  readonly hunks: readonly number[] | null;
  /** The hunks that she rejected. Hunks in neither list were not marked; they are left out. */
  readonly rejected: readonly number[];
  /** Text of the button that sends it. */
  readonly label: string;
  /** What it does not keep, in words beside the button. */
  readonly note: string;
}

/** Accepts or rejects the candidate as a whole; null where that is not on offer. */
export function intendWhole(verb: Intent['verb'], offer: Offer): Intent | null {
  const label = offer[verb];
  if (label === null) return null;
  return { verb, hunks: null, rejected: [], label, note: '' };
}

/**
 * What Enter sends; null when there is nothing to send.
 *
 * Without a mark, what waits is accepted. With accepted hunks, these are kept. With rejected hunks
 * only, all others are kept; and when every hunk is rejected, the candidate is.
 */
export function intentOf(card: Card, offer: Offer, marks: Marks): Intent | null {
  if (marks.byHunk.size === 0) {
    return card.status === 'waiting' ? intendWhole('accept', offer) : null;
  }
  const hunks = listHunks(card);
  const accepted = hunks.filter(hunk => marks.byHunk.get(hunk) === 'accepted');
  const rejected = hunks.filter(hunk => marks.byHunk.get(hunk) === 'rejected');
  const kept = accepted.length ? accepted : hunks.filter(hunk => !rejected.includes(hunk));
  if (kept.length === 0) return intendWhole('reject', offer);
  if (kept.length === hunks.length) return intendWhole('accept', offer);
  const leftOut = hunks.filter(hunk => !kept.includes(hunk) && !rejected.includes(hunk));
  const pronoun = kept.length === 1 ? 'it' : 'them';
  return {
    verb: 'accept',
    hunks: kept,
    rejected,
    label: `Accept ${nameHunks(kept)} and try ${pronoun}`,
    note: describeRest(rejected, leftOut)
  };
}

function describeRest(rejected: number[], leftOut: number[]): string {
  const parts: string[] = [];
  if (rejected.length) parts.push(`rejects ${nameHunks(rejected)}`);
  if (leftOut.length) parts.push(`leaves out ${nameHunks(leftOut)}`);
  return parts.join(', ');
}

export function listHunks(card: Card): number[] {
  const parts = card.files.flatMap(file => file.parts);
  return parts.flatMap(part => (part.type === 'hunk' ? [part.id] : []));
}

/** Whether the decision also discards candidates that were made from this one. */
export function takesOthersAlong(card: Card, intent: Intent): boolean {
  const leavesSomethingOut = intent.verb === 'reject' || intent.hunks !== null;
  return leavesSomethingOut && card.descendants.length > 0;
}

/** A request as it is filed. */
export interface DecisionRequest {
  readonly verb: 'accept' | 'reject' | 'edit';
  readonly body: Record<string, unknown>;
}

/** The digest tells the loop which program the person saw: if it has changed, the loop refuses. */
export function composeDecision(intent: Intent, card: Card, reason: string): DecisionRequest {
  const body: Record<string, unknown> = { candidate: card.candidate, program: card.program };
  if (intent.hunks) body.hunks = intent.hunks;
  if (intent.rejected.length) body.rejected = intent.rejected;
  body.reason = reason;
  return { verb: intent.verb, body };
}

/** Undoes the rejection of a candidate that has not run yet. */
export function composeTakeBack(card: Card): DecisionRequest {
  return { verb: 'accept', body: { candidate: card.candidate, program: card.program } };
}

export function composeEdit(
  card: Card,
  files: Record<string, string>,
  reason: string
): DecisionRequest {
  const body = { candidate: card.candidate, program: card.program, files, reason };
  return { verb: 'edit', body };
}
