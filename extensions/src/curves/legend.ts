/** The legend: a table of the trials with their values at the cursor, and how far they are from the incumbent's at the same step. */

import { h, setText, show } from '../dom';
import { nearest, smoothed, valueAt } from './smoothing';
import type { TrialCurves } from './trials';

const BORDERS = ['solid', 'dashed', 'dotted']; // as DASHES

interface Entry {
  row: HTMLTableRowElement;
  button: HTMLButtonElement;
  swatch: HTMLElement;
  label: HTMLElement;
  about: HTMLElement;
}

export class Legend {
  readonly element: HTMLElement;
  private at = h('th', { scope: 'col' });
  private heads = h('tr', {}, this.at);
  private body = h('tbody');
  private entries = new Map<string, Entry>();

  constructor(private toggle: (key: string) => void) {
    const table = h('table', { 'aria-label': 'Curves shown' }, h('thead', {}, this.heads), this.body);
    this.element = h('div', { class: 'ar-curves-legend' }, table);
  }

  /** @param step of the cursor; null stands for each curve's last. @param weight of the smoothing, in what is shown. */
  update(trials: TrialCurves[], names: string[], hidden: Set<string>, step: number | null, weight: number, colourOf: (trial: TrialCurves) => string): void {
    const reference = trials.find(trial => trial.reference);
    setText(this.at, `${step === null ? 'last values' : `at step ${show(Math.round(step), 0)}`}${reference ? ', ± to incumbent' : ''}`);
    fit(this.heads, names.length + 1, () => h('th', { scope: 'col' }, h('span'), h('span')));
    names.forEach((name, i) => setText(this.heads.children[i + 1].children[0], name));
    const keys = new Set(trials.map(trial => trial.key));
    for (const [key, { row }] of this.entries) {
      if (keys.has(key)) continue;
      row.remove();
      this.entries.delete(key);
    }
    for (const [i, trial] of trials.entries()) {
      const entry = this.entries.get(trial.key) ?? this.make(trial.key);
      if (this.body.children[i] !== entry.row) this.body.insertBefore(entry.row, this.body.children[i] ?? null);
      this.describe(entry, trial, !hidden.has(trial.key), colourOf(trial));
      fit(entry.row, names.length + 1, () => h('td', {}, h('span'), h('span', { class: 'ar-faint' })));
      names.forEach((name, j) => fill(entry.row.children[j + 1], trial, reference, name, step, weight));
    }
    names.forEach((_, j) => this.align(j + 1));
  }

  /** Gives all distances of a column the room of the longest, and its heading as much: that stands over the values. */
  private align(column: number): void {
    const distances = [this.heads, ...this.body.children].map(row => row.children[column].children[1] as HTMLElement);
    const longest = Math.max(...distances.map(one => one.textContent!.length));
    for (const one of distances) one.style.minWidth = `${longest && longest + 0.3}ch`;
  }

  private make(key: string): Entry {
    const swatch = h('span', { class: 'ar-curves-swatch', 'aria-hidden': 'true' });
    const [label, about] = [h('span'), h('span', { class: 'ar-faint' })];
    const button = h('button', { type: 'button', class: 'ar-curves-toggle', onclick: () => this.toggle(key) }, swatch, label);
    const entry = { row: h('tr', {}, h('th', { scope: 'row' }, button, about)), button, swatch, label, about };
    this.entries.set(key, entry);
    return entry;
  }

  private describe({ row, button, swatch, label, about }: Entry, trial: TrialCurves, shown: boolean, colour: string): void {
    const words = [trial.reference && 'incumbent', trial.selected && 'selected', trial.running ? 'running' : !trial.reference && 'ended', !shown && 'hidden'];
    setText(label, `${trial.candidate} · trial ${trial.trial + 1}`);
    setText(about, words.filter(Boolean).join(', '));
    row.classList.toggle('ar-curves-off', !shown);
    button.setAttribute('aria-pressed', String(shown));
    button.setAttribute('aria-label', `candidate ${trial.candidate}, trial ${trial.trial + 1}`);
    swatch.style.borderTop = `${trial.reference ? 4 : 2}px ${BORDERS[trial.dash]} ${colour}`;
  }
}

function fill(cell: Element, trial: TrialCurves, reference: TrialCurves | undefined, name: string, step: number | null, weight: number): void {
  const curve = trial.curves.get(name);
  if (!curve) {
    setText(cell.children[0], '–');
    return setText(cell.children[1], '');
  }
  const line = smoothed(curve, weight);
  const at = nearest(line, step);
  const value = line.values[at];
  const other = reference?.curves.get(name);
  const beside = trial.reference || !other ? null : valueAt(smoothed(other, weight), line.steps[at]);
  const digits = digitsOf(value);
  setText(cell.children[0], `${curve.self_reported ? '⚠ ' : ''}${show(value, digits)}`);
  setText(cell.children[1], beside === null ? '' : `${value < beside ? '−' : '+'}${show(Math.abs(value - beside), digits)}`);
}

/** Digits after the point for five digits in all, from the value's size alone: a running value does not jump about. */
function digitsOf(value: number): number {
  return value === 0 ? 4 : Math.max(0, Math.min(6, 4 - Math.floor(Math.log10(Math.abs(value)))));
}

/** Gives a row so many cells. */
function fit(row: Element, n: number, make: () => HTMLElement): void {
  while (row.children.length > n) row.lastElementChild!.remove();
  while (row.children.length < n) row.append(make());
}
