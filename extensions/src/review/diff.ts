/** A candidate's diff: files, hunks with a choice each, and unchanged lines; unified or side by side. */

import { h, setText } from '../dom';
import type { Card, FileDiff, Line, Part, Span } from '../protocol';
import type { Choice } from './decide';

const TOKENS = new Set(['k', 's', 'c', 'n', 'f', 'b', 'o', 'd', 't']);
const LINE_PX = 20;
const CHANGES = { changed: '', added: 'new file', deleted: 'deleted', mode: 'mode changed' };

type Hunk = Extract<Part, { type: 'hunk' }>;
interface HunkView {
  hunk: Hunk;
  element: HTMLElement;
  word: HTMLElement;
  buttons: { choice: Choice; button: HTMLButtonElement }[];
}

export interface DiffHandlers {
  toggle(hunk: number, choice: Choice): void;
  /** More context is wanted. */
  expand(): void;
}

export class DiffView {
  readonly element = h('div', { class: 'ar-review-diff', onmousedown: (event: MouseEvent) => this.pickSide(event) });
  private drawn = '';
  private hunks: HunkView[] = [];
  private current = 0;

  constructor(private handlers: DiffHandlers) {}

  /** Draws the card's diff, unless it stands there already. */
  show(card: Card, split: boolean, decidable: boolean): void {
    const gaps = card.files.flatMap(file => file.parts).filter(part => part.type === 'gap').length;
    const key = [card.candidate, card.program, gaps, split, decidable].join('|');
    if (key === this.drawn) return;
    if (!this.drawn.startsWith(`${card.candidate}|`)) this.current = 0;
    const focused = this.element.contains(document.activeElement);
    this.drawn = key;
    this.hunks = [];
    this.element.classList.toggle('ar-review-split', split);
    const draw = split ? pairs : lines;
    this.element.replaceChildren(...card.files.map(file => this.file(file, draw, decidable)));
    if (!card.files.length) this.element.append(h('p', { class: 'ar-review-quiet' }, 'It changes nothing.'));
    this.roam(this.current);
    if (focused) this.focus();
  }

  /** Says at each hunk what is chosen, or was decided. */
  mark(choiceOf: (hunk: number) => Choice | undefined): void {
    for (const { hunk, element, word, buttons } of this.hunks) {
      const choice = choiceOf(hunk.id);
      const state = choice ?? hunk.state;
      element.dataset.state = state;
      setText(word, state === 'open' ? '' : state === 'accepted' ? '✓ accepted' : '✕ rejected');
      for (const one of buttons) one.button.setAttribute('aria-pressed', String(one.choice === choice));
    }
  }

  get count(): number {
    return this.hunks.length;
  }

  /** The hunk that the keys act on; null when there is none. */
  get currentHunk(): number | null {
    return this.hunks[this.current]?.hunk.id ?? null;
  }

  /** Which one it is, counted from 1. */
  placeOf(hunk: number): number {
    return this.hunks.findIndex(one => one.hunk.id === hunk) + 1;
  }

  move(by: number): void {
    const inside = this.element.contains(document.activeElement);
    this.roam(Math.max(0, Math.min(this.hunks.length - 1, inside ? this.current + by : this.current)));
    this.focus();
  }

  goTo(hunk: number): void {
    this.roam(Math.max(0, this.placeOf(hunk) - 1));
    this.focus();
  }

  /** Puts the focus on the current hunk; false when there is none. */
  focus(): boolean {
    const view = this.hunks[this.current];
    if (!view) return false;
    view.element.focus({ preventScroll: true });
    view.element.scrollIntoView({ block: 'nearest' });
    return true;
  }

  /** Only the current hunk and its buttons are tab stops. */
  private roam(to: number): void {
    const stop = (view: HunkView | undefined, tabindex: number) => {
      view?.element.setAttribute('tabindex', String(tabindex));
      for (const { button } of view?.buttons ?? []) button.setAttribute('tabindex', String(tabindex));
    };
    stop(this.hunks[this.current], -1);
    this.current = Math.max(0, Math.min(to, this.hunks.length - 1));
    stop(this.hunks[this.current], 0);
  }

  private file(file: FileDiff, draw: (lines: Line[]) => Node[], decidable: boolean): HTMLElement {
    const every = file.parts.flatMap(part => (part.type === 'gap' ? [] : part.lines));
    const [added, removed] = ['+', '-'].map(kind => every.filter(line => line.kind === kind).length);
    const digits = String(Math.max(1, ...every.map(line => Math.max(line.old ?? 0, line.new ?? 0)))).length;
    const parts = file.parts.flatMap(part => {
      if (part.type === 'lines') return [h('div', { class: 'ar-review-context', style: reserved(0, part.lines) }, ...draw(part.lines))];
      return part.type === 'gap' ? [this.gap(part.count)] : [this.hunk(part, draw, decidable)];
    });
    const head = h(
      'div',
      { class: 'ar-review-file-head' },
      h('span', { class: 'ar-review-path' }, file.path),
      CHANGES[file.change] ? h('span', { class: 'ar-review-tag' }, CHANGES[file.change]) : null,
      h('span', { class: 'ar-review-counts' }, `+${added} −${removed}`)
    );
    return h('section', { class: 'ar-review-file', 'aria-label': file.path, style: `--ar-digits: ${digits}ch` }, head, ...parts);
  }

  private gap(count: number): HTMLElement {
    const text = `${count} unchanged line${count === 1 ? '' : 's'}`;
    const arrow = h('span', { 'aria-hidden': 'true' }, '↕ ');
    return h('button', { class: 'ar-review-gap', type: 'button', title: 'Show them', onclick: () => this.handlers.expand() }, arrow, text);
  }

  private hunk(hunk: Hunk, draw: (lines: Line[]) => Node[], decidable: boolean): HTMLElement {
    const word = h('span', { class: 'ar-review-choice' });
    const button = (choice: Choice, text: string) => {
      const onclick = () => this.handlers.toggle(hunk.id, choice);
      return { choice, button: h('button', { type: 'button', tabindex: -1, 'aria-label': `${text} hunk ${hunk.id}`, onclick }, text) };
    };
    const buttons = decidable ? [button('accepted', 'Accept'), button('rejected', 'Reject')] : [];
    const place = this.hunks.length;
    const head = h(
      'div',
      { class: 'ar-review-hunk-head' },
      h('span', { class: 'ar-review-hunk-id' }, `Hunk ${hunk.id}`),
      h('span', { class: 'ar-review-hunk-at' }, hunk.header),
      word,
      ...buttons.map(one => one.button)
    );
    const attributes = { class: 'ar-review-hunk', role: 'group', tabindex: -1, 'aria-label': `hunk ${hunk.id}`, 'data-hunk': hunk.id };
    const element = h('div', { ...attributes, style: reserved(28, hunk.lines), onfocusin: () => this.roam(place) }, head, ...draw(hunk.lines));
    this.hunks.push({ hunk, element, word, buttons });
    return element;
  }

  /** Side by side, a selection stays on the side where it began, so that copying gives one program. */
  private pickSide(event: MouseEvent): void {
    const target = event.target as HTMLElement;
    this.element.dataset.picked = target.closest('.ar-review-old') ? 'old' : target.closest('.ar-review-new') ? 'new' : '';
  }
}

/** The height to assume for what the browser has not laid out yet, because it is off the screen. */
function reserved(head: number, lines: Line[]): string {
  return `contain-intrinsic-height: auto ${head + LINE_PX * lines.length}px`;
}

function lines(lines: Line[]): Node[] {
  return lines.map(line => {
    const element = make('div', `ar-review-row${TONE[line.kind]}`);
    element.append(number(line.old), number(line.new), sign(line), code(line));
    return element;
  });
}

/** Old lines on the left, new ones on the right; runs of both stand beside each other. */
function pairs(lines: Line[]): Node[] {
  const rows: Node[] = [];
  const [old, fresh]: [Line[], Line[]] = [[], []];
  const flush = () => {
    for (let i = 0; i < Math.max(old.length, fresh.length); i++) rows.push(pair(old[i], fresh[i]));
    old.length = fresh.length = 0;
  };
  for (const line of lines) {
    if (line.kind === '-' && fresh.length) flush();
    if (line.kind === '-') old.push(line);
    else if (line.kind === '+') fresh.push(line);
    else {
      flush();
      rows.push(pair(line, line));
    }
  }
  flush();
  return rows;
}

function pair(old: Line | undefined, fresh: Line | undefined): Node {
  const element = make('div', 'ar-review-row');
  const half = (line: Line | undefined, name: 'old' | 'new') => {
    const side = make('div', `ar-review-${name}${line ? TONE[line.kind] : ' ar-review-blank'}`);
    if (line) side.append(number(line[name]), sign(line), code(line));
    return side;
  };
  element.append(half(old, 'old'), half(fresh, 'new'));
  return element;
}

const TONE = { ' ': '', '+': ' ar-review-ins', '-': ' ar-review-del' };
const TAGS = { ' ': 'span', '+': 'ins', '-': 'del' } as const;

/** Without `h`: a diff has tens of thousands of these. */
function make(tag: string, name: string): HTMLElement {
  const element = document.createElement(tag);
  element.className = name;
  return element;
}

/** Numbers and signs are drawn by the style sheet from attributes: what is copied is the code alone. */
function number(value: number | null): HTMLElement {
  const element = make('span', 'ar-review-number');
  if (value !== null) element.dataset.text = String(value);
  return element;
}

function sign(line: Line): HTMLElement {
  const element = make('span', 'ar-review-sign');
  element.dataset.text = line.kind === '-' ? '−' : line.kind;
  return element;
}

function code(line: Line): HTMLElement {
  const element = make(TAGS[line.kind], 'ar-review-code');
  if (line.spans.every(([text]) => text === '')) element.append(document.createElement('br'));
  else element.append(...line.spans.map(piece));
  return element;
}

function piece([text, token, changed]: Span): Node | string {
  const known = TOKENS.has(token);
  if (!known && !changed) return text;
  const element = make('span', known ? `ar-review-t-${token}` : '');
  if (changed) element.classList.add('ar-review-mark');
  element.textContent = text;
  return element;
}
