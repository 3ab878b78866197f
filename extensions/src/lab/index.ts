/** The JupyterLab extension: panel, tabs, notifications, status item, palette and toolbar. */

import { ILayoutRestorer } from '@jupyterlab/application';
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin,
  NotebookPanel
} from '@jupyterlab/application';
import { ICommandPalette, ToolbarButton } from '@jupyterlab/apputils';
import { IStatusBar } from '@jupyterlab/statusbar';
import css from '../../style/lab.css';
import { takeCells } from '../cell';
import { jupyterPage } from '../transports';
import { makeCells } from './cells';
import { OPEN, addCommands, addToPalette, openNewest, openStudy, showPanel } from './commands';
import type { Context } from './commands';
import { icon } from './icon';
import { mountNotifications } from './notifications';
import { PANEL, StudiesPanel } from './panel';
import { makeStatusItem } from './status';
import { followStudies } from './studies';
import { makeTracker } from './tabs';

const plugin: JupyterFrontEndPlugin<void> = {
  id: '@autoresearch/workbench:studies',
  description:
    'Studies of the autoresearch workbench: watch, judge and steer them without a kernel.',
  autoStart: true,
  optional: [ICommandPalette, ILayoutRestorer, IStatusBar],
  activate
};

export default plugin;

function activate(
  app: JupyterFrontEnd,
  palette: ICommandPalette | null,
  restorer: ILayoutRestorer | null,
  statusBar: IStatusBar | null
): void {
  const page = jupyterPage();
  if (!page) return;
  document.head.append(Object.assign(document.createElement('style'), { textContent: css }));
  const context: Context = { app, page, studies: followStudies(page), tabs: makeTracker() };
  const notifications = mountNotifications(context.studies, {
    panel: () => showPanel(context),
    study: study => openStudy(context, study, 'dashboard'),
    review: study => openStudy(context, study, 'review')
  });
  addCommands(context, notifications.withdraw);
  if (palette) addToPalette(palette);
  const panel = addPanel(context);
  if (restorer) restore(context, panel, restorer);
  if (statusBar) addStatusItem(context, statusBar);
  addToNotebooks(context);
}

function addPanel(context: Context): StudiesPanel {
  const panel = new StudiesPanel(context.studies, {
    open: study => openStudy(context, study, 'dashboard'),
    review: study => openStudy(context, study, 'review')
  });
  context.app.shell.add(panel, 'left', { rank: 700 });
  return panel;
}

/** Brings panel and tabs back after a reload of the page. */
function restore({ tabs }: Context, panel: StudiesPanel, restorer: ILayoutRestorer): void {
  restorer.add(panel, PANEL);
  void restorer.restore(tabs, {
    command: OPEN,
    args: tab => ({ ...tab.content.place }),
    name: tab => tab.id
  });
}

function addStatusItem(context: Context, statusBar: IStatusBar): void {
  const item = makeStatusItem(context.studies, () => showPanel(context));
  statusBar.registerStatusItem('autoresearch:studies', { item, align: 'left', rank: 100 });
}

/** Gives each notebook a button in its toolbar, and lets screens put a program into its cells. */
function addToNotebooks(context: Context): void {
  const cells = makeCells();
  takeCells(cells.put);
  context.app.docRegistry.addWidgetExtension('Notebook', {
    createNew: notebook => {
      cells.add(notebook);
      return addButton(notebook, context);
    }
  });
}

function addButton(notebook: NotebookPanel, context: Context): ToolbarButton {
  const button = new ToolbarButton({
    icon,
    tooltip: 'Open the newest study of this notebook’s folder',
    onClick: () => openNewest(context, folderOf(notebook.context.path))
  });
  notebook.toolbar.insertItem(10, 'autoresearch', button);
  return button;
}

/** The folder of a document, from the root; a path may begin with the name of a drive. */
function folderOf(path: string): string {
  return path.replace(/^[^/]*:/, '').replace(/(^|\/)[^/]*$/, '');
}
