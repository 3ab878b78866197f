/** Draws a plot's candidates on a canvas, and the progress plot's running best and labels; all lengths are device pixels. */

import type { Dots, Kind, Points } from './points';
import { idea, shorten } from './words';

export interface Colours {
  text: string;
  faint: string;
  line: string;
  good: string;
  bad: string;
  accent: string;
  back: string;
}

/** Where the plotting area lies on the canvas, and from values to there. */
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
  upwards: boolean;
}

const RADIUS: Record<Kind, number> = { discarded: 2, open: 3.5, waiting: 4.5, kept: 4.5, crashed: 3.5, ended: 3.5 };
const MAX_LABELS = 60;
const LABEL_LENGTH = 45;
const LABEL_PX = 10.5;
const TILT = Math.PI / 6;

export function paint(ctx: CanvasRenderingContext2D, points: Points, area: Area, colours: Colours, labels: boolean): void {
  within(ctx, area, () => dots(ctx, 'discarded', points, area, colours));
  if (labels) names(ctx, points, area, colours); // over the many, under the few
  within(ctx, area, () => {
    line(ctx, points, area, colours);
    spreads(ctx, points, area, colours);
    for (const kind of ['ended', 'crashed', 'open', 'waiting', 'kept'] as const) dots(ctx, kind, points, area, colours);
  });
}

/** Where a point stands on the canvas. */
export function place(points: Dots, index: number, area: Pick<Area, 'x' | 'y' | 'top' | 'height'>): [x: number, y: number] {
  const [x, y] = points.places[index];
  return [area.x(x), y === null ? area.top + area.height : area.y(y)];
}

/** The many discarded ones are squares: on a canvas without a GPU 10,000 of those take 2 ms, circles take 90. */
export function dots(ctx: CanvasRenderingContext2D, kind: Kind, points: Dots, area: Area, colours: Colours): void {
  const r = RADIUS[kind] * area.ratio;
  ctx.beginPath();
  ctx.globalAlpha = kind === 'discarded' ? 0.45 : 1;
  ctx.fillStyle = { discarded: colours.faint, open: colours.back, waiting: colours.back, kept: colours.good, crashed: colours.back, ended: colours.back }[kind];
  ctx.strokeStyle = { discarded: colours.faint, open: colours.accent, waiting: colours.accent, kept: colours.text, crashed: colours.bad, ended: colours.faint }[kind];
  ctx.lineWidth = (kind === 'crashed' || kind === 'ended' ? 1.5 : 2.5) * area.ratio;
  for (let i = 0; i < points.rows.length; i++) {
    if (points.kinds[i] !== kind) continue;
    const [x, y] = place(points, i, area);
    if (kind === 'discarded') ctx.rect(Math.round(x - r), Math.round(y - r), 2 * r, 2 * r);
    else outline(ctx, kind, x, y, r);
  }
  if (kind !== 'discarded') ctx.stroke();
  if (kind !== 'crashed') ctx.fill(); // over the inner half of the lines: where points crowd, their colour wins
  ctx.globalAlpha = 1;
}

function outline(ctx: CanvasRenderingContext2D, kind: Kind, x: number, y: number, r: number): void {
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

function line(ctx: CanvasRenderingContext2D, points: Points, area: Area, colours: Colours): void {
  if (!points.best.length) return;
  ctx.beginPath();
  for (const [i, { candidate, score }] of points.best.entries()) {
    if (i) ctx.lineTo(area.x(candidate), area.y(points.best[i - 1].score));
    ctx.lineTo(area.x(candidate), area.y(score));
  }
  ctx.lineTo(area.x(points.x[1] - 0.5), area.y(points.best[points.best.length - 1].score));
  ctx.strokeStyle = colours.good;
  ctx.globalAlpha = 0.7;
  ctx.lineWidth = 1.8 * area.ratio;
  ctx.stroke();
  ctx.globalAlpha = 1;
}

/** One standard deviation either way, of those kept. */
function spreads(ctx: CanvasRenderingContext2D, points: Points, area: Area, colours: Colours): void {
  const cap = 3 * area.ratio;
  ctx.beginPath();
  for (const [i, { candidate, score, spread }] of points.rows.entries()) {
    if (points.kinds[i] !== 'kept' || score === null || !spread) continue;
    const x = area.x(candidate);
    for (const end of [area.y(score - spread), area.y(score + spread)]) {
      ctx.moveTo(x, area.y(score));
      ctx.lineTo(x, end);
      ctx.moveTo(x - cap, end);
      ctx.lineTo(x + cap, end);
    }
  }
  ctx.strokeStyle = colours.faint;
  ctx.lineWidth = area.ratio;
  ctx.stroke();
}

/** Ideas at the keeps, newest first; one that would cross another, or find too little room, is left out. */
function names(ctx: CanvasRenderingContext2D, points: Points, area: Area, colours: Colours): void {
  const { ratio } = area;
  const size = LABEL_PX * ratio;
  const tilt = area.upwards ? -TILT : TILT;
  const [cos, sin] = [Math.cos(tilt), Math.sin(tilt)];
  const taken: [left: number, right: number, middle: number][] = [];
  ctx.save();
  ctx.font = `${size}px system-ui, sans-serif`;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  ctx.lineJoin = 'round';
  ctx.lineWidth = 3 * ratio;
  ctx.strokeStyle = colours.back;
  ctx.fillStyle = colours.good;
  for (let i = points.rows.length - 1; i >= 0 && taken.length < MAX_LABELS; i--) {
    if (points.kinds[i] !== 'kept') continue;
    const [px, py] = place(points, i, area);
    if (py < area.top || py > area.top + area.height) continue;
    const [x, y] = [px + 6 * ratio, py + (area.upwards ? -6 : 6) * ratio];
    const rise = (area.upwards ? y : area.top + area.height - y) - size;
    const room = Math.min((area.right - x) / cos, rise / Math.abs(sin));
    const [along, across] = [x * cos + y * sin, y * cos - x * sin]; // in the labels' own frame they are upright boxes
    const crosses = (width: number) => taken.some(other => Math.abs(other[2] - across) < 1.15 * size && other[0] < along + width + size && along < other[1] + size);
    if (crosses(0)) continue;
    const text = fitting(ctx, shorten(idea(points.rows[i]), LABEL_LENGTH), room);
    if (!text) continue;
    const width = ctx.measureText(text).width;
    if (crosses(width)) continue;
    taken.push([along, along + width, across]);
    ctx.setTransform(cos, sin, -sin, cos, x, y);
    ctx.strokeText(text, 0, 0);
    ctx.fillText(text, 0, 0);
  }
  ctx.restore();
}

/** The text, cut to the room there is; empty when a few letters would not fit. */
function fitting(ctx: CanvasRenderingContext2D, text: string, room: number): string {
  const width = ctx.measureText(text).width;
  if (width <= room) return text;
  const length = Math.floor(([...text].length * room) / width) - 1;
  return length < 8 ? '' : shorten(text, length);
}

/** Draws inside the plotting area; marks on its edge are whole. */
export function within(ctx: CanvasRenderingContext2D, area: Area, draw: () => void): void {
  const margin = 5 * area.ratio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(area.left - margin, area.top - margin, area.width + 2 * margin, area.height + 2 * margin);
  ctx.clip();
  draw();
  ctx.restore();
}
