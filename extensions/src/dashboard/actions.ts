/** What can be done with the selected candidate: look, fork, pin, veto. */

import type { Client } from '../client';
import { h, setText } from '../dom';
import { Asking, obstacle, press } from './asking';
import { intoCell } from './cell';
import { SHAPES, idea, standing } from './words';

export function mountActions(el: HTMLElement, client: Client, on: { review: () => void; lineage: (candidate: number) => void }): () => void {
  const what = h('span', { class: 'ar-chosen' });
  const asking = new Asking(client, () => update());
  const review = press('what it changed and what it did', on.review);
  const lineage = press('show only what it came from and what came from it', () => on.lineage(client.selected!));
  const fork = press('the search goes on from this candidate', () => act('fork'));
  const pin = press('marks a kept change as one to hold on to', () => act('pin'));
  const veto = press('discards it and what was made from it; the reason reaches the proposer', () => toggleReason(!!reason.hidden));
  const cell = intoCell(client);
  const why = h('input', { type: 'text', class: 'ar-grow', placeholder: 'Why? The proposer reads it', 'aria-label': 'Reason of the veto', maxlength: 2000 });
  const reason = h(
    'form',
    {
      class: 'ar-veto', hidden: true,
      onsubmit: (event: Event) => {
        event.preventDefault();
        act('reject', { reason: why.value.trim() });
        toggleReason(false);
      },
      onkeydown: (event: KeyboardEvent) => {
        event.stopPropagation();
        if (event.key === 'Escape') toggleReason(false);
      }
    },
    why,
    h('button', { type: 'submit', class: 'ar-danger' }, 'Veto it'),
    h('button', { type: 'button', onclick: () => toggleReason(false) }, 'Cancel')
  ); // prettier-ignore
  const buttons = h('div', { class: 'ar-buttons' }, ...[review, lineage, fork, pin, veto].map(one => one.element), ...cell.elements, asking.note);
  el.append(what, buttons, reason);

  /** The digest says which program was looked at. */
  function act(verb: 'fork' | 'pin' | 'reject', more: Record<string, unknown> = {}): void {
    const candidate = client.selected!;
    asking.ask(verb, { candidate, program: client.cards.get(candidate)!.program, ...more }, `${verb === 'reject' ? 'veto' : verb} ${candidate}`);
  }

  function toggleReason(open: boolean): void {
    if (!open && reason.contains(document.activeElement)) veto.element.focus();
    reason.hidden = !open;
    veto.element.setAttribute('aria-expanded', String(open));
    if (open) {
      why.value = '';
      why.focus();
    }
  }

  function update(): void {
    const row = client.selected === null ? undefined : client.rows[client.selected];
    const none = row ? '' : 'no candidate is selected';
    setText(what, row ? `${row.candidate} ${SHAPES[standing(row)]} ${standing(row)}: ${idea(row)}` : 'Select a candidate in the plot or in the table.');
    what.title = row ? idea(row) : '';
    review.update('Review', none);
    lineage.update('Lineage', none);
    const against = none || obstacle(client) || (client.cards.has(row!.candidate) ? '' : 'its card is on its way');
    const ended = row && ['discarded', 'failed', 'revised'].includes(row.status) ? `it is ${row.status} already` : '';
    fork.update('Fork', against || (row!.candidate === client.state?.incumbent ? 'it is the incumbent already' : ''), asking.isBusy('fork'));
    pin.update('Pin', against || (row!.pinned ? 'it is pinned already' : row!.status === 'kept' ? '' : 'only a kept change can be pinned'), asking.isBusy('pin'));
    veto.update('Veto…', against || (row!.candidate === 0 ? 'the baseline is what the study starts from' : ended), asking.isBusy('reject'));
    cell.update(none || obstacle(client));
    for (const one of [fork, pin, veto]) one.element.hidden = !!client.study?.read_only;
  }

  const stops = [
    ...(['study', 'state', 'rows', 'card', 'connection'] as const).map(topic => client.on(topic, update)),
    client.on('selection', () => {
      toggleReason(false);
      update();
    })
  ];
  update();
  return () => {
    asking.remove();
    cell.remove();
    for (const stop of stops) stop();
  };
}
