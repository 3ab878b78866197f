/**
 * One study as the browser knows it: a copy that follows the feed, and the person's decisions until the loop has answered them.
 *
 * Views read the fields and listen with `on`; they never keep a copy. A transport carries messages and knows whether it is connected.
 */

import { PROTOCOL, type Card, type Columns, type FromFeed, type Request, type Row, type Series, type StudyInfo, type StudyState, type ToFeed, type Verb, type Work } from './protocol';
import { MAX_POINTS, thin } from './thin';

/** How messages travel. `onMessage`, `onConnected` and `greeting` are set by the client before `open`. */
export interface Transport {
  /** Says on the screen how one is connected: `server` or `kernel`. */
  readonly route: 'server' | 'kernel';
  onMessage: (message: FromFeed, buffer: ArrayBuffer | null) => void;
  /** With true the client sends its greeting; the kernel's way, which has no such moment, greets by itself and is connected when it is answered. */
  onConnected: (connected: boolean, reason: string) => void;
  greeting: () => ToFeed;
  open(): void;
  send(message: ToFeed): void;
  /** Rejects with the reason when the request could not be handed over. */
  file(request: Request): Promise<void>;
  close(): void;
}

/** A decision on its way: handed over (`sent`), stored (`filed`), then adopted or refused by the loop. */
export interface Pending extends Request {
  at: number;
  state: 'sent' | 'filed' | 'adopted' | 'refused';
  reason: string;
  /** The candidate that it made. */
  candidate: number | null;
}

export interface Curve extends Series {
  /** Grown in place; `length` of them are valid. */
  steps: Float64Array;
  values: Float64Array;
  length: number;
  /** How often it was thinned, after which earlier points lie elsewhere. */
  thinned: number;
}

export type Topic = 'study' | 'state' | 'rows' | 'curves' | 'card' | 'pending' | 'connection' | 'selection' | 'cell' | 'work' | 'error';
type Listener = (detail: unknown) => void;

const SILENCE_MS = 7000; // the feed beats every 2 s
const ANSWER_MS = 2000; // a request that nobody has stored by then is shown as disconnected

export class Client {
  study: StudyInfo | null = null;
  state: StudyState | null = null;
  rows: Row[] = [];
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
  private heard = 0;
  private watched = new Map<string, number[]>();
  private contexts = new Map<number, number>();
  private timer: ReturnType<typeof setInterval>;

  constructor(private transport: Transport) {
    transport.onMessage = (message, buffer) => this.receive(message, buffer);
    transport.onConnected = (connected, reason) => this.connection(connected, reason);
    transport.greeting = () => this.greeting();
    this.timer = setInterval(() => this.watch(), 500);
    transport.open();
  }

  get route(): 'server' | 'kernel' {
    return this.transport.route;
  }

  /** Calls `listener` on every change of a topic; returns how to stop that. */
  on(topic: Topic, listener: Listener): () => void {
    const set = this.listeners.get(topic) ?? new Set();
    this.listeners.set(topic, set.add(listener));
    return () => set.delete(listener);
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

  /** Asks for a candidate's card; `card` is announced when it is there. The context last asked for stays. */
  want(candidate: number, context = this.contexts.get(candidate) ?? 3): void {
    this.contexts.set(candidate, context);
    this.transport.send({ type: 'card', candidate, context });
  }

  /** Asks for a candidate's files, to edit them; they come with the topic `card` as `{candidate, files}`. */
  wantFiles(candidate: number): void {
    this.transport.send({ type: 'files', candidate });
  }

  /** Asks for the cell that the study began with, with a candidate's program in it; it comes with the topic `cell`. */
  wantCell(candidate: number): void {
    this.transport.send({ type: 'cell', candidate });
  }

  /** Which candidates' finished curves a view wants beside those of the running trials and of the incumbent. */
  watchCurves(candidates: number[], view = 'curves'): void {
    this.watched.set(view, candidates);
    this.sendWatched();
  }

  /** Files a decision and follows it until the loop has answered; nothing is shown as done before that. */
  ask(verb: Verb, body: Record<string, unknown> = {}): Pending {
    const pending: Pending = { decision_id: newId(), verb, body, at: Date.now(), state: 'sent', reason: '', candidate: null };
    this.pending.set(pending.decision_id, pending);
    this.file(pending);
    return pending;
  }

  /** Files a late decision once more, under its own id: it takes effect once, however often it arrives. */
  askAgain(pending: Pending): void {
    Object.assign(pending, { at: Date.now(), state: 'sent', reason: '' });
    this.file(pending);
  }

  /** The decisions about a candidate that the loop has not answered yet, or has refused. */
  pendingFor(candidate: number): Pending[] {
    return [...this.pending.values()].filter(one => one.body.candidate === candidate && one.state !== 'adopted');
  }

  /** Whether a pending decision is not stored although it should be by now: nobody answers. */
  isLate(pending: Pending): boolean {
    return pending.state === 'sent' && Date.now() - pending.at > ANSWER_MS;
  }

  /** Seconds since a time on the sender's clock. */
  since(at: number): number {
    return Math.max(0, Date.now() / 1000 + this.skew - at);
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

  /** Seconds since anything was heard from the feed. */
  get silence(): number {
    return (Date.now() - this.heard) / 1000;
  }

  private emit(topic: Topic, detail: unknown = null): void {
    for (const listener of this.listeners.get(topic) ?? []) listener(detail);
  }

  private connection(connected: boolean, reason: string): void {
    this.heard = Date.now();
    if (connected) this.transport.send(this.greeting());
    this.say(connected, reason);
  }

  private greeting(): ToFeed {
    const waiting = [...this.pending.values()].filter(one => one.state === 'sent' || one.state === 'filed');
    return { type: 'hello', protocol: PROTOCOL, pending: waiting.map(one => one.decision_id) };
  }

  private say(connected: boolean, reason: string): void {
    if (connected === this.connected && reason === this.problem) return;
    this.connected = connected;
    this.problem = reason;
    this.emit('connection');
  }

  private watch(): void {
    if (this.connected && Date.now() - this.heard > SILENCE_MS) this.say(false, 'nothing heard for some seconds');
    for (const one of this.pending.values()) if (this.isLate(one)) this.emit('pending', one);
  }

  private receive(message: FromFeed, buffer: ArrayBuffer | null): void {
    this.heard = Date.now();
    switch (message.type) {
      case 'snapshot':
        return this.snapshot(message.study, message.state, message.columns);
      case 'changes': {
        const outdated = this.outdated(message.rows);
        this.follow(message.state);
        for (const row of message.rows) this.rows[row.candidate] = row;
        this.emit('state');
        if (message.rows.length) this.emit('rows', message.rows.map(row => row.candidate));
        for (const candidate of outdated) this.want(candidate);
        return;
      }
      case 'series':
        for (const series of message.series) this.begin(series);
        return this.emit('curves');
      case 'points':
        if (buffer) this.extend(message.counts, buffer);
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
      case 'answered':
        return this.advance(message.decision_id, message.adopted ? 'adopted' : 'refused', message.reason, message.candidate);
      case 'error':
        if (message.decision_id) return this.advance(message.decision_id, 'refused', message.message);
        return this.emit('error', message.message);
      case 'beat':
        this.skew = message.at - Date.now() / 1000;
        this.say(true, '');
    }
  }

  private snapshot(study: StudyInfo, state: StudyState, columns: Columns): void {
    this.study = study;
    this.rows = unpack(columns);
    this.curves.clear();
    this.cards.clear();
    this.works = [];
    this.follow(state);
    this.say(true, '');
    this.emit('study');
    this.emit('state');
    this.emit('rows', null);
    this.emit('curves');
    this.emit('work');
    this.sendWatched();
    if (this.selected !== null) this.want(this.selected);
  }

  private follow(state: StudyState): void {
    this.state = state;
    this.skew = state.at - Date.now() / 1000;
  }

  /** The cards here that rows change: their own, and where a status is new also those that name them, as made from it or as its revision. */
  private outdated(rows: Row[]): Set<number> {
    const numbers = new Set<number>();
    for (const row of rows) {
      numbers.add(row.candidate);
      if (this.rows[row.candidate]?.status === row.status) continue;
      if (row.revises !== null) numbers.add(row.revises);
      for (let at = row.parent; at !== null; at = this.rows[at]?.parent ?? null) numbers.add(at);
    }
    return new Set([...numbers].filter(candidate => this.cards.has(candidate)));
  }

  private begin(series: Series): void {
    const known = this.curves.get(series.id);
    if (known) Object.assign(known, series);
    else this.curves.set(series.id, { ...series, steps: new Float64Array(256), values: new Float64Array(256), length: 0, thinned: 0 });
  }

  private extend(counts: number[], buffer: ArrayBuffer): void {
    let total = 0;
    for (let i = 1; i < counts.length; i += 2) total += counts[i];
    const steps = new Float64Array(buffer, 0, total);
    const values = new Float32Array(buffer, 8 * total, total);
    let at = 0;
    for (let i = 0; i < counts.length; i += 2) {
      const curve = this.curves.get(counts[i]);
      const n = counts[i + 1];
      if (curve) append(curve, steps.subarray(at, at + n), values.subarray(at, at + n));
      at += n;
    }
  }

  private advance(id: string, state: Pending['state'], reason = '', candidate: number | null = null): void {
    const pending = this.pending.get(id);
    if (!pending || pending.state === 'adopted') return;
    if (state === 'filed' && pending.state !== 'sent') return;
    Object.assign(pending, { state, reason, candidate });
    this.emit('pending', pending);
  }
}

function unpack(columns: Columns): Row[] {
  const names = Object.keys(columns) as (keyof Row)[];
  return columns.candidate.map((_, i) => Object.fromEntries(names.map(name => [name, columns[name][i]])) as unknown as Row);
}

function append(curve: Curve, steps: Float64Array, values: Float32Array): void {
  const length = curve.length + steps.length;
  if (length > curve.steps.length) {
    const size = Math.max(length, 2 * curve.steps.length);
    const [oldSteps, oldValues] = [curve.steps, curve.values];
    curve.steps = new Float64Array(size);
    curve.values = new Float64Array(size);
    curve.steps.set(oldSteps.subarray(0, curve.length));
    curve.values.set(oldValues.subarray(0, curve.length));
  }
  curve.steps.set(steps, curve.length);
  curve.values.set(values, curve.length);
  curve.length = length;
  while (curve.length > MAX_POINTS) thin(curve);
}

function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}
