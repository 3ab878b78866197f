/** The progress plot: every candidate's score in order, as in karpathy/autoresearch's `analysis.ipynb`, and selecting one there. */

import uPlot from 'uplot';
import type { Client } from '../client';
import { h, setText, show } from '../dom';
import type { Row } from '../protocol';
import { paint, place, type Area, type Colours } from './paint';
import { pointsOf, type Points } from './points';
import { unhurried } from './selecting';
import { SHAPES, effect, effectDigits, idea } from './words';

const NEAR_PX = 12;
const KEYS = 'left and right: every candidate; up and down: those kept; Enter: review';

export function mountProgress(el: HTMLElement, client: Client, review: () => void): () => void {
  const canvas = h('div', { class: 'ar-progress-canvas' });
  const ring = h('div', { class: 'ar-progress-ring', hidden: true });
  const hoverRing = h('div', { class: 'ar-progress-ring ar-progress-hover', hidden: true });
  const tip = h('div', { class: 'ar-progress-tip', hidden: true });
  const spoken = h('div', { class: 'ar-unseen', 'aria-live': 'polite' });
  const empty = h('div', { class: 'ar-nothing' });
  const plot = h('div', { class: 'ar-progress', tabindex: 0, role: 'group', 'aria-label': `Progress plot; ${KEYS}`, onkeydown: walk }, canvas, empty);
  const key = h('div', { class: 'ar-progress-key' });
  const labels = toggle('Labels', true, 'ideas written at what was kept');
  const all = toggle('All scores', false, 'also those clearly worse than the baseline');
  el.append(plot, h('div', { class: 'ar-progress-foot' }, key, labels, all), spoken);

  const selecting = unhurried(client);
  let points: Points | null = null;
  let colours = coloursOf(plot);
  let chart: uPlot | null = null;
  let frame = 0;

  function toggle(title: string, pressed: boolean, hint: string): HTMLButtonElement {
    const button = h('button', {
      type: 'button', class: 'ar-toggle', title: hint, 'aria-pressed': String(pressed),
      onclick: () => {
        button.setAttribute('aria-pressed', String(!isOn(button)));
        schedule();
      }
    }, title); // prettier-ignore
    return button;
  }

  /** At most once a frame, however much has come. */
  function schedule(): void {
    if (!frame) frame = requestAnimationFrame(draw);
  }

  function draw(): void {
    frame = 0;
    if (!plot.checkVisibility()) return; // folded away
    const width = plot.clientWidth;
    const { study, state, rows } = client;
    const message = !study || !state ? (client.connected ? 'waiting for the study' : 'nothing is known of the study yet') : '';
    points = study && state ? pointsOf(rows, study, state, isOn(all)) : null;
    setText(empty, message || (points!.rows.length ? '' : 'no score yet; the baseline comes first'));
    if (!points || !width) return;
    legend(points);
    chart ??= build(width);
    if (chart.width !== width || chart.height !== plot.clientHeight) chart.setSize({ width, height: plot.clientHeight });
    chart.setData([[0, 1], [0, 1]]); // uPlot owns scales and axes; the points are painted
    ringAt(ring, indexOf(selecting.candidate));
  }

  function build(width: number): uPlot {
    const { objective, self_reported } = client.study!;
    const better = objective.goal === 'minimize' ? 'lower is better' : 'higher is better';
    const axis = { stroke: () => colours.faint, grid: { stroke: () => colours.line, width: 1 }, ticks: { show: false }, font: '11px system-ui, sans-serif', labelFont: '11px system-ui, sans-serif', labelSize: 16 };
    const made = new uPlot(
      {
        width,
        height: plot.clientHeight,
        padding: [14, 56, 0, 0],
        legend: { show: false },
        cursor: { points: { show: false }, drag: { x: false, y: false }, x: false, y: false },
        scales: { x: { time: false, range: () => points!.x }, y: { range: () => points!.y } },
        axes: [
          { ...axis, label: 'candidate', size: 24, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000] },
          { ...axis, label: `${objective.name} (${better})${self_reported ? ', self-reported' : ''}`, size: 52, values: (_, ticks) => ticks.map(tick => show(tick, decimals(ticks))) }
        ],
        series: [{}, { paths: () => null, points: { show: false } }],
        hooks: { draw: [u => paint(u.ctx, points!, areaOf(u, client.study!.objective.goal === 'minimize'), colours, isOn(labels))] }
      },
      [[0, 1], [0, 1]],
      canvas
    );
    made.over.append(ring, hoverRing, tip);
    made.over.addEventListener('mousemove', event => point(nearest(event)));
    made.over.addEventListener('mouseleave', () => point(null));
    made.over.addEventListener('click', event => {
      const found = nearest(event);
      if (found !== null) client.select(points!.rows[found].candidate);
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
    const from = firstFrom(points!, chart!.posToVal(x - NEAR_PX, 'x'));
    for (let i = from; i < points!.rows.length; i++) {
      const [px, py] = place(points!, i, area);
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
    const row = points!.rows[index];
    tip.replaceChildren(...described(row).map((text, i) => h('div', { class: i === 1 ? 'ar-progress-idea' : '' }, text)));
    const [x, y] = place(points!, index, css());
    const { clientWidth, clientHeight } = chart!.over;
    tip.style.left = `${Math.max(0, Math.min(x + 12, clientWidth - tip.offsetWidth))}px`;
    tip.style.top = `${y > clientHeight / 2 ? y - tip.offsetHeight - 12 : y + 12}px`;
  }

  function described(row: Row): string[] {
    const { objective } = client.study!;
    const digits = effectDigits(client.study!);
    const spread = row.spread === null ? '' : ` ± ${show(row.spread, digits)} over ${row.trials} trials`;
    const compared = effect(row, digits);
    return [
      `candidate ${row.candidate}, ${SHAPES[row.status]} ${row.status}`,
      idea(row),
      row.score === null ? 'no score' : `${objective.name} ${show(row.score)}${spread}${compared ? `, effect ${compared}` : ''}`,
      `+${row.added} / −${row.removed} lines`
    ];
  }

  function ringAt(element: HTMLElement, index: number | null): void {
    element.hidden = index === null;
    if (index === null) return;
    const [x, y] = place(points!, index, css());
    element.style.transform = `translate(${x}px, ${y}px)`;
  }

  function indexOf(candidate: number | null): number | null {
    if (candidate === null || !points) return null;
    const found = firstFrom(points, candidate);
    return points.rows[found]?.candidate === candidate ? found : null;
  }

  function walk(event: KeyboardEvent): void {
    if (event.target !== plot || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || !points || !chart) return;
    const kept = event.key === 'ArrowUp' || event.key === 'ArrowDown';
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: 1, ArrowDown: -1, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined && event.key !== 'Enter') return;
    event.preventDefault();
    event.stopPropagation();
    if (step === undefined) return review();
    const next = stepFrom(points, selecting.candidate, step, kept);
    if (next === null) return;
    const row = points.rows[next];
    selecting.select(row.candidate);
    ringAt(ring, next);
    point(next);
    setText(spoken, described(row).join('; '));
  }

  function legend({ counts, n_far }: Points): void {
    const parts = [
      `● kept ${counts.kept}`, `• discarded ${counts.discarded}`, counts.open && `○ undecided ${counts.open}`, counts.waiting && `◇ waiting ${counts.waiting}`,
      counts.crashed && `✕ crashed ${counts.crashed}`, n_far && !isOn(all) && `${n_far} worse than the baseline not drawn`
    ]; // prettier-ignore
    setText(key, parts.filter(part => typeof part === 'string').map(part => part.replace(/ /g, '\u00a0')).join('   '));
  }

  function recolour(): void {
    colours = coloursOf(plot);
    schedule();
  }

  const fold = plot.closest('details');
  fold?.addEventListener('toggle', schedule);
  const sizes = new ResizeObserver(schedule);
  sizes.observe(plot);
  const themes = new MutationObserver(recolour);
  themes.observe(document.body, { attributes: true });
  const stops = [
    client.on('study', () => {
      chart?.destroy();
      chart = null;
      schedule();
    }),
    client.on('state', schedule),
    client.on('rows', schedule),
    client.on('connection', schedule),
    client.on('selection', () => chart && ringAt(ring, indexOf(client.selected)))
  ];
  plot.addEventListener('focusout', () => chart && point(null));
  recolour();
  return () => {
    for (const stop of stops) stop();
    cancelAnimationFrame(frame);
    fold?.removeEventListener('toggle', schedule);
    sizes.disconnect();
    themes.disconnect();
    selecting.remove();
    chart?.destroy();
  };
}

function isOn(button: HTMLButtonElement): boolean {
  return button.getAttribute('aria-pressed') === 'true';
}

/** Index of the first point whose candidate is `candidate` or later. */
function firstFrom({ rows }: Points, candidate: number): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].candidate < candidate) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The next point from a candidate on; infinite steps go to the ends. */
function stepFrom(points: Points, candidate: number | null, step: number, kept: boolean): number | null {
  const { rows, kinds } = points;
  if (!rows.length) return null;
  if (!Number.isFinite(step)) return step < 0 ? 0 : rows.length - 1;
  let i = candidate === null ? (step > 0 ? -1 : rows.length) : firstFrom(points, candidate);
  if (candidate !== null && step > 0 && rows[i]?.candidate !== candidate) i -= 1;
  for (i += step; i >= 0 && i < rows.length; i += step) if (!kept || kinds[i] === 'kept') return i;
  return null;
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
