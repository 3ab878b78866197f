/** What a person can decide about a candidate, and what she has chosen so far. Values only; nothing here is sent or drawn. */

import type { Card, StudyInfo, Verb } from '../protocol';

export type Choice = 'accepted' | 'rejected';

/** Which hunks were accepted or rejected, and the way back. */
export class Choices {
  private made = new Map<number, Choice>();
  private past: [number, Choice | undefined][] = [];

  get size(): number {
    return this.made.size;
  }

  of(hunk: number): Choice | undefined {
    return this.made.get(hunk);
  }

  /** Chooses for a hunk; the same choice again takes it back. Returns what holds now. */
  toggle(hunk: number, choice: Choice): Choice | undefined {
    this.past.push([hunk, this.made.get(hunk)]);
    this.set(hunk, this.made.get(hunk) === choice ? undefined : choice);
    return this.made.get(hunk);
  }

  /** Takes the last toggle back and returns its hunk, or null when there is none. */
  undo(): number | null {
    const last = this.past.pop();
    if (!last) return null;
    this.set(...last);
    return last[0];
  }

  private set(hunk: number, choice: Choice | undefined): void {
    if (choice) this.made.set(hunk, choice);
    else this.made.delete(hunk);
  }
}

/** What is open to a person: labels of the two decisions on the whole (null: not possible), whether hunks can be chosen, and why not. */
export interface Offer {
  accept: string | null;
  reject: string | null;
  hunks: boolean;
  why: string;
}

const ONLY_PARTS = 'only some of its hunks, or your own version, can be tried.';

export function offerFor(card: Card, study: StudyInfo): Offer {
  if (study.read_only) return nothing('This is an imported log: there is nothing to decide. Start a study of your own to go on from it.');
  if (card.candidate === 0) return nothing('The baseline is what the study starts from; it can be neither accepted nor rejected.');
  const scored = card.score !== null;
  switch (card.status) {
    case 'waiting':
      return { accept: isBeforeRun(card) ? 'Let it run' : 'Accept candidate', reject: 'Reject candidate', hunks: true, why: '' };
    case 'queued':
    case 'running':
    case 'provisional':
      return { accept: scored ? 'Keep it now' : null, reject: 'Reject candidate', hunks: true, why: '' };
    case 'kept':
      return { accept: null, reject: 'Veto candidate', hunks: true, why: '' };
    case 'discarded':
    case 'revised':
      if (card.can_be_tried) return { accept: 'Take the decision back', reject: null, hunks: true, why: 'It was decided before it was tried.' };
      return { accept: scored ? 'Keep it anyway' : null, reject: null, hunks: true, why: scored ? '' : `It has no score: ${ONLY_PARTS}` };
    case 'failed':
      return { accept: null, reject: null, hunks: true, why: `It failed: ${ONLY_PARTS}` };
    case 'ablated':
      return nothing('It takes a kept change out again, to measure what that change is worth; it is not meant to be kept.');
    case 'unknown':
      return nothing('The log says nothing about how it ended.');
  }
}

function nothing(why: string): Offer {
  return { accept: null, reject: null, hunks: false, why };
}

/** Whether it waits for a person before anything of it is run. */
export function isBeforeRun(card: Card): boolean {
  const last = card.decisions[card.decisions.length - 1];
  return card.status === 'waiting' && last?.verdict === 'defer' && last.before_run;
}

/** A decision ready to be sent: its button's text, and beside it what it leaves out. */
export interface Intent {
  verb: Extract<Verb, 'accept' | 'reject'>;
  hunks: number[] | null;
  label: string;
  note: string;
}

export function hunkIds(card: Card): number[] {
  return card.files.flatMap(file => file.parts.flatMap(part => (part.type === 'hunk' ? [part.id] : [])));
}

/**
 * What Enter does: with no hunk touched, accept what waits; else keep the accepted hunks, or, when some were only rejected, the rest.
 * Null when there is nothing to send.
 */
export function intentOf(card: Card, offer: Offer, choices: Choices): Intent | null {
  if (choices.size === 0) return card.status === 'waiting' ? whole('accept', offer) : null;
  const every = hunkIds(card);
  const accepted = every.filter(hunk => choices.of(hunk) === 'accepted');
  const taken = accepted.length ? accepted : every.filter(hunk => choices.of(hunk) !== 'rejected');
  if (taken.length === 0) return whole('reject', offer);
  if (taken.length === every.length) return whole('accept', offer);
  const left = every.filter(hunk => !taken.includes(hunk));
  const label = `Accept ${hunksInWords(taken)} and try ${taken.length === 1 ? 'it' : 'them'}`;
  return { verb: 'accept', hunks: taken, label, note: `leaves out ${hunksInWords(left)}` };
}

export function whole(verb: Intent['verb'], offer: Offer): Intent | null {
  const label = offer[verb];
  return label === null ? null : { verb, hunks: null, label, note: '' };
}

/** `hunk 2`, `hunks 1, 3–5`. */
export function hunksInWords(ids: number[]): string {
  return `hunk${ids.length === 1 ? '' : 's'} ${numbersInWords(ids)}`;
}

/** `1, 3–5`; long lists are cut. */
export function numbersInWords(ids: number[]): string {
  const runs: [number, number][] = [];
  for (const id of ids) {
    const last = runs[runs.length - 1];
    if (last && last[1] === id - 1) last[1] = id;
    else runs.push([id, id]);
  }
  const shown = runs.slice(0, 6).map(([first, last]) => (first === last ? first : `${first}${last === first + 1 ? ', ' : '–'}${last}`));
  const rest = runs.slice(6).reduce((total, [first, last]) => total + last - first + 1, 0);
  return shown.join(', ') + (rest ? ` and ${rest} more` : '');
}
