/** The dashboard of one study: lays out header, budget, plots, curves, the proposer at work, review, table and steering. */

import type { Client } from '../client';
import { mountCurves } from '../curves';
import { h } from '../dom';
import { mountReview } from '../review';
import { mountActions } from './actions';
import { mountBudget } from './budget';
import { mountHeader } from './header';
import { mountPlots } from './plots';
import { section } from './sections';
import { mountSteering } from './steering';
import { mountTable } from './table';
import { mountWork } from './work';

const NARROW_PX = 600;

/** `view`: `review` puts the review card first and folds the rest; `candidate` is selected. Returns how to remove it all. */
export function mountDashboard(el: HTMLElement, client: Client, options: { view?: 'dashboard' | 'review'; candidate?: number } = {}): () => void {
  const reviewing = options.view === 'review';
  const key = (name: string) => `${reviewing ? 'review' : 'dashboard'}.${name}`;
  const header = h('header', { class: 'ar-header' });
  const budget = h('div', { class: 'ar-budget' });
  const progress = section(key('progress'), 'Progress', !reviewing);
  const curves = section(key('curves'), 'Live curves', !reviewing);
  const review = section(key('review'), 'Review', true);
  const table = section(key('table'), 'Candidates', !reviewing);
  const steering = section(key('steering'), 'Steering', !reviewing);
  const work = section(key('work'), 'The proposer at work', !reviewing);
  const actions = h('div', { class: 'ar-actions' });
  table.body.append(actions);
  const plots = h('div', { class: 'ar-plots' }, progress.element, curves.element);
  const below = reviewing ? [review.element, plots, work.element, table.element] : [plots, work.element, table.element, review.element];
  const root = h('div', { class: 'ar ar-dashboard', role: 'region', 'aria-label': 'Study' }, h('div', { class: 'ar-top' }, header, budget), ...below, steering.element);
  el.append(root);

  function openReview(): void {
    review.open();
    review.element.scrollIntoView({ block: 'nearest' });
    review.body.querySelector<HTMLElement>('[tabindex="0"], button')?.focus({ preventScroll: true });
  }

  function connection(): void {
    root.classList.toggle('ar-disconnected', !client.connected);
  }

  const width = new ResizeObserver(() => {
    if (!root.clientWidth) return; // not on the page yet
    width.disconnect();
    if (root.clientWidth < NARROW_PX) steering.suggest(false);
    removes.push(mountPlots(progress.body, client, openReview), mountCurves(curves.body, client)); // their colours are the page's
  });
  const candidates = mountTable(table.body, client, openReview);
  const removes = [
    mountHeader(header, client),
    mountBudget(budget, client),
    mountReview(review.body, client),
    mountActions(actions, client, { review: openReview, lineage: candidate => candidates.lineage(candidate) }),
    mountSteering(steering.body, client),
    mountWork(work, client),
    candidates.remove,
    client.on('connection', connection)
  ];
  connection();
  width.observe(root);
  if (options.candidate !== undefined) client.select(options.candidate);
  return () => {
    for (const remove of removes) remove();
    width.disconnect();
    root.remove();
  };
}
