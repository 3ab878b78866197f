/** The progress plot as values: what is drawn where, and which part of the scores is in view. Pure; see `workbench/show/figures.py`. */

import type { Row, StudyInfo, StudyState } from '../protocol';
import { standing, type Standing } from './words';

export type Kind = 'kept' | 'discarded' | 'open' | 'waiting' | 'crashed' | 'ended';
export type Range = [low: number, high: number];

/** Candidates in a plot. */
export interface Dots {
  /** Those that are drawn, from left to right. */
  rows: Row[];
  kinds: Kind[];
  /** Where each stands; what has no y stands on the horizontal axis, where no value can be read from it. */
  places: [x: number, y: number | null][];
  x: Range;
  y: Range;
}

export interface Points extends Dots {
  /** Corners of the running best, one for each keep that was better. */
  best: { candidate: number; score: number }[];
  /** Clearly worse than the baseline; drawn only when all scores are wanted. */
  n_far: number;
  counts: Record<Kind, number>;
}

const NEAR_BASELINE = 0.0005; // of the baseline, where the objective names no smallest effect
const KINDS: Record<Standing, Kind | null> = {
  queued: 'open', running: 'open', provisional: 'open', waiting: 'waiting', kept: 'kept', discarded: 'discarded', 'ended early': 'ended', failed: 'crashed', revised: 'discarded', ablated: null,
  unknown: 'discarded'
}; // prettier-ignore

/** @param all whether scores clearly worse than the baseline are drawn too. */
export function pointsOf(rows: Row[], study: StudyInfo, state: StudyState, all: boolean): Points {
  const sign = study.objective.goal === 'minimize' ? 1 : -1;
  const reference = state.baseline.score ?? rows.find(row => row.score !== null)?.score ?? null;
  const barred = barredOf(rows);
  const best = runningBest(rows, sign, barred);
  const last = best.length ? best[best.length - 1].score : null;
  const improved = reference !== null && last !== null && sign * (reference - last) > 0;
  const margin = reference === null ? 0 : Math.max(study.objective.min_effect, NEAR_BASELINE * Math.abs(reference));
  const points: Points = { rows: [], kinds: [], places: [], best, n_far: 0, counts: { kept: 0, discarded: 0, open: 0, waiting: 0, crashed: 0, ended: 0 }, x: [-0.5, Math.max(1, rows.length - 1) + 0.5], y: [0, 1] };
  let [low, high] = [Infinity, -Infinity];
  for (const row of rows) {
    const kind = kindOf(row, barred);
    if (!kind) continue;
    if (row.score === null && kind !== 'crashed' && kind !== 'waiting' && kind !== 'ended') continue;
    if (row.score !== null) {
      const isFar = kind !== 'kept' && improved && sign * (row.score - reference!) > margin;
      if (isFar) points.n_far += 1;
      if (isFar && !all) continue;
      low = Math.min(low, row.score);
      high = Math.max(high, row.score);
    }
    points.counts[kind] += 1;
    points.rows.push(row);
    points.kinds.push(kind);
    points.places.push([row.candidate, row.score]);
  }
  points.y = improved && !all ? padded(Math.min(reference!, last!), Math.max(reference!, last!), 0.15) : padded(low, high, 0.1);
  return points;
}

/** What was kept counts no more where it is barred; null for what an ablation tried, unless a person is asked about it or has kept it. */
export function kindOf(row: Row, barred: ReadonlySet<number>): Kind | null {
  const kind = KINDS[standing(row)];
  return kind === 'kept' && barred.has(row.candidate) ? 'discarded' : kind;
}

/** Those that a person vetoed, and those with a vetoed one's change that no ablation has taken out. */
export function barredOf(rows: Row[]): Set<number> {
  const none: ReadonlySet<number> = new Set();
  const vetoed = new Map<number, ReadonlySet<number>>(); // by candidate: the vetoed ones that its program has changes of
  for (const { candidate, parent, vetoed: own, without } of rows) {
    const inherited = (parent === null ? undefined : vetoed.get(parent)) ?? none;
    const lost = typeof without === 'number' && inherited.has(without);
    if (!own && !lost) {
      if (inherited.size) vetoed.set(candidate, inherited);
      continue;
    }
    const all = new Set(inherited);
    if (lost) all.delete(without);
    if (own) all.add(candidate);
    if (all.size) vetoed.set(candidate, all);
  }
  return new Set(vetoed.keys());
}

function runningBest(rows: Row[], sign: number, barred: ReadonlySet<number>): Points['best'] {
  const best: Points['best'] = [];
  for (const row of rows) {
    const { score, candidate } = row;
    if (score === null || kindOf(row, barred) !== 'kept') continue;
    if (!best.length || sign * (best[best.length - 1].score - score) > 0) best.push({ candidate, score });
  }
  return best;
}

/** A range with some room on either side, a share of its width; 0 to 1 where there is none. */
export function padded(low: number, high: number, share: number): Range {
  if (!(low <= high)) return [0, 1];
  const pad = share * (high - low) || 0.05 * Math.abs(low) || 0.5;
  return [low - pad, high + pad];
}
