/** What a card tells on demand: trials, evidence, decisions, metrics, the end of its output. */

import { signed } from '../dashboard/words';
import { duration, h, show } from '../dom';
import type { Card, DecisionView, TrialView } from '../protocol';
import { findComparison, formatPercent, nameCandidate, nameHunks, scoreDigits } from './words';

/** A part of the head that can be opened. */
export interface Fold {
  name: string;
  title: string;
  content: HTMLElement;
}

export function foldsOf(card: Card): Fold[] {
  const n_decisions = card.decisions.length;
  const folds: Fold[] = [
    { name: 'trials', title: titleTrials(card), content: drawTrials(card) },
    { name: 'evidence', title: 'Evidence', content: drawEvidence(card) },
    {
      name: 'decisions',
      title: `Decisions so far (${n_decisions})`,
      content: drawDecisions(card.decisions, scoreDigits(card))
    }
  ];
  const metrics = Object.entries(card.metrics);
  if (metrics.length) {
    const facts = metrics.map(([name, value]): Fact => [name, showMetric(value)]);
    const title = `Metrics (${metrics.length})`;
    folds.push({ name: 'metrics', title, content: drawFacts(facts) });
  }
  if (card.log) {
    const attributes = { class: 'ar-review-log', tabindex: 0, 'aria-label': 'log' };
    const content = h('pre', attributes, card.log);
    folds.push({ name: 'log', title: 'End of its output', content });
  }
  return folds;
}

function showMetric(value: number): string {
  return show(value, Number.isInteger(value) ? 0 : 4);
}

function titleTrials(card: Card): string {
  const { seconds, usd, tokens } = card.cost;
  const parts = [`Trials (${card.trial_list.length})`];
  if (seconds > 0) parts.push(duration(seconds));
  if (usd > 0) parts.push(`${show(usd, 2)} USD`);
  if (tokens > 0) parts.push(`${show(tokens, 0)} tokens`);
  const levels = new Set(card.trial_list.map(trial => trial.sandbox));
  for (const level of levels) parts.push(`sandbox ${level}`);
  return parts.join(' · ');
}

interface TrialColumn {
  title: string;
  text: (trial: TrialView, digits: number) => string;
  isNumber?: boolean;
}

const TRIAL_COLUMNS: TrialColumn[] = [
  { title: 'trial', text: trial => String(trial.trial + 1), isNumber: true },
  { title: 'seed', text: trial => String(trial.seed ?? '–'), isNumber: true },
  { title: 'status', text: nameTrialStatus },
  { title: 'score', text: (trial, digits) => show(trial.score, digits), isNumber: true },
  { title: 'wall', text: trial => duration(trial.seconds), isNumber: true },
  { title: 'cpu', text: trial => duration(trial.cpu_seconds), isNumber: true },
  { title: 'memory', text: trial => `${show(trial.memory_mb, 0)} MB`, isNumber: true },
  { title: 'sandbox', text: trial => trial.sandbox },
  { title: 'memory limit', text: trial => trial.memory_limit || '–' },
  { title: 'device', text: trial => trial.device || '–' },
  { title: 'for', text: trial => trial.purpose || 'score' },
  { title: 'reason', text: trial => trial.reason }
];

function nameTrialStatus(trial: TrialView): string {
  return trial.self_reported ? `${trial.status}, self-reported` : trial.status;
}

function drawTrials(card: Card): HTMLElement {
  if (!card.trial_list.length) return drawNothing('None yet.');
  const digits = scoreDigits(card);
  const align = (column: TrialColumn) => (column.isNumber ? 'ar-review-right' : null);
  const head = TRIAL_COLUMNS.map(column =>
    h('th', { scope: 'col', class: align(column) }, column.title)
  );
  const drawTrial = (trial: TrialView) => {
    const cells = TRIAL_COLUMNS.map(column =>
      h('td', { class: align(column) }, column.text(trial, digits))
    );
    return h('tr', {}, ...cells);
  };
  const table = h(
    'table',
    {},
    h('thead', {}, h('tr', {}, ...head)),
    h('tbody', {}, ...card.trial_list.map(drawTrial))
  );
  const attributes = { tabindex: 0, role: 'region', 'aria-label': 'trials' };
  return h('div', { class: 'ar-review-scroll', ...attributes }, table);
}

type Fact = [name: string, value: string];

function drawEvidence(card: Card): HTMLElement {
  const comparison = findComparison(card);
  if (!comparison) return drawNothing('No comparison was made.');
  return drawFacts(evidenceOf(comparison, scoreDigits(card)));
}

/** What a comparison measured; what it did not measure is left out. */
export function evidenceOf(comparison: DecisionView, digits: number): Fact[] {
  const { against, effect, interval, level, p, alpha, sd, why } = comparison;
  const facts: Fact[] = [];
  if (against !== null) facts.push(['compared with', nameCandidate(against)]);
  if (effect !== null) facts.push(['gain', signed(effect, digits)]);
  if (interval !== null) {
    const ends = interval.map(end => signed(end, digits)).join(' to ');
    facts.push(['interval', level === null ? ends : `${ends} (${formatPercent(level)})`]);
  }
  const { trials, reference_trials } = comparison;
  facts.push(['trials', `${trials} of it, ${reference_trials} of the other`]);
  if (p !== null) {
    const limit = alpha === null ? '' : `, to be at most ${show(alpha)}`;
    facts.push(['p', show(p) + limit]);
  }
  if (sd !== null) facts.push(['noise of one trial', `${show(sd, digits)} (standard deviation)`]);
  if (why) facts.push(['conclusion', why]);
  return facts;
}

function drawFacts(facts: Fact[]): HTMLElement {
  const items = facts.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]);
  return h('dl', { class: 'ar-review-facts' }, ...items);
}

function drawDecisions(decisions: DecisionView[], digits: number): HTMLElement {
  if (!decisions.length) return drawNothing('None yet.');
  const items = decisions.map(decision => drawDecision(decision, digits));
  return h('ol', { class: 'ar-review-decisions' }, ...items);
}

function drawDecision(decision: DecisionView, digits: number): HTMLElement {
  const at = new Date(1000 * decision.at);
  const attributes = { class: 'ar-review-faint', datetime: at.toISOString() };
  const time = h('time', attributes, at.toLocaleString());
  const verdict = h('strong', {}, nameVerdict(decision));
  return h('li', {}, verdict, `${describeDecision(decision, digits)} `, time);
}

const VERDICTS = { keep: 'kept', discard: 'discarded', revise: 'revised', defer: 'asked a person' };

/** What was decided; only a person's `defer` takes an earlier decision back. */
function nameVerdict({ verdict, by, hunks, rejected }: DecisionView): string {
  if (verdict === 'defer' && by === 'person') return 'taken back';
  if (verdict === 'revise') {
    const only = `${VERDICTS.revise}: only ${nameHunks(hunks)}`;
    return rejected.length ? `${only}; rejected ${nameHunks(rejected)}` : only;
  }
  return VERDICTS[verdict];
}

function describeDecision(decision: DecisionView, digits: number): string {
  const parts = [` by ${decision.by}`];
  if (decision.before_run) parts.push(', before it ran');
  if (decision.effect !== null) parts.push(` (gain ${signed(decision.effect, digits)})`);
  if (decision.why) parts.push(`: ${decision.why}`);
  return parts.join('');
}

function drawNothing(text: string): HTMLElement {
  return h('p', { class: 'ar-review-quiet' }, text);
}
