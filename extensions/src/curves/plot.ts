/** One plot: the curves of one name, by step. uPlot owns scales, axes, cursor and selection; the lines are painted. */

import uPlot from 'uplot';
import { h, setText, show } from '../dom';
import type { Line } from './smoothing';

export type Range = [low: number, high: number];

export interface Colours {
  grid: string;
  label: string;
  incumbent: string;
  selected: string;
  palette: string[];
}

/** A line to paint; lengths in CSS pixels. */
export interface Stroke {
  line: Line;
  colour: string;
  width: number;
  dash: number[];
  alpha: number;
}

/** How a plot is drawn. `step`: where the cursor is; `about`: what is to be known about its curves, in words. */
export interface View {
  x: Range;
  log: boolean;
  large: boolean;
  step: number | null;
  colours: Colours;
  about: string;
}

/** What a plot tells. Steps; null: the cursor has left, or everything is to be seen. */
export interface Events {
  point(step: number | null): void;
  zoom(range: Range | null): void;
  enlarge(): void;
}

const TICK_PX = 22; // between two ticks in height
const LABEL_PX = 36; // of a step in width, at most
const DOT_PX = 3.5;
const FONT = '11px system-ui, sans-serif';

export class Plot {
  readonly element: HTMLElement;
  private area = h('div', { class: 'ar-curve-area', tabindex: 0, role: 'group' });
  private title: HTMLButtonElement;
  private about = h('span', { class: 'ar-curve-about ar-faint' });
  private chart: uPlot | null = null;
  private log = false;
  private hovered = false;
  private strokes: Stroke[] = [];
  private x: Range = [0, 1];
  private y: Range = [0, 1];

  constructor(readonly name: string, private events: Events, private colours: Colours) {
    this.title = h('button', { type: 'button', class: 'ar-curve-name', title: 'show this one large', onclick: () => events.enlarge() }, name);
    this.element = h('figure', { class: 'ar-curve' }, h('figcaption', {}, this.title, this.about), this.area);
    this.area.setAttribute('aria-label', `${name} by step; left and right move the cursor, Escape takes it away`);
    this.area.addEventListener('keydown', event => this.walk(event));
  }

  draw(strokes: Stroke[], { x, log, large, step, colours, about }: View): void {
    Object.assign(this, { strokes, x, colours });
    const [y, n_left] = heights(strokes, x, log);
    this.y = y;
    this.title.setAttribute('aria-pressed', String(large));
    setText(this.about, [about, n_left && `${show(n_left, 0)} values ≤ 0 not drawn`].filter(Boolean).join('; '));
    const { clientWidth: width, clientHeight: height } = this.area;
    if (!width || !height) return;
    if (this.chart && this.log !== log) this.destroy();
    this.log = log;
    this.chart ??= this.build(width, height);
    if (this.chart.width !== width || this.chart.height !== height) this.chart.setSize({ width, height });
    this.chart.setData([x, y]);
    this.point(step);
  }

  /** Shows the cursor of another plot, or of the keyboard; the mouse's own goes before. */
  point(step: number | null): void {
    if (!this.hovered) this.chart?.setCursor({ left: step === null ? -10 : this.chart.valToPos(step, 'x'), top: 0 }, false);
  }

  destroy(): void {
    this.chart?.destroy();
    this.chart = null;
  }

  private build(width: number, height: number): uPlot {
    const axis = { stroke: () => this.colours.label, grid: { stroke: () => this.colours.grid, width: 1 }, ticks: { show: false }, font: FONT };
    const chart = new uPlot(
      {
        width,
        height,
        padding: [6, LABEL_PX / 2, 0, 0], // half of the last step's label stands right of the plot
        legend: { show: false },
        cursor: {
          y: false,
          points: { show: false },
          drag: { x: true, y: false, setScale: false, dist: 4 },
          bind: { dblclick: () => () => (this.events.zoom(null), null) }
        },
        scales: { x: { time: false, range: () => this.x }, y: { distr: this.log ? 3 : 1, range: () => this.y } },
        axes: [
          { ...axis, size: 20, space: 45, values: (_, ticks) => ticks.map(brief) },
          { ...axis, size: 46, space: TICK_PX, values: (_, ticks) => ticks.map(brief), ...(this.log && { splits: () => logTicks(this.y, this.area.clientHeight / TICK_PX - 1), filter: (_, ticks) => ticks }) }
        ],
        series: [{}, { paths: () => null, points: { show: false } }],
        hooks: {
          draw: [u => this.paint(u)],
          setCursor: [u => this.hovered && this.events.point(u.cursor.left! < 0 ? null : u.posToVal(u.cursor.left!, 'x'))],
          setSelect: [u => this.select(u)]
        }
      },
      [this.x, this.y],
      this.area
    );
    chart.over.addEventListener('mouseenter', () => (this.hovered = true));
    chart.over.addEventListener('mouseleave', () => {
      this.hovered = false;
      this.events.point(null);
    });
    return chart;
  }

  private select(u: uPlot): void {
    const { left, width } = u.select;
    if (width <= 0) return;
    this.events.zoom([u.posToVal(left, 'x'), u.posToVal(left + width, 'x')]);
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  }

  private walk(event: KeyboardEvent): void {
    if (!this.chart || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const direction = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity, Escape: 0 }[event.key];
    const at = this.chart.cursor.left!;
    if (direction === undefined || (event.key === 'Escape' && at < 0)) return;
    event.preventDefault();
    event.stopPropagation();
    const [low, high] = this.x;
    const from = at < 0 ? high : this.chart.posToVal(at, 'x');
    this.events.point(direction ? Math.max(low, Math.min(high, from + (direction * (high - low)) / 100)) : null);
  }

  private paint(u: uPlot): void {
    const { ctx } = u;
    const { left, top, width, height } = u.bbox;
    const x = (step: number) => Math.round(left + ((step - this.x[0]) / (this.x[1] - this.x[0])) * width);
    const y = (value: number) => u.valToPos(value, 'y', true);
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, width, height);
    ctx.clip();
    ctx.lineJoin = 'bevel'; // without a GPU round ones take several times as long
    for (const { line, colour, width: thickness, dash, alpha } of this.strokes) {
      ctx.beginPath();
      trace(ctx, line, this.log, x, y, left, left + width);
      ctx.strokeStyle = colour;
      ctx.lineWidth = thickness * devicePixelRatio;
      ctx.setLineDash(dash.map(length => length * devicePixelRatio));
      ctx.globalAlpha = alpha;
      ctx.stroke();
    }
    ctx.restore();
    for (const stroke of this.strokes) this.dot(ctx, stroke, x, y);
  }

  /** A value that stands alone makes no line; whole also at the edge, where the last step is. */
  private dot(ctx: CanvasRenderingContext2D, { line: { steps, values }, colour, alpha }: Stroke, x: (step: number) => number, y: (value: number) => number): void {
    if (steps.length !== 1 || steps[0] < this.x[0] || steps[0] > this.x[1] || (this.log && values[0] <= 0)) return;
    ctx.save();
    ctx.beginPath();
    ctx.arc(x(steps[0]), y(values[0]), DOT_PX * devicePixelRatio, 0, 2 * Math.PI);
    ctx.fillStyle = colour;
    ctx.globalAlpha = alpha;
    ctx.fill();
    ctx.restore();
  }
}

/** A line as a path; all points that share a column of pixels become its first, lowest, highest and last, where those differ. */
function trace(ctx: CanvasRenderingContext2D, { steps, values }: Line, log: boolean, x: (step: number) => number, y: (value: number) => number, left: number, right: number): void {
  let column = NaN;
  let [first, low, high, last] = [0, 0, 0, 0];
  let open = false;
  const flush = () => {
    if (low < Math.min(first, last)) ctx.lineTo(column, y(low));
    if (high > Math.max(first, last)) ctx.lineTo(column, y(high));
    if (last !== first) ctx.lineTo(column, y(last));
  };
  for (let i = 0; i < steps.length; i++) {
    const value = values[i];
    if (log && value <= 0) {
      flush();
      [open, column, first, low, high, last] = [false, NaN, 0, 0, 0, 0];
      continue;
    }
    const at = x(steps[i]);
    if (at < left && i + 1 < steps.length && x(steps[i + 1]) < left) continue;
    if (at === column) {
      low = Math.min(low, value);
      high = Math.max(high, value);
      last = value;
      continue;
    }
    flush();
    [column, first, low, high, last] = [at, value, value, value, value];
    if (open) ctx.lineTo(at, y(value));
    else ctx.moveTo(at, y(value));
    open = true;
    if (at > right) return;
  }
  flush();
}

/** What the lines need in height between two steps, and how many values a logarithm leaves out. */
function heights(strokes: Stroke[], [from, to]: Range, log: boolean): [Range, number] {
  let [low, high, n_left] = [Infinity, -Infinity, 0];
  for (const { line: { steps, values } } of strokes) {
    for (let i = 0; i < steps.length; i++) {
      const value = values[i];
      if (steps[i] < from || steps[i] > to) continue;
      if (log && value <= 0) {
        n_left += 1;
        continue;
      }
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) return [log ? [1, 10] : [0, 1], n_left];
  if (log) {
    const pad = high > low ? (high / low) ** 0.05 : 1.5;
    return [[low / pad, high * pad], n_left];
  }
  const pad = 0.05 * (high - low) || 0.05 * Math.abs(low) || 0.5;
  return [[low - pad, high + pad], n_left];
}

/** At most `most` round numbers in a range above 0: powers of ten with 2 and 5, fewer of them over many decades, even steps within one. */
function logTicks([low, high]: Range, most: number): number[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  for (const [mantissas, stride] of [[[1, 2, 5], 1], [[1], 1], [[1], 2], [[1], 5], [[1], 10], [[1], 20]] as [number[], number][]) {
    const ticks: number[] = [];
    for (let power = Math.ceil(first / stride) * stride; power <= last; power += stride) {
      for (const mantissa of mantissas) ticks.push(Number(`${mantissa}e${power}`));
    }
    const inside = ticks.filter(tick => tick >= low && tick <= high);
    if (inside.length < 2) break;
    if (inside.length <= most) return inside;
  }
  return evenTicks([low, high], most);
}

function evenTicks([low, high]: Range, most: number): number[] {
  const least = (high - low) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(least));
  const step = power * [1, 2, 5, 10].find(factor => factor * power >= least)!;
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) ticks.push(i * step);
  return ticks;
}

/** A tick in few letters. */
function brief(tick: number): string {
  const size = Math.abs(tick);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return Number(tick.toPrecision(6)).toExponential().replace('e+', 'e');
  return size >= 10_000 ? `${Number((tick / 1000).toPrecision(6))}k` : String(Number(tick.toPrecision(6)));
}
