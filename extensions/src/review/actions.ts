/** What each key of the review card does. */

import { intendWhole } from './decide';
import { cancelQuestion, decide, openEditor, toggleHunk, undoLastMark } from './decisions';
import type { Action } from './keys';
import { announce, currentView, type Review } from './screen';
import type { CardView } from './state';

export function act(review: Review, action: Action): void {
  switch (action) {
    case 'help':
      return toggleKeys(review);
    case 'later':
      return review.queue.step(1);
    case 'earlier':
      return review.queue.step(-1);
    case 'layout':
      return review.card.changes.toggleSplit();
    case 'leave':
      return leave(review);
    default: {
      const view = currentView(review);
      const isOpen = view && !view.desk.isEditing && !view.desk.question;
      if (isOpen) actOnCard(review, action, view);
    }
  }
}

export function toggleKeys({ keys }: Review): void {
  keys.hidden = !keys.hidden;
}

/** Closes what was opened last: a question, else the list of keys. */
function leave(review: Review): void {
  if (!cancelQuestion(review)) review.keys.hidden = true;
}

type CardAction = Exclude<Action, 'help' | 'later' | 'earlier' | 'layout' | 'leave'>;

function actOnCard(review: Review, action: CardAction, { offer, intent }: CardView): void {
  const { diff } = review.card.changes;
  if (action === 'next') return diff.move(1);
  if (action === 'previous') return diff.move(-1);
  if (!offer.hunks) return announce(review, offer.why);
  const hunk = diff.current;
  switch (action) {
    case 'accept':
      if (hunk !== null) toggleHunk(review, hunk, 'accepted');
      return;
    case 'reject':
      if (hunk !== null) toggleHunk(review, hunk, 'rejected');
      return;
    case 'undo':
      return undoLastMark(review);
    case 'edit':
      return openEditor(review);
    case 'send':
      return decide(review, intent);
    case 'acceptAll':
      return decide(review, intendWhole('accept', offer));
    case 'rejectAll':
      return decide(review, intendWhole('reject', offer));
  }
}
