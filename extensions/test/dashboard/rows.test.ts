import * as assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { ROW_PX, virtualRows, type Rows } from '../../src/dashboard/rows';
import { FakeElement, asElement, asFake } from '../fakes';

const COUNT = 1000;
let view: FakeElement;
let body: FakeElement;
let rows: Rows;
/** Frames that were asked for. */
let frames: (() => void)[];
let n_filled: number;

beforeEach(() => {
  frames = [];
  n_filled = 0;
  Object.assign(globalThis, {
    requestAnimationFrame: (draw: () => void) => frames.push(draw),
    cancelAnimationFrame: () => {},
    ResizeObserver: class {
      observe(): void {}
      disconnect(): void {}
    }
  });
  view = new FakeElement('div');
  view.clientHeight = 10 * ROW_PX;
  body = new FakeElement('div');
  const make = () => asElement(new FakeElement('div'));
  rows = virtualRows(asElement(view), asElement(body), make, (element, index) => {
    n_filled += 1;
    asFake(element).textContent = String(index);
  });
});

/** The rows that exist and are not hidden, by their place on the screen. */
function drawn(): number[] {
  const slots = body.children.filter(({ hidden }) => !hidden);
  for (const { textContent, style } of slots) {
    assert.equal(style.transform, `translateY(${Number(textContent) * ROW_PX}px)`);
  }
  return slots.map(({ textContent }) => Number(textContent)).sort((a, b) => a - b);
}

function scrollTo(index: number): void {
  view.scrollTop = index * ROW_PX;
  view.emit('scroll');
  for (const draw of frames.splice(0)) draw();
}

function isInView(index: number): boolean {
  const top = index * ROW_PX - view.scrollTop;
  return top >= 0 && top + ROW_PX <= view.clientHeight - ROW_PX; // a header sticks to the top
}

test('a long table has few elements, and the height of all its rows', () => {
  rows.draw(COUNT, true);
  assert.equal(body.style.height, `${COUNT * ROW_PX}px`);
  assert.ok(body.children.length < 30);
  assert.deepEqual(drawn().slice(0, 3), [0, 1, 2]);
});

test('wherever one scrolls, the rows in view are there', () => {
  rows.draw(COUNT, true);
  for (const index of [0, 1, 7, 500, COUNT - 10, 3]) {
    scrollTo(index);
    const inView = Array.from({ length: 10 }, (_, i) => index + i);
    const missing = inView.filter(row => !drawn().includes(row));
    assert.deepEqual(missing, [], `scrolled to ${index}`);
    assert.equal(asFake(rows.elementOf(index)!).textContent, String(index));
  }
});

test('many scroll events are one drawing, and fill only rows that are new', () => {
  rows.draw(COUNT, true);
  n_filled = 0;
  view.emit('scroll');
  view.emit('scroll');
  assert.equal(frames.length, 1);
  scrollTo(7); // one more than is spare above
  assert.equal(n_filled, 1);
});

test('rows that have changed are filled again', () => {
  rows.draw(COUNT, true);
  n_filled = 0;
  rows.draw(COUNT, false);
  assert.equal(n_filled, 0);
  rows.draw(COUNT, true);
  assert.equal(n_filled, body.children.length);
});

test('a short table shows each row once and nothing else', () => {
  rows.draw(3, true);
  assert.deepEqual(drawn(), [0, 1, 2]);
  rows.draw(1, true);
  assert.deepEqual(drawn(), [0]);
  assert.equal(rows.elementOf(2), null);
});

test('a row is revealed by no more scrolling than needed', () => {
  rows.draw(COUNT, true);
  rows.reveal(4);
  assert.equal(view.scrollTop, 0);
  rows.reveal(100);
  assert.ok(isInView(100));
  assert.ok(!isInView(101));
  rows.reveal(95);
  assert.ok(isInView(100));
  rows.reveal(50);
  assert.equal(view.scrollTop, 50 * ROW_PX);
});

test('the place is kept in rows and pixels', () => {
  rows.draw(COUNT, true);
  rows.scrollTo(40, 11);
  assert.deepEqual(rows.top, { index: 40, offset: 11 });
});
