/** All studies under the server's root, followed over the server's `watch` socket; no kernel. */

import type { Listing, StudyEntry, Unreadable } from '../protocol';
import type { Page } from '../transports';

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

export interface Studies {
  /** The study that was written to last comes first; null before the first answer of the server. */
  readonly list: StudyEntry[] | null;
  readonly unreadable: Unreadable[];
  readonly connected: boolean;
  /** Resolves with the first list. */
  readonly first: Promise<void>;
  /** Calls `listener` after every change; returns how to stop that. */
  on(listener: () => void): () => void;
}

/** Follows the list as long as the page lives. After a cut it reconnects, ever more slowly. */
export function followStudies(page: Page): Studies {
  const listeners = new Set<() => void>();
  let list: StudyEntry[] | null = null;
  let unreadable: Unreadable[] = [];
  let connected = false;
  let waitMs = FIRST_WAIT_MS;
  let resolveFirst = () => {};
  const first = new Promise<void>(resolve => (resolveFirst = resolve));

  function open(): void {
    const query = page.token && `?${new URLSearchParams({ token: page.token })}`;
    const socket = new WebSocket(`${page.socket}workbench/watch${query}`);
    socket.onmessage = event => receive(JSON.parse(event.data));
    socket.onclose = reopen;
  }

  function receive(listing: Listing): void {
    list = listing.studies;
    unreadable = listing.unreadable;
    connected = true;
    waitMs = FIRST_WAIT_MS;
    resolveFirst();
    notify();
  }

  function reopen(): void {
    connected = false;
    notify();
    setTimeout(open, waitMs);
    waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
  }

  function notify(): void {
    for (const listener of listeners) listener();
  }

  open();
  return {
    first,
    get list() {
      return list;
    },
    get unreadable() {
      return unreadable;
    },
    get connected() {
      return connected;
    },
    on(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    }
  };
}

/** Whether two entries are of one study: another one may come to lie at the same path. */
export function isSame(study: StudyEntry, other: StudyEntry): boolean {
  return study.path === other.path && study.opened_at === other.opened_at;
}

/** How much better the best score is than the baseline's; null while the baseline is the best. */
export function gainOf({ best, baseline, objective }: StudyEntry): number | null {
  if (best.score === null || baseline.score === null || !best.candidate) return null;
  const difference = best.score - baseline.score;
  return objective.goal === 'minimize' ? -difference : difference;
}

/** The newest study of a folder (from the root), else of the nearest folder around it with one. */
export function newestOf(studies: StudyEntry[], folder: string): StudyEntry | undefined {
  const newest = studies.find(study => study.folder === folder);
  if (newest || folder === '') return newest;
  return newestOf(studies, parentOf(folder));
}

/** The folder around one; '' is the root. */
function parentOf(folder: string): string {
  return folder.replace(/(^|\/)[^/]*$/, '');
}
