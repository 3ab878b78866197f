/** Statuses, effects and decisions as people say them. */

import type { Client } from '../client';
import { SHAPES, signed, standing } from '../dashboard/words';
import { digitsFor, h, show } from '../dom';
import type { Card, DecisionView } from '../protocol';

export function statusMark(card: Card): HTMLElement {
  const word = standing(card);
  return h('span', { class: `ar-review-state ar-review-state-${card.status}` }, h('span', { 'aria-hidden': 'true' }, SHAPES[word]), ` ${word}`);
}

/** A candidate's number that selects it. */
export function candidateLink(client: Client, candidate: number, text = `candidate ${candidate}`): HTMLElement {
  return h('button', { class: 'ar-review-link', type: 'button', onclick: () => client.select(candidate) }, text);
}

/** The comparison behind a card: its last decision that measured one. */
export function comparison(card: Card): DecisionView | null {
  return [...card.decisions].reverse().find(one => one.effect !== null) ?? null;
}

export function digitsOf(card: Card): number {
  return Math.max(3, digitsFor([card.score, card.incumbent?.score ?? null, ...card.trial_list.map(trial => trial.score)]) - 1);
}

/** The gain over what it was compared with, as a sentence. */
export function effectInWords(card: Card, minEffect: number): string {
  const digits = digitsOf(card);
  const against = comparison(card)?.against ?? null;
  const other = against === null ? 'what it was compared with' : against === 0 ? 'the baseline' : `candidate ${against}`;
  if (card.effect === null) return card.score === null ? 'No score yet.' : 'Not compared with anything yet.';
  const size = show(Math.abs(card.effect), digits);
  const way = card.effect > 0 ? `${size} better than ${other}` : card.effect < 0 ? `${size} worse than ${other}` : `No different from ${other}`;
  if (card.low === null || card.high === null) return `${way}; no interval.`;
  if (card.low === card.high) return `${way}, without noise: ${verdict(card.low, card.high, minEffect)}.`;
  const level = comparison(card)?.level ?? null;
  const name = level === null ? 'interval' : `${percent(level)} interval`;
  const interval = `${name} ${signed(card.low, digits)} to ${signed(card.high, digits)}`;
  return `${way} (${interval}): ${verdict(card.low, card.high, minEffect)}.`;
}

/** A level of confidence as `95 %` or `99.94 %`: with the digits that tell how much is left to 100. */
export function percent(level: number): string {
  const left = 100 * (1 - level);
  let digits = 0;
  while (digits < 9 && Math.abs(100 - Number((100 * level).toFixed(digits)) - left) > left / 10) digits += 1;
  return `${(100 * level).toFixed(digits)} %`;
}

function verdict(low: number, high: number, minEffect: number): string {
  if (low > 0 && low >= minEffect) return 'better by more than the smallest effect worth having';
  if (low === high) return low > 0 ? 'better by less than the smallest effect worth having' : 'no gain';
  if (low > 0) return 'better than chance explains';
  return high < 0 ? 'worse than chance explains' : 'chance alone could explain it';
}

const FLAGS: Record<string, string> = {
  'seed-only': 'only its seed differs from an earlier program',
  'self-reported': 'it printed its score itself; nobody checked it'
};

export function flagsOf(card: Card): [name: string, means: string][] {
  const names = new Set([...card.flags, ...(card.self_reported ? ['self-reported'] : []), ...(card.pinned ? ['pinned'] : [])]);
  return [...names].map(name => [name, FLAGS[name] ?? '']);
}

/** How a candidate gets on: `running, trial 2`, `kept: better on 4 fresh seeds`. */
export function progressOf(client: Client, candidate: number): string {
  const trials = (client.state?.running ?? []).filter(one => one.candidate === candidate).map(one => one.trial + 1);
  const row = client.rows[candidate];
  if (!row) return 'recorded';
  if (trials.length) return `${row.status}, trial ${trials.join(' and ')}`;
  if (row.status === 'waiting') return 'waits for you';
  const why = row.why === 'accepted' ? '' : row.why; // by a person, who knows
  return why && ['kept', 'discarded', 'failed', 'revised'].includes(row.status) ? `${standing(row)}: ${why}` : standing(row);
}

/** What stands where no card is. */
export function emptyWords(client: Client, shown: number | null): string {
  const { study, state, problem } = client;
  if (!study || !state) return `Waiting for the study (${problem || 'loading'}) …`;
  if (shown !== null) return `Loading candidate ${shown} …`;
  if (study.read_only) return 'An imported log: choose a candidate to look at it; nothing can be decided.';
  const anyone = 'Choose any candidate to look at it, veto it or try some of its hunks.';
  if (state.options.review === 'off') return `Review is off: the loop decides alone. ${anyone}`;
  const what = state.options.review === 'all' ? 'Every change appears here before it runs' : 'What would be kept appears here';
  return `Nothing waits for you. ${what}. ${anyone}`;
}
