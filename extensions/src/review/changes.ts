/** A candidate's changes: the diff, and the buttons that choose how it is laid out. */

import type { Client } from '../client';
import { h, setText } from '../dom';
import type { Card } from '../protocol';
import { mountDiff, type Diff } from './diff';
import { recallSplit, rememberSplit } from './layout';
import type { Mark, Marks } from './marks';

const SPLIT_PX = 760; // narrower, two columns of code are harder to read than one
const CONTEXT_LINES = 3;
const WHOLE_FILES = -1;

/** What is drawn of a candidate. */
export interface ChangesView {
  readonly card: Card;
  readonly marks: Marks;
  /** Whether hunks can be accepted and rejected. */
  readonly decidable: boolean;
}

export interface Changes {
  readonly element: HTMLElement;
  readonly diff: Diff;
  show(view: ChangesView): void;
  /** Takes note of the width that there is. */
  fit(widthPx: number): void;
  toggleSplit(): void;
}

export function mountChanges(
  el: HTMLElement,
  client: Client,
  toggleMark: (hunk: number, mark: Mark) => void
): Changes {
  const tools = makeTools({ toggleSplit, toggleWhole });
  const element = h('div', { class: 'ar-review-changes' }, tools.element);
  const diff = mountDiff(element, { toggle: toggleMark, expand: toggleWhole });
  el.append(element);

  let view: ChangesView | null = null;
  let isSplit = recallSplit();
  let isWide = false;
  /** Candidates whose files are shown whole. */
  const expanded = new Set<number>();

  function draw(): void {
    if (!view) return;
    const { card, marks, decidable } = view;
    diff.show(card, isWide && isSplit, decidable);
    diff.mark(hunk => marks.byHunk.get(hunk));
    const isExpanded = expanded.has(card.candidate);
    tools.update({ card, n_hunks: diff.count, isWide, isSplit, isExpanded });
  }

  function toggleSplit(): void {
    if (!isWide) return;
    isSplit = !isSplit;
    rememberSplit(isSplit);
    draw();
  }

  /** The feed computes the diff, so the card has to come again, with more context or less. */
  function toggleWhole(): void {
    if (!view) return;
    const { candidate } = view.card;
    const wasExpanded = expanded.delete(candidate);
    if (!wasExpanded) expanded.add(candidate);
    client.want(candidate, wasExpanded ? CONTEXT_LINES : WHOLE_FILES);
  }

  return {
    element,
    diff,
    toggleSplit,
    show(newView) {
      view = newView;
      draw();
    },
    fit(widthPx) {
      const wasWide = isWide;
      isWide = widthPx >= SPLIT_PX;
      if (isWide !== wasWide) draw();
    }
  };
}

interface ToolsView {
  card: Card;
  n_hunks: number;
  /** Whether there is room for two columns. */
  isWide: boolean;
  isSplit: boolean;
  /** Whether files are shown whole. */
  isExpanded: boolean;
}

/** How much has changed, and the buttons above the diff. */
function makeTools(on: { toggleSplit(): void; toggleWhole(): void }) {
  const summary = h('span', { class: 'ar-review-faint' });
  const attributes = { type: 'button', 'aria-keyshortcuts': 'S', onclick: on.toggleSplit };
  const split = h('button', attributes, 'Side by side');
  const whole = h('button', { type: 'button', onclick: on.toggleWhole }, 'Whole files');
  return {
    element: h('div', { class: 'ar-review-tools' }, summary, split, whole),
    update({ card, n_hunks, isWide, isSplit, isExpanded }: ToolsView): void {
      setText(summary, `${count(card.files.length, 'file')}, ${count(n_hunks, 'hunk')}`);
      split.hidden = !isWide;
      split.setAttribute('aria-pressed', String(isSplit));
      whole.hidden = !isExpanded && !hasGaps(card);
      whole.setAttribute('aria-pressed', String(isExpanded));
    }
  };
}

function hasGaps(card: Card): boolean {
  return card.files.some(file => file.parts.some(part => part.type === 'gap'));
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
