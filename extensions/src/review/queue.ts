/** The row above the card: how many candidates wait, and the way from one to the next. */

import type { Client } from '../client';
import { h, setText } from '../dom';

/** The candidate `by` places on, round and round; null when none waits. */
export function stepFrom(
  waiting: readonly number[],
  shown: number | null,
  by: 1 | -1
): number | null {
  if (!waiting.length) return null;
  const place = shown === null ? -1 : waiting.indexOf(shown);
  if (place < 0) return by > 0 ? waiting[0] : waiting[waiting.length - 1];
  return waiting[(place + by + waiting.length) % waiting.length];
}

/** The candidate that comes up once `decided` is out of the way; undefined when no other waits. */
export function nextAfter(waiting: readonly number[], decided: number): number | undefined {
  const others = waiting.filter(candidate => candidate !== decided);
  return others.find(candidate => candidate > decided) ?? others[0];
}

/** `2 of 3 wait`, `3 wait`, `nothing waits`. */
export function describePlace(waiting: readonly number[], shown: number | null): string {
  const place = shown === null ? -1 : waiting.indexOf(shown);
  const verb = waiting.length === 1 ? 'waits' : 'wait';
  if (place >= 0) return `${place + 1} of ${waiting.length} ${verb}`;
  return waiting.length ? `${waiting.length} ${verb}` : 'nothing waits';
}

export interface Queue {
  /** Draws the place of the candidate that is shown. */
  update(shown: number | null): void;
  /** Selects the next candidate that waits, or the previous one. */
  step(by: 1 | -1): void;
}

export function mountQueue(el: HTMLElement, client: Client, toggleKeys: () => void): Queue {
  const place = h('span', { class: 'ar-review-place' });
  const steps = [
    h(
      'button',
      { type: 'button', 'aria-keyshortcuts': 'P', onclick: () => step(-1) },
      '‹ Previous'
    ),
    h('button', { type: 'button', 'aria-keyshortcuts': 'N', onclick: () => step(1) }, 'Next ›')
  ];
  const attributes = { type: 'button', 'aria-label': 'keys', title: 'Keys', onclick: toggleKeys };
  const keys = h('button', attributes, '?');
  el.append(h('div', { class: 'ar-review-queue' }, place, ...steps, keys));
  let current: number | null = null;

  function step(by: 1 | -1): void {
    const candidate = stepFrom(waitingIn(client), current, by);
    if (candidate !== null) client.select(candidate);
  }

  return {
    step,
    update(shown) {
      current = shown;
      const waiting = waitingIn(client);
      setText(place, describePlace(waiting, shown));
      const isAlone = waiting.every(candidate => candidate === shown);
      for (const button of steps) button.disabled = isAlone;
    }
  };
}

export function waitingIn(client: Client): readonly number[] {
  return client.state?.waiting ?? [];
}
