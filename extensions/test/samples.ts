/** Values as the feed sends them, with the fields that a test names. */

import { newCurve, type Curve } from '../src/curve';
import type { Card, Columns, DecisionView, FileDiff, Row, StudyEntry } from '../src/protocol';
import type { Plots, Series, StudyInfo, StudyState, TrialView } from '../src/protocol';

export function makeRow(candidate: number, fields: Partial<Row> = {}): Row {
  return {
    candidate,
    parent: candidate === 0 ? null : 0,
    status: 'discarded',
    score: 3.8,
    spread: null,
    effect: null,
    low: null,
    high: null,
    trials: 1,
    seconds: 9.5,
    added: 2,
    removed: 1,
    author: 'tuner',
    hypothesis: `idea ${candidate}`,
    why: '',
    flags: [],
    pinned: false,
    revises: null,
    weighed: [],
    vetoed: false,
    kind: 'discarded',
    barred: false,
    at: 1000 + candidate,
    usd: 0,
    notes: [],
    ...fields
  };
}

export function makeColumns(rows: Row[]): Columns {
  const names = Object.keys(makeRow(0)) as (keyof Row)[];
  const columns = names.map(name => [name, rows.map(row => row[name])]);
  return Object.fromEntries(columns) as Columns;
}

/** A card whose one file has hunks of these numbers, with a gap before each. */
export function makeCard(
  candidate: number,
  hunks: number[] = [1, 2, 3, 4],
  fields: Partial<Card> = {}
): Card {
  return {
    ...makeRow(candidate, { status: 'waiting', score: 3.75 }),
    program: `digest${candidate}`,
    parent_program: 'digest0',
    self_reported: false,
    incumbent: { candidate: 0, score: 3.8 },
    decisions: [makeDecision()],
    trial_list: [],
    metrics: {},
    cost: { usd: 0, tokens: 0, seconds: 0 },
    files: [makeFile(hunks)],
    curves: ['loss'],
    log: '',
    descendants: [],
    can_be_tried: false,
    revised_by: null,
    ...fields
  };
}

function makeFile(hunks: number[]): FileDiff {
  const parts = hunks.flatMap((id): FileDiff['parts'] => [
    { type: 'gap', count: 6 },
    { type: 'hunk', id, header: `@@ -${id} +${id} @@`, state: 'open', lines: [] }
  ]);
  return { path: 'train.py', change: 'changed', parts };
}

export function makeDecision(fields: Partial<DecisionView> = {}): DecisionView {
  return {
    verdict: 'defer',
    by: 'tested',
    why: '',
    at: 0,
    before_run: false,
    hunks: [],
    rejected: [],
    effect: 0.02,
    interval: [0.01, 0.03],
    level: 0.95,
    against: 0,
    trials: 5,
    reference_trials: 5,
    p: 0.004,
    alpha: 0.0125,
    sd: 0.011,
    ...fields
  };
}

export function makeTrial(trial: number, fields: Partial<TrialView> = {}): TrialView {
  return {
    trial,
    seed: 100 + trial,
    status: 'ok',
    score: 3.7,
    seconds: 30,
    cpu_seconds: 50,
    memory_mb: 400,
    sandbox: 'bwrap',
    memory_limit: 'cgroup',
    device: 'cpu',
    reason: '',
    self_reported: false,
    purpose: '',
    ...fields
  };
}

export function makeStudy(fields: Partial<StudyInfo> = {}): StudyInfo {
  return {
    name: 'toy-1',
    path: '/studies/toy-1',
    experiment: 'toy',
    opened_at: 1,
    objective: { name: 'loss', goal: 'minimize', min_effect: 0.03, noise: 'seed', max_trials: 4 },
    metrics: [],
    shape: 'train',
    self_reported: false,
    read_only: false,
    cell: false,
    ...fields
  };
}

export function makeState(fields: Partial<StudyState> = {}): StudyState {
  const options = { proposer: 'tuner', strategy: 'hillclimb', policy: 'tested' };
  const limits = { candidates: 100, seconds: 0, max_usd: 0, max_tokens: 0, max_waiting: 8 };
  const open = { queued: 0, running: 0, provisional: 0, waiting: 0 };
  const decided = { kept: 0, discarded: 0, failed: 0, revised: 0, ablated: 0, unknown: 0 };
  return {
    at: 0,
    state: 'running',
    reason: '',
    fault: false,
    alive: true,
    options: { ...options, ...limits, review: 'keeps' },
    counts: { ...open, ...decided, candidates: 0, proposed: 0 },
    spent: { seconds: 0, usd: 0, tokens: 0, trials: 0 },
    baseline: { score: 3.8, spread: 0.02 },
    best: { candidate: 0, score: 3.8 },
    incumbent: 0,
    waiting: [],
    running: [],
    sandbox: 'bwrap',
    proposals: { failed: 0, last: '' },
    guidance: [],
    banned: [],
    audit: '',
    ...fields
  };
}

export function makePlots(fields: Partial<Plots> = {}): Plots {
  return { window: null, worst: null, leaders: [], frontiers: [], trends: [], ...fields };
}

export function makeSeries(id: number, fields: Partial<Series> = {}): Series {
  const usual = { name: 'loss', self_reported: false, running: false };
  return { id, candidate: id, trial: 0, ...usual, ...fields };
}

/** A curve of these values at steps 0, 1, 2, ... */
export function makeCurve(values: number[], fields: Partial<Series> = {}): Curve {
  return {
    ...newCurve(makeSeries(1, fields)),
    steps: Float64Array.from(values.keys()),
    values: Float64Array.from(values),
    length: values.length
  };
}

export function makeEntry(study: string, fields: Partial<StudyEntry> = {}): StudyEntry {
  return {
    study,
    experiment: 'toy',
    state: 'running',
    reason: '',
    objective: { name: 'loss', goal: 'minimize' },
    counts: { candidates: 3, kept: 1, discarded: 2, failed: 0, waiting: 0 },
    baseline: { score: 3.8, spread: null },
    best: { candidate: 0, score: 3.8 },
    self_reported: false,
    path: `/root/studies/${study}`,
    folder: '',
    opened_at: 1,
    last_at: 2,
    waiting: [],
    fault: false,
    ...fields
  };
}
