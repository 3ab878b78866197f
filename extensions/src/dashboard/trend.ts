/** A trend plot: a line through candidates over time, as `workbench/show/trends.py` measures it. */

import type { Client } from '../client';
import { h, setText, show } from '../dom';
import type { Row, Trend } from '../protocol';
import { indexOf, rangeOf, type Dots } from './dots';
import { paintDots, place, strokeLine, within, type Area, type Colours } from './paint';
import { joinLegend, mountScatter, whyEmpty, type Plot, type Scatter } from './scatter';
import { idea, named } from './words';

const KEYS = 'left and right: every point; up and down: those kept; Enter: review';
const PAD = 0.06;
const USUAL_DIGITS = 2;
const SMALL = 0.1; // below this, a value needs more digits

export function trendPlots({ plots }: Client): Plot[] {
  return (plots?.trends ?? []).map(({ name }) => ({
    name,
    mount: (el, client, review) => mountTrend(el, client, review, name)
  }));
}

function mountTrend(
  el: HTMLElement,
  client: Client,
  review: () => void,
  name: string
): Scatter {
  const key = h('div', { class: 'ar-progress-key' });
  const foot = h('div', { class: 'ar-progress-foot' }, key);

  /** It is offered only while the feed sends it. */
  const trend = (): Trend => client.plots!.trends.find(one => one.name === name)!;

  function look(): Dots | string {
    const reason = whyEmpty(client);
    if (reason) return reason;
    const { candidates, xs, ys } = trend();
    const rows = candidates.map(candidate => client.rows[candidate]);
    return {
      rows,
      kinds: rows.map(row => row.kind ?? 'discarded'),
      places: xs.map((x, i) => [x, ys[i]]),
      x: rangeOf(xs, PAD),
      y: [0, (1 + PAD) * Math.max(...ys)] // a cost or a count is read from zero
    };
  }

  function describe(row: Row): string[] {
    const { candidates, ys, y_title } = trend();
    const value = ys[candidates.indexOf(row.candidate)];
    const time = new Date(row.at * 1000).toLocaleString();
    const cost = row.usd ? `, cost $${show(row.usd, 2)}` : '';
    return [named(row), idea(row), `${showValue(value)} ${y_title}`, `proposed ${time}${cost}`];
  }

  function showNewest({ places, kinds }: Dots): void {
    const n_kept = kinds.filter(kind => kind === 'kept').length;
    const newest = places[places.length - 1][1]!;
    setText(key, joinLegend([`● kept ${n_kept}`, `now ${showValue(newest)} ${trend().y_title}`]));
  }

  return mountScatter<Dots>(el, client, foot, review, {
    label: `${name} plot; ${KEYS}`,
    look,
    axes: () => ({ x: trend().x_title, y: trend().y_title, whole: false }),
    describe,
    afterDraw: showNewest,
    paint,
    indexFrom: indexOf,
    stops: ({ kinds }, index) => kinds[index] === 'kept'
  });
}

function showValue(value: number): string {
  const isSmall = value > 0 && value < SMALL;
  return show(value, isSmall ? 4 : USUAL_DIGITS);
}

function paint(ctx: CanvasRenderingContext2D, dots: Dots, area: Area, colours: Colours): void {
  within(ctx, area, () => {
    ctx.beginPath();
    for (let i = 0; i < dots.rows.length; i++) ctx.lineTo(...place(dots, i, area));
    strokeLine(ctx, area, colours);
    for (const kind of ['discarded', 'ended', 'crashed', 'open', 'waiting', 'kept'] as const) {
      paintDots(ctx, kind, dots, area, colours);
    }
  });
}
