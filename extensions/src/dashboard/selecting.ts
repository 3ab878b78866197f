/**
 * Selecting by keys.
 *
 * While a key is held down, the screen moves at once; the client, which asks for the card, follows
 * when the keys rest.
 */

import type { Client } from '../client';

const REST_MS = 120;

export interface Selecting {
  select(candidate: number): void;
  /** The selected candidate, or the one that will be selected in a moment. */
  readonly candidate: number | null;
  remove(): void;
}

export function unhurried(client: Client): Selecting {
  let next: number | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = client.on('selection', () => {
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
      stop();
    }
  };
}

/** A key with a modifier belongs to the browser or to JupyterLab. */
export function hasModifier({ ctrlKey, metaKey, altKey, shiftKey }: KeyboardEvent): boolean {
  return ctrlKey || metaKey || altKey || shiftKey;
}
