/** A study's dashboard or its review as a tab of the main area. It needs no kernel. */

import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';
import { Client } from '../client';
import { mountDashboard } from '../dashboard';
import type { StudyEntry } from '../protocol';
import { ServerTransport, type Page } from '../transports';
import { icon } from './icon';

/** What a tab shows, and what JupyterLab keeps of it over a reload of the page. */
export interface Place {
  path: string;
  /** Tells two studies of one path apart. */
  opened_at: number;
  name: string;
  view: 'dashboard' | 'review';
}

export type StudyTab = MainAreaWidget<StudyView>;
export type Tracker = WidgetTracker<StudyTab>;

export function makeTracker(): Tracker {
  return new WidgetTracker<StudyTab>({ namespace: 'autoresearch' });
}

export function placeOf(study: StudyEntry, view: Place['view']): Place {
  return { path: study.path, opened_at: study.opened_at, name: study.study, view };
}

export function tabId({ path, view }: Place): string {
  return `autoresearch:${view}:${path}`;
}

export function makeTab(place: Place, page: Page): StudyTab {
  const tab = new MainAreaWidget({ content: new StudyView(place, page) });
  tab.toolbar.hide(); // there is nothing in it
  tab.id = tabId(place);
  tab.title.icon = icon;
  tab.title.closable = true;
  if (place.view === 'review') {
    tab.title.label = `Review ${place.name}`;
    tab.title.caption = `Review of ${place.path}`;
  } else {
    tab.title.label = place.name;
    tab.title.caption = `Study ${place.path}`;
  }
  return tab;
}

/** A class, since JupyterLab calls methods of a widget; all that is seen is `mountDashboard`'s. */
export class StudyView extends Widget {
  readonly client: Client;
  private unmount: (() => void) | null = null;

  constructor(
    readonly place: Place,
    page: Page
  ) {
    super();
    this.addClass('ar-tab');
    this.node.tabIndex = -1;
    this.client = new Client(new ServerTransport(place.path, place.opened_at, page));
  }

  dispose(): void {
    if (this.isDisposed) return;
    this.unmount?.();
    this.client.close();
    super.dispose();
  }

  /** Only now: plots take their colours from the page that they are in. */
  protected onAfterAttach(): void {
    if (this.unmount) return;
    const el = this.node.appendChild(document.createElement('div'));
    this.unmount = mountDashboard(el, this.client, { view: this.place.view });
  }

  protected onActivateRequest(): void {
    if (!this.node.contains(document.activeElement)) this.node.focus();
  }
}
