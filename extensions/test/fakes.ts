/** Stands for what the browser has and Node does not: a clock to wind, sockets, elements. */

import type { Transport } from '../src/client';
import { PROTOCOL, type FromFeed, type Request, type ToFeed } from '../src/protocol';

/** Lets everything happen that waits for a promise. */
export function settle(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

interface Timer {
  id: number;
  dueAt: number;
  /** 0 for a timer that rings once. */
  everyMs: number;
  ring: () => void;
}

export interface Clock {
  /** Moves on; timers ring in order, and promises are settled after each. */
  wind(ms: number): Promise<void>;
  restore(): void;
}

/** Replaces the clock and the timers of this process by ones that move only when they are wound. */
export function fakeClock(): Clock {
  const real = { now: Date.now, setTimeout, setInterval, clearTimeout, clearInterval };
  let now = 1_000_000;
  let n_timers = 0;
  let timers: Timer[] = [];

  function add(ring: () => void, ms: number, everyMs: number): number {
    n_timers += 1;
    timers.push({ id: n_timers, dueAt: now + ms, everyMs, ring });
    return n_timers;
  }

  function clear(id: number): void {
    timers = timers.filter(timer => timer.id !== id);
  }

  function nextUntil(end: number): Timer | undefined {
    const due = timers.filter(timer => timer.dueAt <= end);
    return due.sort((a, b) => a.dueAt - b.dueAt || a.id - b.id)[0];
  }

  Date.now = () => now;
  Object.assign(globalThis, {
    setTimeout: (ring: () => void, ms: number) => add(ring, ms, 0),
    setInterval: (ring: () => void, ms: number) => add(ring, ms, ms),
    clearTimeout: clear,
    clearInterval: clear
  });
  return {
    async wind(ms) {
      const end = now + ms;
      for (let timer = nextUntil(end); timer; timer = nextUntil(end)) {
        now = timer.dueAt;
        if (timer.everyMs) timer.dueAt += timer.everyMs;
        else clear(timer.id);
        timer.ring();
        await settle();
      }
      now = end;
    },
    restore() {
      const { now: realNow, ...functions } = real;
      Date.now = realNow;
      Object.assign(globalThis, functions);
    }
  };
}

/** A transport that a test plays: `sent` and `filed` hold what came, `deliver` brings a message. */
export class FakeTransport implements Transport {
  readonly route = 'server';
  readonly sent: ToFeed[] = [];
  readonly filed: Request[] = [];
  isClosed = false;
  /** Why requests cannot be handed over; '' while they can. */
  obstacle = '';
  /** Whether a request that is handed over is left without an answer. */
  isStuck = false;
  onMessage: Transport['onMessage'] = () => {};
  onConnected: Transport['onConnected'] = () => {};
  greeting: Transport['greeting'] = () => ({ type: 'hello', protocol: PROTOCOL, pending: [] });

  open(): void {}

  send(message: ToFeed): void {
    this.sent.push(message);
  }

  file(request: Request): Promise<void> {
    this.filed.push(request);
    if (this.isStuck) return new Promise(() => {});
    return this.obstacle ? Promise.reject(new Error(this.obstacle)) : Promise.resolve();
  }

  close(): void {
    this.isClosed = true;
  }

  deliver(message: FromFeed, buffer: ArrayBuffer | null = null): void {
    this.onMessage(message, buffer);
  }

  /** The messages of one type that the client has sent. */
  sentOf<T extends ToFeed['type']>(type: T): Extract<ToFeed, { type: T }>[] {
    return this.sent.filter(
      (message): message is Extract<ToFeed, { type: T }> => message.type === type
    );
  }
}

/** A websocket that a test plays. */
export class FakeSocket {
  static readonly OPEN = 1;
  /** Every socket that was opened, the latest last. */
  static opened: FakeSocket[] = [];
  readonly sent: string[] = [];
  readyState = 0;
  binaryType = 'blob';
  isClosed = false;
  onopen: () => void = () => {};
  onmessage: (event: { data: unknown }) => void = () => {};
  onclose: (event: { reason: string }) => void = () => {};

  constructor(readonly url: string) {
    FakeSocket.opened.push(this);
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.isClosed = true;
  }

  accept(): void {
    this.readyState = FakeSocket.OPEN;
    this.onopen();
  }

  deliver(message: unknown): void {
    this.onmessage({ data: typeof message === 'string' ? message : JSON.stringify(message) });
  }

  deliverBytes(data: ArrayBuffer): void {
    this.onmessage({ data });
  }

  cut(reason = ''): void {
    this.readyState = 3;
    this.onclose({ reason });
  }

  static get latest(): FakeSocket {
    return FakeSocket.opened[FakeSocket.opened.length - 1];
  }

  /** Puts it in the place of the browser's. */
  static install(): void {
    FakeSocket.opened = [];
    Object.assign(globalThis, { WebSocket: FakeSocket });
  }
}

/** As much of an element as `h` and simple controls need; it has no layout. */
export class FakeElement {
  readonly attributes = new Map<string, string>();
  readonly style: Record<string, string> = {};
  private readonly listeners = new Map<string, ((event: unknown) => void)[]>();
  private nodes: (FakeElement | string)[] = [];
  hidden = false;
  disabled = false;
  value = '';
  clientHeight = 0;
  scrollTop = 0;

  constructor(readonly tag: string) {}

  setAttribute(name: string, value: string): void {
    this.attributes.set(name, value);
  }

  addEventListener(type: string, listener: (event: unknown) => void): void {
    this.listeners.set(type, [...(this.listeners.get(type) ?? []), listener]);
  }

  removeEventListener(type: string, listener: (event: unknown) => void): void {
    const others = (this.listeners.get(type) ?? []).filter(other => other !== listener);
    this.listeners.set(type, others);
  }

  append(...nodes: (FakeElement | string)[]): void {
    this.nodes.push(...nodes);
  }

  get children(): FakeElement[] {
    return this.nodes.filter(node => typeof node !== 'string');
  }

  focus(): void {
    fakeDocument.activeElement = this;
  }

  /** Whether a selector that is a list of tags names it. */
  matches(tags: string): boolean {
    return tags.split(', ').includes(this.tag);
  }

  get textContent(): string {
    const texts = this.nodes.map(node => (typeof node === 'string' ? node : node.textContent));
    return texts.join('');
  }

  set textContent(text: string) {
    this.nodes = [text];
  }

  emit(type: string, event: object = {}): void {
    for (const listener of this.listeners.get(type) ?? []) listener(event);
  }

  /** All elements below it, itself included. */
  all(): FakeElement[] {
    return [this, ...this.children.flatMap(child => child.all())];
  }

  /** The button that shows this text. */
  button(text: string): FakeElement {
    const button = this.all().find(
      ({ tag, textContent }) => tag === 'button' && textContent.includes(text)
    );
    if (!button) throw new Error(`there is no button ${text} in ${this.textContent}`);
    return button;
  }
}

const fakeDocument = {
  activeElement: null as FakeElement | null,
  cookie: '',
  createElement: (tag: string) => new FakeElement(tag),
  getElementById: (): FakeElement | null => null
};

/** Puts the elements above in the place of the browser's. */
export function installDocument(): typeof fakeDocument {
  fakeDocument.activeElement = null;
  fakeDocument.cookie = '';
  fakeDocument.getElementById = () => null;
  Object.assign(globalThis, { document: fakeDocument });
  return fakeDocument;
}

/** What takes an element of the page takes the fake too. */
export function asElement(element: FakeElement): HTMLElement {
  return element as unknown as HTMLElement;
}

export function asFake(element: HTMLElement): FakeElement {
  return element as unknown as FakeElement;
}
