/** The head of a review card: what a candidate is, why it was made, and what it did. */

import type { Client } from '../client';
import { signed } from '../dashboard/words';
import { duration, h, show } from '../dom';
import type { Card, DecisionView, TrialView } from '../protocol';
import { isBeforeRun, hunksInWords } from './decide';
import { curvesOf, effectBar, sparkline } from './effect';
import { candidateLink, comparison, digitsOf, effectInWords, flagsOf, percent, statusMark } from './words';

/** Draws heads, and keeps open what was opened when one is drawn anew. */
export class Head {
  readonly element = h('div', { class: 'ar-review-head' });
  private opened = new Set<string>();
  private curve = h('div', { class: 'ar-review-curve' });
  private card: Card | null = null;
  private drawn = '';

  constructor(private client: Client) {}

  show(card: Card): void {
    if (card === this.card) return;
    const study = this.client.study!;
    const fold = this.element.querySelector<HTMLElement>(':focus-within[data-fold]')?.dataset.fold;
    this.card = card;
    const minEffect = study.objective.min_effect;
    const flags = flagsOf(card);
    const tags = flags.map(([name]) => h('span', { class: 'ar-review-tag' }, name));
    const counts = h('span', { class: 'ar-review-counts' }, `+${card.added} −${card.removed}`);
    const result = isBeforeRun(card) ? 'Nothing of it has run yet: it waits for you first.' : effectInWords(card, minEffect);
    this.drawn = '';
    this.element.replaceChildren(
      h('div', { class: 'ar-review-title' }, h('h3', {}, `Candidate ${card.candidate}`), statusMark(card), ...tags, counts),
      this.lineage(card),
      h('p', { class: 'ar-review-hypothesis' }, card.hypothesis || 'No hypothesis was given.'),
      ...flags.filter(([, means]) => means).map(([name, means]) => h('p', { class: 'ar-review-warning' }, `${name}: ${means}.`)),
      h(
        'div',
        { class: 'ar-review-result' },
        h('div', { class: 'ar-review-effect' }, effectBar(card, minEffect), h('p', {}, ...score(card, study.objective.name), result)),
        this.curve
      ),
      h('div', { class: 'ar-review-folds' }, ...this.folds(card))
    );
    if (fold) this.element.querySelector<HTMLElement>(`[data-fold=${fold}] > summary`)?.focus({ preventScroll: true });
    this.showCurve();
  }

  /** Follows the candidate's curve and the incumbent's. */
  showCurve(): void {
    if (!this.card) return;
    const curves = curvesOf(this.client, this.card);
    const key = curves.map(curve => curve && `${curve.id}:${curve.length}`).join();
    if (key === this.drawn) return;
    this.drawn = key;
    const line = sparkline(...curves);
    this.curve.replaceChildren(...(line ? [line] : []));
    this.curve.hidden = this.card.curves.length === 0 && line === null;
  }

  private folds(card: Card): HTMLElement[] {
    const metrics = Object.entries(card.metrics).map(([name, value]): [string, string] => [name, show(value, Number.isInteger(value) ? 0 : 4)]);
    const folds = [
      this.fold('trials', trialsTitle(card), trialTable(card)),
      this.fold('evidence', 'Evidence', evidence(card)),
      this.fold('decisions', `Decisions so far (${card.decisions.length})`, decisions(card.decisions, digitsOf(card)))
    ];
    if (metrics.length) folds.push(this.fold('metrics', `Metrics (${metrics.length})`, facts(metrics)));
    const log = h('pre', { class: 'ar-review-log', tabindex: 0, 'aria-label': 'log' }, card.log);
    if (card.log) folds.push(this.fold('log', 'End of its output', log));
    return folds;
  }

  private lineage(card: Card): HTMLElement {
    const { client } = this;
    const link = (candidate: number) => candidateLink(client, candidate, candidate === 0 ? 'the baseline' : `candidate ${candidate}`);
    const parts: (Node | string)[] = [`by ${card.author}`];
    if (card.revises !== null) parts.push(' · from ', link(card.revises));
    if (card.parent !== null) parts.push(' · made from ', link(card.parent));
    const incumbent = card.incumbent;
    if (incumbent?.candidate === card.candidate) parts.push(' · it is the incumbent');
    else if (incumbent) parts.push(' · incumbent ', link(incumbent.candidate));
    if (incumbent && incumbent.candidate !== card.candidate && incumbent.score !== null) parts.push(` at ${show(incumbent.score, digitsOf(card))}`);
    if (card.revised_by !== null) parts.push(' · revised as ', link(card.revised_by));
    return h('p', { class: 'ar-review-lineage' }, ...parts);
  }

  private fold(name: string, title: string, ...content: HTMLElement[]): HTMLElement {
    const details = h('details', { class: 'ar-review-fold', 'data-fold': name, open: this.opened.has(name) }, h('summary', {}, title), ...content);
    details.addEventListener('toggle', () => (details.open ? this.opened.add(name) : this.opened.delete(name)));
    return details;
  }
}

function score(card: Card, objective: string): (Node | string)[] {
  if (card.score === null) return [];
  const digits = digitsOf(card);
  return [`${objective} `, h('strong', {}, show(card.score, digits)), card.spread === null ? '. ' : ` ± ${show(card.spread, digits)}. `];
}

function trialsTitle(card: Card): string {
  const n = card.trial_list.length;
  const { seconds, usd, tokens } = card.cost;
  const facts = [`Trials (${n})`];
  if (seconds > 0) facts.push(duration(seconds));
  if (usd > 0) facts.push(`${show(usd, 2)} USD`);
  if (tokens > 0) facts.push(`${show(tokens, 0)} tokens`);
  for (const level of new Set(card.trial_list.map(trial => trial.sandbox))) facts.push(`sandbox ${level}`);
  return facts.join(' · ');
}

const TRIAL_COLUMNS: [title: string, text: (trial: TrialView, digits: number) => string, numeric: boolean][] = [
  ['trial', trial => String(trial.trial + 1), true],
  ['seed', trial => String(trial.seed ?? '–'), true],
  ['status', trial => (trial.self_reported ? `${trial.status}, self-reported` : trial.status), false],
  ['score', (trial, digits) => show(trial.score, digits), true],
  ['wall', trial => duration(trial.seconds), true],
  ['cpu', trial => duration(trial.cpu_seconds), true],
  ['memory', trial => `${show(trial.memory_mb, 0)} MB`, true],
  ['sandbox', trial => trial.sandbox, false],
  ['memory limit', trial => trial.memory_limit || '–', false],
  ['device', trial => trial.device || '–', false],
  ['for', trial => trial.purpose || 'score', false],
  ['reason', trial => trial.reason, false]
];

function trialTable(card: Card): HTMLElement {
  if (!card.trial_list.length) return h('p', { class: 'ar-review-quiet' }, 'None yet.');
  const digits = digitsOf(card);
  const right = (numeric: boolean) => numeric && 'ar-review-right';
  const head = TRIAL_COLUMNS.map(([title, , numeric]) => h('th', { scope: 'col', class: right(numeric) }, title));
  const cells = (trial: TrialView) => TRIAL_COLUMNS.map(([, text, numeric]) => h('td', { class: right(numeric) }, text(trial, digits)));
  const rows = card.trial_list.map(trial => h('tr', {}, ...cells(trial)));
  const table = h('table', {}, h('thead', {}, h('tr', {}, ...head)), h('tbody', {}, ...rows));
  return h('div', { class: 'ar-review-scroll', tabindex: 0, role: 'region', 'aria-label': 'trials' }, table);
}

function evidence(card: Card): HTMLElement {
  const found = comparison(card);
  if (!found) return h('p', { class: 'ar-review-quiet' }, 'No comparison was made.');
  const digits = digitsOf(card);
  const level = found.level === null ? '' : ` (${percent(found.level)})`;
  const known: [string, string | null][] = [
    ['compared with', found.against === null ? null : found.against === 0 ? 'the baseline' : `candidate ${found.against}`],
    ['gain', found.effect === null ? null : signed(found.effect, digits)],
    ['interval', found.interval && found.interval.map(end => signed(end, digits)).join(' to ') + level],
    ['trials', `${found.trials} of it, ${found.reference_trials} of the other`],
    ['p', found.p === null ? null : `${show(found.p)}${found.alpha === null ? '' : `, to be at most ${show(found.alpha)}`}`],
    ['noise of one trial', found.sd === null ? null : `${show(found.sd, digits)} (standard deviation)`],
    ['conclusion', found.why || null]
  ];
  return facts(known.filter((one): one is [string, string] => one[1] !== null));
}

function facts(pairs: [string, string][]): HTMLElement {
  return h('dl', { class: 'ar-review-facts' }, ...pairs.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
}

const VERDICTS = { keep: 'kept', discard: 'discarded', revise: 'revised', defer: 'asked a person' };

function decisions(list: DecisionView[], digits: number): HTMLElement {
  if (!list.length) return h('p', { class: 'ar-review-quiet' }, 'None yet.');
  const item = (one: DecisionView) => {
    const effect = one.effect === null ? '' : ` (gain ${signed(one.effect, digits)})`;
    const verdict = one.verdict === 'defer' && one.by === 'person' ? 'taken back' : VERDICTS[one.verdict];
    const only = one.verdict === 'revise' ? `: only ${hunksInWords(one.hunks)}` : '';
    const at = new Date(1000 * one.at);
    const when = h('time', { class: 'ar-review-faint', datetime: at.toISOString() }, at.toLocaleString());
    const what = ` by ${one.by}${one.before_run ? ', before it ran' : ''}${effect}${one.why && `: ${one.why}`} `;
    return h('li', {}, h('strong', {}, verdict + only), what, when);
  };
  return h('ol', { class: 'ar-review-decisions' }, ...list.map(item));
}
