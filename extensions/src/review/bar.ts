/** The bar that decides: reason, buttons that say what they do, and what has become of the last decision. */

import type { Client, Pending } from '../client';
import { h, setText } from '../dom';
import type { Card } from '../protocol';
import { type Intent, numbersInWords, type Offer, whole } from './decide';

export interface BarHandlers {
  decide(intent: Intent): void;
  reason(text: string): void;
  edit(): void;
  cancel(): void;
  leave(): void;
}

/** What the bar shows. `asking`: a decision that takes other candidates with it and waits for one more click. */
export interface BarView {
  card: Card;
  offer: Offer;
  intent: Intent | null;
  asking: Intent | null;
  reason: string;
  editing: boolean;
  last: Pending | null;
}

/** Whether a decision is under way, so that none other can be made. */
export function isUnderWay(pending: Pending | null): boolean {
  return pending !== null && (pending.state === 'sent' || pending.state === 'filed');
}

class Choice {
  readonly button: HTMLButtonElement;
  private text = h('span');
  private intent: Intent | null = null;

  constructor(kind: string, key: string, decide: (intent: Intent) => void) {
    const hint = h('kbd', { 'aria-hidden': 'true' }, key === 'Enter' ? '⏎' : key.slice(-1));
    const send = () => this.intent && decide(this.intent);
    this.button = h('button', { type: 'button', class: kind, 'aria-keyshortcuts': key, onclick: send }, this.text, ' ', hint);
  }

  show(intent: Intent | null, enabled: boolean): void {
    this.intent = intent;
    this.button.hidden = intent === null;
    this.button.disabled = !enabled;
    if (intent) setText(this.text, intent.label);
  }
}

export class Bar {
  readonly element: HTMLElement;
  private reason: HTMLInputElement;
  private main: Choice;
  private accept: Choice;
  private reject: Choice;
  private edit: HTMLButtonElement;
  private note = h('span', { class: 'ar-review-faint ar-review-note' });
  private again = h('button', { type: 'button', hidden: true, onclick: () => this.late && this.client.askAgain(this.late) }, 'Send again');
  private message = h('span', { class: 'ar-review-message' });
  private question = h('span');
  private confirm: HTMLElement;
  private actions: HTMLElement;
  private late: Pending | null = null;
  private asking: Intent | null = null;

  constructor(private client: Client, handlers: BarHandlers) {
    this.reason = h('input', {
      type: 'text',
      class: 'ar-review-reason',
      placeholder: 'Reason (optional; the proposer reads it)',
      'aria-label': 'reason',
      maxlength: 4000,
      oninput: () => handlers.reason(this.reason.value),
      onkeydown: (event: KeyboardEvent) => event.key === 'Escape' && handlers.leave()
    });
    this.main = new Choice('ar-review-primary', 'Enter', handlers.decide);
    this.accept = new Choice('ar-review-accept', 'Shift+A', handlers.decide);
    this.reject = new Choice('ar-review-reject', 'Shift+R', handlers.decide);
    const hint = h('kbd', { 'aria-hidden': 'true' }, 'E');
    this.edit = h('button', { type: 'button', 'aria-keyshortcuts': 'E', onclick: () => handlers.edit() }, 'Edit by hand ', hint);
    const confirmed = () => this.asking && handlers.decide(this.asking);
    const yes = h('button', { type: 'button', class: 'ar-review-reject', onclick: confirmed }, 'Yes, all of them');
    const no = h('button', { type: 'button', onclick: () => handlers.cancel() }, 'Cancel');
    this.confirm = h('div', { class: 'ar-review-choices ar-review-confirm', role: 'alert', hidden: true }, this.question, yes, no);
    this.actions = h('div', { class: 'ar-review-choices' }, this.main.button, this.accept.button, this.reject.button, this.edit, this.note);
    const news = h('div', { class: 'ar-review-news', role: 'status' }, this.message, this.again);
    this.element = h('div', { class: 'ar-review-bar', role: 'group', 'aria-label': 'decision' }, this.reason, this.actions, this.confirm, news);
  }

  update(view: BarView): void {
    const { offer, intent, asking, last } = view;
    const idle = !isUnderWay(last);
    const closed = !offer.hunks;
    const acts = asking === null && !view.editing;
    this.asking = asking;
    this.reason.hidden = closed;
    if (this.reason.value !== view.reason) this.reason.value = view.reason;
    this.actions.hidden = closed || !acts;
    this.main.show(intent, idle);
    this.accept.show(sameAs(intent, 'accept') ? null : whole('accept', offer), idle);
    this.reject.show(sameAs(intent, 'reject') ? null : whole('reject', offer), idle);
    this.edit.disabled = !idle;
    setText(this.note, intent?.note ?? '');
    this.ask(view.card, asking);
    this.report(last, offer.why);
    this.element.setAttribute('aria-busy', String(!idle));
  }

  private ask(card: Card, asking: Intent | null): void {
    const was = this.confirm.hidden;
    this.confirm.hidden = asking === null;
    if (!asking) return;
    const n = card.descendants.length;
    const fall = n === 1 ? '1 candidate made from it falls with it' : `${n} candidates made from it fall with it`;
    setText(this.question, `${asking.label}? ${fall}: ${numbersInWords(card.descendants)}.`);
    if (was) this.confirm.querySelector<HTMLElement>('button:last-child')?.focus(); // not on yes: the Enter that asked may still be down
  }

  private report(last: Pending | null, why: string): void {
    const [tone, text] = this.news(last, why);
    this.late = last && this.client.isLate(last) ? last : null;
    this.again.hidden = this.late === null;
    this.message.className = `ar-review-message ar-review-${tone}`;
    setText(this.message, text);
  }

  private news(last: Pending | null, why: string): [tone: string, text: string] {
    const { client } = this;
    if (last && client.isLate(last)) {
      const attach = `Run %autoresearch attach ${client.study?.name ?? ''} in a cell, or send it again: it takes effect once.`;
      return ['bad', `Disconnected: nobody has stored this decision${client.problem && ` (${client.problem})`}. ${attach}`];
    }
    if (last?.state === 'sent') return ['pending', 'Sending …'];
    const waiting = client.state?.alive || client.state?.state === 'running' ? 'Recorded; waiting for the loop …' : 'Recorded; no loop is alive: it takes effect as soon as one is.';
    if (last?.state === 'filed') return ['pending', waiting];
    if (last?.state === 'refused') return ['bad', `Refused: ${last.reason.replace(/\.$/, '')}. Your choice is kept.`];
    if (why) return ['faint', why];
    return ['faint', client.connected ? '' : `Disconnected: ${client.problem}. What is shown may be old.`];
  }
}

function sameAs(intent: Intent | null, verb: Intent['verb']): boolean {
  return intent !== null && intent.hunks === null && intent.verb === verb;
}
