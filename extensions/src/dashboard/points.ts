/** The progress plot as values: what is drawn where, and which part of the scores is in view. Pure; see `workbench/lab/figures.py`. */

import type { Row, StudyInfo, StudyState } from '../protocol';

export type Kind = 'kept' | 'discarded' | 'open' | 'waiting' | 'crashed';
export type Range = [low: number, high: number];

export interface Points {
  /** Those that are drawn, by candidate number. */
  rows: Row[];
  kinds: Kind[];
  /** Corners of the running best, one for each keep that was better. */
  best: { candidate: number; score: number }[];
  /** Clearly worse than the baseline; drawn only when all scores are wanted. */
  n_far: number;
  counts: Record<Kind, number>;
  x: Range;
  y: Range;
}

const NEAR_BASELINE = 0.0005; // of the baseline, where the objective names no smallest effect
const KINDS: Record<Row['status'], Kind> = {
  queued: 'open', running: 'open', provisional: 'open', waiting: 'waiting', kept: 'kept', discarded: 'discarded', failed: 'crashed', revised: 'discarded', ablated: 'discarded', unknown: 'discarded'
}; // prettier-ignore

/** @param all whether scores clearly worse than the baseline are drawn too. */
export function pointsOf(rows: Row[], study: StudyInfo, state: StudyState, all: boolean): Points {
  const sign = study.objective.goal === 'minimize' ? 1 : -1;
  const reference = state.baseline.score ?? rows.find(row => row.score !== null)?.score ?? null;
  const best = runningBest(rows, sign);
  const last = best.length ? best[best.length - 1].score : null;
  const improved = reference !== null && last !== null && sign * (reference - last) > 0;
  const margin = reference === null ? 0 : Math.max(study.objective.min_effect, NEAR_BASELINE * Math.abs(reference));
  const points: Points = { rows: [], kinds: [], best, n_far: 0, counts: { kept: 0, discarded: 0, open: 0, waiting: 0, crashed: 0 }, x: [-0.5, Math.max(1, rows.length - 1) + 0.5], y: [0, 1] };
  let [low, high] = [Infinity, -Infinity];
  for (const row of rows) {
    const kind = KINDS[row.status];
    if (row.score === null && kind !== 'crashed' && kind !== 'waiting') continue;
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
  }
  points.y = improved && !all ? padded(Math.min(reference!, last!), Math.max(reference!, last!), 0.15) : padded(low, high, 0.1);
  return points;
}

function runningBest(rows: Row[], sign: number): Points['best'] {
  const best: Points['best'] = [];
  for (const { status, score, candidate } of rows) {
    if (status !== 'kept' || score === null) continue;
    if (!best.length || sign * (best[best.length - 1].score - score) > 0) best.push({ candidate, score });
  }
  return best;
}

function padded(low: number, high: number, share: number): Range {
  if (!(low <= high)) return [0, 1];
  const pad = share * (high - low) || 0.05 * Math.abs(low) || 0.5;
  return [low - pad, high + pad];
}
