import * as assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { Client, type Pending, type Topic } from '../src/client';
import { PROTOCOL, type Row } from '../src/protocol';
import { FakeTransport, fakeClock, settle, type Clock } from './fakes';
import { makeCard, makeColumns, makePlots, makeRow, makeSeries } from './samples';
import { makeState, makeStudy } from './samples';

let clock: Clock;
let transport: FakeTransport;
let client: Client;

beforeEach(() => {
  clock = fakeClock();
  transport = new FakeTransport();
  client = new Client(transport);
});

afterEach(() => {
  client.close();
  clock.restore();
});

const ROWS = [makeRow(0), makeRow(1), makeRow(2, { parent: 0, revises: 1 })];

function deliverSnapshot(rows: Row[] = ROWS): void {
  const columns = makeColumns(rows);
  const study = makeStudy();
  const plots = makePlots();
  const state = makeState();
  transport.deliver({ type: 'snapshot', protocol: PROTOCOL, study, state, columns, plots });
}

function deliverChanges(...rows: Row[]): void {
  transport.deliver({ type: 'changes', state: makeState(), rows });
}

function answer({ decision_id }: Pending, adopted: boolean, reason = ''): void {
  const candidate = adopted ? 5 : null;
  transport.deliver({ type: 'answered', decision_id, adopted, reason, candidate });
}

/** Details of a topic, as they come. */
function listenTo(topic: Topic): unknown[] {
  const details: unknown[] = [];
  client.on(topic, detail => details.push(detail));
  return details;
}

test('a decision is sent, filed and adopted', async () => {
  const pending = client.ask('accept', { candidate: 1 });
  assert.equal(pending.state, 'sent');
  const { decision_id } = pending;
  assert.deepEqual(transport.filed, [{ decision_id, verb: 'accept', body: { candidate: 1 } }]);
  await settle();
  assert.equal(pending.state, 'filed');
  answer(pending, true);
  assert.equal(pending.state, 'adopted');
  assert.equal(pending.candidate, 5);
});

test('a decision is refused by the loop, or by whoever could not store it', async () => {
  const first = client.ask('accept', { candidate: 1 });
  await settle();
  answer(first, false, 'it is kept already');
  assert.deepEqual([first.state, first.reason], ['refused', 'it is kept already']);
  transport.obstacle = 'the server could not be reached';
  const second = client.ask('reject', { candidate: 1 });
  await settle();
  assert.deepEqual([second.state, second.reason], ['refused', transport.obstacle]);
});

test('an answer that comes before the receipt is not undone by it', async () => {
  const pending = client.ask('accept', { candidate: 1 });
  answer(pending, true);
  await settle(); // only now the transport says that it is stored
  assert.equal(pending.state, 'adopted');
  answer(pending, false, 'twice');
  assert.equal(pending.state, 'adopted');
});

test('a change is announced, and a message that changes nothing is not', async () => {
  const announced = listenTo('pending');
  const pending = client.ask('accept', { candidate: 1 });
  await settle();
  transport.deliver({ type: 'filed', decision_id: pending.decision_id });
  assert.equal(announced.length, 2); // sent, filed
  answer(pending, true);
  assert.equal(announced.length, 3);
  answer(pending, true);
  transport.deliver({ type: 'filed', decision_id: pending.decision_id });
  assert.equal(announced.length, 3);
});

test('an error about a decision refuses it, any other one is told', () => {
  const errors = listenTo('error');
  const pending = client.ask('accept', { candidate: 1 });
  const { decision_id } = pending;
  transport.deliver({ type: 'error', about: 'request', message: 'no such field', decision_id });
  assert.deepEqual([pending.state, pending.reason], ['refused', 'no such field']);
  transport.deliver({ type: 'error', about: 'card', message: 'no candidate 9' });
  assert.deepEqual(errors, ['no candidate 9']);
});

test('a decision that no one stores is late, and keeps its id when it is sent again', async () => {
  transport.isStuck = true;
  const pending = client.ask('accept', { candidate: 1 });
  assert.equal(client.isLate(pending), false);
  const changes = listenTo('pending');
  await clock.wind(3000);
  assert.ok(client.isLate(pending));
  assert.ok(changes.includes(pending));
  client.askAgain(pending);
  assert.equal(client.isLate(pending), false);
  assert.equal(transport.filed[1].decision_id, transport.filed[0].decision_id);
});

test('the decisions about a candidate are those that are not adopted', () => {
  const first = client.ask('accept', { candidate: 1 });
  const second = client.ask('reject', { candidate: 1 });
  client.ask('accept', { candidate: 2 });
  answer(first, true);
  assert.deepEqual(client.pendingFor(1), [second]);
});

test('after a reconnect the client greets with the decisions that wait for an answer', async () => {
  const adopted = client.ask('pin', { candidate: 1 });
  const waiting = client.ask('accept', { candidate: 1 });
  answer(adopted, true);
  await settle();
  transport.onConnected(false, 'the server does not answer');
  assert.deepEqual([client.connected, client.problem], [false, 'the server does not answer']);
  transport.onConnected(true, '');
  const [hello] = transport.sentOf('hello');
  assert.deepEqual(hello.pending, [waiting.decision_id]);
  assert.ok(client.connected);
});

test('a feed that is silent counts as disconnected until it beats again', async () => {
  deliverSnapshot();
  assert.ok(client.connected);
  await clock.wind(6000);
  assert.ok(client.connected);
  await clock.wind(2000);
  assert.equal(client.connected, false);
  transport.deliver({ type: 'beat', at: 0 });
  assert.ok(client.connected);
});

test('a connection is announced when it changes, with its reason', () => {
  const announced = listenTo('connection');
  transport.onConnected(true, '');
  transport.deliver({ type: 'beat', at: 0 });
  assert.equal(announced.length, 1);
  transport.onConnected(false, 'the kernel does not answer');
  transport.onConnected(false, 'the kernel is gone');
  assert.equal(announced.length, 3);
  assert.equal(client.problem, 'the kernel is gone');
});

test('a snapshot brings rows, and asks again for what the screen looks at', () => {
  client.select(1);
  client.watchCurves([1, 2]);
  transport.sent.length = 0;
  deliverSnapshot();
  assert.deepEqual(client.rows, ROWS);
  assert.deepEqual(transport.sentOf('watch'), [{ type: 'watch', candidates: [1, 2] }]);
  assert.deepEqual(transport.sentOf('card'), [{ type: 'card', candidate: 1, context: 3 }]);
});

test('a snapshot drops cards and curves: they may be of another study', () => {
  transport.deliver({ type: 'card', card: makeCard(1) });
  transport.deliver({ type: 'series', series: [makeSeries(1)] });
  deliverSnapshot();
  assert.equal(client.cards.size, 0);
  assert.equal(client.curves.size, 0);
});

test('changed rows replace the old ones, and their numbers are announced', () => {
  deliverSnapshot();
  const announced = listenTo('rows');
  deliverChanges(makeRow(1, { status: 'kept' }), makeRow(3));
  assert.equal(client.rows[1].status, 'kept');
  assert.equal(client.rows.length, 4);
  assert.deepEqual(announced, [[1, 3]]);
});

test('a card is asked for again when its row changes, and with a status also its relatives', () => {
  deliverSnapshot();
  for (const candidate of [0, 1, 2]) transport.deliver({ type: 'card', card: makeCard(candidate) });
  transport.sent.length = 0;
  deliverChanges(makeRow(2, { parent: 0, revises: 1, trials: 2 }));
  const askedFor = () => transport.sentOf('card').map(({ candidate }) => candidate);
  assert.deepEqual(askedFor(), [2]);
  transport.sent.length = 0;
  deliverChanges(makeRow(2, { parent: 0, revises: 1, status: 'kept' }));
  assert.deepEqual(askedFor().sort(), [0, 1, 2]);
});

test('a card that is not here is not asked for', () => {
  deliverSnapshot();
  deliverChanges(makeRow(2, { status: 'kept' }));
  assert.deepEqual(transport.sentOf('card'), []);
});

test('the context that was asked for last stays', () => {
  client.want(1, -1);
  client.want(1);
  client.want(2);
  const contexts = transport.sentOf('card').map(({ context }) => context);
  assert.deepEqual(contexts, [-1, -1, 3]);
});

test('views watch curves independently of each other', () => {
  client.watchCurves([1], 'review');
  client.watchCurves([1, 4], 'curves');
  client.watchCurves([], 'review');
  const watched = transport.sentOf('watch').map(({ candidates }) => candidates);
  assert.deepEqual(watched, [[1], [1, 4], [1, 4]]);
});

/** A buffer as the feed sends it: all steps as float64, then all values as float32. */
function pack(steps: number[], values: number[]): ArrayBuffer {
  const buffer = new ArrayBuffer(12 * steps.length);
  new Float64Array(buffer, 0, steps.length).set(steps);
  new Float32Array(buffer, 8 * steps.length).set(values);
  return buffer;
}

test('points go to the curves that they belong to', () => {
  transport.deliver({ type: 'series', series: [makeSeries(1), makeSeries(2)] });
  const counts = [1, 2, 9, 1, 2, 1]; // series 9 is not known here
  const buffer = pack([0, 1, 5, 7], [3, 2.5, 8, 1]);
  transport.deliver({ type: 'points', counts }, buffer);
  const { steps, values, length } = client.curves.get(1)!;
  assert.deepEqual([...steps.subarray(0, length)], [0, 1]);
  assert.deepEqual([...values.subarray(0, length)], [3, 2.5]);
  assert.equal(client.curves.get(2)!.values[0], 1);
  transport.deliver({ type: 'gone', series: [1] });
  assert.deepEqual([...client.curves.keys()], [2]);
});

test('a series that ends keeps its points', () => {
  transport.deliver({ type: 'series', series: [makeSeries(1, { running: true })] });
  transport.deliver({ type: 'points', counts: [1, 1] }, pack([0], [3]));
  transport.deliver({ type: 'series', series: [makeSeries(1, { running: false })] });
  const curve = client.curves.get(1)!;
  assert.deepEqual([curve.running, curve.length], [false, 1]);
});

test('a selection is announced once, and asks for the card', () => {
  const announced = listenTo('selection');
  client.select(2);
  client.select(2);
  client.select(null);
  assert.deepEqual(announced, [2, null]);
  const askedFor = transport.sentOf('card').map(({ candidate }) => candidate);
  assert.deepEqual(askedFor, [2]);
});

test('times are told on the clock of the sender', () => {
  transport.deliver({ type: 'beat', at: Date.now() / 1000 + 100 });
  const started = Date.now() / 1000 + 70;
  assert.equal(Math.round(client.since(started)), 30);
});

test('who stops listening hears no more, and a closed client closes its transport', () => {
  const details: unknown[] = [];
  const stop = client.on('selection', detail => details.push(detail));
  client.select(1);
  stop();
  client.select(2);
  assert.deepEqual(details, [1]);
  client.close();
  assert.ok(transport.isClosed);
});
