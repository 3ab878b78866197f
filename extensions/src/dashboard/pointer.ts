/** Rings around a plot's selected and pointed-at candidate, and the text beside the latter. */

import { h } from '../dom';

const OFFSET_PX = 12;

export interface Pointer {
  /** To be put over the plotting area. */
  readonly elements: HTMLElement[];
  /** Points at a place, in CSS pixels of `over`, and says what is there. */
  enter(x: number, y: number, over: HTMLElement, lines: string[]): void;
  leave(): void;
  /** Marks the selected place; null if there is none. */
  select(place: [x: number, y: number] | null): void;
}

export function makePointer(): Pointer {
  const ring = h('div', { class: 'ar-progress-ring', hidden: true });
  const hoverRing = h('div', { class: 'ar-progress-ring ar-progress-hover', hidden: true });
  const tip = h('div', { class: 'ar-progress-tip', hidden: true });
  let pointedAt: HTMLElement | null = null;
  return {
    elements: [ring, hoverRing, tip],
    enter(x, y, over, lines) {
      move(hoverRing, [x, y]);
      tip.hidden = false;
      tip.replaceChildren(...lines.map(describeLine));
      const rightmost = over.clientWidth - tip.offsetWidth;
      tip.style.left = `${Math.max(0, Math.min(x + OFFSET_PX, rightmost))}px`;
      const isLow = y > over.clientHeight / 2;
      const top = isLow ? y - tip.offsetHeight - OFFSET_PX : y + OFFSET_PX;
      tip.style.top = `${top}px`;
      over.style.cursor = 'pointer';
      pointedAt = over;
    },
    leave() {
      move(hoverRing, null);
      tip.hidden = true;
      if (pointedAt) pointedAt.style.cursor = '';
    },
    select: place => move(ring, place)
  };
}

function describeLine(text: string, index: number): HTMLElement {
  return h('div', { class: index === 1 ? 'ar-progress-idea' : '' }, text);
}

function move(ring: HTMLElement, place: [x: number, y: number] | null): void {
  ring.hidden = place === null;
  if (place) ring.style.transform = `translate(${place[0]}px, ${place[1]}px)`;
}
