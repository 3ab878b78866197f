/** Which candidates the table shows: by words, by status, by descent; and the controls for it. */

import type { Client } from '../client';
import { h, setText } from '../dom';
import type { Row } from '../protocol';
import { SHAPES, STANDINGS, marks, standing, type Standing } from './words';

export interface Filter {
  readonly element: HTMLElement;
  apply(rows: Row[]): Row[];
  /** Only ancestors and descendants of this candidate; null for everybody. */
  lineage: number | null;
  /** Draws counts: by status, and how many are shown. */
  update(shown: number): void;
}

export function makeFilter(client: Client, onChange: () => void): Filter {
  const search = h('input', { type: 'search', class: 'ar-search', placeholder: 'Filter by idea, author, reason', 'aria-label': 'Filter candidates', oninput: onChange });
  search.addEventListener('keydown', event => event.stopPropagation());
  const wanted = new Set<Standing>();
  const chips = STANDINGS.map(status => {
    const count = h('span', { class: 'ar-count' });
    const chip = h('button', {
      type: 'button', class: 'ar-toggle', 'aria-pressed': 'false',
      onclick: () => {
        if (!wanted.delete(status)) wanted.add(status);
        chip.setAttribute('aria-pressed', String(wanted.has(status)));
        onChange();
      }
    }, `${SHAPES[status]} ${status} `, count); // prettier-ignore
    return { status, chip, count };
  });
  const kin = h('button', { type: 'button', class: 'ar-toggle', 'aria-pressed': 'true', title: 'show everybody again', onclick: () => follow(null) });
  const total = h('span', { class: 'ar-faint ar-total', role: 'status' });
  const texts = new WeakMap<Row, string>();
  let lineage: number | null = null;

  function follow(candidate: number | null): void {
    lineage = candidate;
    if (candidate === null && document.activeElement === kin) search.focus();
    onChange();
  }

  /** In lower case, made once for each row. */
  function textOf(row: Row): string {
    const known = texts.get(row);
    if (known !== undefined) return known;
    const text = [row.hypothesis, row.author, row.why, ...marks(row)].join('\n').toLowerCase();
    texts.set(row, text);
    return text;
  }

  return {
    element: h('div', { class: 'ar-filter' }, search, h('div', { class: 'ar-chips' }, ...chips.map(one => one.chip), kin), total),
    get lineage() {
      return lineage;
    },
    set lineage(candidate) {
      follow(candidate);
    },
    apply(rows) {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const family = lineage === null ? null : familyOf(rows, lineage);
      return rows.filter(row => (!wanted.size || wanted.has(standing(row))) && (!family || family.has(row.candidate)) && words.every(word => textOf(row).includes(word)));
    },
    update(shown) {
      const counts = new Map<Standing, number>();
      for (const row of client.rows) counts.set(standing(row), (counts.get(standing(row)) ?? 0) + 1);
      for (const { status, chip, count } of chips) {
        const n = counts.get(status) ?? 0;
        setText(count, String(n));
        chip.hidden = !n && !wanted.has(status) && document.activeElement !== chip;
      }
      setText(kin, `Lineage of ${lineage} ✕`);
      kin.hidden = lineage === null;
      setText(total, shown === client.rows.length ? `${shown} in all` : `${shown} of ${client.rows.length}`);
    }
  };
}

/** A candidate, what it came from, and all that came from it. */
export function familyOf(rows: Row[], candidate: number): Set<number> {
  const family = new Set<number>();
  for (const row of rows.slice(candidate)) {
    if (row.candidate === candidate || (row.parent !== null && family.has(row.parent))) family.add(row.candidate); // a parent comes before its children
  }
  for (let at = rows[candidate]?.parent ?? null; at !== null; at = rows[at].parent) family.add(at);
  return family;
}
