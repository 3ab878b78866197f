/** What was spent of what is allowed, and a form that changes the limits of the running study. */

import type { Client } from '../client';
import { duration, h, setText, show } from '../dom';
import { Asking, obstacle, press } from './asking';

interface Limit {
  key: 'candidates' | 'seconds' | 'max_usd' | 'max_tokens';
  title: string;
  used: (client: Client) => number;
  text: (value: number) => string;
}

const count = (value: number) => show(value, 0);
const LIMITS: Limit[] = [
  { key: 'candidates', title: 'Candidates', used: client => client.state!.counts.proposed, text: count },
  { key: 'seconds', title: 'Time', used: elapsed, text: duration },
  { key: 'max_usd', title: 'Money', used: client => client.state!.spent.usd, text: value => `$${show(value, 2)}` },
  { key: 'max_tokens', title: 'Tokens', used: client => client.state!.spent.tokens, text: count }
];

/** The journal counts up to its last record; a loop at work has gone on since. */
function elapsed(client: Client): number {
  const { spent, alive, state, at } = client.state!;
  return spent.seconds + (alive && state === 'running' && client.connected ? client.since(at) : 0);
}

export function mountBudget(el: HTMLElement, client: Client): () => void {
  const bars = LIMITS.map(limit => ({ limit, ...bar(limit.title) }));
  const rest = h('span', { class: 'ar-faint' });
  const asking = new Asking(client, () => update());
  const change = press('candidates, time, money, tokens, how many may wait, review mode', () => (form.hidden ? open() : form.close()));
  const form = limitsForm(client, asking, () => change.element.setAttribute('aria-expanded', String(!form.hidden)));
  el.append(
    ...bars.map(one => one.element),
    h('div', { class: 'ar-budget-foot' }, rest, change.element),
    form.element,
    asking.note
  );

  function open(): void {
    form.open();
  }

  function update(): void {
    change.element.hidden = !client.state || !!client.study?.read_only;
    if (!client.state) return;
    const { spent, options } = client.state;
    for (const one of bars) one.update(one.limit.used(client), options[one.limit.key], one.limit.text);
    setText(rest, `${count(spent.trials)} trial${spent.trials === 1 ? '' : 's'} · review ${options.review}`);
    change.update('Limits…', obstacle(client), asking.isBusy('set'));
    form.update();
  }

  const timer = setInterval(update, 1000);
  const stops = (['study', 'state', 'connection'] as const).map(topic => client.on(topic, update));
  update();
  return () => {
    clearInterval(timer);
    asking.remove();
    for (const stop of stops) stop();
  };
}

function bar(title: string) {
  const value = h('span', { class: 'ar-meter-text' }, '–');
  const fill = h('div', { class: 'ar-meter-fill' });
  const track = h('div', { class: 'ar-meter', role: 'progressbar', 'aria-label': title, 'aria-valuemin': 0 }, fill);
  const element = h('div', { class: 'ar-budget-row' }, h('span', { class: 'ar-meter-title' }, title), track, value);
  return {
    element,
    /** A limit of 0 is none. */
    update(used: number, limit: number, text: (value: number) => string) {
      const share = limit > 0 ? Math.min(1, used / limit) : 0;
      const said = limit > 0 ? `${text(used)} of ${text(limit)}` : `${text(used)}, no limit`;
      setText(value, said);
      fill.style.width = `${100 * share}%`;
      fill.classList.toggle('ar-full', share >= 1);
      track.classList.toggle('ar-open', !(limit > 0));
      track.setAttribute('aria-valuetext', said);
      if (limit > 0) {
        track.setAttribute('aria-valuemax', String(limit));
        track.setAttribute('aria-valuenow', String(Math.min(used, limit)));
      } else {
        track.removeAttribute('aria-valuemax');
        track.removeAttribute('aria-valuenow');
      }
    }
  };
}

type Key = 'candidates' | 'seconds' | 'max_usd' | 'max_tokens' | 'max_waiting' | 'review';
const FIELDS: { key: Key; title: string; hint: string }[] = [
  { key: 'candidates', title: 'Candidates', hint: '0: no limit' },
  { key: 'seconds', title: 'Time', hint: 'like 8h or 90m; 0: no limit' },
  { key: 'max_usd', title: 'Money, $', hint: '0: no limit' },
  { key: 'max_tokens', title: 'Tokens', hint: '0: no limit' },
  { key: 'max_waiting', title: 'May wait', hint: 'for a person, before no more are proposed' },
  { key: 'review', title: 'Review', hint: 'what waits for you' }
];
const REVIEWS = { off: 'off: nobody is asked', keeps: 'keeps: what would be kept', all: 'all: every change, before it runs' };

/** Sends one `set` for each limit that was changed. */
function limitsForm(client: Client, asking: Asking, onToggle: () => void) {
  const inputs = new Map(FIELDS.map(({ key, hint }) => [key, key === 'review' ? reviewInput() : h('input', { type: 'text', autocomplete: 'off', title: hint })]));
  const wrong = h('span', { class: 'ar-asked', role: 'alert', 'data-tone': 'bad' });
  const element = h(
    'form',
    {
      class: 'ar-limits',
      hidden: true,
      onsubmit: (event: Event) => {
        event.preventDefault();
        send();
      },
      onkeydown: (event: KeyboardEvent) => {
        event.stopPropagation();
        if (event.key === 'Escape') close();
      }
    },
    ...FIELDS.map(({ key, title, hint }) => h('label', {}, h('span', {}, title), inputs.get(key)!, h('span', { class: 'ar-faint' }, hint))),
    h('div', { class: 'ar-buttons' }, h('button', { type: 'submit', class: 'ar-primary' }, 'Change'), h('button', { type: 'button', onclick: () => close() }, 'Cancel'), wrong)
  );
  const touched = new Set<Key>();
  for (const [key, input] of inputs) input.addEventListener('input', () => touched.add(key));

  function fill(): void {
    for (const [key, input] of inputs) if (!touched.has(key)) input.value = written(key, client.state!.options[key]);
  }

  function close(): void {
    const inside = element.contains(document.activeElement);
    if (inside) (element.parentElement!.querySelector('.ar-budget-foot button') as HTMLElement).focus();
    element.hidden = true;
    onToggle();
  }

  function send(): void {
    const { options } = client.state!;
    const changes: [Key, number | string][] = [];
    for (const { key, title } of FIELDS) {
      const value = read(key, inputs.get(key)!.value);
      if (value === null) return setText(wrong, `${title}: ${inputs.get(key)!.value || 'nothing'} is not a size, at least 0${key === 'seconds' ? ', like 8h or 90m' : ''}`);
      if (touched.has(key) && value !== options[key]) changes.push([key, value]);
    }
    for (const [key, value] of changes) asking.ask('set', { key, value }, `${key} = ${value}`);
    setText(wrong, changes.length ? '' : 'nothing was changed');
    if (changes.length) close();
  }

  return {
    element,
    get hidden() {
      return element.hidden;
    },
    open() {
      touched.clear();
      fill();
      setText(wrong, '');
      element.hidden = false;
      onToggle();
      inputs.get('candidates')!.focus();
    },
    close,
    update() {
      if (!element.hidden) fill();
    }
  };
}

function reviewInput(): HTMLSelectElement {
  return h('select', {}, ...Object.entries(REVIEWS).map(([value, text]) => h('option', { value }, text)));
}

function written(key: Key, value: number | string): string {
  return key === 'seconds' ? writtenTime(Number(value)) : String(value);
}

function writtenTime(seconds: number): string {
  if (seconds && seconds % 3600 === 0) return `${seconds / 3600}h`;
  if (seconds && seconds % 60 === 0) return `${seconds / 60}m`;
  return seconds ? `${seconds}s` : '0';
}

/** The value of a field, or null when it is none. */
function read(key: Key, text: string): number | string | null {
  if (key === 'review') return text;
  if (key === 'seconds') return readTime(text);
  const value = text.trim() === '' ? NaN : Number(text);
  const whole = key === 'max_usd' || Number.isInteger(value);
  return Number.isFinite(value) && value >= 0 && whole ? value : null;
}

const UNITS: Record<string, number> = { '': 1, s: 1, m: 60, h: 3600, d: 86400 };

/** Seconds of `8h`, `1.5h`, `1h 30m`, `90`; null for anything else. */
function readTime(text: string): number | null {
  if (!/^\s*(\d+(\.\d+)?\s*[smhd]?\s*)+$/i.test(text)) return null;
  return [...text.toLowerCase().matchAll(/(\d+(?:\.\d+)?)\s*([smhd]?)/g)].reduce((sum, [, size, unit]) => sum + Number(size) * UNITS[unit], 0);
}
