/** Smoothing of curves, and reading them at a step. */

import type { Curve } from '../client';

/** The valid part of a curve, smoothed or not. */
export interface Line {
  steps: Float64Array;
  values: Float64Array;
}

interface Smoothing {
  weight: number;
  thinned: number;
  length: number;
  /** The moving average before the correction of its start from 0. */
  mean: number;
  values: Float64Array;
}

const smoothings = new WeakMap<Curve, Smoothing>();

export function rawLine({ steps, values, length }: Curve): Line {
  return { steps: steps.subarray(0, length), values: values.subarray(0, length) };
}

/**
 * An exponential moving average, corrected for its start from 0 as in Adam (Kingma & Ba 2015,
 * section 3). Only what is new since the last call is computed.
 *
 * @param weight of the past, from 0 (the curve itself) to below 1.
 */
export function smoothLine(curve: Curve, weight: number): Line {
  if (weight === 0) return rawLine(curve);
  const state = smoothingOf(curve, weight);
  if (state.values.length < curve.length) {
    const values = new Float64Array(curve.values.length);
    values.set(state.values.subarray(0, state.length));
    state.values = values;
  }
  for (; state.length < curve.length; state.length++) {
    state.mean = weight * state.mean + (1 - weight) * curve.values[state.length];
    state.values[state.length] = state.mean / (1 - weight ** (state.length + 1));
  }
  const steps = curve.steps.subarray(0, curve.length);
  return { steps, values: state.values.subarray(0, curve.length) };
}

/** A curve that was thinned out is smoothed from its start again. */
function smoothingOf(curve: Curve, weight: number): Smoothing {
  const { thinned } = curve;
  const latest = smoothings.get(curve);
  if (latest?.weight === weight && latest.thinned === thinned) return latest;
  const state = { weight, thinned, length: 0, mean: 0, values: new Float64Array(0) };
  smoothings.set(curve, state);
  return state;
}

/** Index of the point nearest to a step; the last one if `step` is null. */
export function nearest({ steps }: Line, step: number | null): number {
  if (step === null) return steps.length - 1;
  const right = firstFrom(steps, step);
  if (right === 0) return 0;
  if (right === steps.length) return right - 1;
  return step - steps[right - 1] < steps[right] - step ? right - 1 : right;
}

/** The value at a step, between two points on the straight line; null outside of the curve. */
export function valueAt({ steps, values }: Line, step: number): number | null {
  const right = firstFrom(steps, step);
  if (right === steps.length) return null;
  if (steps[right] === step) return values[right];
  if (right === 0) return null;
  const share = (step - steps[right - 1]) / (steps[right] - steps[right - 1]);
  return values[right - 1] + share * (values[right] - values[right - 1]);
}

/** Index of the first step that is at least `step`. */
function firstFrom(steps: Float64Array, step: number): number {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle] < step) low = middle + 1;
    else high = middle;
  }
  return low;
}
