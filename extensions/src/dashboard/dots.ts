/**
 * The candidates of a plot as values, and what the progress plot draws. Pure.
 *
 * How a candidate is marked, and which scores are worth showing, comes from the feed, where
 * `workbench/show/` computes it for the static figures too. Here candidates only get their places.
 */

import type { Kind, Plots, Row, StudyInfo } from '../protocol';

export type Range = [low: number, high: number];

export interface Dots {
  /** The candidates that are drawn, from left to right. */
  rows: Row[];
  kinds: Kind[];
  /** Without a y, a candidate is on the horizontal axis, where no value can be read from it. */
  places: [x: number, y: number | null][];
  x: Range;
  y: Range;
}

export type Counts = Record<Kind, number>;

export interface ProgressDots extends Dots {
  /** Corners of the running best. */
  best: { candidate: number; score: number }[];
  /** Candidates clearly worse than the baseline, which are drawn only if all scores are wanted. */
  n_far: number;
  counts: Counts;
}

/** Without a score, these kinds are marked on the axis; the others have nothing to show yet. */
const ON_AXIS = new Set<Kind>(['crashed', 'waiting', 'ended']);
const PAD = 0.1;

export function noCounts(): Counts {
  return { kept: 0, discarded: 0, open: 0, waiting: 0, crashed: 0, ended: 0 };
}

/** @param all whether scores clearly worse than the baseline are drawn too. */
export function progressDots(
  rows: Row[],
  { objective }: StudyInfo,
  plots: Plots,
  all: boolean
): ProgressDots {
  const dots: ProgressDots = {
    rows: [],
    kinds: [],
    places: [],
    best: runningBest(rows, plots),
    n_far: 0,
    counts: noCounts(),
    x: [-0.5, Math.max(1, rows.length - 1) + 0.5],
    y: [0, 1]
  };
  const sign = objective.goal === 'minimize' ? 1 : -1;
  const isFar = (score: number) => plots.worst !== null && sign * (score - plots.worst) > 0;
  const scores: number[] = [];
  for (const row of rows) {
    const { kind, score } = row;
    if (!kind) continue;
    if (score === null && !ON_AXIS.has(kind)) continue;
    if (score !== null && kind !== 'kept' && isFar(score)) {
      dots.n_far += 1;
      if (!all) continue;
    }
    if (score !== null) scores.push(score);
    dots.counts[kind] += 1;
    dots.rows.push(row);
    dots.kinds.push(kind);
    dots.places.push([row.candidate, score]);
  }
  dots.y = plots.window && !all ? plots.window : rangeOf(scores, PAD);
  return dots;
}

function runningBest(rows: Row[], { leaders }: Plots): ProgressDots['best'] {
  return leaders.map(candidate => ({ candidate, score: rows[candidate].score! }));
}

/** From the lowest to the highest value, with some room on either side, a share of the width. */
export function rangeOf(values: number[], share: number): Range {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (!(low <= high)) return [0, 1];
  const pad = share * (high - low) || 0.05 * Math.abs(low) || 0.5;
  return [low - pad, high + pad];
}

/** Index of the first point at x or to the right of it. */
export function firstFrom({ places }: Dots, x: number): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (places[middle][0] < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of a candidate; null if it has no place. */
export function indexOf({ rows }: Dots, candidate: number | null): number | null {
  const index = candidate === null ? -1 : rows.findIndex(row => row.candidate === candidate);
  return index < 0 ? null : index;
}
