/** The lines of a diff as elements, unified or side by side. */

import type { Line, Span } from '../protocol';

/** Classes of syntax colours that the style sheet knows. */
const TOKENS = new Set(['k', 's', 'c', 'n', 'f', 'b', 'o', 'd', 't']);
const TONES = { ' ': '', '+': ' ar-review-ins', '-': ' ar-review-del' };
const TAGS = { ' ': 'span', '+': 'ins', '-': 'del' } as const;

export type DrawLines = (lines: Line[]) => Node[];

/** Both versions below each other. */
export function drawUnified(lines: Line[]): Node[] {
  return lines.map(line => {
    const row = make('div', `ar-review-row${TONES[line.kind]}`);
    row.append(drawNumber(line.old), drawNumber(line.new), drawSign(line), drawCode(line));
    return row;
  });
}

/** Old lines on the left, new ones on the right; a run of removals meets the additions after it. */
export function drawSideBySide(lines: Line[]): Node[] {
  return pairLines(lines).map(({ left, right }) => {
    const row = make('div', 'ar-review-row');
    row.append(drawHalf(left, 'old'), drawHalf(right, 'new'));
    return row;
  });
}

/** Two lines side by side; undefined where a side is empty. */
export interface Pair {
  left: Line | undefined;
  right: Line | undefined;
}

export function pairLines(lines: Line[]): Pair[] {
  const pairs: Pair[] = [];
  let removed: Line[] = [];
  let added: Line[] = [];
  const flush = () => {
    const n = Math.max(removed.length, added.length);
    for (let i = 0; i < n; i++) pairs.push({ left: removed[i], right: added[i] });
    removed = [];
    added = [];
  };
  for (const line of lines) {
    if (line.kind === '+') {
      added.push(line);
    } else if (line.kind === '-') {
      if (added.length) flush(); // a removal after additions begins another change
      removed.push(line);
    } else {
      flush();
      pairs.push({ left: line, right: line });
    }
  }
  flush();
  return pairs;
}

function drawHalf(line: Line | undefined, side: 'old' | 'new'): HTMLElement {
  if (!line) return make('div', `ar-review-${side} ar-review-blank`);
  const half = make('div', `ar-review-${side}${TONES[line.kind]}`);
  half.append(drawNumber(line[side]), drawSign(line), drawCode(line));
  return half;
}

/** Without `h`, which costs several times as much: a diff has tens of thousands of these. */
function make(tag: string, name: string): HTMLElement {
  const element = document.createElement(tag);
  element.className = name;
  return element;
}

/** The style sheet draws numbers and signs from attributes, so that only code is copied. */
function drawNumber(value: number | null): HTMLElement {
  const element = make('span', 'ar-review-number');
  if (value !== null) element.dataset.text = String(value);
  return element;
}

function drawSign(line: Line): HTMLElement {
  const element = make('span', 'ar-review-sign');
  element.dataset.text = line.kind === '-' ? '−' : line.kind;
  return element;
}

function drawCode(line: Line): HTMLElement {
  const element = make(TAGS[line.kind], 'ar-review-code');
  const isEmpty = line.spans.every(([text]) => text === '');
  if (isEmpty)
    element.append(document.createElement('br')); // else copying would lose the line
  else element.append(...line.spans.map(drawSpan));
  return element;
}

function drawSpan([text, token, changed]: Span): Node | string {
  const isColoured = TOKENS.has(token);
  if (!isColoured && !changed) return text;
  const element = make('span', isColoured ? `ar-review-t-${token}` : '');
  if (changed) element.classList.add('ar-review-mark');
  element.textContent = text;
  return element;
}
