/**
 * The two ways to a study's feed: the Jupyter server's websocket, which works while a kernel is busy or gone, and the widget's own comm.
 *
 * A way is called connected only when somebody answers on it: after a restart of the kernel a widget's model lives on, and nobody hears it.
 */

import type { Transport } from './client';
import { PROTOCOL, type FromFeed, type Request, type ToFeed } from './protocol';

/** What a widget's model can do here; anywidget's own. */
export interface Model {
  get(name: string): any;
  send(content: unknown): void;
  on(event: 'msg:custom', listener: (content: any, buffers: DataView[]) => void): void;
  off(event: 'msg:custom', listener: (content: any, buffers: DataView[]) => void): void;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
const SILENCE_MS = 5000; // the feed beats every 2 s
const TRIAL_MS = 5000; // how long the server may take to show a study before the kernel is asked
const HANDOVER_TRIES = 5;

/** The best way to the study of a widget: the server if it has the very same study, else the kernel. */
export function connect(model: Model): Transport {
  const page = model.get('route') === 'auto' ? jupyterPage() : null;
  const kernel = () => new KernelTransport(model);
  return page ? new EitherTransport(new ServerTransport(model.get('study_path'), model.get('opened_at'), page), kernel) : kernel();
}

abstract class Way {
  onMessage: Transport['onMessage'] = () => {};
  onConnected: Transport['onConnected'] = () => {};
  greeting: Transport['greeting'] = () => ({ type: 'hello', protocol: PROTOCOL, pending: [] });
}

/** A widget's comm. It greets until somebody answers, and again after a silence. */
export class KernelTransport extends Way implements Transport {
  readonly route = 'kernel';
  private handed = new Map<string, { done: () => void; failed: (reason: Error) => void }>();
  private heard = Date.now();
  private greeted = 0;
  private wait = 2 * FIRST_WAIT_MS;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(private model: Model) {
    super();
  }

  open(): void {
    this.model.on('msg:custom', this.listen);
    this.greet();
    this.timer = setInterval(() => this.look(), FIRST_WAIT_MS);
  }

  send(message: ToFeed): void {
    try {
      this.model.send(message);
    } catch {
      this.onConnected(false, 'the kernel of this widget is gone; run %autoresearch attach');
    }
  }

  file(request: Request): Promise<void> {
    return new Promise((done, failed) => {
      this.handed.set(request.decision_id, { done, failed });
      this.send({ type: 'request', ...request });
    });
  }

  close(): void {
    clearInterval(this.timer);
    this.model.off('msg:custom', this.listen);
  }

  private greet(): void {
    this.greeted = Date.now();
    this.send(this.greeting());
  }

  private look(): void {
    const now = Date.now();
    if (now - this.heard < SILENCE_MS && this.heard > this.greeted) return;
    if (now - this.heard >= SILENCE_MS) this.onConnected(false, 'the kernel does not answer; after a restart run %autoresearch attach');
    if (now - this.greeted < this.wait) return;
    this.wait = Math.min(2 * this.wait, LONGEST_WAIT_MS); // a busy kernel gets all of them at its end
    this.greet();
  }

  private listen = (message: FromFeed, buffers: DataView[]): void => {
    this.heard = Date.now();
    this.wait = 2 * FIRST_WAIT_MS;
    const id = 'decision_id' in message ? message.decision_id : undefined;
    const handed = id === undefined ? undefined : this.handed.get(id);
    if (id !== undefined && handed) {
      this.handed.delete(id);
      if (message.type === 'error') handed.failed(new Error(message.message));
      else handed.done();
    }
    this.onMessage(message, buffers.length ? aligned(buffers[0]) : null);
  };
}

/** What JupyterLab and Notebook write into their page. */
export interface Page {
  base: string;
  socket: string;
  token: string;
}

/** Where the Jupyter server of this page is; null where the page is none of a Jupyter server. */
export function jupyterPage(): Page | null {
  const element = document.getElementById('jupyter-config-data');
  if (!element) return null;
  const config = JSON.parse(element.textContent ?? '{}');
  const base = new URL(folder(config.baseUrl ?? '/'), location.href).href;
  const socket = new URL(folder(config.wsUrl || base), base).href.replace(/^http/, 'ws');
  return { base, socket, token: config.token ?? '' };
}

/** The Jupyter server. Reconnects by itself; a study that was opened at another time than `openedAt` (null: any) is not shown. */
export class ServerTransport extends Way implements Transport {
  readonly route = 'server';
  private socket: WebSocket | null = null;
  private wait = FIRST_WAIT_MS;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  constructor(
    private study: string,
    private openedAt: number | null,
    private page: Page
  ) {
    super();
  }

  open(): void {
    const query = new URLSearchParams({ study: this.study, ...(this.page.token && { token: this.page.token }) });
    const socket = (this.socket = new WebSocket(`${this.page.socket}workbench/feed?${query}`));
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => this.onConnected(true, '');
    socket.onmessage = event => this.listen(event.data);
    socket.onclose = event => this.lost(event.reason || 'the Jupyter server does not answer');
  }

  send(message: ToFeed): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** Tries again while the server cannot be reached: the same id has one effect. */
  async file({ decision_id, verb, body }: Request): Promise<void> {
    const text = JSON.stringify({ study: this.study, decision_id, verb, body });
    for (let tries = 1, wait = FIRST_WAIT_MS; ; tries++, wait *= 2) {
      try {
        const answer = await fetch(`${this.page.base}workbench/request`, {
          method: 'POST', body: text, headers: this.headers(), credentials: 'same-origin' // prettier-ignore
        });
        if (answer.ok) return;
        if (answer.status < 500) throw new Refusal(await reasonOf(answer));
      } catch (error) {
        if (error instanceof Refusal) throw error;
      }
      if (tries === HANDOVER_TRIES || this.closed) throw new Error('the Jupyter server could not be reached; nothing was recorded by this click');
      await new Promise(resume => setTimeout(resume, wait));
    }
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.socket?.close();
  }

  private headers(): Record<string, string> {
    const xsrf = document.cookie.match(/(?:^|;\s*)_xsrf=([^;]*)/)?.[1];
    return {
      'Content-Type': 'application/json',
      ...(xsrf && { 'X-XSRFToken': xsrf }),
      ...(this.page.token && { Authorization: `token ${this.page.token}` })
    };
  }

  private listen(data: string | ArrayBuffer): void {
    const [message, buffer] = typeof data === 'string' ? [JSON.parse(data) as FromFeed, null] : unframe(data);
    if (message.type === 'snapshot') {
      if (this.openedAt !== null && Math.abs(message.study.opened_at - this.openedAt) > 1e-3) {
        this.close();
        return this.onConnected(false, 'another study lies at this path now');
      }
      this.wait = FIRST_WAIT_MS;
    }
    this.onMessage(message, buffer);
  }

  private lost(reason: string): void {
    if (this.closed) return;
    this.onConnected(false, reason);
    if (this.closed) return; // whoever was told may have given up
    this.timer = setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(2 * this.wait, LONGEST_WAIT_MS);
  }
}

/** The server, or for good the kernel if the server has not shown the study in time. */
class EitherTransport extends Way implements Transport {
  private way: Transport;
  private settled = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    server: Transport,
    private kernel: () => Transport
  ) {
    super();
    this.way = server;
  }

  get route(): 'server' | 'kernel' {
    return this.way.route;
  }

  open(): void {
    this.way.onMessage = (message, buffer) => {
      if (message.type === 'snapshot') this.settle();
      this.onMessage(message, buffer);
    };
    this.way.onConnected = (connected, reason) => (connected || this.settled ? this.onConnected(connected, reason) : this.change());
    this.timer = setTimeout(() => this.change(), TRIAL_MS);
    this.way.open();
  }

  send(message: ToFeed): void {
    this.way.send(message);
  }

  file(request: Request): Promise<void> {
    return this.way.file(request);
  }

  close(): void {
    this.settle();
    this.way.close();
  }

  private settle(): void {
    this.settled = true;
    clearTimeout(this.timer);
  }

  private change(): void {
    this.settle();
    this.way.onMessage = this.way.onConnected = () => {};
    this.way.close();
    this.way = this.kernel();
    this.way.onMessage = (message, buffer) => this.onMessage(message, buffer);
    this.way.onConnected = (connected, reason) => this.onConnected(connected, reason);
    this.way.greeting = () => this.greeting();
    this.way.open();
  }
}

class Refusal extends Error {}

async function reasonOf(answer: Response): Promise<string> {
  const body = await answer.json().catch(() => ({}));
  return String(body.message ?? `the Jupyter server answers ${answer.status}`);
}

/** A binary frame: length of the header (uint32, little-endian), the header as JSON, zeros to a multiple of 8, the buffer. */
function unframe(data: ArrayBuffer): [FromFeed, ArrayBuffer] {
  const length = new DataView(data).getUint32(0, true);
  const header = new TextDecoder().decode(new Uint8Array(data, 4, length));
  return [JSON.parse(header), data.slice(8 * Math.ceil((4 + length) / 8))];
}

/** The bytes of a view at the start of a buffer of their own, as typed arrays want them. */
function aligned(view: DataView): ArrayBuffer {
  return view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength) as ArrayBuffer;
}

function folder(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}
