/** The review card's keyboard: single keys while the focus is inside it and not in a text field. */

import { h } from '../dom';

/** What a key does, with the key and its words in the list of keys. */
const KEYS = [
  { key: 'j', action: 'next', help: 'next hunk' },
  { key: 'k', action: 'previous', help: 'previous hunk' },
  { key: 'a', action: 'accept', help: 'accept this hunk' },
  { key: 'r', action: 'reject', help: 'reject this hunk' },
  { key: 'u', action: 'undo', help: 'undo the last choice' },
  { key: 'Enter', action: 'send', help: 'do what the first button says' },
  { key: 'A', action: 'acceptAll', help: 'accept the whole candidate' },
  { key: 'R', action: 'rejectAll', help: 'reject the whole candidate' },
  { key: 'e', action: 'edit', help: 'edit by hand' },
  { key: 's', action: 'layout', help: 'unified or side by side' },
  { key: 'n', action: 'later', help: 'next that waits' },
  { key: 'p', action: 'earlier', help: 'previous that waits' },
  { key: '?', action: 'help', help: 'this list' },
  { key: 'Escape', action: 'leave', help: 'leave a text field, close this list' }
] as const;

export type Action = (typeof KEYS)[number]['action'];

/** What matters of a key event. */
export type KeyPress = Pick<
  KeyboardEvent,
  'key' | 'shiftKey' | 'ctrlKey' | 'metaKey' | 'altKey' | 'repeat'
>;

const REPEATABLE = new Set<Action>(['next', 'previous']);

/** The action of a key; null where it has none. A modifier makes it the page's or the browser's. */
export function actionOf(press: KeyPress): Action | null {
  if (press.ctrlKey || press.metaKey || press.altKey) return null;
  const key = keyOf(press);
  return KEYS.find(entry => entry.key === key)?.action ?? null;
}

/** Whether a key event acts: a key that is held down moves on, but decides only once. */
function isEffective(press: KeyPress, action: Action): boolean {
  return !press.repeat || REPEATABLE.has(action);
}

/** Shift decides, not the case of the letter: caps lock must not turn one hunk into all. */
function keyOf({ key, shiftKey }: KeyPress): string {
  if (!/^[a-z]$/i.test(key)) return key;
  return shiftKey ? key.toUpperCase() : key.toLowerCase();
}

/** Handles keys on `root` and keeps them from everything outside; returns how to stop. */
export function listen(root: HTMLElement, act: (action: Action) => void): () => void {
  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (belongsTo(event.target as HTMLElement, event.key)) return event.stopPropagation();
    const action = actionOf(event);
    if (!action) return;
    event.stopPropagation();
    event.preventDefault();
    if (isEffective(event, action)) act(action);
  };
  root.addEventListener('keydown', onKey);
  return () => root.removeEventListener('keydown', onKey);
}

/** Whether an element needs the key itself: a field takes every key, a button takes Enter. */
function belongsTo(target: HTMLElement, key: string): boolean {
  if (target.matches('input, textarea, select')) return true;
  return key === 'Enter' && target.matches('button, summary');
}

/** The list of keys, hidden until someone asks for it. */
export function drawKeys(): HTMLElement {
  const items = KEYS.map(({ key, help }) =>
    h('div', {}, h('dt', {}, h('kbd', {}, key)), h('dd', {}, help))
  );
  const attributes = {
    class: 'ar-review-keys',
    role: 'region',
    'aria-label': 'keys',
    hidden: true
  };
  return h('div', attributes, h('dl', {}, ...items));
}
