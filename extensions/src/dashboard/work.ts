/**
 * The proposer at work: what models think, say and do while proposals are made, as it streams in. Gone when they are in.
 *
 * What is done is read out politely, line by line; what streams is only seen, since nobody can listen to it.
 */

import type { Client } from '../client';
import { duration, h, setText, show } from '../dom';
import type { Work, WorkPiece } from '../protocol';
import type { Section } from './sections';

const SPOKEN = new Set(['tool', 'check']);
const NAMES: Record<string, string> = { thinking: 'thinks', text: 'says', input: 'writes', tool: 'does', diff: 'changed', check: 'checked' };

export function mountWork(section: Section, client: Client): () => void {
  const views = new Map<number, View>();
  const none = h('div', { class: 'ar-work ar-faint' }, 'No proposal is being made at this moment.');
  let seen = false;
  section.body.append(none);

  /** Between two proposals of a running study its place is held: what lies below must not move under somebody's pointer. */
  function update(): void {
    seen ||= client.works.length > 0;
    none.hidden = client.works.length > 0;
    section.element.hidden = !client.works.length && !(seen && client.state?.state === 'running');
    for (const [number, view] of views) {
      if (client.works.some(work => work.number === number)) continue;
      view.element.remove();
      views.delete(number);
    }
    for (const work of client.works) {
      const view = views.get(work.number) ?? workView();
      if (!views.has(work.number)) {
        views.set(work.number, view);
        section.body.append(view.element);
      }
      view.update(work, client.since(work.since));
    }
  }

  const timer = setInterval(update, 1000);
  const stops = (['work', 'state'] as const).map(topic => client.on(topic, update));
  update();
  return () => {
    clearInterval(timer);
    for (const stop of stops) stop();
  };
}

interface View {
  element: HTMLElement;
  update(work: Work, seconds: number): void;
}

function workView(): View {
  const head = h('div', { class: 'ar-work-head ar-faint' });
  const log = h('div', { class: 'ar-work-log', role: 'log', 'aria-live': 'polite', 'aria-label': 'What the proposer does', tabindex: 0 });
  const pieces = new Map<number, HTMLElement>();

  function update(work: Work, seconds: number): void {
    const asked = work.model ? [work.model, `call ${work.turn}`] : [];
    const paid = work.tokens ? [`${show(work.tokens, 0)} tokens so far`] : [];
    setText(head, [...asked, ...paid, duration(seconds)].join(' · '));
    const follows = log.scrollHeight - log.scrollTop - log.clientHeight < 8; // whoever scrolled up wants to read there
    for (const [number, element] of pieces) {
      if (work.pieces.some(piece => piece.number === number)) continue;
      element.remove();
      pieces.delete(number);
    }
    for (const piece of work.pieces) {
      const element = pieces.get(piece.number) ?? pieceView(piece);
      if (!pieces.has(piece.number)) {
        pieces.set(piece.number, element);
        log.append(element);
      }
      setText(element.lastElementChild!, piece.text);
    }
    if (follows) log.scrollTop = log.scrollHeight;
  }

  return { element: h('div', { class: 'ar-work' }, head, log), update };
}

/** `aria-live=off` within the log: a text that grows five times a second is not announced. */
function pieceView(piece: WorkPiece): HTMLElement {
  const live = SPOKEN.has(piece.kind) ? {} : { 'aria-live': 'off' };
  const name = h('span', { class: 'ar-work-kind' }, NAMES[piece.kind] ?? piece.kind);
  return h('div', { class: 'ar-work-piece', 'data-kind': piece.kind, ...live }, name, h('span', { class: 'ar-work-text' }));
}
