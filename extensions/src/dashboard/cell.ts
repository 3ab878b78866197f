/** The button that puts the selected candidate back into the notebook cell that the study began with. */

import { handOver } from '../cell';
import type { Client } from '../client';
import { h, setText } from '../dom';
import type { CellText } from '../protocol';
import { press } from './asking';

export function intoCell(client: Client) {
  let wanted: number | null = null;
  const said = h('span', { class: 'ar-asked', role: 'status' });
  const button = press('into the notebook cell that this study began with', () => {
    wanted = client.selected!;
    setText(said, '');
    client.wantCell(wanted);
  });

  function put(detail: unknown): void {
    const found = detail as CellText;
    if (found.candidate !== wanted) return;
    wanted = null;
    handOver({ ...found, from: button.element, answer: sentence => setText(said, sentence) });
  }

  const stops = [
    client.on('cell', put),
    client.on('error', message => wanted !== null && setText(said, String(message))),
    client.on('selection', () => setText(said, ''))
  ];
  return {
    elements: [button.element, said],
    /** `obstacle`: why nothing can be done with the selected candidate, if so. */
    update(obstacle: string) {
      button.element.hidden = said.hidden = !client.study?.cell;
      if (!client.study?.cell) return;
      const row = client.selected === null ? undefined : client.rows[client.selected];
      const unfit = obstacle || (row!.status === 'kept' ? '' : 'only a kept candidate is put into the cell');
      if (unfit || handOver()) return button.update('Put into the cell', unfit);
      button.update(`Put into the cell: run %autoresearch apply ${row!.candidate}`, 'cells are edited by the JupyterLab extension, which is not here');
    },
    remove() {
      for (const stop of stops) stop();
    }
  };
}
