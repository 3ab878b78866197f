import * as assert from 'node:assert/strict';
import { test } from 'node:test';
import { digitsFor, duration, h, setText, show } from '../src/dom';
import { asFake, installDocument } from './fakes';

test('numbers have the digits asked for and thin spaces between thousands', () => {
  assert.equal(show(1.23456), '1.2346');
  assert.equal(show(18400, 0), '18\u2009400');
  assert.equal(show(-0.5, 2), '-0.50');
  assert.equal(show(0, 2), '0.00');
});

test('what would be rounded to nothing, or is huge, has an exponent', () => {
  assert.equal(show(0.00001234), '1.23e-5');
  assert.equal(show(3e9, 0), '3.00e+9');
});

test('a missing number is a dash', () => {
  assert.equal(show(null), '–');
  assert.equal(show(undefined), '–');
});

test('digits follow the spread of the values', () => {
  assert.equal(digitsFor([3.75, 3.77]), 5);
  assert.equal(digitsFor([100, 2000]), 0);
  assert.equal(digitsFor([1, 1 + 1e-9]), 6);
  assert.equal(digitsFor([2, null]), 4);
  assert.equal(digitsFor([2, 2]), 4);
});

test('durations have the unit that fits', () => {
  assert.equal(duration(8.4), '8 s');
  assert.equal(duration(180), '3 min');
  assert.equal(duration(7500), '2 h 05 min');
});

test('an element has its attributes, listeners and children', () => {
  installDocument();
  let n_clicks = 0;
  const onclick = () => (n_clicks += 1);
  const attributes = { class: 'ar', hidden: true, title: null, disabled: false, onclick };
  const element = asFake(h('div', attributes, 'a', null, h('b', {}, 'c'), false));
  assert.deepEqual(
    [...element.attributes],
    [
      ['class', 'ar'],
      ['hidden', '']
    ]
  );
  assert.equal(element.textContent, 'ac');
  element.emit('click');
  assert.equal(n_clicks, 1);
});

test('whatever can have the focus keeps the shortcuts of the notebook away', () => {
  installDocument();
  const suppresses = (element: HTMLElement) =>
    asFake(element).attributes.get('data-lm-suppress-shortcuts') === 'true';
  assert.ok(suppresses(h('button')));
  assert.ok(suppresses(h('div', { tabindex: -1 })));
  assert.ok(!suppresses(h('div')));
});

test('a text that is the same already is not written again', () => {
  let n_writes = 0;
  const element = {
    get textContent() {
      return 'same';
    },
    set textContent(_: string) {
      n_writes += 1;
    }
  } as Element;
  setText(element, 'same');
  assert.equal(n_writes, 0);
  setText(element, 'other');
  assert.equal(n_writes, 1);
});
