/** Two small pictures: a gain with its interval, and a candidate's curve beside the incumbent's. */

import type { Client, Curve } from '../client';
import { h, show } from '../dom';
import type { Card } from '../protocol';

const WIDTH = 220;
const HEIGHT = 34;
const MAX_POINTS = 200;

function svg(tag: string, attributes: Record<string, string | number>, ...children: Node[]): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

function picture(label: string, height: number, tone: string, ...children: Node[]): SVGElement {
  const size = { width: WIDTH, height, viewBox: `0 0 ${WIDTH} ${height}` };
  return svg('svg', { class: `ar-review-picture ${tone}`, role: 'img', 'aria-label': label, ...size }, ...children);
}

function label(text: string, x: number, halfWidth: number): SVGElement {
  const at = Math.max(halfWidth, Math.min(x, WIDTH - halfWidth));
  return svg('text', { x: at, y: 33, 'text-anchor': 'middle' }, document.createTextNode(text));
}

/** The gain as a dot on its interval, right of the line at 0 when better; a dashed mark at the smallest effect worth having. */
export function effectBar(card: Card, minEffect: number): SVGElement | null {
  if (card.effect === null) return null;
  const low = card.low ?? card.effect;
  const high = card.high ?? card.effect;
  const [left, right] = [Math.min(0, low), Math.max(0, high, minEffect)];
  const x = (value: number) => 8 + ((value - left) / (right - left || 1)) * (WIDTH - 16);
  const line = (name: string, at: number, from: number, to: number) => svg('line', { class: name, x1: x(at), x2: x(at), y1: from, y2: to });
  const parts = [
    line('ar-review-zero', 0, 4, 24),
    svg('line', { class: 'ar-review-interval', x1: x(low), x2: x(high), y1: 14, y2: 14 }),
    line('ar-review-interval', low, 10, 18),
    line('ar-review-interval', high, 10, 18),
    svg('circle', { class: 'ar-review-effect-dot', cx: x(card.effect), cy: 14, r: 4 }),
    label('0', x(0), 8)
  ];
  if (minEffect > 0) {
    parts.push(line('ar-review-min-effect', minEffect, 4, 24));
    if (x(minEffect) - x(0) > 40) parts.push(label('min. effect', x(minEffect), 26));
  }
  const tone = low > 0 ? 'ar-review-better' : high < 0 ? 'ar-review-worse' : 'ar-review-unclear';
  return picture(`gain ${show(card.effect)}, interval ${show(card.low)} to ${show(card.high)}`, HEIGHT, tone, ...parts);
}

/** The first series of the candidate's last trial, and the incumbent's of the same name. */
export function curvesOf(client: Client, card: Card): [Curve | null, Curve | null] {
  const name = card.curves[0];
  const other = card.incumbent?.candidate ?? client.state?.incumbent ?? null;
  const last = (candidate: number | null) => {
    const found = [...client.curves.values()].filter(curve => curve.candidate === candidate && curve.name === name && curve.length > 0);
    return found.reduce<Curve | null>((best, curve) => (best && best.trial > curve.trial ? best : curve), null);
  };
  return [last(card.candidate), other === card.candidate ? null : last(other)];
}

/** Both curves as lines (the incumbent's dashed) with their last common value in words; null without a curve. */
export function sparkline(own: Curve | null, other: Curve | null): HTMLElement | null {
  if (!own) return null;
  const curves = other ? [own, other] : [own];
  const [first, last] = [Math.min(...curves.map(one => one.steps[0])), Math.max(...curves.map(one => one.steps[one.length - 1]))];
  const values = curves.flatMap(one => sampled(one).map(([, value]) => value));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const x = (step: number) => (3 + ((step - first) / (last - first || 1)) * (WIDTH - 6)).toFixed(1);
  const y = (value: number) => (3 + ((high - value) / (high - low || 1)) * (HEIGHT + 4)).toFixed(1);
  const path = (curve: Curve, name: string) => {
    const line = sampled(curve).map(([step, value]) => `${x(step)} ${y(value)}`);
    return svg('path', { class: name, d: `M${line.join('L')}` });
  };
  const words = lastInWords(own, other);
  const lines = other ? [path(other, 'ar-review-spark-other'), path(own, 'ar-review-spark-own')] : [path(own, 'ar-review-spark-own')];
  return h('figure', { class: 'ar-review-spark' }, picture(words, HEIGHT + 10, '', ...lines), h('figcaption', {}, words));
}

function sampled(curve: Curve): [number, number][] {
  const stride = Math.max(1, Math.ceil(curve.length / MAX_POINTS));
  const points: [number, number][] = [];
  for (let i = 0; i < curve.length; i += stride) points.push([curve.steps[i], curve.values[i]]);
  if ((curve.length - 1) % stride) points.push([curve.steps[curve.length - 1], curve.values[curve.length - 1]]);
  return points;
}

function lastInWords(own: Curve, other: Curve | null): string {
  const step = own.steps[own.length - 1];
  const now = `${own.name} ${show(own.values[own.length - 1])} at step ${show(step, 0)}`;
  if (!other) return now;
  let at = -1;
  while (at + 1 < other.length && other.steps[at + 1] <= step) at += 1;
  return at < 0 ? now : `${now}; incumbent ${show(other.values[at])} (dashed)`;
}
