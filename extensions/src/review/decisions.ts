/** What a person does about the candidate that is shown: marks, decisions, her own version. */

import { isOpen } from '../pending';
import type { Card } from '../protocol';
import {
  composeDecision,
  composeEdit,
  composeTakeBack,
  takesOthersAlong,
  type DecisionRequest,
  type Intent
} from './decide';
import { changedFiles } from './draft';
import { toggleMark, undoMark, type Mark, type Marks } from './marks';
import { announce, currentView, draw, drawDecision, focusCard, focusRoot } from './screen';
import type { Review } from './screen';
import { isDecision } from './state';

/** Accepts or rejects a hunk; the same mark again is taken off. */
export function toggleHunk(review: Review, hunk: number, mark: Mark): void {
  const view = currentView(review);
  if (view?.isIdle) setMarks(review, hunk, toggleMark(view.desk.marks, hunk, mark));
}

export function undoLastMark(review: Review): void {
  const view = currentView(review);
  const undone = view?.isIdle ? undoMark(view.desk.marks) : null;
  if (!undone) return announce(review, 'nothing to undo');
  review.card.changes.diff.goTo(undone.hunk);
  setMarks(review, undone.hunk, undone.marks);
}

function setMarks(review: Review, hunk: number, marks: Marks): void {
  const view = currentView(review);
  if (!view) return;
  view.desk.marks = marks;
  drawDecision(review);
  const { diff } = review.card.changes;
  const mark = marks.byHunk.get(hunk) ?? 'open again';
  announce(review, `hunk ${diff.placeOf(hunk)} of ${diff.count} ${mark}`);
}

/** Sends a decision. If it discards other candidates too, the bar asks first. */
export function decide(review: Review, intent: Intent | null): void {
  const view = currentView(review);
  if (!view?.isIdle) return;
  if (!intent) return announce(review, 'nothing to send: choose some hunks first');
  if (!takesOthersAlong(view.card, intent)) return sendDecision(review, intent);
  view.desk.question = intent;
  drawDecision(review);
}

/** Sends the decision that waits for a yes. */
export function confirmDecision(review: Review): void {
  const view = currentView(review);
  if (view?.isIdle && view.desk.question) sendDecision(review, view.desk.question);
}

function sendDecision(review: Review, intent: Intent): void {
  const view = currentView(review);
  if (!view) return;
  const { card, desk } = view;
  desk.question = null;
  const id = fileRequest(review, card, composeDecision(intent, card, desk.reason));
  const isTakeBack = card.can_be_tried && intent.verb === 'accept' && intent.hunks === null;
  if (id !== null && isTakeBack) review.state.takeBacks.add(id);
  announce(review, `${intent.label}: sent`);
  focusCard(review);
}

/** Undoes the rejection of a candidate that has not run yet. */
export function takeBack(review: Review, card: Card): void {
  const id = fileRequest(review, card, composeTakeBack(card));
  if (id !== null) review.state.takeBacks.add(id);
}

/** Files a request and returns its id; null when another decision about the card is under way. */
function fileRequest(
  { client }: Review,
  card: Card,
  { verb, body }: DecisionRequest
): string | null {
  const open = client.pendingFor(card.candidate).filter(isDecision).filter(isOpen);
  if (open.length) return null;
  return client.ask(verb, body).decision_id;
}

/** Closes the question before a decision; false when none is open. */
export function cancelQuestion(review: Review): boolean {
  const view = currentView(review);
  if (!view?.desk.question) return false;
  view.desk.question = null;
  drawDecision(review);
  focusCard(review);
  return true;
}

export function openEditor(review: Review): void {
  const view = currentView(review);
  if (!view?.isIdle) return;
  const { card, desk } = view;
  desk.isEditing = true;
  if (!desk.draft) review.client.wantFiles(card.candidate);
  focusRoot(review);
  draw(review);
}

export function closeEditor(review: Review): void {
  const view = currentView(review);
  if (!view) return;
  view.desk.isEditing = false;
  draw(review);
  focusCard(review);
}

export function sendEdit(review: Review): void {
  const view = currentView(review);
  if (!view?.isIdle || !view.desk.draft) return;
  const { card, desk } = view;
  fileRequest(review, card, composeEdit(card, changedFiles(view.desk.draft), desk.reason));
  focusRoot(review);
}
