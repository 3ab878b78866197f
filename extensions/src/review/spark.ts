/** A candidate's curve beside the incumbent's, as a small picture that grows with them. */

import type { Client, Curve } from '../client';
import { h, show } from '../dom';
import type { Card } from '../protocol';
import { picture, svg, WIDTH } from './svg';

const HEIGHT = 44;
const MARGIN = 3;
const MAX_POINTS = 200;

export interface CurveView {
  readonly element: HTMLElement;
  show(card: Card): void;
  remove(): void;
}

/** Draws the curves of the card that is shown; once a frame, however many points arrive. */
export function mountCurve(client: Client): CurveView {
  const element = h('div', { class: 'ar-review-curve' });
  let card: Card | null = null;
  let drawn = '';
  let frame = 0;

  function draw(): void {
    if (!card) return;
    const curves = findCurves(client, card);
    const key = `${keyOf(curves.current)},${keyOf(curves.reference)}`;
    if (key === drawn) return;
    drawn = key;
    const line = curves.current && drawSpark(curves.current, curves.reference);
    element.replaceChildren(...(line ? [line] : []));
    element.hidden = card.curves.length === 0 && line === null;
  }

  const stop = client.on('curves', () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(draw);
  });
  return {
    element,
    show(newCard) {
      card = newCard;
      drawn = '';
      draw();
    },
    remove() {
      stop();
      cancelAnimationFrame(frame);
    }
  };
}

/** Changes whenever the curve does: it only grows. */
function keyOf(curve: Curve | null): string {
  return curve === null ? '' : `${curve.id}:${curve.length}`;
}

/** The first series of the candidate's last trial, and the incumbent's of the same name. */
export function findCurves(
  client: Pick<Client, 'curves' | 'state'>,
  card: Card
): { current: Curve | null; reference: Curve | null } {
  const name = card.curves[0];
  const findLast = (candidate: number) => {
    let last: Curve | null = null;
    for (const curve of client.curves.values()) {
      const fits = curve.candidate === candidate && curve.name === name && curve.length > 0;
      if (fits && (last === null || curve.trial >= last.trial)) last = curve;
    }
    return last;
  };
  const incumbent = card.incumbent?.candidate ?? client.state?.incumbent ?? null;
  const hasReference = incumbent !== null && incumbent !== card.candidate;
  return {
    current: findLast(card.candidate),
    reference: hasReference ? findLast(incumbent) : null
  };
}

/** Both curves as lines, the incumbent's dashed, with their last common value in words. */
function drawSpark(current: Curve, reference: Curve | null): HTMLElement {
  const curves = reference ? [reference, current] : [current]; // what is drawn later lies on top
  const points = curves.flatMap(samplePoints);
  const first = Math.min(...points.map(([step]) => step));
  const last = Math.max(...points.map(([step]) => step));
  const low = Math.min(...points.map(([, value]) => value));
  const high = Math.max(...points.map(([, value]) => value));
  const x = (step: number) =>
    (MARGIN + ((step - first) / (last - first || 1)) * (WIDTH - 2 * MARGIN)).toFixed(1);
  const y = (value: number) =>
    (MARGIN + ((high - value) / (high - low || 1)) * (HEIGHT - 2 * MARGIN)).toFixed(1);
  const lines = curves.map(curve => {
    const corners = samplePoints(curve).map(([step, value]) => `${x(step)} ${y(value)}`);
    const name = curve === current ? 'ar-review-spark-own' : 'ar-review-spark-other';
    return svg('path', { class: name, d: `M${corners.join('L')}` });
  });
  const words = describeLast(current, reference);
  const attributes = { class: 'ar-review-spark' };
  return h('figure', attributes, picture(words, HEIGHT, '', ...lines), h('figcaption', {}, words));
}

/** At most `MAX_POINTS` of a curve, and its last. */
function samplePoints({ steps, values, length }: Curve): [step: number, value: number][] {
  const stride = Math.max(1, Math.ceil(length / MAX_POINTS));
  const points: [number, number][] = [];
  for (let i = 0; i < length; i += stride) points.push([steps[i], values[i]]);
  const last = length - 1;
  if (last % stride) points.push([steps[last], values[last]]);
  return points;
}

/** The candidate's last value, and the incumbent's at the same step or just before it. */
export function describeLast(current: Curve, reference: Curve | null): string {
  const step = current.steps[current.length - 1];
  const value = show(current.values[current.length - 1]);
  const words = `${current.name} ${value} at step ${show(step, 0)}`;
  const index = reference === null ? -1 : lastIndexUpTo(reference, step);
  if (reference === null || index < 0) return words;
  return `${words}; incumbent ${show(reference.values[index])} (dashed)`;
}

function lastIndexUpTo(curve: Curve, step: number): number {
  let index = -1;
  while (index + 1 < curve.length && curve.steps[index + 1] <= step) index += 1;
  return index;
}
