/** The tilted labels of the progress plot: ideas at what was kept. Lengths are device pixels. */

import type { ProgressDots } from './dots';
import { place, type Area, type Colours } from './paint';
import { idea, shorten } from './words';

const MAX_LABELS = 60;
const MAX_LENGTH = 45;
const MIN_LENGTH = 8;
const LABEL_PX = 10.5;
const OFFSET_PX = 6;
const TILT = Math.PI / 6;

/** A label as an upright box in the frame that is tilted with all labels. */
interface Box {
  left: number;
  right: number;
  middle: number;
}

/** Newest first; a label that would cross another, or has too little room, is left out. */
export function paintLabels(
  ctx: CanvasRenderingContext2D,
  dots: ProgressDots,
  area: Area,
  colours: Colours
): void {
  const size = LABEL_PX * area.ratio;
  const tilt = area.upwards ? -TILT : TILT;
  const cos = Math.cos(tilt);
  const sin = Math.sin(tilt);
  const boxes: Box[] = [];
  ctx.save();
  setFont(ctx, size, area, colours);
  for (let i = dots.rows.length - 1; i >= 0 && boxes.length < MAX_LABELS; i--) {
    if (dots.kinds[i] !== 'kept') continue;
    const [dotX, dotY] = place(dots, i, area);
    if (dotY < area.top || dotY > area.top + area.height) continue;
    const offset = OFFSET_PX * area.ratio;
    const x = dotX + offset;
    const y = dotY + (area.upwards ? -offset : offset);
    const start = { left: x * cos + y * sin, middle: y * cos - x * sin };
    if (crosses(boxes, { ...start, right: start.left }, size)) continue;
    const rise = (area.upwards ? y : area.top + area.height - y) - size;
    const room = Math.min((area.right - x) / cos, rise / Math.abs(sin));
    const text = fit(ctx, shorten(idea(dots.rows[i]), MAX_LENGTH), room);
    if (!text) continue;
    const box = { ...start, right: start.left + ctx.measureText(text).width };
    if (crosses(boxes, box, size)) continue;
    boxes.push(box);
    ctx.setTransform(cos, sin, -sin, cos, x, y);
    ctx.strokeText(text, 0, 0);
    ctx.fillText(text, 0, 0);
  }
  ctx.restore();
}

function setFont(
  ctx: CanvasRenderingContext2D,
  size: number,
  area: Area,
  colours: Colours
): void {
  ctx.font = `${size}px system-ui, sans-serif`;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  // A rim in the colour of the ground, so that a label can be read over dots.
  ctx.lineJoin = 'round';
  ctx.lineWidth = 3 * area.ratio;
  ctx.strokeStyle = colours.back;
  ctx.fillStyle = colours.good;
}

function crosses(boxes: Box[], box: Box, size: number): boolean {
  return boxes.some(other => {
    const isOnOneLine = Math.abs(other.middle - box.middle) < 1.15 * size;
    return isOnOneLine && other.left < box.right + size && box.left < other.right + size;
  });
}

/** The text, cut to the room there is; empty if only a few letters would fit. */
function fit(ctx: CanvasRenderingContext2D, text: string, room: number): string {
  const width = ctx.measureText(text).width;
  if (width <= room) return text;
  const length = Math.floor(([...text].length * room) / width) - 1;
  return length < MIN_LENGTH ? '' : shorten(text, length);
}
