/** The review: one candidate in full, a person's decision about it, and the queue of the others. */

import type { Client, Pending } from '../client';
import { h } from '../dom';
import { act, toggleKeys } from './actions';
import { mountCard, type CardHandlers } from './card';
import * as decisions from './decisions';
import { startDraft } from './draft';
import { keepFocus } from './focus';
import { drawKeys, listen } from './keys';
import { mountNotices } from './notices';
import { mountQueue, nextAfter, waitingIn } from './queue';
import { announce, currentView, draw, drawDecision, focusCard, focusRoot } from './screen';
import type { Review } from './screen';
import { isDecision, startState } from './state';

/** Shows the review card in `el`; returns how to remove it. */
export function mountReview(el: HTMLElement, client: Client): () => void {
  const review = makeReview(el, client);
  const { root, card } = review;
  const observer = new ResizeObserver(([entry]) => card.changes.fit(entry.contentRect.width));
  const stops = [
    listen(root, action => act(review, action)),
    client.on('study', () => begin(review)),
    client.on('state', () => follow(review)),
    client.on('rows', () => follow(review)),
    client.on('selection', () => choose(review, client.selected ?? review.state.shown)),
    client.on('card', detail => receiveCard(review, detail)),
    client.on('pending', detail => followDecision(review, detail as Pending)),
    client.on('connection', () => draw(review)),
    client.on('error', detail => complain(review, String(detail)))
  ];
  observer.observe(root);
  card.changes.fit(root.clientWidth);
  begin(review);
  return () => {
    for (const stop of stops) stop();
    observer.disconnect();
    card.remove();
    client.watchCurves([], 'review');
    root.remove();
  };
}

function makeReview(el: HTMLElement, client: Client): Review {
  const attributes = { tabindex: -1, 'aria-label': 'review' };
  const root = h('section', { class: 'ar-review', ...attributes });
  const queue = mountQueue(root, client, () => toggleKeys(review));
  const keys = drawKeys();
  root.append(keys);
  const notices = mountNotices(root, client, {
    takeBack: card => decisions.takeBack(review, card),
    change: change => keepFocus(root, change)
  });
  const absence = h('div', { class: 'ar-review-empty' });
  root.append(absence);
  const card = mountCard(
    root,
    client,
    handlersOf(() => review)
  );
  const voice = h('div', { class: 'ar-unseen', role: 'status', 'aria-live': 'polite' });
  root.append(voice);
  el.append(root);
  const state = startState();
  const review: Review = { client, state, root, queue, notices, keys, absence, card, voice };
  return review;
}

/** @param review the parts are mounted before there is a review, and use it only when clicked. */
function handlersOf(review: () => Review): CardHandlers {
  return {
    toggle: (hunk, mark) => decisions.toggleHunk(review(), hunk, mark),
    decide: intent => decisions.decide(review(), intent),
    confirm: () => decisions.confirmDecision(review()),
    cancel: () => decisions.cancelQuestion(review()),
    edit: () => decisions.openEditor(review()),
    sendEdit: () => decisions.sendEdit(review()),
    closeEditor: () => decisions.closeEditor(review()),
    leaveReason: () => focusCard(review()),
    setReason: text => {
      const view = currentView(review());
      if (view) view.desk.reason = text;
    }
  };
}

/** The feed starts again: with the same study after a reconnect, or with another study. */
function begin(review: Review): void {
  const { client, state } = review;
  if (client.study && client.study.opened_at !== state.openedAt) {
    state.openedAt = client.study.opened_at;
    state.desks.clear();
    state.shown = null;
  }
  // The client asks for the selected candidate's card itself.
  if (state.shown !== null && state.shown !== client.selected) client.want(state.shown);
  follow(review);
}

/** Shows what is selected, else what was shown, else the first candidate that waits. */
function follow(review: Review): void {
  const { client, state } = review;
  const next = client.selected ?? state.shown ?? waitingIn(client)[0] ?? null;
  review.queue.update(next);
  review.notices.update();
  if (next === state.shown) draw(review);
  else choose(review, next);
}

function choose(review: Review, candidate: number | null): void {
  const { client, state, root } = review;
  if (candidate === state.shown) return;
  state.refocus ||= root.contains(document.activeElement);
  if (state.refocus) focusRoot(review); // the element that has the focus is about to be redrawn
  state.shown = candidate;
  state.problem = '';
  client.watchCurves(candidate === null ? [] : [candidate], 'review');
  const isOurs = candidate !== null && candidate !== client.selected;
  if (isOurs && !client.cards.has(candidate)) client.want(candidate);
  follow(review);
}

/** The topic `card` brings the number of a card that has come, or a candidate's files. */
function receiveCard(review: Review, detail: unknown): void {
  const { state } = review;
  if (typeof detail === 'number') {
    review.notices.update();
    if (detail === state.shown) draw(review);
    return;
  }
  const { candidate, files } = detail as { candidate: number; files: Record<string, string> };
  const desk = state.desks.get(candidate);
  if (desk?.isEditing && !desk.draft) desk.draft = startDraft(files);
  if (candidate === state.shown) draw(review);
}

/** A request has moved on. */
function followDecision(review: Review, pending: Pending): void {
  if (!isDecision(pending)) return;
  const { state } = review;
  const isAdoption = pending.state === 'adopted' && !state.settled.has(pending.decision_id);
  if (isAdoption) return settleDecision(review, pending);
  if (pending.body.candidate !== state.shown) return;
  if (pending.state === 'refused') announce(review, `refused: ${pending.reason}`);
  drawDecision(review);
}

/** Tells that a decision is adopted, and brings up the next candidate that waits. */
function settleDecision(review: Review, pending: Pending): void {
  const { client, state } = review;
  const candidate = pending.body.candidate as number;
  const isTakeBack = state.takeBacks.has(pending.decision_id);
  state.settled.add(pending.decision_id);
  state.desks.delete(candidate);
  review.notices.add(pending, isTakeBack);
  announce(
    review,
    isTakeBack
      ? `decision about candidate ${candidate} taken back`
      : `${pending.verb} of candidate ${candidate} adopted`
  );
  // Stay if the person made a candidate from this one, or took a decision back.
  const isNew = pending.candidate !== null && pending.candidate !== candidate;
  const isDone = candidate === state.shown && !isNew && !isTakeBack;
  const next = nextAfter(waitingIn(client), candidate);
  if (isDone && next !== undefined) client.select(next);
  draw(review);
}

/** Shows a problem where the card would be; a card that is here stays. */
function complain(review: Review, message: string): void {
  review.state.problem = message;
  if (!currentView(review)) draw(review);
}
