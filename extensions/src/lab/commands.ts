/** The commands of the extension, and their entries in the palette. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification, type ICommandPalette } from '@jupyterlab/apputils';
import type { Client } from '../client';
import type { StudyEntry } from '../protocol';
import type { Page } from '../transports';
import { icon } from './icon';
import { PANEL } from './panel';
import { newestOf, type Studies } from './studies';
import { makeTab, placeOf, tabId, type Place, type StudyTab, type Tracker } from './tabs';

const SHOW = 'autoresearch:show-studies';
export const OPEN = 'autoresearch:open';
const NEWEST = 'autoresearch:open-newest';
const REVIEW = 'autoresearch:review';
const STEERING = [
  { id: 'autoresearch:pause', verb: 'pause', label: 'Pause the Open Study' },
  { id: 'autoresearch:resume', verb: 'resume', label: 'Resume the Open Study' },
  { id: 'autoresearch:stop', verb: 'stop', label: 'Stop the Open Study' }
] as const;
const NO_STUDY = 'No study here yet; start one in a notebook: %autoresearch start tinygpt';

/** What the commands work on. */
export interface Context {
  readonly app: JupyterFrontEnd;
  readonly page: Page;
  readonly studies: Studies;
  readonly tabs: Tracker;
}

export function showPanel({ app }: Context): void {
  app.shell.activateById(PANEL);
}

export function openStudy({ app }: Context, study: StudyEntry, view: Place['view']): unknown {
  return app.commands.execute(OPEN, { ...placeOf(study, view) });
}

export function openNewest({ app }: Context, folder: string): unknown {
  return app.commands.execute(NEWEST, { folder });
}

/** @param onReview called with the path of a study whose review is opened. */
export function addCommands(context: Context, onReview: (path: string) => void): void {
  const { commands } = context.app;
  commands.addCommand(SHOW, { label: 'Show Studies', icon, execute: () => showPanel(context) });
  commands.addCommand(OPEN, {
    label: 'Open a Study',
    icon,
    execute: args => {
      const place = args as unknown as Place;
      if (place.view === 'review') onReview(place.path);
      showTab(context, place);
    }
  });
  commands.addCommand(NEWEST, {
    label: 'Open the Newest Study',
    caption: 'Opens the dashboard of the newest study, of a folder if one is given',
    icon,
    execute: ({ folder }) => findAndOpenNewest(context, folder)
  });
  commands.addCommand(REVIEW, {
    label: 'Review What Waits',
    caption: 'Opens the review of the newest study in which candidates wait for a person',
    icon,
    execute: () => findAndOpenReview(context)
  });
  addSteering(context);
}

export function addToPalette(palette: ICommandPalette): void {
  const steering = STEERING.map(({ id }) => id);
  for (const command of [SHOW, NEWEST, REVIEW, ...steering]) {
    palette.addItem({ command, category: 'Autoresearch' });
  }
}

/** Brings up the tab of a place, or makes one. */
function showTab(context: Context, place: Place): void {
  const { app, page, tabs } = context;
  const open = tabs.find(tab => tab.id === tabId(place));
  const isSameStudy = open?.content.place.opened_at === place.opened_at;
  if (open && isSameStudy) {
    app.shell.activateById(open.id);
    return;
  }
  open?.dispose(); // another study lay at this path before
  const tab = makeTab(place, page);
  void tabs.add(tab);
  app.shell.add(tab, 'main');
  app.shell.activateById(tab.id);
  void app.restored.then(() => moveAside(app, tab));
}

/** Notebook 7 takes only one document into its main area: there a tab goes to the right. */
function moveAside({ shell }: JupyterFrontEnd, tab: StudyTab): void {
  if (tab.parent || tab.isDisposed) return;
  shell.add(tab, 'right');
  shell.activateById(tab.id);
}

async function findAndOpenNewest(context: Context, folder: string | undefined): Promise<void> {
  const { studies } = context;
  await studies.first;
  const list = studies.list ?? [];
  const newest = folder === undefined ? list[0] : newestOf(list, folder);
  if (newest) await openStudy(context, newest, 'dashboard');
  else Notification.emit(NO_STUDY, 'info', { autoClose: 8000 });
}

async function findAndOpenReview(context: Context): Promise<void> {
  const { studies } = context;
  await studies.first;
  const study = studies.list?.find(({ waiting }) => waiting.length);
  if (study) await openStudy(context, study, 'review');
  else Notification.emit('Nothing waits for your review.', 'info', { autoClose: 5000 });
}

function addSteering(context: Context): void {
  const { commands } = context.app;
  for (const { id, verb, label } of STEERING) {
    commands.addCommand(id, {
      label,
      icon,
      isEnabled: () => visibleClient(context) !== null,
      execute: () => visibleClient(context)?.ask(verb)
    });
  }
}

/** The study that is seen, wherever the focus is: beside a notebook, say. */
function visibleClient({ tabs }: Context): Client | null {
  const tab = tabs.currentWidget;
  return tab?.isVisible ? tab.content.client : null;
}
