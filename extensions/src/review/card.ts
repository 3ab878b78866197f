/** The card of one candidate: head, changes or editor, and the bar that decides. */

import type { Client } from '../client';
import { h } from '../dom';
import { mountBar, type BarHandlers } from './bar';
import { mountChanges, type Changes } from './changes';
import { mountEditor, type EditorHandlers } from './edit';
import { mountHead } from './head';
import type { Mark } from './marks';
import type { CardView } from './state';

export interface CardHandlers extends BarHandlers, EditorHandlers {
  toggle(hunk: number, mark: Mark): void;
}

export interface CardPart {
  readonly element: HTMLElement;
  readonly changes: Changes;
  show(view: CardView): void;
  /** Draws only what a decision changes: marks, editor and bar. */
  showDecision(view: CardView): void;
  remove(): void;
}

export function mountCard(el: HTMLElement, client: Client, on: CardHandlers): CardPart {
  const element = h('div', { class: 'ar-review-card' });
  const head = mountHead(element, client);
  const changes = mountChanges(element, client, on.toggle);
  const editor = mountEditor(element, on);
  const bar = mountBar(element, client, on);
  el.append(element);

  function showDecision(view: CardView): void {
    const { card, desk, offer, isIdle } = view;
    changes.show({ card, marks: desk.marks, decidable: offer.hunks });
    changes.element.hidden = desk.isEditing;
    editor.show(desk, isIdle);
    bar.show(view);
  }

  return {
    element,
    changes,
    showDecision,
    show(view) {
      head.show(view.card, view.study);
      showDecision(view);
    },
    remove: head.remove
  };
}
