/** The candidates over two metrics, and their frontier. Pure; the feed sends which ones lead. */

import type { Kind, Plots, Row, StudyState } from '../protocol';
import { indexOf, noCounts, rangeOf, type Counts, type Dots } from './dots';

/** Two metrics by their places among those that are weighed. */
export interface Pair {
  x: number;
  y: number;
}

export interface FrontDots extends Dots {
  /** Indices of those that no other one beats, the best in x first. */
  front: number[];
  baseline: number | null;
  incumbent: number | null;
  counts: Counts;
  /** How many were decided without both metrics. */
  n_missing: number;
}

const PAD = 0.08;

/** @param names of the metrics, in the order of `weighed`. */
export function frontDots(
  rows: Row[],
  state: StudyState,
  plots: Plots,
  names: string[],
  pair: Pair
): FrontDots {
  const counts = noCounts();
  const placed: { row: Row; kind: Kind; x: number; y: number }[] = [];
  let n_missing = 0;
  for (const row of rows) {
    const { kind, weighed } = row;
    if (!kind) continue;
    const x = weighed[pair.x];
    const y = weighed[pair.y];
    if (x === null || y === null) {
      if (kind !== 'open') n_missing += 1;
      continue;
    }
    counts[kind] += 1;
    placed.push({ row, kind, x, y });
  }
  placed.sort((a, b) => a.x - b.x || a.row.candidate - b.row.candidate);
  const dots: Dots = {
    rows: placed.map(one => one.row),
    kinds: placed.map(one => one.kind),
    places: placed.map(one => [one.x, one.y]),
    x: rangeOf(placed.map(one => one.x), PAD),
    y: rangeOf(placed.map(one => one.y), PAD)
  }; // prettier-ignore
  const frontier = plots.frontiers.find(
    one => one.x === names[pair.x] && one.y === names[pair.y]
  );
  const front = (frontier?.candidates ?? []).map(candidate => indexOf(dots, candidate));
  return {
    ...dots,
    front: front.filter(index => index !== null),
    baseline: indexOf(dots, 0),
    incumbent: indexOf(dots, state.incumbent),
    counts,
    n_missing
  };
}
