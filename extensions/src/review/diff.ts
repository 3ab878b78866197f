/** A candidate's diff on the screen, with one current hunk: the one that keys act on. */

import { h } from '../dom';
import type { Card } from '../protocol';
import { drawFiles, type HunkHandlers, type HunkView } from './hunks';
import { drawSideBySide, drawUnified } from './lines';
import type { Mark } from './marks';

export interface Diff {
  /** Draws a card's diff, unless it is on the screen already. */
  show(card: Card, split: boolean, decidable: boolean): void;
  /** Draws at each hunk what the person has marked it as. */
  mark(markOf: (hunk: number) => Mark | undefined): void;
  readonly count: number;
  /** The hunk that keys act on; null when there is none. */
  readonly current: number | null;
  /** Place of a hunk on the screen, counted from 1. */
  placeOf(hunk: number): number;
  /** Puts the focus on the next hunk or the previous one. */
  move(by: 1 | -1): void;
  goTo(hunk: number): void;
  /** Puts the focus on the current hunk; false when there is none. */
  focus(): boolean;
}

export function mountDiff(el: HTMLElement, on: Omit<HunkHandlers, 'enter'>): Diff {
  const element = h('div', {
    class: 'ar-review-diff',
    onmousedown: (event: MouseEvent) => keepSelectionOnSide(element, event)
  });
  el.append(element);
  const stops = makeStops();
  const handlers = { ...on, enter: (hunk: number) => stops.moveTo(placeOf(hunk) - 1) };
  let key = '';
  let candidate: number | null = null;

  function placeOf(hunk: number): number {
    return stops.hunks.findIndex(view => view.id === hunk) + 1;
  }

  function show(card: Card, split: boolean, decidable: boolean): void {
    const newKey = contentKey(card, split, decidable);
    if (newKey === key) return;
    key = newKey;
    const hadFocus = element.contains(document.activeElement);
    const place = card.candidate === candidate ? stops.place : 0;
    candidate = card.candidate;
    const draw = split ? drawSideBySide : drawUnified;
    const { elements, hunks } = drawFiles(card, { draw, decidable }, handlers);
    element.classList.toggle('ar-review-split', split);
    element.replaceChildren(...elements);
    if (!elements.length) {
      element.append(h('p', { class: 'ar-review-quiet' }, 'It changes nothing.'));
    }
    stops.replace(hunks, place);
    if (hadFocus) stops.focus();
  }

  return {
    show,
    placeOf,
    mark(markOf) {
      for (const view of stops.hunks) view.showMark(markOf(view.id));
    },
    get count() {
      return stops.hunks.length;
    },
    get current() {
      return stops.hunks[stops.place]?.id ?? null;
    },
    move(by) {
      // The first key only brings the focus back to where it was before it left the diff.
      const isInside = element.contains(document.activeElement);
      stops.moveTo(isInside ? stops.place + by : stops.place);
      stops.focus();
    },
    goTo(hunk) {
      stops.moveTo(placeOf(hunk) - 1);
      stops.focus();
    },
    focus: () => stops.focus()
  };
}

/** Everything that the drawn elements depend on: with the same key, there is nothing to draw. */
function contentKey(card: Card, split: boolean, decidable: boolean): string {
  const parts = card.files.flatMap(file => file.parts);
  const n_gaps = parts.filter(part => part.type === 'gap').length;
  return [card.candidate, card.program, n_gaps, split, decidable].join('|');
}

/** The hunks as stops of the keyboard: only the current one and its buttons are tab stops. */
interface Stops {
  readonly hunks: readonly HunkView[];
  /** Index of the current hunk. */
  readonly place: number;
  replace(hunks: HunkView[], place: number): void;
  /** Makes the hunk nearest to an index the current one. */
  moveTo(place: number): void;
  focus(): boolean;
}

function makeStops(): Stops {
  let hunks: HunkView[] = [];
  let place = 0;

  function moveTo(to: number): void {
    setTabIndex(hunks[place], -1);
    place = Math.max(0, Math.min(to, hunks.length - 1));
    setTabIndex(hunks[place], 0);
  }

  return {
    moveTo,
    get hunks() {
      return hunks;
    },
    get place() {
      return place;
    },
    replace(newHunks, to) {
      hunks = newHunks;
      moveTo(to);
    },
    focus() {
      const view = hunks[place];
      if (!view) return false;
      view.element.focus({ preventScroll: true });
      view.element.scrollIntoView({ block: 'nearest' });
      return true;
    }
  };
}

function setTabIndex(view: HunkView | undefined, tabIndex: 0 | -1): void {
  if (!view) return;
  for (const element of [view.element, ...view.buttons]) {
    element.setAttribute('tabindex', String(tabIndex));
  }
}

/** Side by side, a selection stays on the side where it began, so that one program is copied. */
function keepSelectionOnSide(element: HTMLElement, event: MouseEvent): void {
  const target = event.target as HTMLElement;
  let side = '';
  if (target.closest('.ar-review-old')) side = 'old';
  else if (target.closest('.ar-review-new')) side = 'new';
  element.dataset.picked = side;
}
