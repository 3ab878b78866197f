/** The button that puts the selected candidate into the notebook cell that the study began with. */

import { handOver } from '../cell';
import type { Client } from '../client';
import { h, setText } from '../dom';
import type { CellText } from '../protocol';
import { makePress } from './requests';

export function makeCellButton(client: Client) {
  let expected: number | null = null; // the candidate whose text is on its way
  const note = h('span', { class: 'ar-asked', role: 'status' });
  const button = makePress('into the notebook cell that this study began with', () => {
    expected = client.selected!;
    setText(note, '');
    client.wantCell(expected);
  });

  function put(detail: unknown): void {
    const cell = detail as CellText;
    if (cell.candidate !== expected) return;
    expected = null;
    handOver({ ...cell, from: button.element, answer: sentence => setText(note, sentence) });
  }

  const stops = [
    client.on('cell', put),
    client.on('error', message => expected !== null && setText(note, String(message))),
    client.on('selection', () => setText(note, ''))
  ];
  return {
    elements: [button.element, note],
    /** @param obstacle why nothing can be done with the selected candidate; empty if it can. */
    update(obstacle: string) {
      const isOffered = !!client.study?.cell;
      button.element.hidden = !isOffered;
      note.hidden = !isOffered;
      if (!isOffered) return;
      const row = client.selected === null ? undefined : client.rows[client.selected];
      const isKept = row?.status === 'kept';
      const reason = obstacle || (isKept ? '' : 'only a kept candidate is put into the cell');
      const canEdit = handOver();
      if (reason || canEdit) return button.update('Put into the cell', reason);
      const verb = `%autoresearch apply ${row!.candidate}`;
      button.update(
        `Put into the cell: run ${verb}`,
        'cells are edited by the JupyterLab extension, which is not here'
      );
    },
    remove() {
      for (const stop of stops) stop();
    }
  };
}
