/** Ticks of a curve's axes: where they are, and their texts. Pure. */

export type Range = [low: number, high: number];

/** Factors within a decade, and how many decades lie between two ticks. */
const LOG_PATTERNS: [mantissas: number[], stride: number][] = [
  [[1, 2, 5], 1],
  [[1], 1],
  [[1], 2],
  [[1], 5],
  [[1], 10],
  [[1], 20]
];

/**
 * At most `most` round numbers in a range above 0.
 *
 * Powers of ten with 2 and 5, fewer of them over many decades, and even steps within one decade.
 */
export function logTicks([low, high]: Range, most: number): number[] {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  for (const [mantissas, stride] of LOG_PATTERNS) {
    const ticks: number[] = [];
    for (let power = Math.ceil(first / stride) * stride; power <= last; power += stride) {
      // By way of a text, since a product would have rounding errors.
      for (const mantissa of mantissas) ticks.push(Number(`${mantissa}e${power}`));
    }
    const inside = ticks.filter(tick => tick >= low && tick <= high);
    if (inside.length < 2) break;
    if (inside.length <= most) return inside;
  }
  return evenTicks([low, high], most);
}

function evenTicks([low, high]: Range, most: number): number[] {
  const least = (high - low) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(least));
  const step = power * [1, 2, 5, 10].find(factor => factor * power >= least)!;
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) ticks.push(i * step);
  return ticks;
}

/** A tick in few letters. */
export function writeTick(tick: number): string {
  const size = Math.abs(tick);
  const round = Number(tick.toPrecision(6));
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return round.toExponential().replace('e+', 'e');
  return size >= 10_000 ? `${Number((tick / 1000).toPrecision(6))}k` : String(round);
}
