/** The frontier as values: which candidates no other one beats in two metrics. Pure; see `workbench/show/tradeoff.py`. */

import type { Row, StudyInfo, StudyState } from '../protocol';
import { barredOf, kindOf, padded, type Dots, type Kind } from './points';

/** Two metrics by their places among those that are weighed. */
export interface Pair {
  x: number;
  y: number;
}

export interface Front extends Dots {
  /** Indices of those that nobody beats, the best in x first. */
  front: number[];
  baseline: number | null;
  incumbent: number | null;
  counts: Record<Kind, number>;
  /** How many were decided without both metrics. */
  n_missing: number;
}

const PAD = 0.08;

export function frontOf(rows: Row[], study: StudyInfo, state: StudyState, pair: Pair): Front {
  const barred = barredOf(rows);
  const counts: Front['counts'] = { kept: 0, discarded: 0, open: 0, waiting: 0, crashed: 0, ended: 0 };
  const found: { row: Row; kind: Kind; at: [x: number, y: number] }[] = [];
  let n_missing = 0;
  for (const row of rows) {
    const kind = kindOf(row, barred);
    if (!kind) continue;
    const [x, y] = [row.weighed?.[pair.x] ?? null, row.weighed?.[pair.y] ?? null];
    if (x === null || y === null) {
      if (kind !== 'open') n_missing += 1;
      continue;
    }
    counts[kind] += 1;
    found.push({ row, kind, at: [x, y] });
  }
  found.sort((a, b) => a.at[0] - b.at[0] || a.row.candidate - b.row.candidate);
  const indexOf = (candidate: number | null) => (candidate === null ? -1 : found.findIndex(one => one.row.candidate === candidate));
  const [baseline, incumbent] = [indexOf(0), indexOf(state.incumbent)];
  const eligible = [...found.keys()].filter(i => !barred.has(found[i].row.candidate) && found[i].kind !== 'open' && found[i].kind !== 'waiting');
  return {
    rows: found.map(one => one.row),
    kinds: found.map(one => one.kind),
    places: found.map(one => one.at),
    x: rangeOf(found.map(one => one.at[0])),
    y: rangeOf(found.map(one => one.at[1])),
    front: unbeaten(eligible, found.map(one => one.at), study, pair),
    baseline: baseline < 0 ? null : baseline,
    incumbent: incumbent < 0 ? null : incumbent,
    counts,
    n_missing
  }; // prettier-ignore
}

function unbeaten(eligible: number[], places: [x: number, y: number][], study: StudyInfo, pair: Pair): number[] {
  const sign = (metric: number) => (study.metrics![metric].goal === 'minimize' ? 1 : -1);
  const cost = (i: number): [number, number] => [sign(pair.x) * places[i][0], sign(pair.y) * places[i][1]];
  let least = Infinity;
  const order = [...eligible].sort((a, b) => cost(a)[0] - cost(b)[0] || cost(a)[1] - cost(b)[1] || a - b);
  return order.filter(i => {
    const better = cost(i)[1] < least;
    if (better) least = cost(i)[1];
    return better;
  });
}

function rangeOf(values: number[]): [low: number, high: number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return padded(low, high, PAD);
}
