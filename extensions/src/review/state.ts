/** What the review screen remembers, and what it draws from that. Nothing here touches the page. */

import type { Client, Pending } from '../client';
import { isOpen } from '../pending';
import type { Card, StudyInfo } from '../protocol';
import { intentOf, offerFor, type Intent, type Offer } from './decide';
import type { Draft } from './draft';
import { NO_MARKS, type Marks } from './marks';

/** What a person has begun to decide about one candidate; it stays while she looks at others. */
export interface Desk {
  marks: Marks;
  reason: string;
  /** A decision that would discard other candidates too, and waits for her confirmation. */
  question: Intent | null;
  isEditing: boolean;
  /** Her texts; null before the files have come. */
  draft: Draft | null;
}

export interface ReviewState {
  /** The candidate on the card; null: none. */
  shown: number | null;
  /** By candidate. */
  readonly desks: Map<number, Desk>;
  /** Ids of decisions whose adoption was announced: the feed may report one twice. */
  readonly settled: Set<string>;
  /** Ids of decisions that undo an earlier one. */
  readonly takeBacks: Set<string>;
  /** The focus was inside when the candidate changed; the new card takes it once it is drawn. */
  refocus: boolean;
  /** Why there is no card; '' while one may still come. */
  problem: string;
  /** When the study was opened, by which two studies of one path are told apart. */
  openedAt: number;
}

export function startState(): ReviewState {
  return {
    shown: null,
    desks: new Map(),
    settled: new Set(),
    takeBacks: new Set(),
    refocus: false,
    problem: '',
    openedAt: 0
  };
}

/** The desk of a candidate; an empty one where she has begun nothing. */
export function deskOf(state: ReviewState, candidate: number): Desk {
  const desk = state.desks.get(candidate) ?? startDesk();
  state.desks.set(candidate, desk);
  return desk;
}

function startDesk(): Desk {
  return { marks: NO_MARKS, reason: '', question: null, isEditing: false, draft: null };
}

const DECISIONS = new Set(['accept', 'reject', 'edit']);

/** Whether a request decides about a candidate. */
export function isDecision(pending: Pending): boolean {
  return DECISIONS.has(pending.verb);
}

/** The latest decision about a candidate that was made on this page. */
export function latestDecision(client: Pick<Client, 'pending'>, candidate: number): Pending | null {
  const decisions = [...client.pending.values()].filter(isDecision);
  return decisions.reverse().find(({ body }) => body.candidate === candidate) ?? null;
}

/** All that is drawn of one candidate. */
export interface CardView {
  readonly card: Card;
  readonly study: StudyInfo;
  readonly desk: Desk;
  readonly offer: Offer;
  /** What Enter sends; null: nothing. */
  readonly intent: Intent | null;
  /** The latest decision about it; null: none yet. */
  readonly latest: Pending | null;
  /** Whether a decision can be made now: no other is under way. */
  readonly isIdle: boolean;
}

/** What is drawn of the candidate that is shown; null as long as its card is not here. */
export function viewOf(
  state: ReviewState,
  client: Pick<Client, 'cards' | 'pending' | 'study'>
): CardView | null {
  const { shown } = state;
  const { study } = client;
  const card = shown === null ? undefined : client.cards.get(shown);
  if (!card || !study) return null;
  const desk = deskOf(state, card.candidate);
  const offer = offerFor(card, study);
  const latest = latestDecision(client, card.candidate);
  const intent = intentOf(card, offer, desk.marks);
  const isIdle = latest === null || !isOpen(latest);
  return { card, study, desk, offer, intent, latest, isIdle };
}
