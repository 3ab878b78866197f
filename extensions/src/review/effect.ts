/** A gain with its interval, as a small picture. */

import { show } from '../dom';
import type { Card } from '../protocol';
import { picture, svg, WIDTH } from './svg';

const HEIGHT = 34;
const MARGIN = 8;
const TEXT_Y = 33;
const MIN_LABEL_GAP = 40; // nearer to each other, the two labels would overlap

/**
 * The gain as a dot on its interval, right of the line at 0 when it is better; null without a gain.
 *
 * A dashed line marks the smallest effect worth having.
 */
export function drawEffect(card: Card, minEffect: number): SVGElement | null {
  const { effect } = card;
  if (effect === null) return null;
  const low = card.low ?? effect;
  const high = card.high ?? effect;
  const left = Math.min(0, low);
  const right = Math.max(0, high, minEffect);
  const x = (value: number) =>
    MARGIN + ((value - left) / (right - left || 1)) * (WIDTH - 2 * MARGIN);
  const parts = [
    drawMark('ar-review-zero', x(0), 4, 24),
    svg('line', { class: 'ar-review-interval', x1: x(low), x2: x(high), y1: 14, y2: 14 }),
    drawMark('ar-review-interval', x(low), 10, 18),
    drawMark('ar-review-interval', x(high), 10, 18),
    svg('circle', { class: 'ar-review-effect-dot', cx: x(effect), cy: 14, r: 4 }),
    drawLabel('0', x(0), 8)
  ];
  if (minEffect > 0) {
    parts.push(drawMark('ar-review-min-effect', x(minEffect), 4, 24));
    const isLabelled = x(minEffect) - x(0) > MIN_LABEL_GAP;
    if (isLabelled) parts.push(drawLabel('min. effect', x(minEffect), 26));
  }
  const words = `gain ${show(effect)}, interval ${show(low)} to ${show(high)}`;
  return picture(words, HEIGHT, toneOf(low, high), ...parts);
}

/** A vertical line. */
function drawMark(name: string, x: number, from: number, to: number): SVGElement {
  return svg('line', { class: name, x1: x, x2: x, y1: from, y2: to });
}

/** A text below a place, moved as far as it must be to stay inside the picture. */
function drawLabel(text: string, x: number, halfWidth: number): SVGElement {
  const inside = Math.max(halfWidth, Math.min(x, WIDTH - halfWidth));
  const attributes = { x: inside, y: TEXT_Y, 'text-anchor': 'middle' };
  return svg('text', attributes, document.createTextNode(text));
}

function toneOf(low: number, high: number): string {
  if (low > 0) return 'ar-review-better';
  return high < 0 ? 'ar-review-worse' : 'ar-review-unclear';
}
