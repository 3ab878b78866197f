/** All studies under the server's root, followed over the server's `watch` socket; no kernel takes part. */

import type { RunState } from '../protocol';
import type { Page } from '../transports';

/** One study, as `Shelf.listing` of `workbench/lab/server/` tells it. */
export interface StudyEntry {
  study: string;
  experiment: string;
  state: RunState;
  reason: string;
  objective: { name: string; goal: 'minimize' | 'maximize' };
  counts: { candidates: number; kept: number; discarded: number; failed: number; waiting: number };
  baseline: { score: number | null; spread: number | null };
  best: { candidate: number | null; score: number | null };
  self_reported: boolean;
  path: string;
  /** Where its `studies/` lies, from the root; '' is the root. */
  folder: string;
  opened_at: number;
  last_at: number;
  waiting: number[];
  fault: boolean;
}

export interface Unreadable {
  path: string;
  message: string;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

export class Studies {
  /** That written to last first; null before the server has said. */
  list: StudyEntry[] | null = null;
  unreadable: Unreadable[] = [];
  connected = false;
  /** Resolves with the first list. */
  readonly first: Promise<void>;

  private listeners = new Set<() => void>();
  private wait = FIRST_WAIT_MS;
  private begin: () => void = () => {};

  constructor(private page: Page) {
    this.first = new Promise(resolve => (this.begin = resolve));
    this.open();
  }

  /** Calls `listener` after every change; returns how to stop that. */
  on(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private open(): void {
    const query = this.page.token && `?${new URLSearchParams({ token: this.page.token })}`;
    const socket = new WebSocket(`${this.page.socket}workbench/watch${query}`);
    socket.onmessage = event => {
      const { studies, unreadable } = JSON.parse(event.data);
      Object.assign(this, { list: studies, unreadable, connected: true });
      this.wait = FIRST_WAIT_MS;
      this.begin();
      this.tell();
    };
    socket.onclose = () => {
      this.connected = false;
      this.tell();
      setTimeout(() => this.open(), this.wait);
      this.wait = Math.min(2 * this.wait, LONGEST_WAIT_MS);
    };
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}

/** How much better the best score is than the baseline's; null while the baseline is the best. */
export function gain({ best, baseline, objective }: StudyEntry): number | null {
  if (best.score === null || baseline.score === null || !best.candidate) return null;
  return objective.goal === 'minimize' ? baseline.score - best.score : best.score - baseline.score;
}

/** The newest study of a folder (from the root), else of the nearest folder around it that has one; '' is the root. */
export function newestOf(studies: StudyEntry[], folder: string): StudyEntry | undefined {
  for (let at = folder; ; at = at.replace(/(^|\/)[^/]*$/, '')) {
    const found = studies.find(one => one.folder === at);
    if (found || at === '') return found;
  }
}
