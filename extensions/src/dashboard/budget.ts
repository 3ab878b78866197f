/** What was spent of what is allowed, and the button that opens the limits. */

import type { Client } from '../client';
import { duration, h, setText, show } from '../dom';
import { makeLimitsForm } from './limits';
import { findObstacle, followRequests, makePress } from './requests';

interface Limit {
  key: 'candidates' | 'seconds' | 'max_usd' | 'max_tokens';
  title: string;
  used: (client: Client) => number;
  text: (value: number) => string;
}

const count = (value: number) => show(value, 0);
const money = (value: number) => `$${show(value, 2)}`;
const LIMITS: Limit[] = [
  {
    key: 'candidates',
    title: 'Candidates',
    used: client => client.state!.counts.proposed,
    text: count
  },
  { key: 'seconds', title: 'Time', used: elapsed, text: duration },
  { key: 'max_usd', title: 'Money', used: client => client.state!.spent.usd, text: money },
  { key: 'max_tokens', title: 'Tokens', used: client => client.state!.spent.tokens, text: count }
];

/** The journal counts up to its last record; a loop at work has gone on since. */
function elapsed(client: Client): number {
  const { spent, alive, state, at } = client.state!;
  const isAtWork = alive && state === 'running' && client.connected;
  return spent.seconds + (isAtWork ? client.since(at) : 0);
}

export function mountBudget(el: HTMLElement, client: Client): () => void {
  const meters = LIMITS.map(limit => ({ limit, meter: makeMeter(limit) }));
  const rest = h('span', { class: 'ar-faint' });
  const requests = followRequests(client, () => update());
  const hint = 'candidates, time, money, tokens, how many may wait, review mode';
  const change = makePress(hint, () => form.toggle());
  const form = makeLimitsForm(client, requests, () => {
    change.element.setAttribute('aria-expanded', String(!form.element.hidden));
  });
  const foot = h('div', { class: 'ar-budget-foot' }, rest, change.element);
  el.append(...meters.map(one => one.meter.element), foot, form.element, requests.note);

  function update(): void {
    change.element.hidden = !client.state || !!client.study?.read_only;
    if (!client.state) return;
    const { spent, options } = client.state;
    for (const { limit, meter } of meters) meter.update(limit.used(client), options[limit.key]);
    const trials = `${count(spent.trials)} trial${spent.trials === 1 ? '' : 's'}`;
    setText(rest, `${trials} · review ${options.review}`);
    change.update('Limits…', findObstacle(client), requests.isBusy('set'));
    form.update();
  }

  const timer = setInterval(update, 1000);
  const topics = ['study', 'state', 'connection'] as const;
  const stops = topics.map(topic => client.on(topic, update));
  update();
  return () => {
    clearInterval(timer);
    requests.remove();
    for (const stop of stops) stop();
  };
}

function makeMeter({ title, text }: Limit) {
  const value = h('span', { class: 'ar-meter-text' }, '–');
  const fill = h('div', { class: 'ar-meter-fill' });
  const attributes = { class: 'ar-meter', role: 'progressbar', 'aria-valuemin': 0 };
  const track = h('div', { ...attributes, 'aria-label': title }, fill);
  const name = h('span', { class: 'ar-meter-title' }, title);
  return {
    element: h('div', { class: 'ar-budget-row' }, name, track, value),
    /** A limit of 0 means no limit. */
    update(used: number, limit: number) {
      const isLimited = limit > 0;
      const share = isLimited ? Math.min(1, used / limit) : 0;
      const words = isLimited ? `${text(used)} of ${text(limit)}` : `${text(used)}, no limit`;
      setText(value, words);
      fill.style.width = `${100 * share}%`;
      fill.classList.toggle('ar-full', share >= 1);
      track.classList.toggle('ar-open', !isLimited);
      track.setAttribute('aria-valuetext', words);
      if (isLimited) {
        track.setAttribute('aria-valuemax', String(limit));
        track.setAttribute('aria-valuenow', String(Math.min(used, limit)));
      } else {
        track.removeAttribute('aria-valuemax');
        track.removeAttribute('aria-valuenow');
      }
    }
  };
}
