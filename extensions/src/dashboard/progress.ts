/**
 * The progress plot: every candidate's score in order, and selecting one there.
 *
 * It looks like the one of karpathy/autoresearch's `analysis.ipynb`.
 */

import type { Client } from '../client';
import { h, setText, show } from '../dom';
import type { Row } from '../protocol';
import { firstFrom, progressDots, type ProgressDots } from './dots';
import { paintLabels } from './labels';
import { paintDots, strokeLine, within, type Area, type Colours } from './paint';
import { joinLegend, mountScatter, whyEmpty, type Plot, type Scatter } from './scatter';
import { changedLines, direction, effect, effectDigits, idea, named } from './words';

const KEYS = 'left and right: every candidate; up and down: those kept; Enter: review';
const CAP_PX = 3;

export function progressPlots(): Plot[] {
  return [{ name: 'Progress', mount: mountProgress }];
}

function mountProgress(el: HTMLElement, client: Client, review: () => void): Scatter {
  const key = h('div', { class: 'ar-progress-key' });
  const labels = toggle('Labels', true, 'ideas written at what was kept');
  const all = toggle('All scores', false, 'also those clearly worse than the baseline');
  const foot = h('div', { class: 'ar-progress-foot' }, key, labels, all);

  function toggle(title: string, pressed: boolean, hint: string): HTMLButtonElement {
    const attributes = { type: 'button', class: 'ar-toggle', title: hint };
    const button = h('button', { ...attributes, 'aria-pressed': String(pressed) }, title);
    button.addEventListener('click', () => {
      button.setAttribute('aria-pressed', String(!isOn(button)));
      scatter.schedule();
    });
    return button;
  }

  function look(): ProgressDots | string {
    const reason = whyEmpty(client);
    if (reason) return reason;
    const dots = progressDots(client.rows, client.study!, client.plots!, isOn(all));
    return dots.rows.length ? dots : 'no score yet; the baseline comes first';
  }

  function axes() {
    const { objective, self_reported } = client.study!;
    const origin = self_reported ? ', self-reported' : '';
    const y = `${objective.name} (${direction(objective.goal)})${origin}`;
    return { x: 'candidate', y, whole: true };
  }

  function describe(row: Row): string[] {
    return [named(row), idea(row), describeScore(client, row), changedLines(row)];
  }

  function showCounts({ counts, n_far }: ProgressDots): void {
    const isFarHidden = n_far > 0 && !isOn(all);
    const parts = [
      `● kept ${counts.kept}`,
      `• discarded ${counts.discarded}`,
      counts.open && `○ undecided ${counts.open}`,
      counts.waiting && `◇ waiting ${counts.waiting}`,
      counts.ended && `△ ended early ${counts.ended}`,
      counts.crashed && `✕ crashed ${counts.crashed}`,
      isFarHidden && `${n_far} worse than the baseline not drawn`
    ];
    setText(key, joinLegend(parts));
  }

  const scatter = mountScatter<ProgressDots>(el, client, foot, review, {
    label: `Progress plot; ${KEYS}`,
    look,
    axes,
    describe,
    afterDraw: showCounts,
    paint: (ctx, dots, area, colours) => paint(ctx, dots, area, colours, isOn(labels)),
    indexFrom: firstFrom, // x is the candidate's number
    stops: ({ kinds }, index) => kinds[index] === 'kept'
  });
  return scatter;
}

function isOn(button: HTMLButtonElement): boolean {
  return button.getAttribute('aria-pressed') === 'true';
}

function describeScore(client: Client, row: Row): string {
  if (row.score === null) return row.why ? `no score: ${row.why}` : 'no score';
  const digits = effectDigits(client.study!);
  const parts = [`${client.study!.objective.name} ${show(row.score)}`];
  if (row.spread !== null) parts[0] += ` ± ${show(row.spread, digits)} over ${row.trials} trials`;
  const gain = effect(row, digits);
  if (gain) parts.push(`effect ${gain}`);
  return parts.join(', ');
}

function paint(
  ctx: CanvasRenderingContext2D,
  dots: ProgressDots,
  area: Area,
  colours: Colours,
  labels: boolean
): void {
  within(ctx, area, () => paintDots(ctx, 'discarded', dots, area, colours));
  if (labels) paintLabels(ctx, dots, area, colours); // over the many, under the few
  within(ctx, area, () => {
    paintBest(ctx, dots, area, colours);
    paintSpreads(ctx, dots, area, colours);
    for (const kind of ['ended', 'crashed', 'open', 'waiting', 'kept'] as const) {
      paintDots(ctx, kind, dots, area, colours);
    }
  });
}

/** The running best as steps, up to the newest candidate. */
function paintBest(
  ctx: CanvasRenderingContext2D,
  { best, x }: ProgressDots,
  area: Area,
  colours: Colours
): void {
  if (!best.length) return;
  ctx.beginPath();
  for (const [i, { candidate, score }] of best.entries()) {
    if (i) ctx.lineTo(area.x(candidate), area.y(best[i - 1].score));
    ctx.lineTo(area.x(candidate), area.y(score));
  }
  ctx.lineTo(area.x(x[1] - 0.5), area.y(best[best.length - 1].score));
  strokeLine(ctx, area, colours);
}

/** One standard deviation either way, of those kept. */
function paintSpreads(
  ctx: CanvasRenderingContext2D,
  dots: ProgressDots,
  area: Area,
  colours: Colours
): void {
  const cap = CAP_PX * area.ratio;
  ctx.beginPath();
  for (const [i, { candidate, score, spread }] of dots.rows.entries()) {
    if (dots.kinds[i] !== 'kept' || score === null || !spread) continue;
    const x = area.x(candidate);
    for (const end of [area.y(score - spread), area.y(score + spread)]) {
      ctx.moveTo(x, area.y(score));
      ctx.lineTo(x, end);
      ctx.moveTo(x - cap, end);
      ctx.lineTo(x + cap, end);
    }
  }
  ctx.strokeStyle = colours.faint;
  ctx.lineWidth = area.ratio;
  ctx.stroke();
}
