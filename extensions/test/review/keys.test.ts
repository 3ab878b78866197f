import * as assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionOf, listen, type Action, type KeyPress } from '../../src/review/keys';
import { FakeElement, asElement } from '../fakes';

function press(key: string, fields: Partial<KeyPress> = {}): KeyPress {
  const modifiers = { shiftKey: false, ctrlKey: false, metaKey: false, altKey: false };
  return { key, ...modifiers, repeat: false, ...fields };
}

/** Presses a key in an element; returns what was done, and whether others get the key too. */
function type(tag: string, key: KeyPress): { actions: Action[]; isLeftToOthers: boolean } {
  const root = new FakeElement('section');
  const actions: Action[] = [];
  let isLeftToOthers = true;
  const stop = listen(asElement(root), action => actions.push(action));
  root.emit('keydown', {
    ...key,
    target: new FakeElement(tag),
    stopPropagation: () => (isLeftToOthers = false),
    preventDefault: () => {}
  });
  stop();
  return { actions, isLeftToOthers };
}

test('the shift key turns one hunk into the whole candidate', () => {
  assert.equal(actionOf(press('r')), 'reject');
  assert.equal(actionOf(press('R', { shiftKey: true })), 'rejectAll');
});

test('caps lock does not', () => {
  assert.equal(actionOf(press('R')), 'reject');
  assert.equal(actionOf(press('a', { shiftKey: true })), 'acceptAll');
});

test('a key with a modifier, or of no meaning here, has no action', () => {
  assert.equal(actionOf(press('a', { ctrlKey: true })), null);
  assert.equal(actionOf(press('a', { metaKey: true })), null);
  assert.equal(actionOf(press('x')), null);
});

test('a key acts and is kept from the notebook', () => {
  assert.deepEqual(type('div', press('j')), { actions: ['next'], isLeftToOthers: false });
});

test('a key of no meaning here goes on to the page', () => {
  assert.deepEqual(type('div', press('x')), { actions: [], isLeftToOthers: true });
  for (const modifier of ['ctrlKey', 'metaKey', 'altKey']) {
    const { actions, isLeftToOthers } = type('input', press('a', { [modifier]: true }));
    assert.deepEqual([actions, isLeftToOthers], [[], true], modifier);
  }
});

test('in a text field keys are letters, which the notebook does not get either', () => {
  assert.deepEqual(type('input', press('r')), { actions: [], isLeftToOthers: false });
  assert.deepEqual(type('textarea', press('A')), { actions: [], isLeftToOthers: false });
});

test('Enter on a button presses that button', () => {
  assert.deepEqual(type('button', press('Enter')).actions, []);
  assert.deepEqual(type('button', press('r')).actions, ['reject']);
  assert.deepEqual(type('div', press('Enter')).actions, ['send']);
});

test('a key that is held down moves on, but decides once', () => {
  assert.deepEqual(type('div', press('j', { repeat: true })).actions, ['next']);
  const held = type('div', press('R', { repeat: true, shiftKey: true }));
  assert.deepEqual(held, { actions: [], isLeftToOthers: false });
});
