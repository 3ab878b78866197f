/** The review card's keyboard: single keys while the focus is inside it and not in a text field. */

import { h } from '../dom';

export type Action =
  | 'next' | 'previous' | 'accept' | 'reject' | 'undo' | 'send' | 'acceptAll' | 'rejectAll'
  | 'edit' | 'layout' | 'later' | 'earlier' | 'help' | 'leave'; // prettier-ignore

const KEYS: { key: string; action: Action; says: string }[] = [
  { key: 'j', action: 'next', says: 'next hunk' },
  { key: 'k', action: 'previous', says: 'previous hunk' },
  { key: 'a', action: 'accept', says: 'accept this hunk' },
  { key: 'r', action: 'reject', says: 'reject this hunk' },
  { key: 'u', action: 'undo', says: 'undo the last choice' },
  { key: 'Enter', action: 'send', says: 'do what the first button says' },
  { key: 'A', action: 'acceptAll', says: 'accept the whole candidate' },
  { key: 'R', action: 'rejectAll', says: 'reject the whole candidate' },
  { key: 'e', action: 'edit', says: 'edit by hand' },
  { key: 's', action: 'layout', says: 'unified or side by side' },
  { key: 'n', action: 'later', says: 'next that waits' },
  { key: 'p', action: 'earlier', says: 'previous that waits' },
  { key: '?', action: 'help', says: 'this list' },
  { key: 'Escape', action: 'leave', says: 'leave a text field, close this list' }
];
const REPEATABLE = new Set<Action>(['next', 'previous']);

/** Handles keys on `root` and keeps them from everything outside; returns how to stop. */
export function listen(root: HTMLElement, act: (action: Action) => void): () => void {
  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target as HTMLElement;
    const native = target.matches('input, textarea, select') || (event.key === 'Enter' && target.matches('button, summary'));
    if (native) return event.stopPropagation();
    const found = KEYS.find(one => one.key === keyOf(event));
    if (!found) return;
    event.stopPropagation();
    event.preventDefault();
    if (!event.repeat || REPEATABLE.has(found.action)) act(found.action);
  };
  root.addEventListener('keydown', onKey);
  return () => root.removeEventListener('keydown', onKey);
}

/** The key with the shift key deciding about capitals, so that caps lock never turns one hunk into all. */
function keyOf(event: KeyboardEvent): string {
  if (!/^[a-z]$/i.test(event.key)) return event.key;
  return event.shiftKey ? event.key.toUpperCase() : event.key.toLowerCase();
}

/** The list of keys, hidden until asked for. */
export function keyList(): HTMLElement {
  const items = KEYS.map(({ key, says }) => h('div', {}, h('dt', {}, h('kbd', {}, key)), h('dd', {}, says)));
  return h('div', { class: 'ar-review-keys', role: 'region', 'aria-label': 'keys', hidden: true }, h('dl', {}, ...items));
}
