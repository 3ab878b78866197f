/** What can be done with the selected candidate: look, fork, pin, note, veto, put into the cell. */

import type { Client } from '../client';
import { h, setText } from '../dom';
import type { Row } from '../protocol';
import { makeCellButton } from './cell';
import { findObstacle, followRequests, makePress } from './requests';
import { SHAPES, idea, standing } from './words';

const MAX_TEXT = 2000;
const SETTLED = new Set(['discarded', 'failed', 'revised']);

type CandidateVerb = 'fork' | 'pin' | 'note' | 'reject';

interface FormWords {
  placeholder: string;
  label: string;
  submit: string;
  /** Whether an empty text is not sent. */
  required?: boolean;
  /** Whether what is sent is hard to take back. */
  danger?: boolean;
}

interface Callbacks {
  review: () => void;
  lineage: (candidate: number) => void;
}

export function mountActions(el: HTMLElement, client: Client, on: Callbacks): () => void {
  const chosen = h('span', { class: 'ar-chosen' });
  const requests = followRequests(client, () => update());
  const review = makePress('what it changed and what it did', on.review);
  const lineage = makePress('show only what it came from and what came from it', () =>
    on.lineage(client.selected!)
  );
  const fork = makePress('the search goes on from this candidate', () => act('fork'));
  const pin = makePress('marks a kept change as one to hold on to', () => act('pin'));
  const noteHint = 'a remark that stays with the candidate; the search does not see it';
  const note = makePress(noteHint, () => noteForm.toggle());
  const noteForm = makeTextForm(
    note.element,
    { placeholder: 'What did you notice?', label: 'Note', submit: 'Note it', required: true },
    text => act('note', { text })
  );
  const vetoHint = 'discards it and what was made from it; the reason reaches the proposer';
  const veto = makePress(vetoHint, () => vetoForm.toggle());
  const vetoForm = makeTextForm(
    veto.element,
    {
      placeholder: 'Why? The proposer reads it',
      label: 'Reason of the veto',
      submit: 'Veto it',
      danger: true
    },
    reason => act('reject', { reason })
  );
  const cell = makeCellButton(client);
  const presses = [review, lineage, fork, pin, note, veto];
  const elements = [...presses.map(press => press.element), ...cell.elements, requests.note];
  const buttons = h('div', { class: 'ar-buttons' }, ...elements);
  el.append(chosen, buttons, noteForm.element, vetoForm.element);

  /** The digest says which program the person saw. */
  function act(verb: CandidateVerb, more: Record<string, unknown> = {}): void {
    const candidate = client.selected!;
    const { program } = client.cards.get(candidate)!;
    const name = `${verb === 'reject' ? 'veto' : verb} ${candidate}`;
    requests.ask(verb, { candidate, program, ...more }, name);
  }

  function update(): void {
    const row = client.selected === null ? undefined : client.rows[client.selected];
    setText(chosen, row ? title(row) : 'Select a candidate in the plot or in the table.');
    chosen.title = row ? idea(row) : '';
    const unselected = row ? '' : 'no candidate is selected';
    review.update('Review', unselected);
    lineage.update('Lineage', unselected);
    const obstacle = unselected || findObstacle(client);
    cell.update(obstacle);
    const hasCard = row !== undefined && client.cards.has(row.candidate);
    const against = obstacle || (hasCard ? '' : 'its card is on its way');
    fork.update('Fork', against || whyNoFork(client, row!), requests.isBusy('fork'));
    pin.update('Pin', against || whyNoPin(row!), requests.isBusy('pin'));
    note.update('Note…', against, requests.isBusy('note'));
    veto.update('Veto…', against || whyNoVeto(row!), requests.isBusy('reject'));
    for (const press of [fork, pin, note, veto]) press.element.hidden = !!client.study?.read_only;
  }

  const topics = ['study', 'state', 'rows', 'card', 'connection'] as const;
  const stops = [
    ...topics.map(topic => client.on(topic, update)),
    client.on('selection', () => {
      noteForm.close();
      vetoForm.close();
      update();
    })
  ];
  update();
  return () => {
    requests.remove();
    cell.remove();
    for (const stop of stops) stop();
  };
}

function title(row: Row): string {
  return `${row.candidate} ${SHAPES[standing(row)]} ${standing(row)}: ${idea(row)}`;
}

function whyNoFork(client: Client, row: Row): string {
  return row.candidate === client.state?.incumbent ? 'it is the incumbent already' : '';
}

function whyNoPin(row: Row): string {
  if (row.pinned) return 'it is pinned already';
  return row.status === 'kept' ? '' : 'only a kept change can be pinned';
}

function whyNoVeto(row: Row): string {
  if (row.candidate === 0) return 'the baseline is what the study starts from';
  return SETTLED.has(row.status) ? `it is ${row.status} already` : '';
}

/** A form that asks for one line of text; it gives the focus back to its button. */
function makeTextForm(button: HTMLElement, words: FormWords, send: (text: string) => void) {
  const input = h('input', {
    type: 'text',
    class: 'ar-grow',
    placeholder: words.placeholder,
    'aria-label': words.label,
    maxlength: MAX_TEXT,
    required: !!words.required
  });
  const element = h(
    'form',
    { class: 'ar-text-form', hidden: true },
    input,
    h('button', { type: 'submit', class: words.danger ? 'ar-danger' : '' }, words.submit),
    h('button', { type: 'button', onclick: () => toggle(false) }, 'Cancel')
  );
  element.addEventListener('submit', event => {
    event.preventDefault();
    const text = input.value.trim();
    if (words.required && !text) return input.focus();
    send(text);
    toggle(false);
  });
  element.addEventListener('keydown', event => {
    event.stopPropagation();
    if (event.key === 'Escape') toggle(false);
  });

  function toggle(open: boolean): void {
    if (!open && element.contains(document.activeElement)) button.focus();
    element.hidden = !open;
    button.setAttribute('aria-expanded', String(open));
    if (open) {
      input.value = '';
      input.focus();
    }
  }

  return { element, toggle: () => toggle(!!element.hidden), close: () => toggle(false) };
}
