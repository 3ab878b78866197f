/** The plots of all candidates, one at a time: progress, or, where an experiment weighs several metrics, the frontier. */

import type { Client } from '../client';
import { h } from '../dom';
import { mountFrontier } from './frontier';
import { mountProgress } from './progress';
import type { Scatter } from './scatter';

const PLOTS = { Progress: mountProgress, Frontier: mountFrontier };
type Name = keyof typeof PLOTS;

/** What is not shown is not on the page, keeps its own choices, and draws nothing. */
export function mountPlots(el: HTMLElement, client: Client, review: () => void): () => void {
  const made = new Map<Name, { element: HTMLElement; scatter: Scatter }>();
  const names = Object.keys(PLOTS) as Name[];
  const buttons = names.map(name => h('button', { type: 'button', class: 'ar-toggle', onclick: () => choose(name) }, name));
  const choice = h('div', { class: 'ar-progress-views', role: 'group', 'aria-label': 'Plot', hidden: true }, ...buttons);
  const frame = h('div');
  let shown = names[0];
  el.append(choice, frame);

  function choose(name: Name): void {
    shown = name;
    for (const button of buttons) button.setAttribute('aria-pressed', String(button.textContent === name));
    const known = made.get(name);
    if (known) {
      frame.replaceChildren(known.element);
      known.scatter.schedule();
      return;
    }
    const element = h('div');
    frame.replaceChildren(element);
    made.set(name, { element, scatter: PLOTS[name](element, client, review) });
  }

  const offer = () => {
    choice.hidden = (client.study?.metrics?.length ?? 0) < 2;
    if (choice.hidden && shown !== names[0]) choose(names[0]);
  };
  const stop = client.on('study', offer);
  const unfolded = () => made.get(shown)!.scatter.schedule();
  const fold = el.closest('details');
  fold?.addEventListener('toggle', unfolded);
  choose(shown);
  offer();
  return () => {
    stop();
    fold?.removeEventListener('toggle', unfolded);
    for (const { scatter } of made.values()) scatter.remove();
  };
}
