/** Puts a candidate's program back into the notebook cell that its study began with. */

import type { NotebookCell, NotebookPanel } from '@jupyterlab/application';
import type { HandedOver } from '../cell';

export interface Cells {
  /** Takes note of a notebook that was opened. */
  add(notebook: NotebookPanel): void;
  put(program: HandedOver): void;
}

interface CellPlace {
  notebook: NotebookPanel;
  cell: NotebookCell;
}

export function makeCells(): Cells {
  const notebooks = new Set<NotebookPanel>();
  return {
    add(notebook) {
      notebooks.add(notebook);
      notebook.disposed.connect(() => notebooks.delete(notebook));
    },
    put(program) {
      program.answer(putIntoCell(program, [...notebooks]));
    }
  };
}

/**
 * Replaces the text of the one cell that still reads as it did, and says what was done.
 *
 * A cell that was edited since is never overwritten, and of several equal cells none is guessed:
 * then a new cell goes below the one that the screen is in.
 */
function putIntoCell(
  { candidate, original, text, from }: HandedOver,
  notebooks: NotebookPanel[]
): string {
  const home = notebooks.find(notebook => notebook.node.contains(from));
  const places = findPlaces(original, notebooks, home);
  if (places.length === 1) {
    const [{ notebook, cell }] = places;
    cell.model.sharedModel.setSource(trimEnd(text));
    const where = notebook === home ? '' : ` of ${notebook.context.path}`;
    return `candidate ${candidate} is in the cell${where} now; undo takes it back`;
  }
  const why = places.length
    ? 'several cells read like the one it began with'
    : 'the cell was edited since, or is not open';
  if (!home) {
    return `${why}: nothing was changed; run %autoresearch apply ${candidate} in its notebook`;
  }
  insertBelow(home, from, trimEnd(text));
  return `${why}: candidate ${candidate} is in a new cell below`;
}

/** The cells that read as the original: those of the screen's own notebook, else all. */
function findPlaces(
  original: string,
  notebooks: NotebookPanel[],
  home: NotebookPanel | undefined
): CellPlace[] {
  const places = notebooks.flatMap(notebook => {
    const cells = notebook.content.widgets.filter(cell => isUntouched(cell, original));
    return cells.map(cell => ({ notebook, cell }));
  });
  const near = places.filter(({ notebook }) => notebook === home);
  return near.length ? near : places;
}

function insertBelow(notebook: NotebookPanel, from: Element, source: string): void {
  const { model, widgets } = notebook.content;
  const index = widgets.findIndex(cell => cell.node.contains(from)) + 1;
  model.sharedModel.insertCell(index, { cell_type: 'code', source });
}

function isUntouched({ model }: NotebookCell, original: string): boolean {
  const isEditable = model.type === 'code' && model.getMetadata('editable') !== false;
  return isEditable && trimEnd(model.sharedModel.getSource()) === trimEnd(original);
}

/** Without the line ends at its end: IPython adds one. */
function trimEnd(source: string): string {
  return source.replace(/\n+$/, '');
}
