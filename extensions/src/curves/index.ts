/**
 * Live curves: the running trials' series beside the incumbent's and the selected candidate's.
 *
 * There is one plot for each name of a series.
 */

import type { Client } from '../client';
import { h, setText } from '../dom';
import { makeGrid } from './grid';
import { makeLegend } from './legend';
import type { Colours } from './plot';
import { rawLine, smoothLine } from './smoothing';
import type { Range } from './ticks';
import { makeTools } from './tools';
import type { Stroke } from './trace';
import { DASHES, N_COLOURS, followTrials, namesOf, type TrialCurves } from './trials';

const MAX_PLOTS = 6;
const RAW_ALPHA = 0.22;
const ENDED_ALPHA = 0.6;

export function mountCurves(el: HTMLElement, client: Client): () => void {
  const hidden = new Set<string>();
  let trials = followTrials(client);
  let visible: TrialCurves[] = [];
  let names: string[] = [];
  let zoomed: Range | null = null;
  let step: number | null = null;
  let vanishing: ReturnType<typeof setTimeout> | undefined;

  const tools = makeTools(
    () => frames.schedule(),
    () => zoom(null)
  );
  const grid = makeGrid({ point, zoom }, () => frames.schedule());
  const legend = makeLegend(toggle);
  const root = h('div', { class: 'ar-curves' }, tools.element, grid.element, legend.element);
  el.append(root);
  let colours = readColours(root);
  const frames = drawWhileVisible(root, draw, () => (colours = readColours(root)));

  function follow(): void {
    trials.follow(Date.now());
    frames.schedule();
  }

  function watch(): void {
    client.watchCurves(client.selected === null ? [] : [client.selected]);
    frames.schedule();
  }

  function restart(): void {
    trials = followTrials(client);
    zoomed = null;
    step = null;
    frames.schedule();
  }

  function draw(): void {
    const now = Date.now();
    visible = trials.choose(now);
    scheduleVanishing(trials.untilNextVanishes(now));
    const all = namesOf(visible, client.study?.objective.name ?? '');
    names = all.slice(0, MAX_PLOTS);
    const rest = all.slice(MAX_PLOTS);
    tools.update(zoomed !== null, rest.length ? `not drawn: ${rest.join(', ')}` : '');
    grid.arrange(names, visible, colours);
    const { log, weight } = tools;
    const drawn = visible.filter(trial => !hidden.has(trial.key));
    const x = zoomed ?? stepsOf(drawn);
    for (const name of names) {
      const about = aboutOf(visible, name);
      const view = { x, log, large: grid.isLarge(name), step, colours, about };
      const strokes = drawn.flatMap(trial => strokesOf(trial, name, weight, colourOf(trial)));
      grid.plotOf(name).draw(strokes, view);
    }
    setText(grid.empty, visible.length ? '' : whyEmpty(client));
    updateLegend();
  }

  /** Nothing else may happen until the next trial is to vanish. */
  function scheduleVanishing(wait: number | null): void {
    clearTimeout(vanishing);
    if (wait !== null) vanishing = setTimeout(frames.schedule, wait + 1);
  }

  function updateLegend(): void {
    legend.update({ trials: visible, names, hidden, step, weight: tools.weight, colourOf });
  }

  function colourOf({ colour }: TrialCurves): string {
    return typeof colour === 'number' ? colours.palette[colour] : colours[colour];
  }

  function point(next: number | null): void {
    if (next === step) return;
    step = next;
    grid.point(step);
    updateLegend();
  }

  function zoom(range: Range | null): void {
    zoomed = range;
    frames.schedule();
  }

  function toggle(key: string): void {
    if (!hidden.delete(key)) hidden.add(key);
    frames.schedule();
  }

  const stops = [
    client.on('study', restart),
    client.on('curves', follow),
    client.on('state', () => frames.schedule()),
    client.on('selection', watch)
  ];
  follow();
  watch();
  return () => {
    for (const stop of stops) stop();
    frames.stop();
    clearTimeout(vanishing);
    client.watchCurves([]);
    grid.remove();
    root.remove();
  };
}

/** Draws with the next frame, however much has come until then, if the element can be seen. */
function drawWhileVisible(el: HTMLElement, draw: () => void, onTheme: () => void) {
  let isVisible = false;
  let frame = 0;

  function schedule(): void {
    if (!frame && isVisible) frame = requestAnimationFrame(run);
  }

  function run(): void {
    frame = 0;
    if (el.checkVisibility()) draw(); // it may have been folded in just now
  }

  const sight = new IntersectionObserver(entries => {
    isVisible = entries[entries.length - 1].isIntersecting;
    schedule();
  });
  const sizes = new ResizeObserver(schedule);
  const themes = new MutationObserver(() => {
    onTheme();
    schedule();
  });
  sight.observe(el);
  sizes.observe(el);
  themes.observe(document.body, { attributes: true });
  return {
    schedule,
    stop() {
      cancelAnimationFrame(frame);
      sight.disconnect();
      sizes.disconnect();
      themes.disconnect();
    }
  };
}

/** A trial's line of one name, over its unsmoothed values if it is smoothed. */
function strokesOf(trial: TrialCurves, name: string, weight: number, colour: string): Stroke[] {
  const curve = trial.curves.get(name);
  if (!curve) return [];
  const isPlain = !trial.running && !trial.reference && !trial.selected;
  const alpha = isPlain ? ENDED_ALPHA : 1;
  const line = smoothLine(curve, weight);
  const stroke = { line, colour, width: widthOf(trial), dash: DASHES[trial.dash], alpha };
  if (!weight) return [stroke];
  return [{ line: rawLine(curve), colour, width: 1, dash: [], alpha: RAW_ALPHA }, stroke];
}

function widthOf({ reference, selected }: TrialCurves): number {
  if (reference) return 3;
  return selected ? 2 : 1.5;
}

/** From the first to the last step of what is drawn, in all plots alike. */
function stepsOf(trials: TrialCurves[]): Range {
  let low = Infinity;
  let high = -Infinity;
  for (const trial of trials) {
    for (const { steps, length } of trial.curves.values()) {
      low = Math.min(low, steps[0]);
      high = Math.max(high, steps[length - 1]);
    }
  }
  if (low > high) return [0, 1];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

/** Who measured the curves of a name, if it was not the evaluator. */
function aboutOf(trials: TrialCurves[], name: string): string {
  const curves = trials.flatMap(trial => trial.curves.get(name) ?? []);
  if (curves.every(curve => curve.self_reported)) return '⚠ self-reported';
  return curves.some(curve => curve.self_reported) ? '⚠ partly self-reported' : '';
}

function whyEmpty({ state }: Client): string {
  if (!state) return '';
  if (state.running.length) return 'no curve yet; a running trial has reported nothing so far';
  return 'no trial is running; select a candidate to see its curves';
}

function readColours(element: HTMLElement): Colours {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(`--ar-${name}`).trim();
  return {
    grid: `color-mix(in srgb, ${colour('line')} 45%, transparent)`,
    label: colour('faint'),
    incumbent: colour('curve-incumbent'),
    selected: colour('accent'),
    palette: Array.from({ length: N_COLOURS }, (_, i) => colour(`curve-${i}`))
  };
}
