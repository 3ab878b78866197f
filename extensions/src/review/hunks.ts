/** The files of a candidate's diff as elements: hunks with their buttons, gaps, unchanged lines. */

import { h, setText } from '../dom';
import type { Card, FileDiff, Line, Part } from '../protocol';
import type { DrawLines } from './lines';
import type { Mark } from './marks';

const LINE_PX = 20;
const HUNK_HEAD_PX = 28;
const CHANGES = { changed: '', added: 'new file', deleted: 'deleted', mode: 'mode changed' };
const MARK_WORDS = { open: '', accepted: '✓ accepted', rejected: '✕ rejected' };

type Hunk = Extract<Part, { type: 'hunk' }>;

/** A hunk on the screen. */
export interface HunkView {
  readonly id: number;
  readonly element: HTMLElement;
  readonly buttons: readonly HTMLButtonElement[];
  /** Draws the person's mark; without one, what was decided about the hunk before. */
  showMark(mark: Mark | undefined): void;
}

export interface HunkHandlers {
  toggle(hunk: number, mark: Mark): void;
  /** The focus has come into a hunk. */
  enter(hunk: number): void;
  /** The person wants to see the unchanged lines. */
  expand(): void;
}

export interface HunkOptions {
  readonly draw: DrawLines;
  /** Whether hunks can be accepted and rejected. */
  readonly decidable: boolean;
}

/** Draws every file of a card; `hunks` are in the order of the screen. */
export function drawFiles(
  card: Card,
  options: HunkOptions,
  on: HunkHandlers
): { elements: HTMLElement[]; hunks: HunkView[] } {
  const hunks: HunkView[] = [];
  const drawPart = (part: Part): HTMLElement => {
    if (part.type === 'lines') return drawContext(part.lines, options.draw);
    if (part.type === 'gap') return drawGap(part.count, on);
    const hunk = drawHunk(part, options, on);
    hunks.push(hunk);
    return hunk.element;
  };
  return { elements: card.files.map(file => drawFile(file, file.parts.map(drawPart))), hunks };
}

function drawFile(file: FileDiff, parts: HTMLElement[]): HTMLElement {
  const lines = file.parts.flatMap(part => (part.type === 'gap' ? [] : part.lines));
  const n_added = lines.filter(line => line.kind === '+').length;
  const n_removed = lines.filter(line => line.kind === '-').length;
  const numbers = lines.map(line => Math.max(line.old ?? 0, line.new ?? 0));
  const digits = String(Math.max(1, ...numbers)).length;
  const change = CHANGES[file.change];
  const head = h(
    'div',
    { class: 'ar-review-file-head' },
    h('span', { class: 'ar-review-path' }, file.path),
    change ? h('span', { class: 'ar-review-tag' }, change) : null,
    h('span', { class: 'ar-review-counts' }, `+${n_added} −${n_removed}`)
  );
  const style = `--ar-digits: ${digits}ch`;
  return h('section', { class: 'ar-review-file', 'aria-label': file.path, style }, head, ...parts);
}

function drawContext(lines: Line[], draw: DrawLines): HTMLElement {
  return h('div', { class: 'ar-review-context', style: reserveHeight(0, lines) }, ...draw(lines));
}

function drawGap(count: number, on: HunkHandlers): HTMLElement {
  const onclick = () => on.expand();
  const arrow = h('span', { 'aria-hidden': 'true' }, '↕ ');
  const attributes = { class: 'ar-review-gap', type: 'button', title: 'Show them', onclick };
  return h('button', attributes, arrow, `${count} unchanged line${count === 1 ? '' : 's'}`);
}

function drawHunk(hunk: Hunk, { draw, decidable }: HunkOptions, on: HunkHandlers): HunkView {
  const word = h('span', { class: 'ar-review-choice' });
  const accept = markButton(hunk.id, 'accepted', 'Accept', on);
  const reject = markButton(hunk.id, 'rejected', 'Reject', on);
  const buttons = decidable ? [accept, reject] : [];
  const head = h(
    'div',
    { class: 'ar-review-hunk-head' },
    h('span', { class: 'ar-review-hunk-id' }, `Hunk ${hunk.id}`),
    h('span', { class: 'ar-review-hunk-at' }, hunk.header),
    word,
    ...buttons
  );
  const element = h(
    'div',
    {
      class: 'ar-review-hunk',
      role: 'group',
      tabindex: -1,
      'aria-label': `hunk ${hunk.id}`,
      'data-hunk': hunk.id,
      style: reserveHeight(HUNK_HEAD_PX, hunk.lines),
      onfocusin: () => on.enter(hunk.id)
    },
    head,
    ...draw(hunk.lines)
  );
  const showMark = (mark: Mark | undefined) => {
    const state = mark ?? hunk.state;
    element.dataset.state = state;
    setText(word, MARK_WORDS[state]);
    accept.setAttribute('aria-pressed', String(mark === 'accepted'));
    reject.setAttribute('aria-pressed', String(mark === 'rejected'));
  };
  return { id: hunk.id, element, buttons, showMark };
}

function markButton(hunk: number, mark: Mark, text: string, on: HunkHandlers): HTMLButtonElement {
  const onclick = () => on.toggle(hunk, mark);
  const label = `${text} hunk ${hunk}`;
  return h('button', { type: 'button', tabindex: -1, 'aria-label': label, onclick }, text);
}

/** The height that the browser assumes for what it has not laid out yet, off the screen. */
function reserveHeight(headPx: number, lines: Line[]): string {
  return `contain-intrinsic-height: auto ${headPx + LINE_PX * lines.length}px`;
}
