/** The JupyterLab extension: panel, tabs, notifications, status item, palette and toolbar. Works without any kernel. */

import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin, type NotebookPanel } from '@jupyterlab/application';
import { ICommandPalette, Notification, ToolbarButton } from '@jupyterlab/apputils';
import { IStatusBar } from '@jupyterlab/statusbar';
import css from '../../style/lab.css';
import { takeCells } from '../cell';
import type { Verb } from '../protocol';
import { jupyterPage } from '../transports';
import { Cells } from './cells';
import { icon } from './icon';
import { Tidings } from './news';
import { PANEL, StudiesPanel } from './panel';
import { statusItem } from './status';
import { newestOf, Studies, type StudyEntry } from './studies';
import { studyTab, tabId, tracker, type Place, type StudyTab } from './tabs';

const CATEGORY = 'Autoresearch';
const SHOW = 'autoresearch:show-studies';
const OPEN = 'autoresearch:open';
const NEWEST = 'autoresearch:open-newest';
const REVIEW = 'autoresearch:review';
const STEERING: [verb: Verb, label: string][] = [
  ['pause', 'Pause the Open Study'],
  ['resume', 'Resume the Open Study'],
  ['stop', 'Stop the Open Study']
];

const plugin: JupyterFrontEndPlugin<void> = {
  id: '@autoresearch/workbench:studies',
  description: 'Studies of the autoresearch workbench: watch, judge and steer them without a kernel.',
  autoStart: true,
  optional: [ICommandPalette, ILayoutRestorer, IStatusBar],
  activate
};

export default plugin;

function activate(app: JupyterFrontEnd, palette: ICommandPalette | null, restorer: ILayoutRestorer | null, statusBar: IStatusBar | null): void {
  const page = jupyterPage();
  if (!page) return;
  document.head.append(Object.assign(document.createElement('style'), { textContent: css }));
  const studies = new Studies(page);
  const tabs = tracker();
  const { commands, shell } = app;

  const openStudy = (study: StudyEntry, view: Place['view']) =>
    commands.execute(OPEN, { path: study.path, opened_at: study.opened_at, name: study.study, view });
  const showPanel = () => shell.activateById(PANEL);

  /** Notebook 7 has one document in its main area, and takes no other. */
  function beside(tab: StudyTab): void {
    if (tab.parent || tab.isDisposed) return;
    shell.add(tab, 'right');
    shell.activateById(tab.id);
  }

  commands.addCommand(SHOW, { label: 'Show Studies', icon, execute: showPanel });
  commands.addCommand(OPEN, {
    label: 'Open a Study',
    icon,
    execute: args => {
      const place = args as unknown as Place;
      if (place.view === 'review') tidings.answered(place.path);
      const there = tabs.find(tab => tab.id === tabId(place));
      const known = there?.content.place.opened_at === place.opened_at ? there : undefined;
      if (!known) there?.dispose(); // of a study that lay at this path before
      const tab = known ?? studyTab(place, page);
      if (!known) {
        void tabs.add(tab);
        shell.add(tab, 'main');
      }
      shell.activateById(tab.id);
      if (!known) void app.restored.then(() => beside(tab));
    }
  });
  commands.addCommand(NEWEST, {
    label: 'Open the Newest Study',
    caption: 'Opens the dashboard of the study that was written to last, of a folder if one is given',
    icon,
    execute: async ({ folder }) => {
      await studies.first;
      const list = studies.list ?? [];
      const newest = folder === undefined ? list[0] : newestOf(list, folder);
      if (newest) return openStudy(newest, 'dashboard');
      Notification.emit('No study here yet; start one in a notebook: %autoresearch start tinygpt', 'info', { autoClose: 8000 });
    }
  });
  commands.addCommand(REVIEW, {
    label: 'Review What Waits',
    caption: 'Opens the review of the newest study in which candidates wait for a person',
    icon,
    execute: async () => {
      await studies.first;
      const waiting = studies.list?.find(study => study.waiting.length);
      if (waiting) return openStudy(waiting, 'review');
      Notification.emit('Nothing waits for your review.', 'info', { autoClose: 5000 });
    }
  });
  const openClient = () => (tabs.currentWidget?.isVisible ? tabs.currentWidget.content.client : null); // wherever the focus is, beside a notebook say
  for (const [verb, label] of STEERING) {
    commands.addCommand(`autoresearch:${verb}`, { label, icon, isEnabled: () => openClient() !== null, execute: () => openClient()?.ask(verb) });
  }
  const steering = STEERING.map(([verb]) => `autoresearch:${verb}`);
  for (const command of [SHOW, NEWEST, REVIEW, ...steering]) palette?.addItem({ command, category: CATEGORY });

  const panel = new StudiesPanel(studies, { open: study => openStudy(study, 'dashboard'), review: study => openStudy(study, 'review') });
  shell.add(panel, 'left', { rank: 700 });
  restorer?.add(panel, PANEL);
  void restorer?.restore(tabs, { command: OPEN, args: tab => ({ ...tab.content.place }), name: tab => tab.id });
  statusBar?.registerStatusItem('autoresearch:studies', { item: statusItem(studies, showPanel), align: 'left', rank: 100 });
  const tidings = new Tidings(studies, { panel: showPanel, study: study => openStudy(study, 'dashboard'), review: study => openStudy(study, 'review') });
  const cells = new Cells();
  takeCells(given => cells.put(given));
  app.docRegistry.addWidgetExtension('Notebook', {
    createNew: notebook => {
      cells.add(notebook);
      return toolbarButton(notebook, folder => commands.execute(NEWEST, { folder }));
    }
  });
}

function toolbarButton(notebook: NotebookPanel, open: (folder: string) => void): ToolbarButton {
  const button = new ToolbarButton({
    icon,
    tooltip: 'Open the newest study of this notebook’s folder',
    onClick: () => open(folderOf(notebook.context.path))
  });
  notebook.toolbar.insertItem(10, 'autoresearch', button);
  return button;
}

/** The folder of a document, from the root; a path may begin with the name of a drive. */
function folderOf(path: string): string {
  return path.replace(/^[^/]*:/, '').replace(/(^|\/)[^/]*$/, '');
}
