/**
 * The two ways to a study's feed: the Jupyter server's websocket, and the widget's own comm.
 *
 * The websocket works while a kernel is busy or gone. A way counts as connected only once an answer
 * has come on it: after a restart of the kernel a widget's model lives on, and no one hears it.
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
const SERVER_MS = 5000; // how long the server may take to show a study before the kernel is asked
const MAX_ATTEMPTS = 5; // to hand a request over

/** The best way to a widget's study: the server if it has the very same one, else the kernel. */
export function connect(model: Model): Transport {
  const openKernel = () => new KernelTransport(model);
  const page = model.get('route') === 'auto' ? jupyterPage() : null;
  if (!page) return openKernel();
  const server = new ServerTransport(model.get('study_path'), model.get('opened_at'), page);
  return new EitherTransport(server, openKernel);
}

abstract class Way {
  onMessage: Transport['onMessage'] = () => {};
  onConnected: Transport['onConnected'] = () => {};
  greeting: Transport['greeting'] = () => ({ type: 'hello', protocol: PROTOCOL, pending: [] });
}

/** A widget's comm. It greets until an answer comes, and again after a silence. */
export class KernelTransport extends Way implements Transport {
  readonly route = 'kernel';
  /** Requests that were sent and are not stored yet, by id. */
  private sent = new Map<string, { done: () => void; failed: (reason: Error) => void }>();
  private heardAt = Date.now();
  private greetedAt = 0;
  private wait = 2 * FIRST_WAIT_MS;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(private model: Model) {
    super();
  }

  open(): void {
    this.model.on('msg:custom', this.listen);
    this.greet();
    this.timer = setInterval(() => this.greetAgain(), FIRST_WAIT_MS);
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
      this.sent.set(request.decision_id, { done, failed });
      this.send({ type: 'request', ...request });
    });
  }

  close(): void {
    clearInterval(this.timer);
    this.model.off('msg:custom', this.listen);
  }

  private greet(): void {
    this.greetedAt = Date.now();
    this.send(this.greeting());
  }

  private greetAgain(): void {
    const now = Date.now();
    const isSilent = now - this.heardAt >= SILENCE_MS;
    if (!isSilent && this.heardAt > this.greetedAt) return;
    if (isSilent) {
      const advice = 'after a restart run %autoresearch attach';
      this.onConnected(false, `the kernel does not answer; ${advice}`);
    }
    if (now - this.greetedAt < this.wait) return;
    // Longer and longer: a kernel that is busy for an hour gets all greetings at its end.
    this.wait = Math.min(2 * this.wait, LONGEST_WAIT_MS);
    this.greet();
  }

  private listen = (message: FromFeed, buffers: DataView[]): void => {
    this.heardAt = Date.now();
    this.wait = 2 * FIRST_WAIT_MS;
    if ('decision_id' in message && message.decision_id) this.settle(message.decision_id, message);
    this.onMessage(message, buffers.length ? align(buffers[0]) : null);
  };

  /** The first message about a request says whether it is stored. */
  private settle(id: string, message: FromFeed): void {
    const request = this.sent.get(id);
    if (!request) return;
    this.sent.delete(id);
    if (message.type === 'error') request.failed(new Error(message.message));
    else request.done();
  }
}

/** What JupyterLab and Notebook write into their page. */
export interface Page {
  base: string;
  socket: string;
  token: string;
}

/** Where the Jupyter server of this page is; null if the page does not come from one. */
export function jupyterPage(): Page | null {
  const element = document.getElementById('jupyter-config-data');
  if (!element) return null;
  const config = JSON.parse(element.textContent ?? '{}');
  const base = new URL(withSlash(config.baseUrl ?? '/'), location.href).href;
  const socket = new URL(withSlash(config.wsUrl || base), base).href.replace(/^http/, 'ws');
  return { base, socket, token: config.token ?? '' };
}

/** The Jupyter server; it reconnects by itself. */
export class ServerTransport extends Way implements Transport {
  readonly route = 'server';
  private socket: WebSocket | null = null;
  private wait = FIRST_WAIT_MS;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  /**
   * @param study path of its folder.
   * @param openedAt Unix seconds of its opening: a study of the same path that was opened at
   * another time is not shown. With null, any is.
   */
  constructor(
    private study: string,
    private openedAt: number | null,
    private page: Page
  ) {
    super();
  }

  open(): void {
    const query = new URLSearchParams({ study: this.study });
    if (this.page.token) query.set('token', this.page.token);
    const socket = new WebSocket(`${this.page.socket}workbench/feed?${query}`);
    this.socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => this.onConnected(true, '');
    socket.onmessage = event => this.listen(event.data);
    socket.onclose = event =>
      this.reconnect(event.reason || 'the Jupyter server does not answer');
  }

  send(message: ToFeed): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** Tries again while the server cannot be reached: the same id has one effect. */
  async file({ decision_id, verb, body }: Request): Promise<void> {
    const text = JSON.stringify({ study: this.study, decision_id, verb, body });
    let wait = FIRST_WAIT_MS;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS && !this.closed; attempt++) {
      if (attempt > 1) {
        await new Promise(resume => setTimeout(resume, wait));
        wait *= 2;
      }
      if (await this.post(text)) return;
    }
    throw new Error('the Jupyter server could not be reached; nothing was recorded by this click');
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.socket?.close();
  }

  /** Posts a request once; false if the server cannot be reached or failed. */
  private async post(text: string): Promise<boolean> {
    let answer: Response;
    try {
      answer = await fetch(`${this.page.base}workbench/request`, {
        method: 'POST',
        body: text,
        headers: this.headers(),
        credentials: 'same-origin'
      });
    } catch {
      return false;
    }
    if (!answer.ok && answer.status < 500) throw new Error(await readReason(answer));
    return answer.ok;
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
    const [message, buffer] = typeof data === 'string' ? [JSON.parse(data), null] : unframe(data);
    if (message.type === 'snapshot') {
      if (this.isAnotherStudy(message.study.opened_at)) {
        this.close();
        return this.onConnected(false, 'there is another study at this path now');
      }
      this.wait = FIRST_WAIT_MS;
    }
    this.onMessage(message, buffer);
  }

  private isAnotherStudy(openedAt: number): boolean {
    return this.openedAt !== null && Math.abs(openedAt - this.openedAt) > 1e-3;
  }

  private reconnect(reason: string): void {
    if (this.closed) return;
    this.onConnected(false, reason);
    if (this.closed) return; // the callback may have closed this transport
    this.timer = setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(2 * this.wait, LONGEST_WAIT_MS);
  }
}

/** The server; or, if that has not shown the study in time, the kernel for good. */
class EitherTransport extends Way implements Transport {
  private way: Transport;
  private settled = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    server: Transport,
    private openKernel: () => Transport
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
    this.way.onConnected = (connected, reason) => {
      if (connected || this.settled) this.onConnected(connected, reason);
      else this.changeToKernel();
    };
    this.timer = setTimeout(() => this.changeToKernel(), SERVER_MS);
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

  private changeToKernel(): void {
    this.settle();
    this.way.onMessage = this.way.onConnected = () => {};
    this.way.close();
    this.way = this.openKernel();
    this.way.onMessage = (message, buffer) => this.onMessage(message, buffer);
    this.way.onConnected = (connected, reason) => this.onConnected(connected, reason);
    this.way.greeting = () => this.greeting();
    this.way.open();
  }
}

async function readReason(answer: Response): Promise<string> {
  const body = await answer.json().catch(() => ({}));
  return String(body.message ?? `the Jupyter server answers ${answer.status}`);
}

/**
 * Takes a binary frame apart: length of the header (uint32, little-endian), the header as JSON,
 * zeros up to a multiple of 8, and the buffer.
 */
function unframe(data: ArrayBuffer): [FromFeed, ArrayBuffer] {
  const length = new DataView(data).getUint32(0, true);
  const header = new TextDecoder().decode(new Uint8Array(data, 4, length));
  return [JSON.parse(header), data.slice(8 * Math.ceil((4 + length) / 8))];
}

/** Copies the bytes of a view to the start of a buffer, where typed arrays can read them. */
function align(view: DataView): ArrayBuffer {
  return view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength) as ArrayBuffer;
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}
