/** Draws the candidates of a plot on a canvas. All lengths are device pixels. */

import type { Kind } from '../protocol';
import type { Dots } from './dots';

export interface Colours {
  text: string;
  faint: string;
  line: string;
  good: string;
  bad: string;
  accent: string;
  back: string;
}

/** Where the plotting area lies on the canvas, and how values become pixels. */
export interface Area {
  left: number;
  top: number;
  width: number;
  height: number;
  /** Of the whole canvas; labels may leave the plotting area but not the canvas. */
  right: number;
  x: (value: number) => number;
  y: (value: number) => number;
  /** Device pixels of one CSS pixel. */
  ratio: number;
  /** Whether labels rise from their dots, as where lower is better; else they sink. */
  upwards: boolean;
}

const RADIUS: Record<Kind, number> = {
  discarded: 2,
  open: 3.5,
  waiting: 4.5,
  kept: 4.5,
  crashed: 3.5,
  ended: 3.5
};
const LINE_PX = 1.8;
const MARGIN_PX = 5;

/** Where a dot is on the canvas. */
export function place(
  dots: Dots,
  index: number,
  area: Pick<Area, 'x' | 'y' | 'top' | 'height'>
): [x: number, y: number] {
  const [x, y] = dots.places[index];
  return [area.x(x), y === null ? area.top + area.height : area.y(y)];
}

/** The dots of one kind. */
export function paintDots(
  ctx: CanvasRenderingContext2D,
  kind: Kind,
  dots: Dots,
  area: Area,
  colours: Colours
): void {
  const r = RADIUS[kind] * area.ratio;
  ctx.beginPath();
  ctx.globalAlpha = kind === 'discarded' ? 0.45 : 1;
  ctx.fillStyle = fillOf(kind, colours);
  ctx.strokeStyle = strokeOf(kind, colours);
  ctx.lineWidth = (kind === 'crashed' || kind === 'ended' ? 1.5 : 2.5) * area.ratio;
  for (let i = 0; i < dots.rows.length; i++) {
    if (dots.kinds[i] !== kind) continue;
    const [x, y] = place(dots, i, area);
    // The many discarded ones are squares: on a canvas without a GPU, 10,000 squares take 2 ms and
    // 10,000 circles take 90 ms.
    if (kind === 'discarded') ctx.rect(Math.round(x - r), Math.round(y - r), 2 * r, 2 * r);
    else outline(ctx, kind, x, y, r);
  }
  if (kind !== 'discarded') ctx.stroke();
  // Over the inner half of the lines: where dots crowd, their colour wins.
  if (kind !== 'crashed') ctx.fill();
  ctx.globalAlpha = 1;
}

function fillOf(kind: Kind, { faint, good, back }: Colours): string {
  if (kind === 'discarded') return faint;
  return kind === 'kept' ? good : back;
}

function strokeOf(kind: Kind, { text, faint, bad, accent }: Colours): string {
  const strokes: Record<Kind, string> = {
    discarded: faint,
    open: accent,
    waiting: accent,
    kept: text,
    crashed: bad,
    ended: faint
  };
  return strokes[kind];
}

function outline(
  ctx: CanvasRenderingContext2D,
  kind: Kind,
  x: number,
  y: number,
  r: number
): void {
  if (kind === 'crashed') {
    ctx.moveTo(x - r, y - r);
    ctx.lineTo(x + r, y + r);
    ctx.moveTo(x - r, y + r);
    ctx.lineTo(x + r, y - r);
  } else if (kind === 'ended') {
    ctx.moveTo(x, y - r);
    ctx.lineTo(x + r, y + r);
    ctx.lineTo(x - r, y + r);
    ctx.closePath();
  } else if (kind === 'waiting') {
    ctx.moveTo(x, y - r);
    ctx.lineTo(x + r, y);
    ctx.lineTo(x, y + r);
    ctx.lineTo(x - r, y);
    ctx.closePath();
  } else {
    ctx.moveTo(x + r, y);
    ctx.arc(x, y, r, 0, 2 * Math.PI);
  }
}

/** Strokes the current path as a plot's own line. */
export function strokeLine(ctx: CanvasRenderingContext2D, area: Area, colours: Colours): void {
  ctx.strokeStyle = colours.good;
  ctx.globalAlpha = 0.7;
  ctx.lineWidth = LINE_PX * area.ratio;
  ctx.stroke();
  ctx.globalAlpha = 1;
}

/** Draws inside the plotting area; marks on its edge are whole. */
export function within(ctx: CanvasRenderingContext2D, area: Area, draw: () => void): void {
  const margin = MARGIN_PX * area.ratio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(
    area.left - margin,
    area.top - margin,
    area.width + 2 * margin,
    area.height + 2 * margin
  );
  ctx.clip();
  draw();
  ctx.restore();
}
