/** Heads and rows of the candidate table as elements of the page. */

import { h, setText } from '../dom';
import type { Row } from '../protocol';
import { COLUMNS, type Digits, type Sort } from './columns';

export interface Heads {
  readonly element: HTMLElement;
  /** Marks the column that the table is sorted by. */
  update(sort: Sort): void;
}

export function makeHeads(onClick: (key: string) => void): Heads {
  const heads = COLUMNS.map(({ key, title }) => {
    const attributes = { type: 'button', tabindex: 0, onclick: () => onClick(key) };
    const button = h('button', attributes, title);
    const cell = h('div', { role: 'columnheader', class: `ar-cell ar-c-${key}` }, button);
    return { key, title, button, cell };
  });
  const row = { class: 'ar-record ar-record-head', role: 'row', 'aria-rowindex': 1 };
  return {
    element: h('div', row, ...heads.map(head => head.cell)),
    update(sort) {
      for (const { key, title, button, cell } of heads) {
        const way = sort.down ? 'descending' : 'ascending';
        const arrow = sort.down ? ' ↓' : ' ↑';
        const isSorted = sort.key === key;
        cell.setAttribute('aria-sort', isSorted ? way : 'none');
        setText(button, isSorted ? title + arrow : title);
      }
    }
  };
}

/** A row without a candidate; the table uses it again and again. */
export function makeRecord(): HTMLElement {
  const cells = COLUMNS.map(({ key }, i) => {
    const attributes = { class: `ar-cell ar-c-${key}`, role: 'gridcell', 'aria-colindex': i + 1 };
    return h('div', attributes, key === 'parent' && makeParentLink());
  });
  return h('div', { class: 'ar-record', role: 'row' }, ...cells);
}

/** Not in the order of Tab, since its row goes away as one scrolls; the key p does the same. */
function makeParentLink(): HTMLElement {
  return h('button', {
    type: 'button',
    class: 'ar-parent',
    tabindex: -1,
    title: 'select the candidate that it was made from',
    onmousedown: (event: Event) => event.preventDefault() // the table keeps the focus
  });
}

/** Writes a candidate into a row. */
export function fillRecord(element: HTMLElement, row: Row, digits: Digits): void {
  element.dataset.candidate = String(row.candidate);
  element.dataset.status = row.status;
  COLUMNS.forEach(({ key, text }, i) => {
    const cell = element.children[i] as HTMLElement;
    const words = text(row, digits);
    setText(key === 'parent' ? cell.firstElementChild! : cell, words);
    if (key === 'idea') cell.title = row.why ? `${words}\n${row.why}` : words;
    if (key === 'effect') cell.dataset.sign = signOf(row.effect);
  });
}

function signOf(effect: number | null): string {
  if (effect === null) return '';
  return effect < 0 ? 'loss' : 'gain';
}
