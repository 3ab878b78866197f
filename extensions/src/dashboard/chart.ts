/** The frame of a plot: uPlot's scales and axes. What is inside is painted by the plot itself. */

import uPlot from 'uplot';
import { show } from '../dom';
import type { Range } from './dots';
import type { Area, Colours } from './paint';

export interface Axes {
  x: string;
  y: string;
  /** Whether x is counted, so that its ticks are whole numbers. */
  whole: boolean;
}

/** Read anew for each drawing. */
interface Content {
  colours: () => Colours;
  x: () => Range;
  y: () => Range;
  paint: (u: uPlot) => void;
}

const FONT = '11px system-ui, sans-serif';
const TITLE_PX = 16;
const X_TICKS_PX = 24;
const Y_TICKS_PX = 52;
const PADDING: uPlot.Padding = [14, 56, 0, 0]; // room for labels above and to the right
// uPlot owns scales and axes only, so it gets two points that are never drawn.
const NO_DATA: uPlot.AlignedData = [[0, 1], [0, 1]]; // prettier-ignore
const WHOLE_STEPS = [1, 2, 5].flatMap(n => [1, 10, 100, 1000, 10_000].map(power => n * power));

export function makeChart(
  parent: HTMLElement,
  width: number,
  height: number,
  { x, y, whole }: Axes,
  content: Content
): uPlot {
  const axis = {
    stroke: () => content.colours().faint,
    grid: { stroke: () => content.colours().line, width: 1 },
    ticks: { show: false },
    font: FONT,
    labelFont: FONT,
    labelSize: TITLE_PX
  };
  const values = (_: uPlot, ticks: number[]) => ticks.map(tick => show(tick, decimals(ticks)));
  const incrs = WHOLE_STEPS.sort((a, b) => a - b);
  const options: uPlot.Options = {
    width,
    height,
    padding: PADDING,
    legend: { show: false },
    cursor: { points: { show: false }, drag: { x: false, y: false }, x: false, y: false },
    scales: {
      x: { time: false, range: () => content.x() },
      y: { range: () => content.y() }
    },
    axes: [
      { ...axis, label: x, size: X_TICKS_PX, ...(whole ? { incrs } : { values }) },
      { ...axis, label: y, size: Y_TICKS_PX, values }
    ],
    series: [{}, { paths: () => null, points: { show: false } }],
    hooks: { draw: [u => content.paint(u)] }
  };
  return new uPlot(options, NO_DATA, parent);
}

/** Draws anew, in a new size if that has changed. */
export function resize(chart: uPlot, width: number, height: number): void {
  if (chart.width !== width || chart.height !== height) chart.setSize({ width, height });
  chart.setData(NO_DATA);
}

/** Digits after the point that the distance of the ticks has. */
function decimals(ticks: number[]): number {
  const step = ticks.length < 2 ? 1 : ticks[1] - ticks[0];
  let digits = 0;
  while (digits < 8 && !isWhole(step * 10 ** digits)) digits += 1;
  return digits;
}

function isWhole(value: number): boolean {
  return Math.abs(value - Math.round(value)) <= 1e-6;
}

/** The plotting area in device pixels of the canvas. */
export function areaOf(u: uPlot, upwards: boolean): Area {
  const { left, top, width, height } = u.bbox;
  const { x, y } = u.scales;
  return {
    left,
    top,
    width,
    height,
    upwards,
    right: u.ctx.canvas.width,
    ratio: devicePixelRatio,
    x: value => left + ((value - x.min!) / (x.max! - x.min!)) * width,
    y: value => top + height - ((value - y.min!) / (y.max! - y.min!)) * height
  };
}

/** The plotting area in CSS pixels, from its upper left corner. */
export function cssArea(u: uPlot): Pick<Area, 'x' | 'y' | 'top' | 'height'> {
  return {
    x: value => u.valToPos(value, 'x'),
    y: value => u.valToPos(value, 'y'),
    top: 0,
    height: u.over.clientHeight
  };
}

export function coloursOf(element: HTMLElement): Colours {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(`--ar-${name}`).trim();
  return {
    text: colour('text'),
    faint: colour('faint'),
    line: `color-mix(in srgb, ${colour('line')} 45%, transparent)`,
    good: colour('good'),
    bad: colour('bad'),
    accent: colour('accent'),
    back: colour('bg')
  };
}
