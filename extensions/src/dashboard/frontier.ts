/** The frontier plot: candidates over two of the metrics that the experiment weighs. */

import type { Client } from '../client';
import { h, setText, show } from '../dom';
import type { Metric, Row } from '../protocol';
import { indexOf } from './dots';
import { frontDots, type FrontDots, type Pair } from './front';
import { paintDots, place, strokeLine, within, type Area, type Colours } from './paint';
import { joinLegend, mountScatter, whyEmpty, type Plot, type Scatter } from './scatter';
import { changedLines, direction, idea, named } from './words';

const KEYS = 'left and right: every candidate; up and down: the frontier; Enter: review';
const MARK_PX = 8;
const LABEL_PX = 10.5;

export function frontierPlots({ study }: Client): Plot[] {
  return study?.metrics.length ? [{ name: 'Frontier', mount: mountFrontier }] : [];
}

function mountFrontier(el: HTMLElement, client: Client, review: () => void): Scatter {
  const key = h('div', { class: 'ar-progress-key' });
  const choice = h('select', {
    'aria-label': 'Metrics of the frontier',
    hidden: true,
    onchange: () => scatter.renew()
  });
  const foot = h('div', { class: 'ar-progress-foot' }, key, choice);

  const metrics = (): Metric[] => client.study?.metrics ?? [];

  /** The pairs that can be chosen; the first metric of a pair is on the vertical axis. */
  function pairs(): Pair[] {
    return metrics().flatMap((_, y) => {
      const later = metrics().slice(y + 1);
      return later.map((_, i) => ({ y, x: y + 1 + i }));
    });
  }

  function offer(): void {
    const titles = pairs().map(({ x, y }) => `${metrics()[y].name} against ${metrics()[x].name}`);
    const offered = [...choice.options].map(option => option.text);
    if (titles.join('\n') === offered.join('\n')) return;
    choice.replaceChildren(...titles.map((title, i) => h('option', { value: i }, title)));
    choice.hidden = titles.length < 2;
  }

  function chosenPair(): Pair {
    return pairs()[Math.max(0, choice.selectedIndex)];
  }

  function look(): FrontDots | string {
    const reason = whyEmpty(client);
    if (reason) return reason;
    offer();
    const pair = chosenPair();
    const names = metrics().map(({ name }) => name);
    const dots = frontDots(client.rows, client.state!, client.plots!, names, pair);
    if (dots.rows.length) return dots;
    return `no candidate has ${names[pair.y]} and ${names[pair.x]} yet`;
  }

  function axisTitle(index: number): string {
    const { name, goal } = metrics()[index];
    const origin = client.study!.self_reported ? ', self-reported' : '';
    return `${name} (${direction(goal)})${origin}`;
  }

  function describe(row: Row): string[] {
    const values = metrics().map(({ name }, i) => `${name} ${showValue(row.weighed[i])}`);
    const veto = row.vetoed ? ', vetoed' : '';
    return [named(row) + veto, idea(row), values.join(', '), changedLines(row)];
  }

  function showCounts({ counts, front, n_missing }: FrontDots): void {
    const parts = [
      `⌐ frontier ${front.length}`,
      `● kept ${counts.kept}`,
      `• discarded ${counts.discarded}`,
      counts.open && `○ undecided ${counts.open}`,
      counts.waiting && `◇ waiting ${counts.waiting}`,
      counts.ended && `△ ended early ${counts.ended}`,
      n_missing && `${n_missing} without these metrics`
    ];
    setText(key, joinLegend(parts));
  }

  const scatter = mountScatter<FrontDots>(el, client, foot, review, {
    label: `Frontier plot; ${KEYS}`,
    look,
    axes: () => ({ x: axisTitle(chosenPair().x), y: axisTitle(chosenPair().y), whole: false }),
    describe,
    afterDraw: showCounts,
    paint,
    indexFrom: indexOf,
    stops: ({ front }, index) => front.includes(index)
  });
  return scatter;
}

/** What is counted has no digits after the point. */
function showValue(value: number | null): string {
  return show(value, Number.isInteger(value) ? 0 : 4);
}

function paint(
  ctx: CanvasRenderingContext2D,
  dots: FrontDots,
  area: Area,
  colours: Colours
): void {
  within(ctx, area, () => {
    paintDots(ctx, 'discarded', dots, area, colours);
    paintFront(ctx, dots, area, colours);
    for (const kind of ['ended', 'open', 'waiting', 'kept'] as const) {
      paintDots(ctx, kind, dots, area, colours);
    }
  });
  paintMark(ctx, dots, 'baseline', area, colours);
  paintMark(ctx, dots, 'incumbent', area, colours);
}

/** Steps from one of the frontier to the next: no candidate is known beyond the corner. */
function paintFront(
  ctx: CanvasRenderingContext2D,
  dots: FrontDots,
  area: Area,
  colours: Colours
): void {
  ctx.beginPath();
  for (const [i, index] of dots.front.entries()) {
    const [x, y] = place(dots, index, area);
    if (i) ctx.lineTo(x, place(dots, dots.front[i - 1], area)[1]);
    ctx.lineTo(x, y);
  }
  strokeLine(ctx, area, colours);
  ctx.fillStyle = colours.back;
  for (const index of dots.front) {
    ctx.beginPath();
    ctx.arc(...place(dots, index, area), 3 * area.ratio, 0, 2 * Math.PI);
    ctx.fill();
    ctx.stroke();
  }
}

/** A square around the baseline or a circle around the incumbent, with the word beside it. */
function paintMark(
  ctx: CanvasRenderingContext2D,
  dots: FrontDots,
  role: 'baseline' | 'incumbent',
  area: Area,
  colours: Colours
): void {
  const index = dots[role];
  if (index === null) return;
  const [x, y] = place(dots, index, area);
  const r = MARK_PX * area.ratio;
  const isBaseline = role === 'baseline';
  ctx.save();
  ctx.beginPath();
  if (isBaseline) ctx.rect(x - r, y - r, 2 * r, 2 * r);
  else ctx.arc(x, y, 1.3 * r, 0, 2 * Math.PI);
  ctx.strokeStyle = isBaseline ? colours.text : colours.accent;
  ctx.lineWidth = 1.5 * area.ratio;
  ctx.stroke();
  const isNearRight = x > area.left + 0.8 * area.width;
  ctx.font = `${LABEL_PX * area.ratio}px system-ui, sans-serif`;
  ctx.textAlign = isNearRight ? 'right' : 'left';
  // Below for one, above for the other: the baseline may be the incumbent.
  ctx.textBaseline = isBaseline ? 'top' : 'bottom';
  ctx.lineJoin = 'round';
  ctx.lineWidth = 3 * area.ratio;
  ctx.strokeStyle = colours.back;
  ctx.fillStyle = colours.text;
  const labelX = x + (isNearRight ? -1.5 : 1.5) * r;
  const labelY = y + (isBaseline ? 0.6 : -0.6) * r;
  ctx.strokeText(role, labelX, labelY);
  ctx.fillText(role, labelX, labelY);
  ctx.restore();
}
