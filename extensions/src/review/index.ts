/** The review card: one candidate in full, a person's decision about it, and the queue of those that wait. */

import type { Client, Pending } from '../client';
import { h, setText } from '../dom';
import type { Card } from '../protocol';
import { Bar, isUnderWay } from './bar';
import { Head } from './card';
import { type Choice, Choices, type Intent, intentOf, offerFor, whole } from './decide';
import { DiffView } from './diff';
import { Draft, Editor } from './edit';
import { keepingFocus } from './focus';
import { type Action, keyList, listen } from './keys';
import { rememberedSplit, rememberSplit } from './layout';
import { Notices } from './notice';
import { Queue } from './queue';
import { emptyWords } from './words';

const SPLIT_PX = 760;
const DECIDING = new Set(['accept', 'reject', 'edit']);

/** What a person has begun about one candidate; kept while she looks at others. */
interface Desk {
  choices: Choices;
  reason: string;
  asking: Intent | null;
  editing: boolean;
  draft: Draft | null;
}

/** Shows the review card in `el`; returns how to remove it. */
export function mountReview(el: HTMLElement, client: Client): () => void {
  const review = new Review(client);
  el.append(review.root);
  review.start();
  return () => review.remove();
}

class Review {
  readonly root: HTMLElement;
  private shown: number | null = null;
  private desks = new Map<number, Desk>();
  private wholeFiles = new Set<number>();
  private settled = new Set<string>();
  private takenBack = new Set<string>();
  private split = rememberedSplit();
  private wide = false;
  private refocus = false;
  private trouble = '';
  private openedAt = 0;
  private frame = 0;
  private stops: (() => void)[] = [];

  private queue: Queue;
  private notices: Notices;
  private keys = keyList();
  private empty = h('div', { class: 'ar-review-empty' });
  private body: HTMLElement;
  private head: Head;
  private summary = h('span', { class: 'ar-review-faint' });
  private splitButton = h('button', { type: 'button', 'aria-keyshortcuts': 'S', onclick: () => this.toggleSplit() }, 'Side by side');
  private wholeButton = h('button', { type: 'button', onclick: () => this.toggleWhole() }, 'Whole files');
  private diff: DiffView;
  private changes: HTMLElement;
  private editor: Editor | null = null;
  private editing = h('div', { hidden: true });
  private bar: Bar;
  private voice = h('div', { class: 'ar-unseen', role: 'status', 'aria-live': 'polite' });
  private observer = new ResizeObserver(([entry]) => this.fit(entry.contentRect.width));

  constructor(private client: Client) {
    this.notices = new Notices(client, { takeBack: card => this.send(card, 'accept'), changing: change => keepingFocus(this.root, change) });
    this.head = new Head(client);
    this.diff = new DiffView({ toggle: (hunk, choice) => this.toggle(hunk, choice), expand: () => this.toggleWhole() });
    this.bar = new Bar(client, {
      decide: intent => this.decide(intent),
      reason: text => (this.desk!.reason = text),
      edit: () => this.edit(),
      cancel: () => this.leave(),
      leave: () => this.focusCard()
    });
    this.queue = new Queue(client, () => this.act('help'));
    const tools = h('div', { class: 'ar-review-tools' }, this.summary, this.splitButton, this.wholeButton);
    this.changes = h('div', { class: 'ar-review-changes' }, tools, this.diff.element);
    this.body = h('div', { class: 'ar-review-card' }, this.head.element, this.changes, this.editing, this.bar.element);
    const parts = [this.queue.element, this.keys, this.notices.element, this.empty, this.body, this.voice];
    this.root = h('section', { class: 'ar-review', tabindex: -1, 'aria-label': 'review' }, ...parts);
  }

  start(): void {
    const { client } = this;
    this.stops = [
      listen(this.root, action => this.act(action)),
      client.on('study', () => this.begin()),
      client.on('state', () => this.follow()),
      client.on('rows', () => this.follow()),
      client.on('selection', () => this.choose(client.selected ?? this.shown)),
      client.on('card', detail => this.receive(detail)),
      client.on('pending', detail => this.hear(detail as Pending)),
      client.on('connection', () => this.draw()),
      client.on('curves', () => this.soon()),
      client.on('error', detail => this.complain(String(detail)))
    ];
    this.observer.observe(this.root);
    this.fit(this.root.clientWidth);
    this.begin();
  }

  remove(): void {
    for (const stop of this.stops) stop();
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
    this.client.watchCurves([], 'review');
    this.root.remove();
  }

  private get card(): Card | null {
    return this.shown === null ? null : (this.client.cards.get(this.shown) ?? null);
  }

  private get desk(): Desk | null {
    if (this.shown === null) return null;
    const known = this.desks.get(this.shown) ?? { choices: new Choices(), reason: '', asking: null, editing: false, draft: null };
    this.desks.set(this.shown, known);
    return known;
  }

  private get last(): Pending | null {
    const mine = [...this.client.pending.values()].filter(one => DECIDING.has(one.verb) && one.body.candidate === this.shown);
    return mine[mine.length - 1] ?? null;
  }

  private begin(): void {
    const { client } = this;
    if (client.study && client.study.opened_at !== this.openedAt) {
      this.openedAt = client.study.opened_at;
      this.desks.clear();
      this.shown = null;
    }
    if (this.shown !== null && this.shown !== client.selected) client.want(this.shown);
    this.follow();
  }

  private follow(): void {
    const { client } = this;
    const next = client.selected ?? this.shown ?? client.state?.waiting[0] ?? null;
    this.queue.update(next);
    this.notices.update();
    if (next !== this.shown) this.choose(next);
    else this.draw();
  }

  private choose(candidate: number | null): void {
    if (candidate === this.shown) return;
    this.refocus ||= this.root.contains(document.activeElement);
    if (this.refocus) this.root.focus({ preventScroll: true });
    this.shown = candidate;
    this.trouble = '';
    this.client.watchCurves(candidate === null ? [] : [candidate], 'review');
    if (candidate !== null && candidate !== this.client.selected && !this.card) this.client.want(candidate);
    this.follow();
  }

  private draw(): void {
    keepingFocus(this.root, () => this.redraw());
  }

  private redraw(): void {
    const { card, desk, client } = this;
    this.empty.hidden = card !== null;
    this.body.hidden = card === null;
    if (!card || !desk || !client.study) return setText(this.empty, this.trouble || emptyWords(this.client, this.shown));
    this.head.show(card);
    this.drawDiff(card);
    this.drawEditor(desk);
    this.drawBar();
    if (this.refocus) this.focusCard();
    this.refocus = false;
  }

  private drawDiff(card: Card): void {
    const { wide, split } = this;
    this.diff.show(card, wide && split, offerFor(card, this.client.study!).hunks);
    this.diff.mark(hunk => this.desk?.choices.of(hunk));
    const files = card.files.length;
    setText(this.summary, `${files} file${files === 1 ? '' : 's'}, ${this.diff.count} hunk${this.diff.count === 1 ? '' : 's'}`);
    this.splitButton.hidden = !wide;
    this.splitButton.setAttribute('aria-pressed', String(split));
    const expanded = this.wholeFiles.has(card.candidate);
    this.wholeButton.hidden = !expanded && !card.files.some(file => file.parts.some(part => part.type === 'gap'));
    this.wholeButton.setAttribute('aria-pressed', String(expanded));
  }

  private drawEditor(desk: Desk): void {
    this.changes.hidden = desk.editing;
    this.editing.hidden = !desk.editing;
    if (!desk.editing) this.editor = null;
    else if (!desk.draft) setText(this.editing, 'Loading the files …');
    else if (!this.editor || !this.editing.contains(this.editor.element) || this.editor.draft !== desk.draft) {
      this.editor = new Editor(desk.draft, { send: () => this.sendEdit(), close: () => this.closeEditor() });
      this.editing.replaceChildren(this.editor.element);
      this.editor.focus();
    }
    this.editor?.update(!isUnderWay(this.last));
  }

  private drawBar(): void {
    const { card, desk, client } = this;
    if (!card || !desk || !client.study) return;
    const offer = offerFor(card, client.study);
    const { choices, asking, reason, editing } = desk;
    const view = { card, offer, intent: intentOf(card, offer, choices), asking, reason, editing, last: this.last };
    keepingFocus(this.root, () => this.bar.update(view));
  }

  private receive(detail: unknown): void {
    if (typeof detail === 'number') {
      this.notices.update();
      if (detail === this.shown) this.draw();
      return;
    }
    const { candidate, files } = detail as { candidate: number; files: Record<string, string> };
    const desk = this.desks.get(candidate);
    if (desk?.editing && !desk.draft) desk.draft = new Draft(files);
    if (candidate === this.shown) this.draw();
  }

  /** A decision has moved on; once the loop has adopted it, the next one that waits comes up. */
  private hear(pending: Pending): void {
    if (!DECIDING.has(pending.verb)) return;
    if (pending.state === 'adopted' && !this.settled.has(pending.decision_id)) {
      this.settled.add(pending.decision_id);
      const about = pending.body.candidate as number;
      this.desks.delete(about);
      const tookBack = this.takenBack.has(pending.decision_id);
      this.notices.add(pending, tookBack);
      this.say(tookBack ? `decision about candidate ${about} taken back` : `${pending.verb} of candidate ${about} adopted`);
      const made = pending.candidate !== null && pending.candidate !== about;
      const next = this.queue.after(about);
      if (about === this.shown && !made && !tookBack && next !== undefined) this.client.select(next);
      this.draw();
    } else if (pending.body.candidate === this.shown) {
      if (pending.state === 'refused') this.say(`refused: ${pending.reason}`);
      this.drawBar();
      this.editor?.update(!isUnderWay(this.last));
    }
  }

  private act(action: Action): void {
    const { card, desk } = this;
    if (action === 'help') this.keys.hidden = !this.keys.hidden;
    else if (action === 'later' || action === 'earlier') this.queue.step(action === 'later' ? 1 : -1);
    else if (action === 'leave') this.leave();
    else if (action === 'layout') this.toggleSplit();
    else if (card && desk && !desk.editing && !desk.asking) this.actOnCard(action, card, desk);
  }

  private actOnCard(action: Action, card: Card, desk: Desk): void {
    const offer = offerFor(card, this.client.study!);
    const hunk = this.diff.currentHunk;
    if (action === 'next') this.diff.move(1);
    else if (action === 'previous') this.diff.move(-1);
    else if (!offer.hunks) this.say(offer.why);
    else if (action === 'accept' || action === 'reject') hunk !== null && this.toggle(hunk, action === 'accept' ? 'accepted' : 'rejected');
    else if (action === 'undo') this.undo(desk);
    else if (action === 'edit') this.edit();
    else this.decide(action === 'send' ? intentOf(card, offer, desk.choices) : whole(action === 'acceptAll' ? 'accept' : 'reject', offer));
  }

  private toggle(hunk: number, choice: Choice): void {
    const { desk } = this;
    if (!desk || isUnderWay(this.last)) return;
    const now = desk.choices.toggle(hunk, choice);
    this.afterChoice(hunk, now ?? 'open again');
  }

  private undo(desk: Desk): void {
    const hunk = isUnderWay(this.last) ? null : desk.choices.undo();
    if (hunk === null) return this.say('nothing to undo');
    this.diff.goTo(hunk);
    this.afterChoice(hunk, desk.choices.of(hunk) ?? 'open again');
  }

  private afterChoice(hunk: number, now: string): void {
    this.diff.mark(one => this.desk?.choices.of(one));
    this.drawBar();
    this.say(`hunk ${this.diff.placeOf(hunk)} of ${this.diff.count} ${now}`);
  }

  private decide(intent: Intent | null): void {
    const { card, desk } = this;
    if (!card || !desk || isUnderWay(this.last)) return;
    if (!intent) return this.say('nothing to send: choose some hunks first');
    const takesOthers = card.descendants.length > 0 && (intent.verb === 'reject' || intent.hunks !== null);
    if (takesOthers && desk.asking !== intent) {
      desk.asking = intent;
      return this.drawBar();
    }
    desk.asking = null;
    this.send(card, intent.verb, { ...(intent.hunks && { hunks: intent.hunks }), reason: desk.reason });
    this.say(`${intent.label}: sent`);
    this.focusCard();
  }

  private send(card: Card, verb: Intent['verb'], more: Record<string, unknown> = {}): void {
    const { candidate, program } = card;
    if (this.client.pendingFor(candidate).some(one => DECIDING.has(one.verb) && isUnderWay(one))) return;
    const { decision_id } = this.client.ask(verb, { candidate, program, ...more });
    if (card.can_be_tried && verb === 'accept' && !more.hunks) this.takenBack.add(decision_id);
  }

  private edit(): void {
    const { desk } = this;
    if (this.shown === null || !desk || isUnderWay(this.last)) return;
    desk.editing = true;
    if (!desk.draft) this.client.wantFiles(this.shown);
    this.root.focus({ preventScroll: true });
    this.draw();
  }

  private sendEdit(): void {
    const { card, desk } = this;
    if (!card || !desk?.draft || isUnderWay(this.last)) return;
    this.client.ask('edit', { candidate: card.candidate, program: card.program, files: desk.draft.changed, reason: desk.reason });
    this.root.focus({ preventScroll: true });
  }

  private closeEditor(): void {
    this.desk!.editing = false;
    this.draw();
    this.focusCard();
  }

  /** Takes back what was opened last: a question, the list of keys. */
  private leave(): void {
    const { desk } = this;
    if (!desk?.asking) this.keys.hidden = true;
    else {
      desk.asking = null;
      this.drawBar();
      this.focusCard();
    }
  }

  private toggleSplit(): void {
    if (!this.wide) return;
    this.split = !this.split;
    rememberSplit(this.split);
    if (this.card) this.drawDiff(this.card);
  }

  private toggleWhole(): void {
    const { shown } = this;
    if (shown === null) return;
    const expanded = this.wholeFiles.delete(shown);
    if (!expanded) this.wholeFiles.add(shown);
    this.client.want(shown, expanded ? 3 : -1);
  }

  private focusCard(): void {
    if (this.desk?.editing || !this.diff.focus()) this.root.focus({ preventScroll: true });
  }

  private fit(width: number): void {
    const wide = width >= SPLIT_PX;
    if (wide === this.wide) return;
    this.wide = wide;
    if (this.card) this.drawDiff(this.card);
  }

  private soon(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.head.showCurve());
  }

  private complain(message: string): void {
    this.trouble = message;
    if (!this.card) this.draw();
  }

  private say(text: string): void {
    this.voice.textContent = text;
  }
}
