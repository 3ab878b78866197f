/** One curve in the browser: it grows in place, and its memory stays bounded. */

import type { Series } from './protocol';

export interface Curve extends Series {
  /** Grown in place; the first `length` of them are valid. */
  steps: Float64Array;
  values: Float64Array;
  length: number;
  /** How often it was thinned out; earlier points then have other indices. */
  thinned: number;
}

const FIRST_SIZE = 256;
const MAX_POINTS = 20_000;
const GROUP = 4;

export function newCurve(series: Series): Curve {
  const steps = new Float64Array(FIRST_SIZE);
  const values = new Float64Array(FIRST_SIZE);
  return { ...series, steps, values, length: 0, thinned: 0 };
}

export function append(curve: Curve, steps: Float64Array, values: Float32Array): void {
  const length = curve.length + steps.length;
  if (length > curve.steps.length) reserve(curve, Math.max(length, 2 * curve.steps.length));
  curve.steps.set(steps, curve.length);
  curve.values.set(values, curve.length);
  curve.length = length;
  while (curve.length > MAX_POINTS) thin(curve);
}

function reserve(curve: Curve, size: number): void {
  const steps = new Float64Array(size);
  const values = new Float64Array(size);
  steps.set(curve.steps.subarray(0, curve.length));
  values.set(curve.values.subarray(0, curve.length));
  curve.steps = steps;
  curve.values = values;
}

/**
 * Halves a curve in place: of every four points the lowest and the highest stay.
 *
 * The last points stay as they are. The oldest ones become the coarsest when it happens again.
 */
function thin(curve: Curve): void {
  const { steps, values } = curve;
  let n_kept = 0;
  const keep = (i: number) => {
    steps[n_kept] = steps[i];
    values[n_kept] = values[i];
    n_kept += 1;
  };
  let start = 0;
  for (; start + GROUP < curve.length; start += GROUP) {
    let low = start;
    let high = start;
    for (let i = start + 1; i < start + GROUP; i++) {
      if (values[i] < values[low]) low = i;
      if (values[i] > values[high]) high = i;
    }
    keep(Math.min(low, high));
    if (low !== high) keep(Math.max(low, high));
  }
  for (; start < curve.length; start++) keep(start);
  curve.length = n_kept;
  curve.thinned += 1;
}
