/**
 * The proposer at work: what models think, say and do while proposals are made, as it streams in.
 *
 * What is done is read out politely, line by line. What streams is only shown, since no one could
 * listen to it.
 */

import type { Client } from '../client';
import { duration, h, setText, show } from '../dom';
import type { Work, WorkPiece } from '../protocol';
import type { Section } from './sections';

const SPOKEN = new Set(['tool', 'check']);
const NAMES: Record<string, string> = {
  thinking: 'thinks',
  text: 'says',
  input: 'writes',
  tool: 'does',
  diff: 'changed',
  check: 'checked'
};
const BOTTOM_PX = 8;

interface View {
  element: HTMLElement;
}

export function mountWork(section: Section, client: Client): () => void {
  const views = new Map<number, WorkView>();
  const nothing = 'No proposal is being made at this moment.';
  const none = h('div', { class: 'ar-work ar-faint' }, nothing);
  let hadWork = false;
  section.body.append(none);

  function update(): void {
    const hasWork = client.works.length > 0;
    hadWork ||= hasWork;
    none.hidden = hasWork;
    // Between two proposals of a running study the section stays: what is below it must not move
    // while a person points at it.
    const isBetween = hadWork && client.state?.state === 'running';
    section.element.hidden = !hasWork && !isBetween;
    syncViews(section.body, views, client.works, makeWorkView);
    for (const work of client.works) views.get(work.number)!.update(work, client.since(work.since));
  }

  const timer = setInterval(update, 1000);
  const stops = (['work', 'state'] as const).map(topic => client.on(topic, update));
  update();
  return () => {
    clearInterval(timer);
    for (const stop of stops) stop();
  };
}

/** Removes the views of what is gone, and appends one for each item that is new. */
function syncViews<V extends View, T extends { number: number }>(
  parent: HTMLElement,
  views: Map<number, V>,
  items: T[],
  make: (item: T) => V
): void {
  for (const [number, view] of views) {
    if (items.some(item => item.number === number)) continue;
    view.element.remove();
    views.delete(number);
  }
  for (const item of items) {
    if (views.has(item.number)) continue;
    const view = make(item);
    views.set(item.number, view);
    parent.append(view.element);
  }
}

interface WorkView extends View {
  update(work: Work, seconds: number): void;
}

function makeWorkView(): WorkView {
  const head = h('div', { class: 'ar-work-head ar-faint' });
  const log = h('div', {
    class: 'ar-work-log',
    role: 'log',
    'aria-live': 'polite',
    'aria-label': 'What the proposer does',
    tabindex: 0
  });
  const pieces = new Map<number, View>();

  function update(work: Work, seconds: number): void {
    setText(head, describeWork(work, seconds));
    // A reader who scrolled up stays there.
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < BOTTOM_PX;
    syncViews(log, pieces, work.pieces, makePieceView);
    for (const piece of work.pieces) {
      setText(pieces.get(piece.number)!.element.lastElementChild!, piece.text);
    }
    if (isAtEnd) log.scrollTop = log.scrollHeight;
  }

  return { element: h('div', { class: 'ar-work' }, head, log), update };
}

function describeWork({ model, turn, tokens }: Work, seconds: number): string {
  const parts = model ? [model, `call ${turn}`] : [];
  if (tokens) parts.push(`${show(tokens, 0)} tokens so far`);
  return [...parts, duration(seconds)].join(' · ');
}

function makePieceView({ kind }: WorkPiece): View {
  // A text within the log that grows five times a second is not announced.
  const live = SPOKEN.has(kind) ? {} : { 'aria-live': 'off' };
  const name = h('span', { class: 'ar-work-kind' }, NAMES[kind] ?? kind);
  const text = h('span', { class: 'ar-work-text' });
  const attributes = { class: 'ar-work-piece', 'data-kind': kind, ...live };
  return { element: h('div', attributes, name, text) };
}
