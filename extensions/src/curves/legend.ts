/** The legend: each trial's values at the cursor, and how far they are from the incumbent's. */

import { h, setText, show } from '../dom';
import { nearest, smoothLine, valueAt } from './smoothing';
import type { TrialCurves } from './trials';

const BORDERS = ['solid', 'dashed', 'dotted']; // as DASHES
const N_DIGITS = 5;

/** What the legend shows. */
export interface Reading {
  trials: TrialCurves[];
  /** Of the series, one column each. */
  names: string[];
  /** Keys of the trials that a person has switched off. */
  hidden: Set<string>;
  /** Of the cursor; null stands for each curve's last. */
  step: number | null;
  /** Of the smoothing. */
  weight: number;
  colourOf: (trial: TrialCurves) => string;
}

export interface Legend {
  readonly element: HTMLElement;
  update(reading: Reading): void;
}

/** @param toggle switches a trial on or off, by its key. */
export function makeLegend(toggle: (key: string) => void): Legend {
  const corner = h('th', { scope: 'col' });
  const heads = h('tr', {}, corner);
  const body = h('tbody');
  const entries = new Map<string, Entry>();
  const table = h('table', { 'aria-label': 'Curves shown' }, h('thead', {}, heads), body);

  function update(reading: Reading): void {
    const { trials, names } = reading;
    const reference = trials.find(trial => trial.reference);
    setText(corner, cornerTitle(reading.step, reference !== undefined));
    setLength(heads, names.length + 1, makeHead);
    names.forEach((name, i) => setText(heads.children[i + 1].children[0], name));
    removeOthers(trials);
    for (const [i, trial] of trials.entries()) {
      const entry = entryOf(trial.key);
      if (body.children[i] !== entry.row) body.insertBefore(entry.row, body.children[i] ?? null);
      describe(entry, trial, !reading.hidden.has(trial.key), reading.colourOf(trial));
      setLength(entry.row, names.length + 1, makeCell);
      names.forEach((name, j) => fill(entry.row.children[j + 1], trial, reference, name, reading));
    }
    names.forEach((_, i) => align([heads, ...body.children], i + 1));
  }

  function entryOf(key: string): Entry {
    const entry = entries.get(key) ?? makeEntry(() => toggle(key));
    entries.set(key, entry);
    return entry;
  }

  function removeOthers(trials: TrialCurves[]): void {
    const keys = new Set(trials.map(trial => trial.key));
    for (const [key, { row }] of entries) {
      if (keys.has(key)) continue;
      row.remove();
      entries.delete(key);
    }
  }

  return { element: h('div', { class: 'ar-curves-legend' }, table), update };
}

interface Entry {
  row: HTMLTableRowElement;
  button: HTMLButtonElement;
  swatch: HTMLElement;
  label: HTMLElement;
  about: HTMLElement;
}

function makeEntry(toggle: () => void): Entry {
  const swatch = h('span', { class: 'ar-curves-swatch', 'aria-hidden': 'true' });
  const label = h('span');
  const about = h('span', { class: 'ar-faint' });
  const attributes = { type: 'button', class: 'ar-curves-toggle', onclick: toggle };
  const button = h('button', attributes, swatch, label);
  const row = h('tr', {}, h('th', { scope: 'row' }, button, about));
  return { row, button, swatch, label, about };
}

function describe(
  { row, button, swatch, label, about }: Entry,
  trial: TrialCurves,
  shown: boolean,
  colour: string
): void {
  setText(label, `${trial.candidate} · trial ${trial.trial + 1}`);
  setText(about, wordsOf(trial, shown).join(', '));
  row.classList.toggle('ar-curves-off', !shown);
  button.setAttribute('aria-pressed', String(shown));
  button.setAttribute('aria-label', `candidate ${trial.candidate}, trial ${trial.trial + 1}`);
  const thickness = trial.reference ? 4 : 2;
  swatch.style.borderTop = `${thickness}px ${BORDERS[trial.dash]} ${colour}`;
}

function wordsOf(trial: TrialCurves, shown: boolean): string[] {
  const words = [
    trial.reference && 'incumbent',
    trial.selected && 'selected',
    trial.running && 'running',
    !trial.running && !trial.reference && 'ended',
    !shown && 'hidden'
  ];
  return words.filter(word => typeof word === 'string');
}

function cornerTitle(step: number | null, hasReference: boolean): string {
  const place = step === null ? 'last values' : `at step ${show(Math.round(step), 0)}`;
  return hasReference ? `${place}, ± to incumbent` : place;
}

/** A trial's value at the cursor, and its distance to the incumbent's at the same step. */
function fill(
  cell: Element,
  trial: TrialCurves,
  reference: TrialCurves | undefined,
  name: string,
  { step, weight }: Reading
): void {
  const [valueCell, distanceCell] = cell.children;
  const curve = trial.curves.get(name);
  if (!curve) {
    setText(valueCell, '–');
    return setText(distanceCell, '');
  }
  const line = smoothLine(curve, weight);
  const index = nearest(line, step);
  const value = line.values[index];
  const digits = digitsOf(value);
  setText(valueCell, `${curve.self_reported ? '⚠ ' : ''}${show(value, digits)}`);
  const other = trial.reference ? undefined : reference?.curves.get(name);
  const compared = other ? valueAt(smoothLine(other, weight), line.steps[index]) : null;
  setText(distanceCell, compared === null ? '' : writeDistance(value - compared, digits));
}

function writeDistance(distance: number, digits: number): string {
  return `${distance < 0 ? '−' : '+'}${show(Math.abs(distance), digits)}`;
}

/** From the value's size alone, so that the digits of a running value do not jump about. */
function digitsOf(value: number): number {
  if (value === 0) return N_DIGITS - 1;
  const n_before = Math.floor(Math.log10(Math.abs(value))) + 1;
  return Math.max(0, Math.min(6, N_DIGITS - n_before));
}

function makeHead(): HTMLElement {
  return h('th', { scope: 'col' }, h('span'), h('span'));
}

function makeCell(): HTMLElement {
  return h('td', {}, h('span'), h('span', { class: 'ar-faint' }));
}

/** Gives a row so many cells. */
function setLength(row: Element, length: number, make: () => HTMLElement): void {
  while (row.children.length > length) row.lastElementChild!.remove();
  while (row.children.length < length) row.append(make());
}

/** Gives all distances of a column the room of the longest, so that the values are aligned. */
function align(rows: Element[], column: number): void {
  const cells = rows.map(row => row.children[column].children[1] as HTMLElement);
  const longest = Math.max(...cells.map(cell => cell.textContent!.length));
  const width = longest && longest + 0.3;
  for (const cell of cells) cell.style.minWidth = `${width}ch`;
}
