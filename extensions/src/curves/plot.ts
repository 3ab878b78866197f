/**
 * One plot: the curves of one name, by step.
 *
 * uPlot owns scales, axes, cursor and selection; the lines are painted here.
 */

import uPlot from 'uplot';
import { h, setText, show } from '../dom';
import { hasModifier } from '../dashboard/selecting';
import { logTicks, writeTick, type Range } from './ticks';
import { measureHeights, paintDot, paintLine, type Pixels, type Stroke } from './trace';

export interface Colours {
  grid: string;
  label: string;
  incumbent: string;
  selected: string;
  palette: string[];
}

/** How a plot is drawn. */
export interface View {
  x: Range;
  log: boolean;
  /** Whether it is the enlarged plot. */
  large: boolean;
  /** Where the cursor is. */
  step: number | null;
  colours: Colours;
  /** A remark about the curves. */
  about: string;
}

/** What a plot reports. A step of null: the cursor has left; a range of null: show all steps. */
export interface Events {
  point(step: number | null): void;
  zoom(range: Range | null): void;
  enlarge(): void;
}

export interface Plot {
  readonly element: HTMLElement;
  draw(strokes: Stroke[], view: View): void;
  /** Shows the cursor of another plot, or of the keyboard. */
  point(step: number | null): void;
  destroy(): void;
}

const TICK_PX = 22; // between two ticks in height
const LABEL_PX = 36; // width of a step's label, at most
const N_KEY_STEPS = 100; // across the plot
const FONT = '11px system-ui, sans-serif';
const DIRECTIONS: Record<string, number | undefined> = {
  ArrowLeft: -1,
  ArrowRight: 1,
  Home: -Infinity,
  End: Infinity
};

/** What the chart reads anew for each drawing. */
interface Content {
  strokes: Stroke[];
  x: Range;
  y: Range;
  log: boolean;
  colours: Colours;
  /** The mouse's own cursor comes before that of another plot. */
  hovered: boolean;
}

export function makePlot(name: string, events: Events, colours: Colours): Plot {
  const hint = 'left and right move the cursor, Escape takes it away';
  const area = h('div', {
    class: 'ar-curve-area',
    tabindex: 0,
    role: 'group',
    'aria-label': `${name} by step; ${hint}`,
    onkeydown: press
  });
  const attributes = { type: 'button', class: 'ar-curve-name', onclick: events.enlarge };
  const title = h('button', { ...attributes, title: 'show this one large' }, name);
  const about = h('span', { class: 'ar-curve-about ar-faint' });
  const caption = h('figcaption', {}, title, about);
  const content: Content = {
    strokes: [],
    x: [0, 1],
    y: [0, 1],
    log: false,
    colours,
    hovered: false
  };
  let chart: uPlot | null = null;

  function draw(strokes: Stroke[], view: View): void {
    const { y, n_hidden } = measureHeights(strokes, view.x, view.log);
    title.setAttribute('aria-pressed', String(view.large));
    const hidden = n_hidden && `${show(n_hidden, 0)} values ≤ 0 not drawn`;
    setText(about, [view.about, hidden].filter(Boolean).join('; '));
    const { clientWidth: width, clientHeight: height } = area;
    if (!width || !height) return;
    if (content.log !== view.log) destroy(); // uPlot cannot change the kind of a scale
    Object.assign(content, { strokes, x: view.x, y, log: view.log, colours: view.colours });
    chart ??= makeChart(area, width, height, content, events);
    if (chart.width !== width || chart.height !== height) chart.setSize({ width, height });
    chart.setData([view.x, y]);
    point(view.step);
  }

  function point(step: number | null): void {
    if (content.hovered || !chart) return;
    const left = step === null ? -10 : chart.valToPos(step, 'x');
    chart.setCursor({ left, top: 0 }, false);
  }

  function press(event: KeyboardEvent): void {
    if (!chart || hasModifier(event)) return;
    const left = chart.cursor.left!;
    const hasCursor = left >= 0;
    const direction = DIRECTIONS[event.key];
    const isEscape = event.key === 'Escape' && hasCursor; // else it is the notebook's
    if (direction === undefined && !isEscape) return;
    event.preventDefault();
    event.stopPropagation();
    if (direction === undefined) return events.point(null);
    const [low, high] = content.x;
    const start = hasCursor ? chart.posToVal(left, 'x') : high;
    const next = start + (direction * (high - low)) / N_KEY_STEPS;
    events.point(Math.max(low, Math.min(high, next)));
  }

  function destroy(): void {
    chart?.destroy();
    chart = null;
  }

  return { element: h('figure', { class: 'ar-curve' }, caption, area), draw, point, destroy };
}

function makeChart(
  area: HTMLElement,
  width: number,
  height: number,
  content: Content,
  events: Events
): uPlot {
  const axis = {
    stroke: () => content.colours.label,
    grid: { stroke: () => content.colours.grid, width: 1 },
    ticks: { show: false },
    font: FONT,
    values: (_: uPlot, ticks: number[]) => ticks.map(writeTick)
  };
  const logAxis = {
    splits: () => logTicks(content.y, area.clientHeight / TICK_PX - 1),
    filter: (_: uPlot, ticks: number[]) => ticks // uPlot would drop all but powers of ten
  };
  const options: uPlot.Options = {
    width,
    height,
    padding: [6, LABEL_PX / 2, 0, 0], // half of the last step's label is right of the plot
    legend: { show: false },
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false, dist: 4 },
      bind: { dblclick: () => () => (events.zoom(null), null) }
    },
    scales: {
      x: { time: false, range: () => content.x },
      y: { distr: content.log ? 3 : 1, range: () => content.y }
    },
    axes: [
      { ...axis, size: 20, space: 45 },
      { ...axis, size: 46, space: TICK_PX, ...(content.log && logAxis) }
    ],
    series: [{}, { paths: () => null, points: { show: false } }],
    hooks: {
      draw: [u => paint(u, content)],
      setCursor: [u => content.hovered && events.point(stepAt(u, u.cursor.left!))],
      setSelect: [u => zoomTo(u, events)]
    }
  };
  const chart = new uPlot(options, [content.x, content.y], area);
  chart.over.addEventListener('mouseenter', () => (content.hovered = true));
  chart.over.addEventListener('mouseleave', () => {
    content.hovered = false;
    events.point(null);
  });
  return chart;
}

function stepAt(u: uPlot, left: number): number | null {
  return left < 0 ? null : u.posToVal(left, 'x');
}

function zoomTo(u: uPlot, events: Events): void {
  const { left, width } = u.select;
  if (width <= 0) return;
  events.zoom([u.posToVal(left, 'x'), u.posToVal(left + width, 'x')]);
  u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
}

function paint(u: uPlot, { strokes, x, log }: Content): void {
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  const pixels: Pixels = {
    x: step => Math.round(left + ((step - x[0]) / (x[1] - x[0])) * width),
    y: value => u.valToPos(value, 'y', true),
    left,
    right: left + width
  };
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.lineJoin = 'bevel'; // without a GPU, round joins take several times as long
  for (const stroke of strokes) paintLine(ctx, stroke, log, pixels);
  ctx.restore();
  for (const stroke of strokes) paintDot(ctx, stroke, log, x, pixels);
}
