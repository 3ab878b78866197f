/** The frontier plot: candidates over two of the metrics that the experiment weighs, and selecting one there. */

import type { Client } from '../client';
import { h, setText, show } from '../dom';
import type { Row, Weighed } from '../protocol';
import { frontOf, type Front, type Pair } from './front';
import { dots, place, within, type Area, type Colours } from './paint';
import { legend, mountScatter, unknown, type Scatter } from './scatter';
import { SHAPES, idea, standing } from './words';

const KEYS = 'left and right: every candidate; up and down: the frontier; Enter: review';
const MARK_PX = 8;

export function mountFrontier(el: HTMLElement, client: Client, review: () => void): Scatter {
  const key = h('div', { class: 'ar-progress-key' });
  const choice = h('select', { 'aria-label': 'Metrics of the frontier', hidden: true, onchange: () => scatter.renew() });
  const foot = h('div', { class: 'ar-progress-foot' }, key, choice);

  const weighed = (): Weighed[] => client.study?.metrics ?? [];

  /** The pairs that can be chosen; of each the first metric stands upright. */
  function pairs(): Pair[] {
    return weighed().flatMap((_, y) => weighed().slice(y + 1).map((_, i) => ({ y, x: y + 1 + i })));
  }

  function offer(): void {
    const titles = pairs().map(({ x, y }) => `${weighed()[y].name} against ${weighed()[x].name}`);
    if (titles.join('\n') === [...choice.options].map(one => one.text).join('\n')) return;
    choice.replaceChildren(...titles.map((title, i) => h('option', { value: i }, title)));
    choice.hidden = titles.length < 2;
  }

  function chosen(): Pair {
    return pairs()[Math.max(0, choice.selectedIndex)];
  }

  function look(): Front | string {
    const nothing = unknown(client);
    if (nothing) return nothing;
    offer();
    const front = frontOf(client.rows, client.study!, client.state!, chosen());
    const { x, y } = chosen();
    return front.rows.length ? front : `no candidate has ${weighed()[y].name} and ${weighed()[x].name} yet`;
  }

  function title(metric: number): string {
    const { name, goal } = weighed()[metric];
    return `${name} (${goal === 'minimize' ? 'lower is better' : 'higher is better'})${client.study!.self_reported ? ', self-reported' : ''}`;
  }

  function described(row: Row): string[] {
    const values = weighed().map(({ name }, i) => `${name} ${said(row.weighed?.[i])}`);
    const veto = row.vetoed ? ', vetoed' : '';
    return [`candidate ${row.candidate}, ${SHAPES[standing(row)]} ${standing(row)}${veto}`, idea(row), values.join(', '), `+${row.added} / −${row.removed} lines`];
  }

  function drawn({ counts, front, n_missing }: Front): void {
    const parts = [
      `⌐ frontier ${front.length}`, `● kept ${counts.kept}`, `• discarded ${counts.discarded}`, counts.open && `○ undecided ${counts.open}`,
      counts.waiting && `◇ waiting ${counts.waiting}`, n_missing && `${n_missing} without these metrics`
    ]; // prettier-ignore
    setText(key, legend(parts));
  }

  const scatter = mountScatter<Front>(el, client, foot, {
    label: `Frontier plot; ${KEYS}`,
    look,
    axes: () => ({ x: title(chosen().x), y: title(chosen().y), whole: false }),
    described,
    drawn,
    paint,
    indexFrom: ({ rows }, candidate) => {
      const found = rows.findIndex(row => row.candidate === candidate);
      return found < 0 ? null : found;
    },
    stops: ({ front }, index) => front.includes(index)
  }, review); // prettier-ignore
  return scatter;
}

/** What is counted has no digits after the point. */
function said(value: number | null | undefined): string {
  return show(value, Number.isInteger(value) ? 0 : 4);
}

function paint(ctx: CanvasRenderingContext2D, points: Front, area: Area, colours: Colours): void {
  within(ctx, area, () => {
    dots(ctx, 'discarded', points, area, colours);
    steps(ctx, points, area, colours);
    for (const kind of ['open', 'waiting', 'kept'] as const) dots(ctx, kind, points, area, colours);
  });
  mark(ctx, points, 'baseline', area, colours);
  mark(ctx, points, 'incumbent', area, colours);
}

/** From one of the frontier to the next: nothing is known to be better than the corner between them. */
function steps(ctx: CanvasRenderingContext2D, points: Front, area: Area, colours: Colours): void {
  ctx.beginPath();
  for (const [i, index] of points.front.entries()) {
    const [x, y] = place(points, index, area);
    if (i) ctx.lineTo(x, place(points, points.front[i - 1], area)[1]);
    ctx.lineTo(x, y);
  }
  ctx.strokeStyle = colours.good;
  ctx.globalAlpha = 0.7;
  ctx.lineWidth = 1.8 * area.ratio;
  ctx.stroke();
  ctx.globalAlpha = 1;
  ctx.fillStyle = colours.back;
  for (const index of points.front) {
    ctx.beginPath();
    ctx.arc(...place(points, index, area), 3 * area.ratio, 0, 2 * Math.PI);
    ctx.fill();
    ctx.stroke();
  }
}

/** A square around the baseline, a circle around the incumbent, and the word. */
function mark(ctx: CanvasRenderingContext2D, points: Front, what: 'baseline' | 'incumbent', area: Area, colours: Colours): void {
  const index = points[what];
  if (index === null) return;
  const [x, y] = place(points, index, area);
  const [r, isLeft] = [MARK_PX * area.ratio, x > area.left + 0.8 * area.width];
  ctx.save();
  ctx.beginPath();
  if (what === 'baseline') ctx.rect(x - r, y - r, 2 * r, 2 * r);
  else ctx.arc(x, y, 1.3 * r, 0, 2 * Math.PI);
  ctx.strokeStyle = what === 'baseline' ? colours.text : colours.accent;
  ctx.lineWidth = 1.5 * area.ratio;
  ctx.stroke();
  ctx.font = `${10.5 * area.ratio}px system-ui, sans-serif`;
  ctx.textAlign = isLeft ? 'right' : 'left';
  ctx.textBaseline = what === 'baseline' ? 'top' : 'bottom'; // one may be the other
  ctx.lineJoin = 'round';
  ctx.lineWidth = 3 * area.ratio;
  ctx.strokeStyle = colours.back;
  ctx.fillStyle = colours.text;
  const at = [x + (isLeft ? -1.5 : 1.5) * r, y + (what === 'baseline' ? 0.6 : -0.6) * r] as const;
  ctx.strokeText(what, ...at);
  ctx.fillText(what, ...at);
  ctx.restore();
}
