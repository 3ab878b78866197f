/** The dashboard of one study: lays out its sections and mounts what is in them. */

import type { Client } from '../client';
import { mountCurves } from '../curves';
import { h } from '../dom';
import { mountReview } from '../review';
import { mountActions } from './actions';
import { mountBudget } from './budget';
import { mountHeader } from './header';
import { mountPlots } from './plots';
import { makeSection } from './sections';
import { mountSteering } from './steering';
import { mountTable } from './table';
import { mountWork } from './work';

const NARROW_PX = 600;

interface DashboardOptions {
  /** `review` puts the review card first and folds the rest. */
  view?: 'dashboard' | 'review';
  /** Selected at first. */
  candidate?: number;
}

/** Returns how to remove it all. */
export function mountDashboard(
  el: HTMLElement,
  client: Client,
  { view = 'dashboard', candidate }: DashboardOptions = {}
): () => void {
  const header = h('header', { class: 'ar-header' });
  const budget = h('div', { class: 'ar-budget' });
  const sections = makeSections(view);
  const { plots, curves, review, table, steering, work } = sections;
  const actions = h('div', { class: 'ar-actions' });
  table.body.append(actions);
  const top = h('div', { class: 'ar-top' }, header, budget);
  const attributes = { class: 'ar ar-dashboard', role: 'region', 'aria-label': 'Study' };
  const root = h('div', attributes, top, ...sections.inOrder);
  el.append(root);

  function openReview(): void {
    review.open();
    review.element.scrollIntoView({ block: 'nearest' });
    const first = review.body.querySelector<HTMLElement>('[tabindex="0"], button');
    first?.focus({ preventScroll: true });
  }

  function updateConnection(): void {
    root.classList.toggle('ar-disconnected', !client.connected);
  }

  // Plots read their colours and sizes from the page, which the widget may not be on yet.
  const width = new ResizeObserver(() => {
    if (!root.clientWidth) return;
    width.disconnect();
    if (root.clientWidth < NARROW_PX) steering.suggest(false);
    removes.push(mountPlots(plots.body, client, openReview), mountCurves(curves.body, client));
  });
  const candidates = mountTable(table.body, client, openReview);
  const removes = [
    mountHeader(header, client),
    mountBudget(budget, client),
    mountReview(review.body, client),
    mountActions(actions, client, { review: openReview, lineage: candidates.showLineage }),
    mountSteering(steering.body, client),
    mountWork(work, client),
    candidates.remove,
    client.on('connection', updateConnection)
  ];
  updateConnection();
  width.observe(root);
  if (candidate !== undefined) client.select(candidate);
  return () => {
    for (const remove of removes) remove();
    width.disconnect();
    root.remove();
  };
}

function makeSections(view: 'dashboard' | 'review') {
  const isDashboard = view === 'dashboard';
  const make = (name: string, title: string, open = isDashboard) =>
    makeSection(`${view}.${name}`, title, open);
  const plots = make('progress', 'Progress');
  const curves = make('curves', 'Live curves');
  const review = make('review', 'Review', true);
  const table = make('table', 'Candidates');
  const steering = make('steering', 'Steering');
  const work = make('work', 'The proposer at work');
  const row = h('div', { class: 'ar-plots' }, plots.element, curves.element);
  const middle = [row, work.element, table.element];
  const ordered = isDashboard ? [...middle, review.element] : [review.element, ...middle];
  const inOrder = [...ordered, steering.element];
  return { plots, curves, review, table, steering, work, inOrder };
}
