/** Which candidates the table shows, by words, status and descent; and the controls for that. */

import type { Client } from '../client';
import { h, setText } from '../dom';
import type { Row } from '../protocol';
import { SHAPES, STANDINGS, marks, standing, type Standing } from './words';

export interface Filter {
  readonly element: HTMLElement;
  apply(rows: Row[]): Row[];
  /** Shows only the ancestors and descendants of a candidate; null for all candidates. */
  follow(candidate: number | null): void;
  /** Shows the counts: by status, and how many candidates are left. */
  update(n_shown: number): void;
}

export function makeFilter(client: Client, onChange: () => void): Filter {
  const search = h('input', {
    type: 'search',
    class: 'ar-search',
    placeholder: 'Filter by idea, author, reason',
    'aria-label': 'Filter candidates',
    oninput: onChange,
    onkeydown: (event: Event) => event.stopPropagation()
  });
  const chips = makeChips(client, onChange);
  const lineageChip = h('button', {
    type: 'button',
    class: 'ar-toggle',
    'aria-pressed': 'true',
    title: 'show all candidates again',
    onclick: () => follow(null)
  });
  const total = h('span', { class: 'ar-faint ar-total', role: 'status' });
  const textOf = makeSearchText();
  let lineage: number | null = null;

  function follow(candidate: number | null): void {
    lineage = candidate;
    // The chip is about to be hidden, and would give the focus to the notebook.
    if (candidate === null && document.activeElement === lineageChip) search.focus();
    onChange();
  }

  return {
    element: h(
      'div',
      { class: 'ar-filter' },
      search,
      h('div', { class: 'ar-chips' }, ...chips.elements, lineageChip),
      total
    ),
    follow,
    apply(rows) {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const family = lineage === null ? null : familyOf(rows, lineage);
      return rows.filter(row => {
        if (!chips.accepts(row)) return false;
        if (family && !family.has(row.candidate)) return false;
        return words.every(word => textOf(row).includes(word));
      });
    },
    update(n_shown) {
      chips.update();
      setText(lineageChip, `Lineage of ${lineage} ✕`);
      lineageChip.hidden = lineage === null;
      const n_all = client.rows.length;
      setText(total, n_shown === n_all ? `${n_shown} in all` : `${n_shown} of ${n_all}`);
    }
  };
}

/** One toggle for each status; none pressed means all. */
function makeChips(client: Client, onChange: () => void) {
  const pressed = new Set<Standing>();
  const chips = STANDINGS.map(status => {
    const count = h('span', { class: 'ar-count' });
    const attributes = { type: 'button', class: 'ar-toggle', 'aria-pressed': 'false' };
    const element = h('button', attributes, `${SHAPES[status]} ${status} `, count);
    element.addEventListener('click', () => {
      if (!pressed.delete(status)) pressed.add(status);
      element.setAttribute('aria-pressed', String(pressed.has(status)));
      onChange();
    });
    return { status, element, count };
  });
  return {
    elements: chips.map(chip => chip.element),
    accepts: (row: Row) => !pressed.size || pressed.has(standing(row)),
    update() {
      const counts = new Map<Standing, number>();
      for (const row of client.rows) {
        counts.set(standing(row), (counts.get(standing(row)) ?? 0) + 1);
      }
      for (const { status, element, count } of chips) {
        const n_rows = counts.get(status) ?? 0;
        setText(count, String(n_rows));
        const isInUse = pressed.has(status) || document.activeElement === element;
        element.hidden = !n_rows && !isInUse;
      }
    }
  };
}

/** The words of a row in lower case, put together once for each row. */
function makeSearchText(): (row: Row) => string {
  const texts = new WeakMap<Row, string>();
  return row => {
    const cached = texts.get(row);
    if (cached !== undefined) return cached;
    const parts = [row.hypothesis, row.author, row.why, ...marks(row)];
    const text = parts.join('\n').toLowerCase();
    texts.set(row, text);
    return text;
  };
}

/** A candidate, its ancestors, and all that was made from it. */
export function familyOf(rows: Row[], candidate: number): Set<number> {
  const family = new Set([candidate]);
  // A parent comes before its children.
  for (const row of rows.slice(candidate + 1)) {
    if (row.parent !== null && family.has(row.parent)) family.add(row.candidate);
  }
  let ancestor = rows[candidate]?.parent ?? null;
  while (ancestor !== null) {
    family.add(ancestor);
    ancestor = rows[ancestor].parent;
  }
  return family;
}
