/**
 * What a study's feed and a screen say to each other, over a Jupyter comm or over the server's websocket alike.
 *
 * The other side is `workbench/lab/live/`. Texts in messages come from candidates and models: they go into text nodes, never into markup.
 */

export const PROTOCOL = 1;

export type RunState = 'running' | 'paused' | 'finished' | 'stopped' | 'dead';
export const STATUSES = ['queued', 'running', 'provisional', 'waiting', 'kept', 'discarded', 'failed', 'revised', 'ablated', 'unknown'] as const;
export type CandidateStatus = (typeof STATUSES)[number];

export type Goal = 'minimize' | 'maximize';
export interface Weighed {
  name: string;
  goal: Goal;
}

/** What never changes about a study. `opened_at` (Unix seconds) tells two studies of one path apart. */
export interface StudyInfo {
  name: string;
  path: string;
  experiment: string;
  opened_at: number;
  objective: { name: string; goal: Goal; min_effect: number; noise: string; max_trials: number };
  /** What the experiment weighs against each other, two at least; none where the score stands alone. */
  metrics?: Weighed[];
  shape: string;
  self_reported: boolean;
  /** An imported log: nothing can be decided. */
  read_only: boolean;
  /** It began with a notebook cell. */
  cell?: boolean;
}

/** How the study stands; sent whole with every change. */
export interface StudyState {
  /** Unix seconds on the sender's clock. */
  at: number;
  state: RunState;
  reason: string;
  /** Paused because something is broken, not by a person. */
  fault?: boolean;
  /** Whether a loop holds the lease; where it does not and the study is running, it is starting. */
  alive: boolean;
  options: { proposer: string; strategy: string; policy: string; review: 'off' | 'keeps' | 'all'; candidates: number; seconds: number; max_usd: number; max_tokens: number; max_waiting: number };
  /** By candidate status, the baseline not counted; `proposed` is what the budget counts. */
  counts: Record<CandidateStatus, number> & { candidates: number; proposed: number };
  spent: { seconds: number; usd: number; tokens: number; trials: number };
  baseline: { score: number | null; spread: number | null };
  best: { candidate: number | null; score: number | null };
  incumbent: number | null;
  waiting: number[];
  running: { candidate: number; trial: number; seed: number; started_at: number }[];
  sandbox: string;
  proposals: { failed: number; last: string };
  guidance: string[];
  banned: string[];
  /** What the last audit or ablation found, in one line. */
  audit?: string;
}

/** One candidate in the table and the plots. */
export interface Row {
  candidate: number;
  parent: number | null;
  status: CandidateStatus;
  score: number | null;
  /** Standard deviation over its seeds. */
  spread: number | null;
  /** Gain over what it was compared with, and its interval; above 0 is better. */
  effect: number | null;
  low: number | null;
  high: number | null;
  trials: number;
  seconds: number;
  added: number;
  removed: number;
  author: string;
  hypothesis: string;
  why: string;
  flags: string[];
  pinned: boolean;
  revises: number | null;
  /** Discarded since a stage of the cascade, or its curve, ended its trial. */
  ended?: boolean;
  /** Means of what the experiment weighs, in the order of `metrics`. */
  weighed?: (number | null)[];
  /** A person discarded it, or kept only some of its hunks. */
  vetoed?: boolean;
  /** An ablation's: the candidate whose change it leaves out. */
  without?: number | null;
}

/** Rows as one array a field, which is a third of the bytes of a list of rows. */
export type Columns = { [K in keyof Row]-?: Row[K][] };

export interface Series {
  id: number;
  candidate: number;
  trial: number;
  name: string;
  self_reported: boolean;
  running: boolean;
}

/**
 * A line of a diff in pieces: text, class of its syntax colour, 1 where the piece itself changed. Classes: `k` keyword, `s` string, `c` comment,
 * `n` number, `b` builtin, `d` decorator, `f` function, `t` type, `o` operator, and `m` for a remark that is no text of the file.
 */
export type Span = [text: string, token: string, changed: 0 | 1];
export interface Line {
  kind: ' ' | '+' | '-';
  old: number | null;
  new: number | null;
  spans: Span[];
}
export type Part =
  | { type: 'lines'; lines: Line[] }
  | { type: 'gap'; count: number }
  | { type: 'hunk'; id: number; header: string; state: 'open' | 'accepted' | 'rejected'; lines: Line[] };
export interface FileDiff {
  path: string;
  change: 'changed' | 'added' | 'deleted' | 'mode';
  parts: Part[];
}

export interface TrialView {
  trial: number;
  seed: number | null;
  status: string;
  score: number | null;
  seconds: number;
  cpu_seconds: number;
  memory_mb: number;
  sandbox: string;
  memory_limit: string;
  device: string;
  reason: string;
  self_reported: boolean;
  purpose: string;
}

export interface DecisionView {
  verdict: 'keep' | 'discard' | 'revise' | 'defer';
  by: string;
  why: string;
  at: number;
  before_run: boolean;
  hunks: number[];
  effect: number | null;
  interval: [number, number] | null;
  level: number | null;
  against: number | null;
  trials: number;
  reference_trials: number;
  p: number | null;
  alpha: number | null;
  sd: number | null;
}

/** A candidate in full, as the review card shows it. */
export interface Card extends Row {
  /** Digest of the program that was looked at; goes with every decision. */
  program: string;
  parent_program: string | null;
  self_reported: boolean;
  incumbent: { candidate: number; score: number | null } | null;
  decisions: DecisionView[];
  trial_list: TrialView[];
  metrics: Record<string, number>;
  cost: { usd: number; tokens: number; seconds: number };
  files: FileDiff[];
  /** Names of the series of its last trial. */
  curves: string[];
  /** The end of its last trial's output. */
  log: string;
  /** Kept or open candidates made from it, which a veto would take with it. */
  descendants: number[];
  /** A person vetoed it before anything came of it; accepting it takes that back. */
  can_be_tried?: boolean;
  /** The person's candidate that has some of its hunks. */
  revised_by: number | null;
}

/** The notebook cell that the study began with: as it was, and with a candidate's program in it. */
export interface CellText {
  candidate: number;
  original: string;
  text: string;
}

/**
 * A piece of a proposer's work. Of `thinking`, `text` and `input` (what it gives to a tool) the end, which grows; `tool`: what is done, in a line;
 * `diff`: what an edit changed; `check`: what a short run found. `number` stays the piece's own.
 */
export interface WorkPiece {
  number: number;
  kind: string;
  text: string;
}

/** A proposal that is being made. `turn` is the call of the model that is under way, `tokens` those of the calls before; `since`: Unix seconds. */
export interface Work {
  number: number;
  since: number;
  model: string;
  turn: number;
  tokens: number;
  pieces: WorkPiece[];
}

/** Requests of a person; the verbs and bodies are those of `workbench.loop.adopt`. */
export type Verb =
  | 'accept' | 'reject' | 'edit' | 'guide' | 'ban' | 'pin' | 'fork' | 'pause' | 'resume' | 'stop' | 'set' | 'audit' | 'ablate'; // prettier-ignore
export interface Request {
  decision_id: string;
  verb: Verb;
  body: Record<string, unknown>;
}

/**
 * From the feed. `points` comes with a buffer: all steps as float64, then all values as float32; `counts` is id, n, id, n, ...
 * `gone`: series to drop, of trials that ended a while ago and that nobody watches.
 * `work`: all proposals that are being made; after a snapshot there are none until it says so.
 */
export type FromFeed =
  | { type: 'snapshot'; protocol: number; study: StudyInfo; state: StudyState; columns: Columns }
  | { type: 'changes'; state: StudyState; rows: Row[] }
  | { type: 'series'; series: Series[] }
  | { type: 'points'; counts: number[] }
  | { type: 'gone'; series: number[] }
  | { type: 'card'; card: Card }
  | { type: 'files'; candidate: number; files: Record<string, string> }
  | ({ type: 'cell' } & CellText)
  | { type: 'work'; works: Work[] }
  | { type: 'filed'; decision_id: string }
  | { type: 'answered'; decision_id: string; adopted: boolean; reason: string; candidate: number | null }
  | { type: 'error'; about: string; message: string; candidate?: number; decision_id?: string }
  | { type: 'beat'; at: number };

/** To the feed. `context`: unchanged lines around each hunk, -1 for the whole file. `pending`: decisions whose answer is still wanted. */
export type ToFeed =
  | { type: 'hello'; protocol: number; pending: string[] }
  | { type: 'watch'; candidates: number[] }
  | { type: 'card'; candidate: number; context: number }
  | { type: 'files'; candidate: number }
  | { type: 'cell'; candidate: number }
  | ({ type: 'request' } & Request);
