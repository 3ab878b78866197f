/** The bar that decides: reason, buttons that say what they do, and news of the last decision. */

import type { Client, Pending } from '../client';
import { h, setText } from '../dom';
import type { Card } from '../protocol';
import { intendWhole, type Intent } from './decide';
import { describeNews } from './news';
import type { CardView } from './state';
import { listNumbers } from './words';

const MAX_REASON = 4000;

export interface BarHandlers {
  decide(intent: Intent): void;
  /** Sends the decision that the question is about. */
  confirm(): void;
  /** Closes the question without sending anything. */
  cancel(): void;
  edit(): void;
  setReason(text: string): void;
  /** Leaves the text field. */
  leaveReason(): void;
}

export interface BarPart {
  show(view: CardView): void;
}

export function mountBar(el: HTMLElement, client: Client, on: BarHandlers): BarPart {
  const element = h('div', { class: 'ar-review-bar', role: 'group', 'aria-label': 'decision' });
  const reason = mountReason(element, on);
  const choices = mountChoices(element, on);
  const question = mountQuestion(element, on);
  const news = mountNews(element, client);
  el.append(element);
  return {
    show(view) {
      reason.show(view);
      choices.show(view);
      question.show(view);
      news.show(view);
      element.setAttribute('aria-busy', String(!view.isIdle));
    }
  };
}

function mountReason(el: HTMLElement, on: BarHandlers): BarPart {
  const field = h('input', {
    type: 'text',
    class: 'ar-review-reason',
    placeholder: 'Reason (optional; the proposer reads it)',
    'aria-label': 'reason',
    maxlength: MAX_REASON,
    oninput: () => on.setReason(field.value),
    onkeydown: (event: KeyboardEvent) => event.key === 'Escape' && on.leaveReason()
  });
  el.append(field);
  return {
    show({ offer, desk }) {
      field.hidden = !offer.hunks;
      const differs = field.value !== desk.reason; // writing it anew would move the caret
      if (differs) field.value = desk.reason;
    }
  };
}

/** The buttons, hidden while a question is open or the files are edited. */
function mountChoices(el: HTMLElement, on: BarHandlers): BarPart {
  const main = makeChoice('ar-review-primary', 'Enter', '⏎', on);
  const accept = makeChoice('ar-review-accept', 'Shift+A', 'A', on);
  const reject = makeChoice('ar-review-reject', 'Shift+R', 'R', on);
  const edit = h(
    'button',
    { type: 'button', 'aria-keyshortcuts': 'E', onclick: () => on.edit() },
    'Edit by hand ',
    h('kbd', { 'aria-hidden': 'true' }, 'E')
  );
  const note = h('span', { class: 'ar-review-faint ar-review-note' });
  const buttons = [main.element, accept.element, reject.element, edit];
  const element = h('div', { class: 'ar-review-choices' }, ...buttons, note);
  el.append(element);
  return {
    show({ offer, intent, desk, isIdle }) {
      element.hidden = !offer.hunks || desk.question !== null || desk.isEditing;
      main.show(intent, isIdle);
      accept.show(isWhole(intent, 'accept') ? null : intendWhole('accept', offer), isIdle);
      reject.show(isWhole(intent, 'reject') ? null : intendWhole('reject', offer), isIdle);
      edit.disabled = !isIdle;
      setText(note, intent?.note ?? '');
    }
  };
}

/** Whether the first button sends this already, so that it needs no button of that kind. */
function isWhole(intent: Intent | null, verb: Intent['verb']): boolean {
  return intent !== null && intent.hunks === null && intent.verb === verb;
}

interface Choice {
  readonly element: HTMLButtonElement;
  /** Draws what a click sends; hidden where that is nothing. */
  show(intent: Intent | null, isEnabled: boolean): void;
}

function makeChoice(style: string, key: string, keySign: string, on: BarHandlers): Choice {
  let current: Intent | null = null;
  const text = h('span');
  const hint = h('kbd', { 'aria-hidden': 'true' }, keySign);
  const onclick = () => current && on.decide(current);
  const attributes = { type: 'button', class: style, 'aria-keyshortcuts': key, onclick };
  const element = h('button', attributes, text, ' ', hint);
  return {
    element,
    show(intent, isEnabled) {
      current = intent;
      element.hidden = intent === null;
      element.disabled = !isEnabled;
      if (intent) setText(text, intent.label);
    }
  };
}

/** Asks once more before a decision that discards other candidates too. */
function mountQuestion(el: HTMLElement, on: BarHandlers): BarPart {
  const text = h('span');
  const yes = h(
    'button',
    { type: 'button', class: 'ar-review-reject', onclick: () => on.confirm() },
    'Yes, all of them'
  );
  const no = h('button', { type: 'button', onclick: () => on.cancel() }, 'Cancel');
  const attributes = { class: 'ar-review-choices ar-review-confirm', role: 'alert', hidden: true };
  const element = h('div', attributes, text, yes, no);
  el.append(element);
  return {
    show({ card, desk: { question } }) {
      const wasHidden = element.hidden;
      element.hidden = question === null;
      if (!question) return;
      setText(text, describeQuestion(card, question));
      if (wasHidden) no.focus(); // not `yes`: the Enter that asked may still be down
    }
  };
}

function describeQuestion({ descendants }: Card, { label }: Intent): string {
  const candidates =
    descendants.length === 1
      ? '1 candidate made from it falls'
      : `${descendants.length} candidates made from it fall`;
  return `${label}? ${candidates} with it: ${listNumbers(descendants)}.`;
}

function mountNews(el: HTMLElement, client: Client): BarPart {
  let late: Pending | null = null;
  const message = h('span', { class: 'ar-review-message' });
  const onclick = () => late && client.askAgain(late);
  const again = h('button', { type: 'button', hidden: true, onclick }, 'Send again');
  el.append(h('div', { class: 'ar-review-news', role: 'status' }, message, again));
  return {
    show({ latest, offer }) {
      const news = describeNews(client, latest, offer.why);
      late = news.late;
      again.hidden = late === null;
      message.className = `ar-review-message ar-review-${news.tone}`;
      setText(message, news.text);
    }
  };
}
