/** The head of a review card: what a candidate is, why it was made, and what it did. */

import type { Client } from '../client';
import { h, show } from '../dom';
import type { Card, StudyInfo } from '../protocol';
import { isBeforeRun } from './decide';
import { drawEffect } from './effect';
import { foldsOf, type Fold } from './folds';
import { mountCurve } from './spark';
import { describeEffect, drawStatus, flagsOf, linkCandidate, scoreDigits } from './words';

export interface Head {
  show(card: Card, study: StudyInfo): void;
  remove(): void;
}

export function mountHead(el: HTMLElement, client: Client): Head {
  const element = h('div', { class: 'ar-review-head' });
  el.append(element);
  const curve = mountCurve(client);
  /** Names of the folds that are open: they stay open when another card is drawn. */
  const open = new Set<string>();
  let drawn: Card | null = null;

  function drawFold({ name, title, content }: Fold): HTMLElement {
    const attributes = { class: 'ar-review-fold', 'data-fold': name, open: open.has(name) };
    const details = h('details', attributes, h('summary', {}, title), content);
    details.addEventListener('toggle', () => {
      if (details.open) open.add(name);
      else open.delete(name);
    });
    return details;
  }

  return {
    remove: curve.remove,
    show(card, study) {
      if (card === drawn) return;
      drawn = card;
      const focused = element.querySelector<HTMLElement>(':focus-within[data-fold]');
      const name = focused?.dataset.fold;
      const result = drawResult(card, study);
      result.append(curve.element);
      const folds = foldsOf(card).map(drawFold);
      element.replaceChildren(
        drawTitle(card),
        drawLineage(card, client),
        h('p', { class: 'ar-review-hypothesis' }, card.hypothesis || 'No hypothesis was given.'),
        ...drawWarnings(card),
        ...drawNotes(card),
        result,
        h('div', { class: 'ar-review-folds' }, ...folds)
      );
      curve.show(card);
      if (!name) return;
      const summary = element.querySelector<HTMLElement>(`[data-fold=${name}] > summary`);
      summary?.focus({ preventScroll: true });
    }
  };
}

function drawTitle(card: Card): HTMLElement {
  const tags = flagsOf(card).map(flag => h('span', { class: 'ar-review-tag' }, flag.name));
  return h(
    'div',
    { class: 'ar-review-title' },
    h('h3', {}, `Candidate ${card.candidate}`),
    drawStatus(card),
    ...tags,
    h('span', { class: 'ar-review-counts' }, `+${card.added} −${card.removed}`)
  );
}

/** Who made it, and from what: each candidate that is named can be selected. */
function drawLineage(card: Card, client: Client): HTMLElement {
  const { candidate, incumbent } = card;
  const parts: (Node | string)[] = [`by ${card.author}`];
  if (card.revises !== null) parts.push(' · from ', linkCandidate(client, card.revises));
  if (card.parent !== null) parts.push(' · made from ', linkCandidate(client, card.parent));
  if (incumbent?.candidate === candidate) {
    parts.push(' · it is the incumbent');
  } else if (incumbent) {
    parts.push(' · incumbent ', linkCandidate(client, incumbent.candidate));
    if (incumbent.score !== null) parts.push(` at ${show(incumbent.score, scoreDigits(card))}`);
  }
  const { revised_by } = card;
  if (revised_by !== null) parts.push(' · revised as ', linkCandidate(client, revised_by));
  return h('p', { class: 'ar-review-lineage' }, ...parts);
}

function drawWarnings(card: Card): HTMLElement[] {
  const warnings = flagsOf(card).filter(flag => flag.warning);
  return warnings.map(({ name, warning }) =>
    h('p', { class: 'ar-review-warning' }, `${name}: ${warning}.`)
  );
}

function drawNotes(card: Card): HTMLElement[] {
  return card.notes.map(note => h('p', { class: 'ar-review-remark' }, `Note: ${note}`));
}

function drawResult(card: Card, { objective }: StudyInfo): HTMLElement {
  const sentence = isBeforeRun(card)
    ? 'Nothing of it has run yet: it waits for you first.'
    : describeEffect(card, objective.min_effect);
  const text = h('p', {}, ...drawScore(card, objective.name), sentence);
  const effect = drawEffect(card, objective.min_effect);
  const left = h('div', { class: 'ar-review-effect' }, effect, text);
  return h('div', { class: 'ar-review-result' }, left);
}

function drawScore(card: Card, objective: string): (Node | string)[] {
  if (card.score === null) return [];
  const digits = scoreDigits(card);
  const score = h('strong', {}, show(card.score, digits));
  const end = card.spread === null ? '. ' : ` ± ${show(card.spread, digits)}. `;
  return [`${objective} `, score, end];
}
