/** Which trials' curves are shown, and how each looks. */

import type { Client, Curve } from '../client';

/** How long the curves of a trial that ended stay, if it is not selected. */
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
  /** The incumbent's trial, which all others are compared with. */
  readonly reference: boolean;
  /** Index into the palette, or the name of a special colour. */
  readonly colour: number | 'incumbent' | 'selected';
  /** Index into `DASHES`. */
  readonly dash: number;
}

type Group = Pick<TrialCurves, 'key' | 'candidate' | 'trial' | 'curves' | 'running'>;

/** Times are in milliseconds. */
export interface Trials {
  /** Notes which trials run and which have just ended; to be called after every message. */
  follow(now: number): void;
  /** The incumbent's trial first, then by candidate and trial. */
  choose(now: number): TrialCurves[];
  /** How long until the next one vanishes; null if none will. */
  untilNextVanishes(now: number): number | null;
}

export function followTrials(client: Client): Trials {
  const running = new Set<string>();
  const endedAt = new Map<string, number>();
  const palette = makePalette();

  function follow(now: number): void {
    for (const group of groupCurves(client.curves.values())) {
      if (group.running) running.add(group.key);
      else if (running.delete(group.key)) endedAt.set(group.key, now);
    }
    expire(now);
  }

  function expire(now: number): void {
    for (const [key, at] of endedAt) if (now - at >= LINGER_MS) endedAt.delete(key);
  }

  function choose(now: number): TrialCurves[] {
    const groups = groupCurves(client.curves.values());
    expire(now);
    const reference = findReference(groups, client.state?.incumbent ?? null);
    const chosen = groups.filter(group => {
      const isSelected = group.candidate === client.selected;
      return group === reference || group.running || isSelected || endedAt.has(group.key);
    });
    const rank = (group: Group) => (group === reference ? -1 : group.candidate);
    chosen.sort((a, b) => rank(a) - rank(b) || a.trial - b.trial);
    palette.assign(chosen.map(group => group.candidate));
    return chosen.map(group => describe(group, group === reference));
  }

  function describe(group: Group, reference: boolean): TrialCurves {
    const selected = group.candidate === client.selected;
    let colour: TrialCurves['colour'] = palette.colourOf(group.candidate);
    if (selected) colour = 'selected';
    if (reference) colour = 'incumbent';
    const dash = reference ? 0 : group.trial % DASHES.length;
    return { ...group, selected, reference, colour, dash };
  }

  return {
    follow,
    choose,
    untilNextVanishes(now) {
      if (!endedAt.size) return null;
      return Math.max(0, Math.min(...endedAt.values()) + LINGER_MS - now);
    }
  };
}

/** The incumbent's last trial, one that has ended before one that runs. */
function findReference(groups: Group[], incumbent: number | null): Group | undefined {
  const trials = groups.filter(group => group.candidate === incumbent);
  trials.sort((a, b) => Number(a.running) - Number(b.running) || b.trial - a.trial);
  return trials[0];
}

/** A candidate keeps its colour while it is shown; a new one gets the first that is free. */
function makePalette() {
  const colours = new Map<number, number>();
  return {
    colourOf: (candidate: number) => colours.get(candidate)!,
    assign(candidates: number[]) {
      for (const candidate of colours.keys()) {
        if (!candidates.includes(candidate)) colours.delete(candidate);
      }
      for (const candidate of candidates) {
        if (!colours.has(candidate)) colours.set(candidate, findFree(new Set(colours.values())));
      }
    }
  };
}

/** The first colour that is not in use; the last one if all are. */
function findFree(used: Set<number>): number {
  let colour = 0;
  while (colour < N_COLOURS - 1 && used.has(colour)) colour += 1;
  return colour;
}

/** Names of series: the objective first, then validation, then other losses, then as they came. */
export function namesOf(trials: TrialCurves[], objective: string): string[] {
  const rank = (name: string) => {
    if (name === objective) return 0;
    if (/val/i.test(name)) return 1;
    return /loss/i.test(name) ? 2 : 3;
  };
  const names = [...new Set(trials.flatMap(trial => [...trial.curves.keys()]))];
  return names.sort((a, b) => rank(a) - rank(b));
}

function groupCurves(curves: Iterable<Curve>): Group[] {
  const groups = new Map<string, Group & { running: boolean }>();
  for (const curve of curves) {
    if (!curve.length) continue;
    const { candidate, trial } = curve;
    const key = `${candidate}.${trial}`;
    const group = groups.get(key) ?? { key, candidate, trial, curves: new Map(), running: false };
    group.curves.set(curve.name, curve);
    group.running ||= curve.running;
    groups.set(key, group);
  }
  return [...groups.values()];
}
