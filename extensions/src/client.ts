/**
 * One study as the browser knows it: a copy that follows the feed, and this screen's decisions.
 *
 * Views read the fields and listen with `on`; they never keep a copy. A transport carries messages
 * and knows whether it is connected. What has no element of the page, as the client and the
 * transports, is a class; whatever has one is a function that mounts it.
 */

import { append, newCurve, type Curve } from './curve';
import { advance, isLate, isOpen, newPending, type Pending } from './pending';
import {
  PROTOCOL,
  type Card,
  type Columns,
  type FromFeed,
  type Plots,
  type PointsMessage,
  type Request,
  type Row,
  type Series,
  type SnapshotMessage,
  type StudyInfo,
  type StudyState,
  type ToFeed,
  type Verb,
  type Work
} from './protocol';

export type { Curve, Pending };

/** How messages travel. The client sets the three callbacks before it calls `open`. */
export interface Transport {
  /** How one is connected, for the screen to say. */
  readonly route: 'server' | 'kernel';
  onMessage: (message: FromFeed, buffer: ArrayBuffer | null) => void;
  /**
   * When it is called with true, the client sends its greeting. The kernel's transport has no such
   * moment: it greets by itself, and is connected once it is answered.
   */
  onConnected: (connected: boolean, reason: string) => void;
  greeting: () => ToFeed;
  open(): void;
  send(message: ToFeed): void;
  /** Rejects with the reason if the request could not be handed over. */
  file(request: Request): Promise<void>;
  close(): void;
}

export type Topic =
  | 'study'
  | 'state'
  | 'rows'
  | 'curves'
  | 'card'
  | 'pending'
  | 'connection'
  | 'selection'
  | 'cell'
  | 'work'
  | 'error';
type Listener = (detail: unknown) => void;

const SILENCE_MS = 7000; // the feed beats every 2 s
const USUAL_CONTEXT = 3; // unchanged lines around a hunk

export class Client {
  study: StudyInfo | null = null;
  state: StudyState | null = null;
  rows: Row[] = [];
  /** What plots show beyond the rows; changes are announced as `rows`. */
  plots: Plots | null = null;
  curves = new Map<number, Curve>();
  cards = new Map<number, Card>();
  pending = new Map<string, Pending>();
  /** The proposals that are being made. */
  works: Work[] = [];
  /** The candidate that table, plot, curves and card agree on. */
  selected: number | null = null;
  connected = false;
  problem = 'connecting';
  /** Server clock minus ours, in seconds. */
  skew = 0;

  private listeners = new Map<Topic, Set<Listener>>();
  /** When the last message came, in milliseconds. */
  private heard = 0;
  private watched = new Map<string, number[]>();
  private contexts = new Map<number, number>();
  private timer: ReturnType<typeof setInterval>;

  constructor(private transport: Transport) {
    transport.onMessage = (message, buffer) => this.receive(message, buffer);
    transport.onConnected = (connected, reason) => this.changeConnection(connected, reason);
    transport.greeting = () => this.greeting();
    this.timer = setInterval(() => this.lookForSilence(), 500);
    transport.open();
  }

  get route(): 'server' | 'kernel' {
    return this.transport.route;
  }

  /** Calls `listener` on every change of a topic; returns how to stop that. */
  on(topic: Topic, listener: Listener): () => void {
    const listeners = this.listeners.get(topic) ?? new Set();
    this.listeners.set(topic, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  close(): void {
    clearInterval(this.timer);
    this.listeners.clear();
    this.transport.close();
  }

  select(candidate: number | null): void {
    if (candidate === this.selected) return;
    this.selected = candidate;
    this.emit('selection', candidate);
    if (candidate !== null) this.want(candidate);
  }

  /** Asks for a candidate's card; the topic `card` announces it. The last context stays. */
  want(candidate: number, context = this.contexts.get(candidate) ?? USUAL_CONTEXT): void {
    this.contexts.set(candidate, context);
    this.transport.send({ type: 'card', candidate, context });
  }

  /** Asks for a candidate's files, to edit them; the topic `card` announces the message. */
  wantFiles(candidate: number): void {
    this.transport.send({ type: 'files', candidate });
  }

  /** Asks for the study's cell with a candidate's program in it; the topic `cell` announces it. */
  wantCell(candidate: number): void {
    this.transport.send({ type: 'cell', candidate });
  }

  /** Names the candidates whose finished curves a view wants, besides running and incumbent. */
  watchCurves(candidates: number[], view = 'curves'): void {
    this.watched.set(view, candidates);
    this.sendWatched();
  }

  /** Files a decision, and follows it until the loop has answered. */
  ask(verb: Verb, body: Record<string, unknown> = {}): Pending {
    const pending = newPending(verb, body);
    this.pending.set(pending.decision_id, pending);
    this.file(pending);
    return pending;
  }

  /** Files a late decision once more under the same id: it takes effect once, however often. */
  askAgain(pending: Pending): void {
    Object.assign(pending, { at: Date.now(), state: 'sent', reason: '' });
    this.file(pending);
  }

  /** The decisions about a candidate that the loop has not adopted. */
  pendingFor(candidate: number): Pending[] {
    return [...this.pending.values()].filter(
      pending => pending.body.candidate === candidate && pending.state !== 'adopted'
    );
  }

  isLate(pending: Pending): boolean {
    return isLate(pending);
  }

  /** Seconds since a time on the sender's clock. */
  since(at: number): number {
    return Math.max(0, Date.now() / 1000 + this.skew - at);
  }

  /** Seconds since the last message of the feed. */
  get silence(): number {
    return (Date.now() - this.heard) / 1000;
  }

  private file(pending: Pending): void {
    const { decision_id, verb, body } = pending;
    this.emit('pending', pending);
    this.transport.file({ decision_id, verb, body }).then(
      () => this.advance(decision_id, 'filed'),
      error => this.advance(decision_id, 'refused', String(error?.message ?? error))
    );
  }

  private sendWatched(): void {
    const candidates = [...new Set([...this.watched.values()].flat())];
    if (this.watched.size) this.transport.send({ type: 'watch', candidates });
  }

  private emit(topic: Topic, detail: unknown = null): void {
    for (const listener of this.listeners.get(topic) ?? []) listener(detail);
  }

  private changeConnection(connected: boolean, reason: string): void {
    this.heard = Date.now();
    if (connected) this.transport.send(this.greeting());
    this.noteConnection(connected, reason);
  }

  private greeting(): ToFeed {
    const open = [...this.pending.values()].filter(isOpen);
    return { type: 'hello', protocol: PROTOCOL, pending: open.map(one => one.decision_id) };
  }

  private noteConnection(connected: boolean, reason: string): void {
    if (connected === this.connected && reason === this.problem) return;
    this.connected = connected;
    this.problem = reason;
    this.emit('connection');
  }

  private lookForSilence(): void {
    const isSilent = Date.now() - this.heard > SILENCE_MS;
    if (this.connected && isSilent) this.noteConnection(false, 'nothing heard for some seconds');
    for (const pending of this.pending.values()) {
      if (isLate(pending)) this.emit('pending', pending);
    }
  }

  private receive(message: FromFeed, buffer: ArrayBuffer | null): void {
    this.heard = Date.now();
    switch (message.type) {
      case 'snapshot':
        return this.restart(message);
      case 'changes':
        return this.change(message.state, message.rows, message.plots);
      case 'series':
        for (const series of message.series) this.begin(series);
        return this.emit('curves');
      case 'points':
        if (buffer) this.extend(message, buffer);
        return this.emit('curves');
      case 'gone':
        for (const id of message.series) this.curves.delete(id);
        return this.emit('curves');
      case 'card':
        this.cards.set(message.card.candidate, message.card);
        return this.emit('card', message.card.candidate);
      case 'files':
        return this.emit('card', message);
      case 'cell':
        return this.emit('cell', message);
      case 'work':
        this.works = message.works;
        return this.emit('work');
      case 'filed':
        return this.advance(message.decision_id, 'filed');
      case 'answered': {
        const state = message.adopted ? 'adopted' : 'refused';
        return this.advance(message.decision_id, state, message.reason, message.candidate);
      }
      case 'error': {
        const id = message.decision_id;
        if (id) return this.advance(id, 'refused', message.message);
        return this.emit('error', message.message);
      }
      case 'beat':
        this.skew = message.at - Date.now() / 1000;
        this.noteConnection(true, '');
    }
  }

  private restart({ study, state, columns, plots }: SnapshotMessage): void {
    this.study = study;
    this.rows = unpack(columns);
    this.plots = plots;
    this.curves.clear();
    this.cards.clear();
    this.works = [];
    this.takeState(state);
    this.noteConnection(true, '');
    this.emit('study');
    this.emit('state');
    this.emit('rows', null);
    this.emit('curves');
    this.emit('work');
    this.sendWatched();
    if (this.selected !== null) this.want(this.selected);
  }

  private change(state: StudyState, rows: Row[], plots: Plots | undefined): void {
    const changed = findChangedCards(this.rows, rows);
    this.takeState(state);
    for (const row of rows) this.rows[row.candidate] = row;
    if (plots) this.plots = plots;
    this.emit('state');
    if (rows.length || plots) this.emit('rows', rows.map(row => row.candidate));
    for (const candidate of changed) if (this.cards.has(candidate)) this.want(candidate);
  }

  private takeState(state: StudyState): void {
    this.state = state;
    this.skew = state.at - Date.now() / 1000;
  }

  private begin(series: Series): void {
    const curve = this.curves.get(series.id);
    if (curve) Object.assign(curve, series);
    else this.curves.set(series.id, newCurve(series));
  }

  private extend({ counts }: PointsMessage, buffer: ArrayBuffer): void {
    let total = 0;
    for (let i = 1; i < counts.length; i += 2) total += counts[i];
    const steps = new Float64Array(buffer, 0, total);
    const values = new Float32Array(buffer, steps.byteLength, total);
    let start = 0;
    for (let i = 0; i < counts.length; i += 2) {
      const curve = this.curves.get(counts[i]);
      const end = start + counts[i + 1];
      if (curve) append(curve, steps.subarray(start, end), values.subarray(start, end));
      start = end;
    }
  }

  private advance(
    id: string,
    state: Pending['state'],
    reason = '',
    candidate: number | null = null
  ): void {
    const pending = this.pending.get(id);
    if (pending && advance(pending, state, reason, candidate)) this.emit('pending', pending);
  }
}

function unpack(columns: Columns): Row[] {
  const names = Object.keys(columns) as (keyof Row)[];
  return columns.candidate.map((_, i) => {
    const fields = names.map(name => [name, columns[name][i]]);
    return Object.fromEntries(fields) as unknown as Row;
  });
}

/**
 * The candidates whose cards new rows change: their own, and with a new status those that name them
 * too, as an ancestor or as what they revise.
 */
function findChangedCards(before: Row[], rows: Row[]): Set<number> {
  const numbers = new Set<number>();
  for (const row of rows) {
    numbers.add(row.candidate);
    if (before[row.candidate]?.status === row.status) continue;
    if (row.revises !== null) numbers.add(row.revises);
    let ancestor = row.parent;
    while (ancestor !== null) {
      numbers.add(ancestor);
      ancestor = before[ancestor]?.parent ?? null;
    }
  }
  return numbers;
}
