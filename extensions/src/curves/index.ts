/** Live curves: the running trials' series beside the incumbent's and the selected candidate's, one plot for each name. */

import type { Client } from '../client';
import { h, setText } from '../dom';
import { Legend } from './legend';
import { Plot, type Colours, type Range, type Stroke } from './plot';
import { raw, smoothed } from './smoothing';
import { DASHES, N_COLOURS, Trials, namesOf, type TrialCurves } from './trials';

const MAX_PLOTS = 6;
const RAW_ALPHA = 0.22;

export function mountCurves(el: HTMLElement, client: Client): () => void {
  const room = new Curves(el, client);
  return () => room.remove();
}

class Curves {
  private trials = new Trials();
  private shown: TrialCurves[] = [];
  private names: string[] = [];
  private plots = new Map<string, Plot>();
  private hidden = new Set<string>();
  private enlarged: string | null = null;
  private zoomed: Range | null = null;
  private step: number | null = null;
  private colours!: Colours;

  private log = h('button', { type: 'button', class: 'ar-toggle', 'aria-pressed': 'false', title: 'logarithmic scale', onclick: () => this.toggleLog() }, 'Log scale');
  private whole = h('button', { type: 'button', class: 'ar-toggle ar-curves-whole', onclick: () => this.zoom(null), title: 'show all steps; a double click in a plot does the same' }, 'All steps');
  private slider = h('input', { type: 'range', min: 0, max: 0.99, step: 0.01, value: 0, 'aria-label': 'Smoothing', oninput: () => this.soon() });
  private weight = h('output', {});
  private note = h('span', { class: 'ar-curves-note ar-faint' });
  private large = h('div', { class: 'ar-curves-large' });
  private strip = h('div', { class: 'ar-curves-strip' });
  private empty = h('div', { class: 'ar-nothing' });
  private legend = new Legend(key => this.toggle(key));
  private root: HTMLElement;

  private frame = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private visible = false;
  private stops: (() => void)[];

  constructor(el: HTMLElement, private client: Client) {
    const smoothing = h('label', { class: 'ar-curves-smoothing', title: 'weight of the past in a moving average' }, 'Smoothing', this.slider, this.weight);
    const tools = h('div', { class: 'ar-curves-tools' }, this.log, smoothing, this.whole, this.note);
    this.root = h('div', { class: 'ar-curves' }, tools, h('div', { class: 'ar-curves-plots' }, this.large, this.strip, this.empty), this.legend.element);
    el.append(this.root);
    const sight = new IntersectionObserver(entries => {
      this.visible = entries[entries.length - 1].isIntersecting;
      this.soon();
    });
    const sizes = new ResizeObserver(() => this.soon());
    const themes = new MutationObserver(() => {
      this.colours = coloursOf(this.root);
      this.soon();
    });
    sight.observe(this.root);
    sizes.observe(this.root);
    themes.observe(document.body, { attributes: true });
    this.colours = coloursOf(this.root);
    this.stops = [
      () => sight.disconnect(),
      () => sizes.disconnect(),
      () => themes.disconnect(),
      client.on('study', () => this.restart()),
      client.on('curves', () => this.follow()),
      client.on('state', () => this.soon()),
      client.on('selection', () => this.watch())
    ];
    this.follow();
    this.watch();
  }

  remove(): void {
    for (const stop of this.stops) stop();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    this.client.watchCurves([]);
    for (const plot of this.plots.values()) plot.destroy();
    this.root.remove();
  }

  /** Draws with the next frame, however much has come until then, if anybody can see it. */
  private soon(): void {
    if (!this.frame && this.visible) this.frame = requestAnimationFrame(() => this.draw());
  }

  private follow(): void {
    this.trials.follow(this.client, Date.now());
    this.soon();
  }

  private watch(): void {
    this.client.watchCurves(this.client.selected === null ? [] : [this.client.selected]);
    this.soon();
  }

  private restart(): void {
    this.trials = new Trials();
    this.zoomed = this.step = null;
    this.soon();
  }

  private draw(): void {
    this.frame = 0;
    if (!this.root.checkVisibility()) return; // folded in just now, and not yet announced
    const now = Date.now();
    this.shown = this.trials.shown(this.client, now);
    clearTimeout(this.timer);
    const rest = this.trials.vanishes(now);
    if (rest !== null) this.timer = setTimeout(() => this.soon(), rest + 1);
    this.arrange();
    const weight = Number(this.slider.value);
    const log = this.log.getAttribute('aria-pressed') === 'true';
    const x = this.zoomed ?? this.steps();
    for (const name of this.names) {
      const plot = this.plots.get(name)!;
      const large = plot.element.parentElement === this.large;
      plot.draw(this.strokes(name, weight), { x, log, large, step: this.step, colours: this.colours, about: this.about(name) });
    }
    setText(this.weight, weight ? weight.toFixed(2) : 'off');
    this.whole.classList.toggle('ar-curves-idle', this.zoomed === null);
    this.whole.setAttribute('aria-disabled', String(this.zoomed === null));
    setText(this.empty, this.shown.length ? '' : this.missing());
    this.readout();
  }

  private readout(): void {
    this.legend.update(this.shown, this.names, this.hidden, this.step, Number(this.slider.value), trial => this.colour(trial));
  }

  /** A plot for each name; the one that a person enlarged above the others, else the first in which there is a line to see. */
  private arrange(): void {
    const names = namesOf(this.shown, this.client.study?.objective.name ?? '');
    this.names = names.slice(0, MAX_PLOTS);
    const left = names.slice(MAX_PLOTS);
    setText(this.note, left.length ? `not drawn: ${left.join(', ')}` : '');
    for (const [name, plot] of this.plots) {
      if (this.names.includes(name)) continue;
      plot.destroy();
      plot.element.remove();
      this.plots.delete(name);
    }
    const isLine = (name: string) => this.shown.some(trial => (trial.curves.get(name)?.length ?? 0) > 1);
    const large = this.names.find(name => name === this.enlarged) ?? this.names.find(isLine) ?? this.names[0];
    let position = 0;
    for (const name of this.names) {
      const plot = this.plots.get(name) ?? this.make(name);
      const [parent, at] = name === large ? [this.large, 0] : [this.strip, position++];
      if (parent.children[at] === plot.element) continue;
      const focused = plot.element.contains(document.activeElement) ? (document.activeElement as HTMLElement) : null;
      parent.insertBefore(plot.element, parent.children[at] ?? null);
      focused?.focus({ preventScroll: true });
    }
    this.strip.hidden = this.names.length < 2;
  }

  private make(name: string): Plot {
    const events = {
      point: (step: number | null) => this.point(step),
      zoom: (range: Range | null) => this.zoom(range),
      enlarge: () => {
        this.enlarged = name;
        this.soon();
      }
    };
    const plot = new Plot(name, events, this.colours);
    this.plots.set(name, plot);
    return plot;
  }

  private strokes(name: string, weight: number): Stroke[] {
    const strokes: Stroke[] = [];
    for (const trial of this.shown) {
      const curve = trial.curves.get(name);
      if (!curve || this.hidden.has(trial.key)) continue;
      const look = { colour: this.colour(trial), dash: DASHES[trial.dash], width: trial.reference ? 3 : trial.selected ? 2 : 1.5 };
      if (weight) strokes.push({ ...look, line: raw(curve), width: 1, dash: [], alpha: RAW_ALPHA });
      strokes.push({ ...look, line: smoothed(curve, weight), alpha: trial.running || trial.reference || trial.selected ? 1 : 0.6 });
    }
    return strokes;
  }

  private colour({ colour }: TrialCurves): string {
    return typeof colour === 'number' ? this.colours.palette[colour] : this.colours[colour];
  }

  /** From the first to the last step of what is drawn, in all plots alike. */
  private steps(): Range {
    let [low, high] = [Infinity, -Infinity];
    for (const trial of this.shown) {
      if (this.hidden.has(trial.key)) continue;
      for (const { steps, length } of trial.curves.values()) {
        low = Math.min(low, steps[0]);
        high = Math.max(high, steps[length - 1]);
      }
    }
    return low < high ? [low, high] : low === high ? [low - 0.5, high + 0.5] : [0, 1];
  }

  private about(name: string): string {
    const own = this.shown.flatMap(trial => trial.curves.get(name) ?? []).map(curve => curve.self_reported);
    return own.every(Boolean) ? '⚠ self-reported' : own.some(Boolean) ? '⚠ partly self-reported' : '';
  }

  private missing(): string {
    const { state } = this.client;
    if (!state) return '';
    if (state.running.length) return 'no curve yet; a running trial has reported nothing so far';
    return 'no trial is running; select a candidate to see its curves';
  }

  private point(step: number | null): void {
    if (step === this.step) return;
    this.step = step;
    for (const plot of this.plots.values()) plot.point(step);
    this.readout();
  }

  private zoom(range: Range | null): void {
    this.zoomed = range;
    this.soon();
  }

  private toggle(key: string): void {
    if (!this.hidden.delete(key)) this.hidden.add(key);
    this.soon();
  }

  private toggleLog(): void {
    this.log.setAttribute('aria-pressed', String(this.log.getAttribute('aria-pressed') === 'false'));
    this.soon();
  }
}

function coloursOf(element: HTMLElement): Colours {
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
