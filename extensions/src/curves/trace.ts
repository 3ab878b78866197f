/** Lines of a curve plot: how high they reach, and their paths on a canvas. */

import type { Line } from './smoothing';
import type { Range } from './ticks';

/** A line to paint; lengths in CSS pixels. */
export interface Stroke {
  line: Line;
  colour: string;
  width: number;
  dash: number[];
  alpha: number;
}

/** From values to pixels of the canvas, and which pixels lie in the plot. */
export interface Pixels {
  x: (step: number) => number;
  y: (value: number) => number;
  left: number;
  right: number;
}

const DOT_PX = 3.5;

/**
 * Adds a line to the canvas's path.
 *
 * All points that share a column of pixels become its first, lowest, highest and last one, where
 * these differ: a line of 20,000 points costs no more than one of the plot's width.
 */
export function traceLine(
  ctx: CanvasRenderingContext2D,
  { steps, values }: Line,
  log: boolean,
  { x, y, left, right }: Pixels
): void {
  let column = NaN;
  let first = 0;
  let low = 0;
  let high = 0;
  let last = 0;
  let isOpen = false;

  function finishColumn(): void {
    if (low < Math.min(first, last)) ctx.lineTo(column, y(low));
    if (high > Math.max(first, last)) ctx.lineTo(column, y(high));
    if (last !== first) ctx.lineTo(column, y(last));
  }

  function beginColumn(pixel: number, value: number): void {
    column = pixel;
    first = low = high = last = value;
  }

  for (let i = 0; i < steps.length; i++) {
    const value = values[i];
    if (log && value <= 0) {
      // A logarithm leaves a gap here.
      finishColumn();
      beginColumn(NaN, 0);
      isOpen = false;
      continue;
    }
    const pixel = x(steps[i]);
    const isNextOutside = i + 1 < steps.length && x(steps[i + 1]) < left;
    if (pixel < left && isNextOutside) continue;
    if (pixel === column) {
      low = Math.min(low, value);
      high = Math.max(high, value);
      last = value;
      continue;
    }
    finishColumn();
    beginColumn(pixel, value);
    if (isOpen) ctx.lineTo(pixel, y(value));
    else ctx.moveTo(pixel, y(value));
    isOpen = true;
    if (pixel > right) return;
  }
  finishColumn();
}

export function paintLine(
  ctx: CanvasRenderingContext2D,
  { line, colour, width, dash, alpha }: Stroke,
  log: boolean,
  pixels: Pixels
): void {
  ctx.beginPath();
  traceLine(ctx, line, log, pixels);
  ctx.strokeStyle = colour;
  ctx.lineWidth = width * devicePixelRatio;
  ctx.setLineDash(dash.map(length => length * devicePixelRatio));
  ctx.globalAlpha = alpha;
  ctx.stroke();
}

/** A single value makes no line. Its dot is drawn whole at the edge too, where the last step is. */
export function paintDot(
  ctx: CanvasRenderingContext2D,
  { line: { steps, values }, colour, alpha }: Stroke,
  log: boolean,
  [from, to]: Range,
  { x, y }: Pixels
): void {
  if (steps.length !== 1 || steps[0] < from || steps[0] > to) return;
  if (log && values[0] <= 0) return;
  ctx.save();
  ctx.beginPath();
  ctx.arc(x(steps[0]), y(values[0]), DOT_PX * devicePixelRatio, 0, 2 * Math.PI);
  ctx.fillStyle = colour;
  ctx.globalAlpha = alpha;
  ctx.fill();
  ctx.restore();
}

/** The height that lines need between two steps, and how many values a logarithm leaves out. */
export function measureHeights(
  strokes: Stroke[],
  [from, to]: Range,
  log: boolean
): { y: Range; n_hidden: number } {
  let low = Infinity;
  let high = -Infinity;
  let n_hidden = 0;
  for (const { line } of strokes) {
    for (let i = 0; i < line.steps.length; i++) {
      const value = line.values[i];
      if (line.steps[i] < from || line.steps[i] > to) continue;
      if (log && value <= 0) {
        n_hidden += 1;
        continue;
      }
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) return { y: log ? [1, 10] : [0, 1], n_hidden };
  return { y: log ? widenLog(low, high) : widen(low, high), n_hidden };
}

function widen(low: number, high: number): Range {
  const pad = 0.05 * (high - low) || 0.05 * Math.abs(low) || 0.5;
  return [low - pad, high + pad];
}

function widenLog(low: number, high: number): Range {
  const factor = high > low ? (high / low) ** 0.05 : 1.5;
  return [low / factor, high * factor];
}
