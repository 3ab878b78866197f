/** The plots of all candidates, one at a time. */

import type { Client } from '../client';
import { h } from '../dom';
import { frontierPlots } from './frontier';
import { progressPlots } from './progress';
import type { Plot, Scatter } from './scatter';
import { trendPlots } from './trend';

/** Each says which plots have something to show now; the first one always has. */
const OFFERS: ((client: Client) => Plot[])[] = [progressPlots, frontierPlots, trendPlots];

/** A plot that is not shown is not on the page. It keeps its own choices, and draws nothing. */
export function mountPlots(el: HTMLElement, client: Client, review: () => void): () => void {
  const mounted = new Map<string, { element: HTMLElement; scatter: Scatter }>();
  const choice = h('div', {
    class: 'ar-progress-views',
    role: 'group',
    'aria-label': 'Plot',
    hidden: true
  });
  const frame = h('div');
  let plots: Plot[] = [];
  let current = '';
  el.append(choice, frame);

  function choose(plot: Plot): void {
    current = plot.name;
    for (const button of choice.children) {
      button.setAttribute('aria-pressed', String(button.textContent === current));
    }
    const entry = mounted.get(current);
    if (entry) {
      frame.replaceChildren(entry.element);
      entry.scatter.schedule();
      return;
    }
    const element = h('div');
    frame.replaceChildren(element); // first, since a plot reads its colours from the page
    mounted.set(current, { element, scatter: plot.mount(element, client, review) });
  }

  function offer(): void {
    const offered = OFFERS.flatMap(find => find(client));
    const names = offered.map(plot => plot.name);
    if (names.join() === plots.map(plot => plot.name).join()) return;
    plots = offered;
    choice.hidden = plots.length < 2;
    const hadFocus = choice.contains(document.activeElement);
    choice.replaceChildren(...plots.map(makeButton));
    choose(plots.find(plot => plot.name === current) ?? plots[0]);
    if (hadFocus) choice.querySelector<HTMLElement>('[aria-pressed=true]')!.focus();
  }

  function makeButton(plot: Plot): HTMLButtonElement {
    const attributes = { type: 'button', class: 'ar-toggle', onclick: () => choose(plot) };
    return h('button', attributes, plot.name);
  }

  const stops = [client.on('study', offer), client.on('rows', offer)];
  const unfold = () => mounted.get(current)!.scatter.schedule();
  const fold = el.closest('details');
  fold?.addEventListener('toggle', unfold);
  offer();
  return () => {
    for (const stop of stops) stop();
    fold?.removeEventListener('toggle', unfold);
    for (const { scatter } of mounted.values()) scatter.remove();
  };
}
