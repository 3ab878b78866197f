/** A plot of candidates: uPlot's scales and axes with the candidates painted on them, and selecting one by pointer or keys. */

import uPlot from 'uplot';
import type { Client } from '../client';
import { h, setText, show } from '../dom';
import type { Row } from '../protocol';
import { place, type Area, type Colours } from './paint';
import type { Dots } from './points';
import { unhurried } from './selecting';

const NEAR_PX = 12;

/** What makes one plot differ from another. */
export interface Drawing<D extends Dots> {
  /** Names the plot and its keys to those who hear it. */
  label: string;
  /** What is drawn now; a text says why nothing is. */
  look(): D | string;
  /** Titles of the axes. `whole`: x is counted. */
  axes(): { x: string; y: string; whole: boolean };
  paint(ctx: CanvasRenderingContext2D, dots: D, area: Area, colours: Colours): void;
  /** The lines of a hover; the second is the idea. */
  described(row: Row): string[];
  /** Index from which the keys go on; null where a candidate has no place. */
  indexFrom(dots: D, candidate: number): number | null;
  /** Whether the keys up and down stop here. */
  stops(dots: D, index: number): boolean;
  /** Is told what has been drawn. */
  drawn(dots: D): void;
}

export interface Scatter {
  /** Draws again, at most once a frame, however much has come. */
  schedule(): void;
  /** The same with other axes. */
  renew(): void;
  remove(): void;
}

/** Mounts a plot above `foot`; `review` opens the card of what is selected. */
export function mountScatter<D extends Dots>(el: HTMLElement, client: Client, foot: HTMLElement, drawing: Drawing<D>, review: () => void): Scatter {
  const canvas = h('div', { class: 'ar-progress-canvas' });
  const ring = h('div', { class: 'ar-progress-ring', hidden: true });
  const hoverRing = h('div', { class: 'ar-progress-ring ar-progress-hover', hidden: true });
  const tip = h('div', { class: 'ar-progress-tip', hidden: true });
  const spoken = h('div', { class: 'ar-unseen', 'aria-live': 'polite' });
  const empty = h('div', { class: 'ar-nothing' });
  const plot = h('div', { class: 'ar-progress', tabindex: 0, role: 'group', 'aria-label': drawing.label, onkeydown: walk }, canvas, empty);
  el.append(plot, foot, spoken);

  const selecting = unhurried(client);
  let dots: D | null = null;
  let colours: Colours | null = null; // unknown while it is not on the page
  let chart: uPlot | null = null;
  let frame = 0;

  function schedule(): void {
    if (!frame) frame = requestAnimationFrame(draw);
  }

  function draw(): void {
    frame = 0;
    if (!plot.checkVisibility()) return; // folded away, or another plot is shown
    const width = plot.clientWidth;
    const found = drawing.look();
    dots = typeof found === 'string' ? null : found;
    setText(empty, typeof found === 'string' ? found : '');
    if (!dots) {
      chart?.destroy();
      chart = null;
    }
    if (!dots || !width) return;
    drawing.drawn(dots);
    colours ??= coloursOf(plot);
    chart ??= build(width);
    if (chart.width !== width || chart.height !== plot.clientHeight) chart.setSize({ width, height: plot.clientHeight });
    chart.setData([[0, 1], [0, 1]]); // uPlot owns scales and axes; the points are painted
    ringAt(ring, indexOf(selecting.candidate));
  }

  function build(width: number): uPlot {
    const { x, y, whole } = drawing.axes();
    const axis = { stroke: () => colours!.faint, grid: { stroke: () => colours!.line, width: 1 }, ticks: { show: false }, font: '11px system-ui, sans-serif', labelFont: '11px system-ui, sans-serif', labelSize: 16 };
    const values = (_: uPlot, ticks: number[]) => ticks.map(tick => show(tick, decimals(ticks)));
    const across = whole ? { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000] } : { values };
    const made = new uPlot(
      {
        width,
        height: plot.clientHeight,
        padding: [14, 56, 0, 0],
        legend: { show: false },
        cursor: { points: { show: false }, drag: { x: false, y: false }, x: false, y: false },
        scales: { x: { time: false, range: () => dots!.x }, y: { range: () => dots!.y } },
        axes: [
          { ...axis, label: x, size: 24, ...across },
          { ...axis, label: y, size: 52, values }
        ],
        series: [{}, { paths: () => null, points: { show: false } }],
        hooks: { draw: [u => drawing.paint(u.ctx, dots!, areaOf(u, client.study!.objective.goal === 'minimize'), colours!)] }
      },
      [[0, 1], [0, 1]],
      canvas
    );
    made.over.append(ring, hoverRing, tip);
    made.over.addEventListener('mousemove', event => point(nearest(event)));
    made.over.addEventListener('mouseleave', () => point(null));
    made.over.addEventListener('click', event => {
      const found = nearest(event);
      if (found !== null) client.select(dots!.rows[found].candidate);
    });
    return made;
  }

  /** The plotting area in CSS pixels, from its upper left corner. */
  function css(): Pick<Area, 'x' | 'y' | 'top' | 'height'> {
    const u = chart!;
    return { x: value => u.valToPos(value, 'x'), y: value => u.valToPos(value, 'y'), top: 0, height: u.over.clientHeight };
  }

  function nearest(event: MouseEvent): number | null {
    const box = chart!.over.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const area = css();
    let [found, least] = [null as number | null, NEAR_PX ** 2];
    for (let i = firstAt(dots!, chart!.posToVal(x - NEAR_PX, 'x')); i < dots!.rows.length; i++) {
      const [px, py] = place(dots!, i, area);
      if (px > x + NEAR_PX) break;
      const distance = (px - x) ** 2 + (py - y) ** 2;
      if (distance <= least) [found, least] = [i, distance];
    }
    return found;
  }

  /** Marks a point and says what it is. */
  function point(index: number | null): void {
    ringAt(hoverRing, index);
    tip.hidden = index === null;
    chart!.over.style.cursor = index === null ? '' : 'pointer';
    if (index === null) return;
    tip.replaceChildren(...drawing.described(dots!.rows[index]).map((text, i) => h('div', { class: i === 1 ? 'ar-progress-idea' : '' }, text)));
    const [x, y] = place(dots!, index, css());
    const { clientWidth, clientHeight } = chart!.over;
    tip.style.left = `${Math.max(0, Math.min(x + 12, clientWidth - tip.offsetWidth))}px`;
    tip.style.top = `${y > clientHeight / 2 ? y - tip.offsetHeight - 12 : y + 12}px`;
  }

  function ringAt(element: HTMLElement, index: number | null): void {
    element.hidden = index === null;
    if (index === null) return;
    const [x, y] = place(dots!, index, css());
    element.style.transform = `translate(${x}px, ${y}px)`;
  }

  function indexOf(candidate: number | null): number | null {
    const found = candidate === null || !dots ? null : drawing.indexFrom(dots, candidate);
    return found !== null && dots!.rows[found]?.candidate === candidate ? found : null;
  }

  function walk(event: KeyboardEvent): void {
    if (event.target !== plot || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || !dots || !chart) return;
    const stopping = event.key === 'ArrowUp' || event.key === 'ArrowDown';
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: 1, ArrowDown: -1, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined && event.key !== 'Enter') return;
    event.preventDefault();
    event.stopPropagation();
    if (step === undefined) return review();
    const next = stepFrom(selecting.candidate, step, stopping);
    if (next === null) return;
    const row = dots.rows[next];
    selecting.select(row.candidate);
    ringAt(ring, next);
    point(next);
    setText(spoken, drawing.described(row).join('; '));
  }

  /** The next point from a candidate on; infinite steps go to the ends. */
  function stepFrom(candidate: number | null, step: number, stopping: boolean): number | null {
    const { rows } = dots!;
    if (!rows.length) return null;
    if (!Number.isFinite(step)) return step < 0 ? 0 : rows.length - 1;
    const from = candidate === null ? null : drawing.indexFrom(dots!, candidate);
    let i = from ?? (step > 0 ? -1 : rows.length);
    if (from !== null && step > 0 && rows[i]?.candidate !== candidate) i -= 1;
    for (i += step; i >= 0 && i < rows.length; i += step) if (!stopping || drawing.stops(dots!, i)) return i;
    return null;
  }

  function renew(): void {
    chart?.destroy();
    chart = null;
    schedule();
  }

  const sizes = new ResizeObserver(schedule);
  sizes.observe(plot);
  const themes = new MutationObserver(() => {
    colours = null;
    schedule();
  });
  themes.observe(document.body, { attributes: true });
  const stops = [
    client.on('study', renew),
    client.on('state', schedule),
    client.on('rows', schedule),
    client.on('connection', schedule),
    client.on('selection', () => chart && dots && ringAt(ring, indexOf(client.selected)))
  ];
  plot.addEventListener('focusout', () => chart && point(null));
  schedule();
  return {
    schedule,
    renew,
    remove() {
      for (const stop of stops) stop();
      cancelAnimationFrame(frame);
      sizes.disconnect();
      themes.disconnect();
      selecting.remove();
      chart?.destroy();
    }
  };
}

/** What stands where nothing is known of a study; empty where something is. */
export function unknown(client: Client): string {
  return client.study && client.state ? '' : client.connected ? 'waiting for the study' : 'nothing is known of the study yet';
}

/** Words of a legend, each kept on one line. */
export function legend(parts: (string | false | 0)[]): string {
  return parts.filter(part => typeof part === 'string').map(part => part.replace(/ /g, '\u00a0')).join('   ');
}

/** Index of the first point that stands at x or to the right of it. */
export function firstAt({ places }: Dots, x: number): number {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (places[middle][0] < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Digits after the point that the distance of the ticks has. */
function decimals(ticks: number[]): number {
  const step = ticks.length < 2 ? 1 : ticks[1] - ticks[0];
  let digits = 0;
  while (digits < 8 && Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 1e-6) digits += 1;
  return digits;
}

function areaOf(u: uPlot, upwards: boolean): Area {
  const { left, top, width, height } = u.bbox;
  const { x, y } = u.scales;
  return {
    left, top, width, height, upwards,
    right: u.ctx.canvas.width,
    ratio: devicePixelRatio,
    x: value => left + ((value - x.min!) / (x.max! - x.min!)) * width,
    y: value => top + height - ((value - y.min!) / (y.max! - y.min!)) * height
  }; // prettier-ignore
}

function coloursOf(element: HTMLElement): Colours {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(`--ar-${name}`).trim();
  return { text: colour('text'), faint: colour('faint'), line: `color-mix(in srgb, ${colour('line')} 45%, transparent)`, good: colour('good'), bad: colour('bad'), accent: colour('accent'), back: colour('bg') };
}
