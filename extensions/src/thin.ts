/** Keeps a curve's memory bounded: of every four points the lowest and the highest stay. */

import type { Curve } from './client';

export const MAX_POINTS = 20_000;
const GROUP = 4;

/** Halves a curve in place; the last points stay as they are, the oldest become the coarsest when it is done again and again. */
export function thin(curve: Curve): void {
  const { steps, values } = curve;
  let kept = 0;
  const keep = (i: number) => {
    steps[kept] = steps[i];
    values[kept++] = values[i];
  };
  let from = 0;
  for (; from + GROUP < curve.length; from += GROUP) {
    let [low, high] = [from, from];
    for (let i = from + 1; i < from + GROUP; i++) {
      if (values[i] < values[low]) low = i;
      if (values[i] > values[high]) high = i;
    }
    keep(Math.min(low, high));
    if (low !== high) keep(Math.max(low, high));
  }
  for (; from < curve.length; from++) keep(from);
  curve.length = kept;
  curve.thinned += 1;
}
