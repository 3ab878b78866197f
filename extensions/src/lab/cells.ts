/** Puts a candidate's program back into the notebook cell that its study began with; never over a cell that reads otherwise by now. */

import type { NotebookCell, NotebookPanel } from '@jupyterlab/application';
import type { HandedOver } from '../cell';

export class Cells {
  private open = new Set<NotebookPanel>();

  /** Takes a notebook that was opened into account. */
  add(notebook: NotebookPanel): void {
    this.open.add(notebook);
    notebook.disposed.connect(() => this.open.delete(notebook));
  }

  /** Replaces the one cell that still reads as it did, so that it can be undone; else a new cell goes below the one that the screen is in. */
  put({ candidate, original, text, from, answer }: HandedOver): void {
    const home = [...this.open].find(notebook => notebook.node.contains(from));
    const found = [...this.open].flatMap(notebook => notebook.content.widgets.filter(cell => isUntouched(cell, original)).map(cell => ({ notebook, cell })));
    const near = found.filter(one => one.notebook === home);
    const places = near.length ? near : found;
    if (places.length === 1) {
      const [{ notebook, cell }] = places;
      cell.model.sharedModel.setSource(trimmed(text));
      const where = notebook === home ? '' : ` of ${notebook.context.path}`;
      return answer(`candidate ${candidate} is in the cell${where} now; undo takes it back`);
    }
    const why = places.length ? 'several cells read like the one it began with' : 'the cell was edited since, or is not open';
    if (!home) return answer(`${why}: nothing was changed; run %autoresearch apply ${candidate} in its notebook`);
    const below = home.content.widgets.findIndex(cell => cell.node.contains(from)) + 1;
    home.content.model.sharedModel.insertCell(below, { cell_type: 'code', source: trimmed(text) });
    answer(`${why}: candidate ${candidate} is in a new cell below`);
  }
}

function isUntouched({ model }: NotebookCell, original: string): boolean {
  return model.type === 'code' && model.getMetadata('editable') !== false && trimmed(model.sharedModel.getSource()) === trimmed(original);
}

/** Without the line ends at its end: IPython adds one. */
function trimmed(source: string): string {
  return source.replace(/\n+$/, '');
}
