/** Which trials' curves are shown, and how each looks. */

import type { Client, Curve } from '../client';

/** How long the curves of a trial that ended stay, when nobody has selected it. */
export const LINGER_MS = 30_000;
export const N_COLOURS = 8;
export const DASHES = [[], [6, 3], [2, 3]];

/** The curves of one trial, by name. */
export interface TrialCurves {
  readonly key: string;
  readonly candidate: number;
  readonly trial: number;
  readonly curves: Map<string, Curve>;
  readonly running: boolean;
  readonly selected: boolean;
  /** Of the incumbent: the trial that all others are compared with. */
  readonly reference: boolean;
  /** Index into the palette, or a colour of its own. */
  readonly colour: number | 'incumbent' | 'selected';
  /** Index into `DASHES`. */
  readonly dash: number;
}

type Found = Pick<TrialCurves, 'key' | 'candidate' | 'trial' | 'curves' | 'running'>;

/** Follows the trials of one client; `now` is in milliseconds. */
export class Trials {
  private running = new Set<string>();
  private ended = new Map<string, number>();
  private colours = new Map<number, number>();

  /** Notes which trials run and which have just ended; to be called with every message, seen or not. */
  follow(client: Client, now: number): void {
    for (const { key, running } of grouped(client.curves.values())) {
      if (running) this.running.add(key);
      else if (this.running.delete(key)) this.ended.set(key, now);
    }
    this.expire(now);
  }

  /** The incumbent's first, then by candidate and trial. */
  shown(client: Client, now: number): TrialCurves[] {
    const found = grouped(client.curves.values());
    this.expire(now);
    const incumbent = client.state?.incumbent ?? null;
    const reference = found.filter(one => one.candidate === incumbent).sort((a, b) => Number(a.running) - Number(b.running) || b.trial - a.trial)[0];
    const chosen = found.filter(one => one === reference || one.running || one.candidate === client.selected || this.ended.has(one.key));
    const order = (one: Found) => (one === reference ? -1 : one.candidate);
    chosen.sort((a, b) => order(a) - order(b) || a.trial - b.trial);
    this.recolour(chosen.map(one => one.candidate));
    return chosen.map(one => {
      const selected = one.candidate === client.selected;
      const colour = one === reference ? 'incumbent' : selected ? 'selected' : this.colours.get(one.candidate)!;
      return { ...one, selected, reference: one === reference, colour, dash: one === reference ? 0 : one.trial % DASHES.length };
    });
  }

  /** Milliseconds until the next one is to vanish; null when none is. */
  vanishes(now: number): number | null {
    return this.ended.size ? Math.max(0, Math.min(...this.ended.values()) + LINGER_MS - now) : null;
  }

  private expire(now: number): void {
    for (const [key, at] of this.ended) if (now - at >= LINGER_MS) this.ended.delete(key);
  }

  /** A candidate keeps its colour while it is shown; a new one takes the first that is free. */
  private recolour(candidates: number[]): void {
    for (const candidate of this.colours.keys()) if (!candidates.includes(candidate)) this.colours.delete(candidate);
    for (const candidate of candidates) {
      if (this.colours.has(candidate)) continue;
      const taken = new Set(this.colours.values());
      let free = 0;
      while (free < N_COLOURS - 1 && taken.has(free)) free += 1;
      this.colours.set(candidate, free);
    }
  }
}

/** Names of series, what is optimised before the other losses, then as they came. */
export function namesOf(trials: TrialCurves[], objective: string): string[] {
  const rank = (name: string) => (name === objective ? 0 : /val/i.test(name) ? 1 : /loss/i.test(name) ? 2 : 3);
  const names = [...new Set(trials.flatMap(trial => [...trial.curves.keys()]))];
  return names.sort((a, b) => rank(a) - rank(b));
}

function grouped(curves: Iterable<Curve>): Found[] {
  const found = new Map<string, Found & { running: boolean }>();
  for (const curve of curves) {
    if (!curve.length) continue;
    const key = `${curve.candidate}.${curve.trial}`;
    const trial = found.get(key) ?? { key, candidate: curve.candidate, trial: curve.trial, curves: new Map(), running: false };
    trial.curves.set(curve.name, curve);
    trial.running ||= curve.running;
    found.set(key, trial);
  }
  return [...found.values()];
}
