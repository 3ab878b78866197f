/** The dashboard's collapsible sections; each remembers in this browser whether it is open. */

import { h } from '../dom';

export interface Section {
  readonly element: HTMLDetailsElement;
  readonly body: HTMLElement;
  open(): void;
  /** Opens or folds it, unless a person has chosen before. */
  suggest(open: boolean): void;
}

/**
 * @param key names the section among all dashboards.
 * @param open how it is until a person chooses.
 */
export function makeSection(key: string, title: string, open: boolean): Section {
  const body = h('div', { class: 'ar-section-body' });
  const summary = h('summary', {}, h('span', { class: 'ar-section-title' }, title));
  const style = `ar-section ar-section-${key.split('.').pop()}`;
  const element = h('details', { class: style, open: recall(key) ?? open }, summary, body);
  summary.addEventListener('click', () => remember(key, !element.open));
  return {
    element,
    body,
    open: () => void (element.open = true),
    suggest: open => void (element.open = recall(key) ?? open)
  };
}

/** Storage may be forbidden, as in a sandboxed frame; then nothing is remembered. */
function recall(key: string): boolean | null {
  try {
    const choice = localStorage.getItem(`autoresearch.open.${key}`);
    return choice === null ? null : choice === 'true';
  } catch {
    return null;
  }
}

function remember(key: string, open: boolean): void {
  try {
    localStorage.setItem(`autoresearch.open.${key}`, String(open));
  } catch {
    return;
  }
}
