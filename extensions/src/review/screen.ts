/** The parts of the review's screen, and drawing them from its state. */

import type { Client } from '../client';
import { setText } from '../dom';
import type { CardPart } from './card';
import { keepFocus } from './focus';
import type { Notices } from './notices';
import type { Queue } from './queue';
import { viewOf, type CardView, type ReviewState } from './state';
import { describeAbsence } from './words';

/** A mounted review: all that its functions work on. */
export interface Review {
  readonly client: Client;
  readonly state: ReviewState;
  readonly root: HTMLElement;
  readonly queue: Queue;
  readonly notices: Notices;
  /** The list of keys. */
  readonly keys: HTMLElement;
  /** Says why there is no card, while there is none. */
  readonly absence: HTMLElement;
  readonly card: CardPart;
  /** Tells a screen reader what has happened. */
  readonly voice: HTMLElement;
}

/** What is drawn of the candidate that is shown; null as long as its card is not here. */
export function currentView({ state, client }: Review): CardView | null {
  return viewOf(state, client);
}

/** Draws the card, or why there is none. */
export function draw(review: Review): void {
  const { state, client, absence, card } = review;
  keepFocus(review.root, () => {
    const view = currentView(review);
    absence.hidden = view !== null;
    card.element.hidden = view === null;
    if (!view) {
      setText(absence, state.problem || describeAbsence(client, state.shown));
      return;
    }
    card.show(view);
    if (state.refocus) focusCard(review);
    state.refocus = false;
  });
}

/** Draws what a mark or a decision changes; the head and the diff's lines stay as they are. */
export function drawDecision(review: Review): void {
  const view = currentView(review);
  if (view) keepFocus(review.root, () => review.card.showDecision(view));
}

/** Puts the focus where keys act: on the current hunk, else on the whole. */
export function focusCard(review: Review): void {
  const isEditing = currentView(review)?.desk.isEditing ?? false;
  const isOnHunk = !isEditing && review.card.changes.diff.focus();
  if (!isOnHunk) focusRoot(review);
}

export function focusRoot({ root }: Review): void {
  root.focus({ preventScroll: true });
}

export function announce({ voice }: Review, text: string): void {
  voice.textContent = text;
}
