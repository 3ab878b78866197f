/** Statuses, effects and decisions in words, as the review card shows them. */

import type { Client } from '../client';
import { SHAPES, signed, standing } from '../dashboard/words';
import { digitsFor, h, show } from '../dom';
import type { Card, DecisionView } from '../protocol';

export function drawStatus(card: Card): HTMLElement {
  const word = standing(card);
  const shape = h('span', { 'aria-hidden': 'true' }, SHAPES[word]);
  return h('span', { class: `ar-review-state ar-review-state-${card.status}` }, shape, ` ${word}`);
}

/** `the baseline`, `candidate 7`. */
export function nameCandidate(candidate: number): string {
  return candidate === 0 ? 'the baseline' : `candidate ${candidate}`;
}

/** A candidate's name that selects it. */
export function linkCandidate(client: Client, candidate: number): HTMLElement {
  const onclick = () => client.select(candidate);
  const attributes = { class: 'ar-review-link', type: 'button', onclick };
  return h('button', attributes, nameCandidate(candidate));
}

/** The comparison behind a card: its last decision that measured one. */
export function findComparison(card: Card): DecisionView | null {
  return [...card.decisions].reverse().find(decision => decision.effect !== null) ?? null;
}

/** Digits after the point that tell a card's scores apart. */
export function scoreDigits(card: Card): number {
  const trials = card.trial_list.map(trial => trial.score);
  return Math.max(3, digitsFor([card.score, card.incumbent?.score ?? null, ...trials]) - 1);
}

/** The gain over what it was compared with, as a sentence. */
export function describeEffect(card: Card, minEffect: number): string {
  const { effect, low, high } = card;
  if (effect === null) {
    return card.score === null ? 'No score yet.' : 'Not compared with anything yet.';
  }
  const gain = describeGain(card, effect);
  if (low === null || high === null) return `${gain}; no interval.`;
  const verdict = judgeInterval(low, high, minEffect);
  if (low === high) return `${gain}, without noise: ${verdict}.`;
  const level = findComparison(card)?.level ?? null;
  const name = level === null ? 'interval' : `${formatPercent(level)} interval`;
  const digits = scoreDigits(card);
  const ends = `${signed(low, digits)} to ${signed(high, digits)}`;
  return `${gain} (${name} ${ends}): ${verdict}.`;
}

function describeGain(card: Card, effect: number): string {
  const against = findComparison(card)?.against ?? null;
  const other = against === null ? 'what it was compared with' : nameCandidate(against);
  const size = show(Math.abs(effect), scoreDigits(card));
  if (effect > 0) return `${size} better than ${other}`;
  if (effect < 0) return `${size} worse than ${other}`;
  return `No different from ${other}`;
}

/** What an interval of the gain says; one of no width comes from scores without noise. */
function judgeInterval(low: number, high: number, minEffect: number): string {
  if (low > 0 && low >= minEffect) return 'better by more than the smallest effect worth having';
  if (low === high) {
    return low > 0 ? 'better by less than the smallest effect worth having' : 'no gain';
  }
  if (low > 0) return 'better than chance explains';
  return high < 0 ? 'worse than chance explains' : 'chance alone could explain it';
}

/**
 * A level of confidence as `95 %` or `99.94 %`.
 *
 * It has the digits that say what is left to 100 within a tenth, so that 99.94 % never reads 100 %.
 */
export function formatPercent(level: number): string {
  const left = 100 * (1 - level);
  const error = (digits: number) => Math.abs(100 - Number((100 * level).toFixed(digits)) - left);
  let digits = 0;
  while (digits < 9 && error(digits) > left / 10) digits += 1;
  return `${(100 * level).toFixed(digits)} %`;
}

const FLAGS: Record<string, string> = {
  'seed-only': 'only its seed differs from an earlier program',
  'self-reported': 'it printed its score itself; the score is not checked'
};

export interface Flag {
  name: string;
  /** What a person should know about it; '' where the name says it all. */
  warning: string;
}

export function flagsOf(card: Card): Flag[] {
  const names = new Set(card.flags);
  if (card.self_reported) names.add('self-reported');
  if (card.pinned) names.add('pinned');
  return [...names].map(name => ({ name, warning: FLAGS[name] ?? '' }));
}

const DECIDED = new Set(['kept', 'discarded', 'failed', 'revised']);

/** How far a candidate is: `running, trial 2`, `kept: better on 4 fresh seeds`. */
export function describeProgress(client: Client, candidate: number): string {
  const row = client.rows[candidate];
  if (!row) return 'recorded';
  const running = (client.state?.running ?? []).filter(trial => trial.candidate === candidate);
  if (running.length) {
    const numbers = running.map(({ trial }) => trial + 1);
    return `${row.status}, trial ${numbers.join(' and ')}`;
  }
  if (row.status === 'waiting') return 'waits for you';
  const isOwnWord = row.why === 'accepted'; // the person's click, which she knows of
  if (!row.why || isOwnWord || !DECIDED.has(row.status)) return standing(row);
  return `${standing(row)}: ${row.why}`;
}

/** Why there is no card to see, and what to do. */
export function describeAbsence(client: Client, shown: number | null): string {
  const { study, state, problem } = client;
  if (!study || !state) return `Waiting for the study (${problem || 'loading'}) …`;
  if (shown !== null) return `Loading candidate ${shown} …`;
  if (study.read_only) {
    return 'An imported log: choose a candidate to look at it; nothing can be decided.';
  }
  const advice = 'Choose any candidate to look at it, veto it or try some of its hunks.';
  switch (state.options.review) {
    case 'off':
      return `Review is off: the loop decides alone. ${advice}`;
    case 'all':
      return `Nothing waits for you. Every change appears here before it runs. ${advice}`;
    case 'keeps':
      return `Nothing waits for you. What would be kept appears here. ${advice}`;
  }
}

/** `hunk 2`, `hunks 1, 3–5`. */
export function nameHunks(ids: readonly number[]): string {
  return `${ids.length === 1 ? 'hunk' : 'hunks'} ${listNumbers(ids)}`;
}

const MAX_RUNS = 6;

/** Ascending numbers as `1, 3–5`; a long list is cut. */
export function listNumbers(numbers: readonly number[]): string {
  const runs: { first: number; last: number }[] = [];
  for (const number of numbers) {
    const latest = runs[runs.length - 1];
    if (latest?.last === number - 1) latest.last = number;
    else runs.push({ first: number, last: number });
  }
  const text = runs.slice(0, MAX_RUNS).map(nameRun).join(', ');
  const n_more = runs.slice(MAX_RUNS).reduce((n, { first, last }) => n + last - first + 1, 0);
  return n_more ? `${text} and ${n_more} more` : text;
}

function nameRun({ first, last }: { first: number; last: number }): string {
  if (first === last) return String(first);
  return last === first + 1 ? `${first}, ${last}` : `${first}–${last}`;
}
