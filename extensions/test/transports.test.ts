import * as assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Transport } from '../src/client';
import { PROTOCOL, type FromFeed, type Request, type ToFeed } from '../src/protocol';
import { KernelTransport, ServerTransport, connect, jupyterPage } from '../src/transports';
import type { Model } from '../src/transports';
import { FakeElement, FakeSocket, fakeClock, installDocument, settle, type Clock } from './fakes';
import { makeColumns, makePlots, makeState, makeStudy } from './samples';

let clock: Clock;
let page: ReturnType<typeof installDocument>;
const BASE = 'http://host/user/me/';
const PAGE = { base: BASE, socket: 'ws://host/user/me/', token: 'secret' };
const REQUEST: Request = { decision_id: 'id-000001', verb: 'accept', body: { candidate: 1 } };

beforeEach(() => {
  clock = fakeClock();
  page = installDocument();
  FakeSocket.install();
});

afterEach(() => clock.restore());

function makeSnapshot(openedAt = 1): FromFeed {
  const study = makeStudy({ opened_at: openedAt });
  const rest = { state: makeState(), columns: makeColumns([]), plots: makePlots() };
  return { type: 'snapshot', protocol: PROTOCOL, study, ...rest };
}

/** Opens a transport; returns what it tells its client. */
function open(transport: Transport) {
  const messages: FromFeed[] = [];
  const buffers: (ArrayBuffer | null)[] = [];
  const connections: { connected: boolean; reason: string }[] = [];
  transport.onMessage = (message, buffer) => {
    messages.push(message);
    buffers.push(buffer);
  };
  transport.onConnected = (connected, reason) => connections.push({ connected, reason });
  transport.open();
  return { messages, buffers, connections };
}

/** Answers of the server to posts, one after the other; 0 for a server that cannot be reached. */
function installFetch(...statuses: number[]) {
  const posts: { url: string; body: unknown; headers: Record<string, string> }[] = [];
  Object.assign(globalThis, {
    fetch: async (url: string, options: { body: string; headers: Record<string, string> }) => {
      posts.push({ url, body: JSON.parse(options.body), headers: options.headers });
      const status = statuses.shift() ?? 200;
      if (status === 0) throw new TypeError('Failed to fetch');
      const message = 'no such study';
      return { ok: status < 400, status, json: async () => ({ message }) };
    }
  });
  return posts;
}

/** A widget's model; `listener` is the transport that hears its messages. */
class FakeModel implements Model {
  readonly sent: ToFeed[] = [];
  isGone = false;
  listener: ((content: FromFeed, buffers: DataView[]) => void) | null = null;

  constructor(private traits: Record<string, unknown> = {}) {}

  get(name: string): unknown {
    return this.traits[name];
  }

  send(content: unknown): void {
    if (this.isGone) throw new Error('the comm is closed');
    this.sent.push(content as ToFeed);
  }

  on(_event: string, listener: FakeModel['listener']): void {
    this.listener = listener;
  }

  off(): void {
    this.listener = null;
  }

  deliver(message: FromFeed, buffers: DataView[] = []): void {
    this.listener?.(message, buffers);
  }
}

test('the feed of a study is opened with its path and the token of the page', () => {
  open(new ServerTransport('/studies/a b', null, PAGE));
  const url = 'ws://host/user/me/workbench/feed?study=%2Fstudies%2Fa+b&token=secret';
  assert.equal(FakeSocket.latest.url, url);
});

test('without an open socket nothing is sent', () => {
  const transport = new ServerTransport('/studies/toy', null, PAGE);
  const { connections } = open(transport);
  transport.send({ type: 'watch', candidates: [] });
  assert.deepEqual(FakeSocket.latest.sent, []);
  FakeSocket.latest.accept();
  assert.deepEqual(connections, [{ connected: true, reason: '' }]);
  transport.send({ type: 'watch', candidates: [] });
  assert.deepEqual(FakeSocket.latest.sent, ['{"type":"watch","candidates":[]}']);
});

test('a server that is cut off is tried again, after longer and longer waits', async () => {
  const { connections } = open(new ServerTransport('/studies/toy', null, PAGE));
  FakeSocket.latest.cut('the server is going down');
  assert.deepEqual(connections, [{ connected: false, reason: 'the server is going down' }]);
  await clock.wind(500);
  assert.equal(FakeSocket.opened.length, 2);
  FakeSocket.latest.cut();
  await clock.wind(500);
  assert.equal(FakeSocket.opened.length, 2);
  await clock.wind(500);
  assert.equal(FakeSocket.opened.length, 3);
});

test('once it has shown the study, the next wait is short again', async () => {
  open(new ServerTransport('/studies/toy', null, PAGE));
  for (const wait of [500, 1000, 2000]) {
    FakeSocket.latest.cut();
    await clock.wind(wait);
  }
  FakeSocket.latest.deliver(makeSnapshot());
  FakeSocket.latest.cut();
  const n_before = FakeSocket.opened.length;
  await clock.wind(500);
  assert.equal(FakeSocket.opened.length, n_before + 1);
});

test('a closed transport does not come back', async () => {
  const transport = new ServerTransport('/studies/toy', null, PAGE);
  open(transport);
  transport.close();
  assert.ok(FakeSocket.latest.isClosed);
  FakeSocket.latest.cut();
  await clock.wind(60_000);
  assert.equal(FakeSocket.opened.length, 1);
});

test('another study at the same path is not shown', () => {
  const { messages, connections } = open(new ServerTransport('/studies/toy', 1, PAGE));
  FakeSocket.latest.deliver(makeSnapshot(2));
  assert.deepEqual(messages, []);
  assert.match(connections[0].reason, /another study/);
  assert.ok(FakeSocket.latest.isClosed);
});

test('a binary frame is a message with its buffer, whatever the length of the header', () => {
  const { messages, buffers } = open(new ServerTransport('/studies/toy', null, PAGE));
  for (const id of [1, 12, 123, 1234, 12345, 123456, 1234567, 12345678]) {
    const header = new TextEncoder().encode(JSON.stringify({ type: 'points', counts: [id, 1] }));
    const start = 8 * Math.ceil((4 + header.length) / 8);
    const frame = new ArrayBuffer(start + 8);
    new DataView(frame).setUint32(0, header.length, true);
    new Uint8Array(frame, 4).set(header);
    new Float64Array(frame, start, 1)[0] = 0.5;
    FakeSocket.latest.deliverBytes(frame);
    assert.deepEqual(messages.pop(), { type: 'points', counts: [id, 1] });
    assert.deepEqual([...new Float64Array(buffers.pop()!)], [0.5]);
  }
});

test('a request is posted with the token and the cookie of the page', async () => {
  const posts = installFetch(200);
  page.cookie = 'a=b; _xsrf=cross; c=d';
  await new ServerTransport('/studies/toy', null, PAGE).file(REQUEST);
  const [{ url, body, headers }] = posts;
  assert.equal(url, `${BASE}workbench/request`);
  assert.deepEqual(body, { study: '/studies/toy', ...REQUEST });
  assert.equal(headers['X-XSRFToken'], 'cross');
  assert.equal(headers.Authorization, 'token secret');
});

test('a request is posted again under its id while the server fails', async () => {
  const posts = installFetch(0, 503, 200);
  let isStored = false;
  const storing = new ServerTransport('/studies/toy', null, PAGE).file(REQUEST);
  void storing.then(() => (isStored = true));
  await settle();
  assert.equal(isStored, false);
  await clock.wind(1500);
  assert.ok(isStored);
  const ids = posts.map(({ body }) => (body as Request).decision_id);
  assert.deepEqual(ids, [REQUEST.decision_id, REQUEST.decision_id, REQUEST.decision_id]);
});

test('after five attempts it is given up', async () => {
  const posts = installFetch(0, 0, 0, 0, 0, 200);
  const refused = assert.rejects(
    new ServerTransport('/studies/toy', null, PAGE).file(REQUEST),
    /could not be reached/
  );
  await settle();
  await clock.wind(60_000);
  await refused;
  assert.equal(posts.length, 5);
});

test('a refusal of the server is final, and says why', async () => {
  const posts = installFetch(400, 200);
  const transport = new ServerTransport('/studies/toy', null, PAGE);
  await assert.rejects(transport.file(REQUEST), /no such study/);
  assert.equal(posts.length, 1);
});

test('a kernel is greeted until it answers, with longer and longer waits', async () => {
  const model = new FakeModel();
  open(new KernelTransport(model));
  assert.equal(model.sent.length, 1);
  await clock.wind(4000); // greeted again after 1 and 3 seconds
  assert.equal(model.sent.length, 3);
  model.deliver(makeSnapshot());
  for (let second = 0; second < 20; second += 2) {
    await clock.wind(2000);
    model.deliver({ type: 'beat', at: 0 });
  }
  assert.equal(model.sent.length, 3);
});

test('a kernel that falls silent counts as disconnected, and is greeted again', async () => {
  const model = new FakeModel();
  const { connections } = open(new KernelTransport(model));
  model.deliver(makeSnapshot());
  await clock.wind(6000);
  assert.equal(connections[0].connected, false);
  assert.match(connections[0].reason, /%autoresearch attach/);
  assert.ok(model.sent.length > 1);
});

test('a kernel that is gone is reported', () => {
  const model = new FakeModel();
  model.isGone = true;
  const { connections } = open(new KernelTransport(model));
  assert.match(connections[0].reason, /kernel of this widget is gone/);
});

test('the first message about a request says whether the kernel has stored it', async () => {
  const model = new FakeModel();
  const transport = new KernelTransport(model);
  const { messages } = open(transport);
  const { decision_id } = REQUEST;
  const storing = transport.file(REQUEST);
  assert.deepEqual(model.sent[1], { type: 'request', ...REQUEST });
  model.deliver({ type: 'filed', decision_id });
  await storing;
  const refusing = transport.file({ ...REQUEST, decision_id: 'id-000002' });
  const error: FromFeed = { type: 'error', about: 'request', message: 'no field' };
  model.deliver({ ...error, decision_id: 'id-000002' });
  await assert.rejects(refusing, /no field/);
  assert.deepEqual(
    messages.map(({ type }) => type),
    ['filed', 'error']
  );
});

test('a buffer of a message starts where typed arrays can read it', () => {
  const model = new FakeModel();
  const { buffers } = open(new KernelTransport(model));
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer, 3, 8);
  view.setFloat64(0, 2.5, true);
  model.deliver({ type: 'points', counts: [1, 1] }, [view]);
  assert.deepEqual([...new Float64Array(buffers[0]!)], [2.5]);
});

/** What a Jupyter server writes into its pages. */
function installJupyter(config: object): void {
  const element = new FakeElement('script');
  element.textContent = JSON.stringify(config);
  page.getElementById = () => element;
  Object.assign(globalThis, { location: { href: 'http://host/user/me/lab' } });
}

test('the server of the page is read from its config', () => {
  assert.equal(jupyterPage(), null);
  installJupyter({ baseUrl: '/user/me', token: 'secret' });
  assert.deepEqual(jupyterPage(), PAGE);
  installJupyter({ baseUrl: '/', wsUrl: 'wss://sockets/' });
  const sockets = { base: 'http://host/', socket: 'wss://sockets/', token: '' };
  assert.deepEqual(jupyterPage(), sockets);
});

function connectWidget(route = 'auto') {
  installJupyter({ baseUrl: '/user/me', token: '' });
  const traits = { route, study_path: '/studies/toy', opened_at: 1 };
  const model = new FakeModel(traits);
  const transport = connect(model);
  return { model, transport, ...open(transport) };
}

test('a widget takes the server if that shows the very same study', async () => {
  const { model, transport, messages } = connectWidget();
  FakeSocket.latest.accept();
  FakeSocket.latest.deliver(makeSnapshot(1));
  await clock.wind(20_000);
  assert.equal(transport.route, 'server');
  assert.equal(messages.length, 1);
  assert.deepEqual(model.sent, []);
});

test('a widget takes the kernel for good if the server has another study or none', async () => {
  const other = connectWidget();
  FakeSocket.latest.accept();
  FakeSocket.latest.deliver(makeSnapshot(7));
  assert.equal(other.transport.route, 'kernel');
  assert.equal(other.model.sent.length, 1);
  const silent = connectWidget();
  FakeSocket.latest.accept();
  await clock.wind(6000);
  assert.equal(silent.transport.route, 'kernel');
  FakeSocket.latest.deliver(makeSnapshot(1)); // too late
  assert.deepEqual(silent.messages, []);
});

test('a server that was in use is waited for: the kernel may know nothing', async () => {
  const { transport, connections } = connectWidget();
  FakeSocket.latest.accept();
  FakeSocket.latest.deliver(makeSnapshot(1));
  FakeSocket.latest.cut('gone');
  assert.equal(transport.route, 'server');
  const latest = connections[connections.length - 1];
  assert.deepEqual(latest, { connected: false, reason: 'gone' });
});

test('outside of a Jupyter page, and where that is wished, the kernel is the way', () => {
  assert.equal(connect(new FakeModel({ route: 'auto' })).route, 'kernel');
  assert.equal(connectWidget('kernel').transport.route, 'kernel');
  assert.equal(FakeSocket.opened.length, 0);
});
