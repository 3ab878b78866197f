/** The form that changes the limits of a running study, by one `set` for each changed limit. */

import type { Client } from '../client';
import { h, setText } from '../dom';
import type { Requests } from './requests';

type Key = 'candidates' | 'seconds' | 'max_usd' | 'max_tokens' | 'max_waiting' | 'review';
interface Field {
  key: Key;
  title: string;
  hint: string;
}

const FIELDS: Field[] = [
  { key: 'candidates', title: 'Candidates', hint: '0: no limit' },
  { key: 'seconds', title: 'Time', hint: 'like 8h or 90m; 0: no limit' },
  { key: 'max_usd', title: 'Money, $', hint: '0: no limit' },
  { key: 'max_tokens', title: 'Tokens', hint: '0: no limit' },
  { key: 'max_waiting', title: 'May wait', hint: 'for a person, before no more are proposed' },
  { key: 'review', title: 'Review', hint: 'what waits for you' }
];
const REVIEWS = {
  off: 'off: no one is asked',
  keeps: 'keeps: what would be kept',
  all: 'all: every change, before it runs'
};
const UNIT_SECONDS: Record<string, number> = { '': 1, s: 1, m: 60, h: 3600, d: 86400 };

export function makeLimitsForm(client: Client, requests: Requests, onToggle: () => void) {
  const inputs = new Map(FIELDS.map(field => [field.key, makeInput(field)]));
  const problem = h('span', { class: 'ar-asked', role: 'alert', 'data-tone': 'bad' });
  const buttons = h(
    'div',
    { class: 'ar-buttons' },
    h('button', { type: 'submit', class: 'ar-primary' }, 'Change'),
    h('button', { type: 'button', onclick: () => close() }, 'Cancel'),
    problem
  );
  const labels = FIELDS.map(({ key, title, hint }) => {
    const about = h('span', { class: 'ar-faint' }, hint);
    return h('label', {}, h('span', {}, title), inputs.get(key)!, about);
  });
  const element = h('form', { class: 'ar-limits', hidden: true }, ...labels, buttons);
  const touched = new Set<Key>();
  for (const [key, input] of inputs) input.addEventListener('input', () => touched.add(key));
  element.addEventListener('submit', event => {
    event.preventDefault();
    send();
  });
  element.addEventListener('keydown', event => {
    event.stopPropagation();
    if (event.key === 'Escape') close();
  });

  /** What a person has typed stays. */
  function fill(): void {
    const { options } = client.state!;
    for (const [key, input] of inputs) {
      if (!touched.has(key)) input.value = writeValue(key, options[key]);
    }
  }

  function open(): void {
    touched.clear();
    fill();
    setText(problem, '');
    element.hidden = false;
    onToggle();
    inputs.get('candidates')!.focus();
  }

  function close(): void {
    const opener = element.parentElement!.querySelector<HTMLElement>('.ar-budget-foot button');
    if (element.contains(document.activeElement)) opener!.focus();
    element.hidden = true;
    onToggle();
  }

  function send(): void {
    const { options } = client.state!;
    const changes: [Key, number | string][] = [];
    for (const { key, title } of FIELDS) {
      const text = inputs.get(key)!.value;
      const value = readValue(key, text);
      if (value === null) return setText(problem, describeProblem(key, title, text));
      if (touched.has(key) && value !== options[key]) changes.push([key, value]);
    }
    for (const [key, value] of changes) requests.ask('set', { key, value }, `${key} = ${value}`);
    setText(problem, changes.length ? '' : 'nothing was changed');
    if (changes.length) close();
  }

  return {
    element,
    toggle: () => (element.hidden ? open() : close()),
    update() {
      if (!element.hidden) fill();
    }
  };
}

function makeInput({ key, hint }: Field): HTMLInputElement | HTMLSelectElement {
  if (key !== 'review') return h('input', { type: 'text', autocomplete: 'off', title: hint });
  const choices = Object.entries(REVIEWS).map(([value, text]) => h('option', { value }, text));
  return h('select', {}, ...choices);
}

function describeProblem(key: Key, title: string, text: string): string {
  const example = key === 'seconds' ? ', like 8h or 90m' : '';
  return `${title}: ${text || 'nothing'} is not a size, at least 0${example}`;
}

function writeValue(key: Key, value: number | string): string {
  return key === 'seconds' ? writeTime(Number(value)) : String(value);
}

function writeTime(seconds: number): string {
  if (seconds && seconds % 3600 === 0) return `${seconds / 3600}h`;
  if (seconds && seconds % 60 === 0) return `${seconds / 60}m`;
  return seconds ? `${seconds}s` : '0';
}

/** The value of a field, or null if the text is not one. */
function readValue(key: Key, text: string): number | string | null {
  if (key === 'review') return text;
  if (key === 'seconds') return readTime(text);
  if (text.trim() === '') return null;
  const value = Number(text);
  const isAllowed = key === 'max_usd' || Number.isInteger(value);
  return Number.isFinite(value) && value >= 0 && isAllowed ? value : null;
}

/** Seconds of `8h`, `1.5h`, `1h 30m`, `90`; null for anything else. */
function readTime(text: string): number | null {
  if (!/^\s*(\d+(\.\d+)?\s*[smhd]?\s*)+$/i.test(text)) return null;
  let seconds = 0;
  for (const [, size, unit] of text.toLowerCase().matchAll(/(\d+(?:\.\d+)?)\s*([smhd]?)/g)) {
    seconds += Number(size) * UNIT_SECONDS[unit];
  }
  return seconds;
}
