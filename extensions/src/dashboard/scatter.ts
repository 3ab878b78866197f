/** A plot of candidates: draws them, and selects one by pointer or keys. */

import type uPlot from 'uplot';
import type { Client } from '../client';
import { h, setText } from '../dom';
import type { Row } from '../protocol';
import { areaOf, coloursOf, cssArea, makeChart, resize, type Axes } from './chart';
import { firstFrom, type Dots } from './dots';
import { place, type Area, type Colours } from './paint';
import { makePointer } from './pointer';
import { hasModifier, unhurried } from './selecting';

const NEAR_PX = 12;

/** What makes one plot differ from another. */
export interface Drawing<D extends Dots> {
  /** Names the plot and its keys for a screen reader. */
  label: string;
  /** What is drawn now; a text says why nothing is. */
  look(): D | string;
  axes(): Axes;
  paint(ctx: CanvasRenderingContext2D, dots: D, area: Area, colours: Colours): void;
  /** The lines that appear beside a candidate; the second is its idea. */
  describe(row: Row): string[];
  /** Index from which the keys go on; null if a candidate has no place. */
  indexFrom(dots: D, candidate: number): number | null;
  /** Whether the keys up and down stop here. */
  stops(dots: D, index: number): boolean;
  afterDraw(dots: D): void;
}

export interface Scatter {
  /** Draws again with the next frame, however much has come until then. */
  schedule(): void;
  /** The same with other axes. */
  renew(): void;
  remove(): void;
}

/** A plot that the dashboard can offer. */
export interface Plot {
  name: string;
  mount(el: HTMLElement, client: Client, review: () => void): Scatter;
}

/** Mounts a plot above `foot`; `review` opens the card of the selected candidate. */
export function mountScatter<D extends Dots>(
  el: HTMLElement,
  client: Client,
  foot: HTMLElement,
  review: () => void,
  drawing: Drawing<D>
): Scatter {
  const canvas = h('div', { class: 'ar-progress-canvas' });
  const spoken = h('div', { class: 'ar-unseen', 'aria-live': 'polite' });
  const empty = h('div', { class: 'ar-nothing' });
  const attributes = { class: 'ar-progress', tabindex: 0, role: 'group' };
  const plot = h('div', { ...attributes, 'aria-label': drawing.label }, canvas, empty);
  el.append(plot, foot, spoken);

  const selecting = unhurried(client);
  const figure = makeFigure(client, plot, canvas, empty, drawing);
  let frame = 0;

  function schedule(): void {
    if (!frame) frame = requestAnimationFrame(draw);
  }

  function draw(): void {
    frame = 0;
    if (!plot.checkVisibility()) return; // folded away, or another plot is shown
    figure.draw();
    figure.select(selecting.candidate);
  }

  function press(event: KeyboardEvent): void {
    const { dots } = figure;
    if (event.target !== plot || hasModifier(event) || !dots) return;
    const step = STEPS[event.key];
    if (step === undefined && event.key !== 'Enter') return;
    event.preventDefault();
    event.stopPropagation();
    if (step === undefined) return review();
    const next = findNext(dots, drawing, selecting.candidate, step, isVertical(event));
    if (next === null) return;
    const row = dots.rows[next];
    selecting.select(row.candidate);
    figure.select(row.candidate);
    figure.point(next);
    setText(spoken, drawing.describe(row).join('; '));
  }

  function renew(): void {
    figure.drop();
    schedule();
  }

  plot.addEventListener('keydown', press);
  plot.addEventListener('focusout', () => figure.point(null));
  const stops = [
    watchPage(plot, schedule, () => {
      figure.forgetColours();
      schedule();
    }),
    client.on('study', renew),
    client.on('state', schedule),
    client.on('rows', schedule),
    client.on('connection', schedule),
    client.on('selection', () => figure.select(client.selected))
  ];
  schedule();
  return {
    schedule,
    renew,
    remove() {
      for (const stop of stops) stop();
      cancelAnimationFrame(frame);
      selecting.remove();
      figure.drop();
    }
  };
}

interface Figure<D extends Dots> {
  /** What is drawn; null if nothing is. */
  readonly dots: D | null;
  draw(): void;
  /** Removes the chart; the next drawing makes another one. */
  drop(): void;
  /** Colours are read from the page again. */
  forgetColours(): void;
  /** Marks a candidate and says what it is; null for none. */
  point(index: number | null): void;
  /** Marks the selected candidate if it is drawn. */
  select(candidate: number | null): void;
}

/** The drawn part of a plot, without keys. */
function makeFigure<D extends Dots>(
  client: Client,
  plot: HTMLElement,
  canvas: HTMLElement,
  empty: HTMLElement,
  drawing: Drawing<D>
): Figure<D> {
  const pointer = makePointer();
  let dots: D | null = null;
  let colours: Colours | null = null; // unknown while the plot is not on the page
  let chart: uPlot | null = null;

  function draw(): void {
    const look = drawing.look();
    const isEmpty = typeof look === 'string';
    dots = isEmpty ? null : look;
    setText(empty, isEmpty ? look : '');
    if (!dots) drop();
    if (!dots || !plot.clientWidth) return;
    drawing.afterDraw(dots);
    colours ??= coloursOf(plot);
    chart ??= build();
    resize(chart, plot.clientWidth, plot.clientHeight);
  }

  function build(): uPlot {
    const isUpwards = client.study!.objective.goal === 'minimize';
    const u = makeChart(canvas, plot.clientWidth, plot.clientHeight, drawing.axes(), {
      colours: () => colours!,
      x: () => dots!.x,
      y: () => dots!.y,
      paint: u => drawing.paint(u.ctx, dots!, areaOf(u, isUpwards), colours!)
    });
    u.over.append(...pointer.elements);
    u.over.addEventListener('mousemove', event => point(findNearest(dots!, u, event)));
    u.over.addEventListener('mouseleave', () => point(null));
    u.over.addEventListener('click', event => {
      const index = findNearest(dots!, u, event);
      if (index !== null) client.select(dots!.rows[index].candidate);
    });
    return u;
  }

  function drop(): void {
    chart?.destroy();
    chart = null;
  }

  function point(index: number | null): void {
    if (index === null || !dots || !chart) return pointer.leave();
    const [x, y] = place(dots, index, cssArea(chart));
    pointer.enter(x, y, chart.over, drawing.describe(dots.rows[index]));
  }

  function select(candidate: number | null): void {
    if (!chart || !dots) return;
    const index = candidate === null ? null : drawing.indexFrom(dots, candidate);
    // `indexFrom` may name a neighbour, from which the keys go on.
    const isDrawn = index !== null && dots.rows[index]?.candidate === candidate;
    pointer.select(isDrawn ? place(dots, index, cssArea(chart)) : null);
  }

  return {
    get dots() {
      return chart && dots;
    },
    draw,
    drop,
    forgetColours: () => void (colours = null),
    point,
    select
  };
}

/** Calls back when an element has another size, or the page another theme. */
function watchPage(el: HTMLElement, onSize: () => void, onTheme: () => void): () => void {
  const sizes = new ResizeObserver(onSize);
  const themes = new MutationObserver(onTheme);
  sizes.observe(el);
  themes.observe(document.body, { attributes: true });
  return () => {
    sizes.disconnect();
    themes.disconnect();
  };
}

/** Index of the dot under the mouse; null if none is near. */
function findNearest(dots: Dots, chart: uPlot, event: MouseEvent): number | null {
  const box = chart.over.getBoundingClientRect();
  const x = event.clientX - box.left;
  const y = event.clientY - box.top;
  const area = cssArea(chart);
  let nearest: number | null = null;
  let least = NEAR_PX ** 2;
  for (let i = firstFrom(dots, chart.posToVal(x - NEAR_PX, 'x')); i < dots.rows.length; i++) {
    const [dotX, dotY] = place(dots, i, area);
    if (dotX > x + NEAR_PX) break;
    const distance = (dotX - x) ** 2 + (dotY - y) ** 2;
    if (distance > least) continue;
    nearest = i;
    least = distance;
  }
  return nearest;
}

/** How far a key goes; infinite steps go to the ends. */
const STEPS: Record<string, number | undefined> = {
  ArrowLeft: -1,
  ArrowRight: 1,
  ArrowUp: 1,
  ArrowDown: -1,
  Home: -Infinity,
  End: Infinity
};

function isVertical({ key }: KeyboardEvent): boolean {
  return key === 'ArrowUp' || key === 'ArrowDown';
}

/** The next dot from a candidate on at which a key stops; null if there is none. */
function findNext<D extends Dots>(
  dots: D,
  { indexFrom, stops }: Drawing<D>,
  candidate: number | null,
  step: number,
  isVertical: boolean
): number | null {
  const { rows } = dots;
  if (!rows.length) return null;
  if (!Number.isFinite(step)) return step < 0 ? 0 : rows.length - 1;
  const start = candidate === null ? null : indexFrom(dots, candidate);
  let i = start ?? (step > 0 ? -1 : rows.length);
  // From a neighbour on the right, the first step to the right is that neighbour itself.
  if (start !== null && step > 0 && rows[i]?.candidate !== candidate) i -= 1;
  for (i += step; i >= 0 && i < rows.length; i += step) {
    if (!isVertical || stops(dots, i)) return i;
  }
  return null;
}

/** Why no plot can be drawn yet; empty if one can. */
export function whyEmpty({ study, state, plots, connected }: Client): string {
  if (study && state && plots) return '';
  return connected ? 'waiting for the study' : 'nothing is known of the study yet';
}

/** Words of a legend, each kept on one line. */
export function joinLegend(parts: (string | false | 0)[]): string {
  const words = parts.filter(part => typeof part === 'string');
  return words.map(part => part.replace(/ /g, '\u00a0')).join('   ');
}
