/** A study's dashboard or its review as a tab of the main area. It talks to the Jupyter server; there is no kernel. */

import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';
import { Client } from '../client';
import { mountDashboard } from '../dashboard';
import { ServerTransport, type Page } from '../transports';
import { icon } from './icon';

/** What a tab shows; also what is kept of it over a reload of the page. */
export interface Place {
  path: string;
  opened_at: number;
  name: string;
  view: 'dashboard' | 'review';
}

export type StudyTab = MainAreaWidget<StudyView>;
export type Tracker = WidgetTracker<StudyTab>;

export function tracker(): Tracker {
  return new WidgetTracker<StudyTab>({ namespace: 'autoresearch' });
}

export function tabId({ path, view }: Place): string {
  return `autoresearch:${view}:${path}`;
}

export function studyTab(place: Place, page: Page): StudyTab {
  const tab = new MainAreaWidget({ content: new StudyView(place, page) });
  tab.toolbar.hide(); // there is nothing in it
  tab.id = tabId(place);
  tab.title.label = place.view === 'review' ? `Review ${place.name}` : place.name;
  tab.title.caption = `${place.view === 'review' ? 'Review of' : 'Study'} ${place.path}`;
  tab.title.icon = icon;
  tab.title.closable = true;
  return tab;
}

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

  /** Plots take their colours from the page, so there must be one. */
  protected onAfterAttach(): void {
    this.unmount ??= mountDashboard(this.node.appendChild(document.createElement('div')), this.client, { view: this.place.view });
  }

  protected onActivateRequest(): void {
    if (!this.node.contains(document.activeElement)) this.node.focus();
  }
}
