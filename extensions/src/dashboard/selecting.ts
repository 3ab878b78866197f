/** Selecting while keys are held down: the screen moves at once, the client (which asks for the card) when the keys rest. */

import type { Client } from '../client';

const REST_MS = 120;

export interface Selecting {
  select(candidate: number): void;
  /** What is selected, or will be in a moment. */
  readonly candidate: number | null;
  remove(): void;
}

export function unhurried(client: Client): Selecting {
  let next: number | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const forget = client.on('selection', () => {
    clearTimeout(timer);
    next = null;
  });
  return {
    select(candidate) {
      clearTimeout(timer);
      next = candidate;
      timer = setTimeout(() => client.select(next), REST_MS);
    },
    get candidate() {
      return next ?? client.selected;
    },
    remove() {
      clearTimeout(timer);
      forget();
    }
  };
}
