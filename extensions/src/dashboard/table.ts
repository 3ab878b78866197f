/** The candidate table: virtual rows, sorting, filtering, selecting by click and keyboard. */

import type { Client } from '../client';
import { digitsFor, h, setText } from '../dom';
import type { Row } from '../protocol';
import { COLUMNS, sorted, type Digits, type Sort } from './columns';
import { makeFilter } from './filter';
import { ROW_PX, virtualRows } from './rows';
import { unhurried } from './selecting';
import { effectDigits } from './words';

export interface Table {
  /** Shows only the ancestors and descendants of a candidate. */
  lineage(candidate: number): void;
  remove(): void;
}

let made = 0;

export function mountTable(el: HTMLElement, client: Client, review: () => void): Table {
  const id = `ar-table-${made++}`;
  const selecting = unhurried(client);
  const filter = makeFilter(client, () => arrange(false));
  const heads = COLUMNS.map(column => {
    const button = h('button', { type: 'button', tabindex: 0, onclick: () => sortBy(column.key) }, column.title);
    return { column, button, element: h('div', { role: 'columnheader', class: `ar-cell ar-c-${column.key}` }, button) };
  });
  const body = h('div', { class: 'ar-rows', role: 'rowgroup' });
  const empty = h('div', { class: 'ar-nothing' });
  const grid = h(
    'div',
    {
      class: 'ar-table', role: 'grid', tabindex: 0, 'aria-colcount': COLUMNS.length,
      'aria-label': 'Candidates; up and down select, Enter opens the review, p selects the parent',
      onkeydown: press, onclick: click
    },
    h('div', { class: 'ar-record ar-record-head', role: 'row', 'aria-rowindex': 1 }, ...heads.map(head => head.element)),
    body
  ); // prettier-ignore
  el.append(filter.element, h('div', { class: 'ar-table-frame' }, grid, empty));

  let sort: Sort = { key: 'number', down: true };
  let shown: Row[] = [];
  let places = new Map<number, number>();
  let digits: Digits = { score: 4, effect: 4 };
  let marked: number | null = null;
  let frame = 0;
  const rows = virtualRows(grid, body, makeRow, fill);

  /** Sorts and filters anew. `stay`: the rows in view stay in view, unless one looks at the top. */
  function arrange(stay: boolean): void {
    const { index, offset } = rows.top;
    const anchor = stay && grid.scrollTop > 0 ? shown[index]?.candidate : undefined;
    shown = sorted(filter.apply(client.rows), sort);
    places = new Map(shown.map((row, i) => [row.candidate, i]));
    digits = digitsOf(client);
    grid.setAttribute('aria-rowcount', String(shown.length + 1));
    setText(empty, emptiness());
    filter.update(shown.length);
    for (const { column, button, element } of heads) {
      const is = sort.key === column.key;
      element.setAttribute('aria-sort', is ? (sort.down ? 'descending' : 'ascending') : 'none');
      setText(button, column.title + (is ? (sort.down ? ' ↓' : ' ↑') : ''));
    }
    rows.draw(shown.length, true);
    const moved = anchor === undefined ? undefined : places.get(anchor);
    if (moved !== undefined && moved !== index) {
      rows.scrollTo(moved, offset);
      rows.draw(shown.length, false);
    }
    point();
  }

  function emptiness(): string {
    if (shown.length) return '';
    if (!client.study) return 'no candidates are known yet';
    return client.rows.length ? 'no candidate matches the filter' : 'no candidates yet; the baseline comes first';
  }

  function makeRow(): HTMLElement {
    return h('div', { class: 'ar-record', role: 'row' }, ...COLUMNS.map(({ key }, i) => h('div', { class: `ar-cell ar-c-${key}`, role: 'gridcell', 'aria-colindex': i + 1 }, key === 'parent' && parentLink())));
  }

  /** Not in the order of Tab: its row goes away as one scrolls. The key p does the same. */
  function parentLink(): HTMLElement {
    return h('button', { type: 'button', class: 'ar-parent', tabindex: -1, title: 'select the candidate that it was made from', onmousedown: (event: Event) => event.preventDefault() });
  }

  function fill(element: HTMLElement, index: number): void {
    const row = shown[index];
    element.id = `${id}-${row.candidate}`;
    element.dataset.candidate = String(row.candidate);
    element.dataset.status = row.status;
    element.setAttribute('aria-rowindex', String(index + 2));
    element.setAttribute('aria-selected', String(row.candidate === selecting.candidate));
    COLUMNS.forEach(({ key, text }, i) => {
      const cell = element.children[i] as HTMLElement;
      const said = text(row, digits);
      setText(key === 'parent' ? cell.firstElementChild! : cell, said);
      if (key === 'idea') cell.title = row.why ? `${said}\n${row.why}` : said;
      if (key === 'effect') cell.dataset.sign = row.effect === null ? '' : row.effect < 0 ? 'loss' : 'gain';
    });
  }

  /** Marks the selected row and tells the reader which it is. */
  function point(): void {
    marked = selecting.candidate;
    for (const element of body.children) element.setAttribute('aria-selected', String((element as HTMLElement).dataset.candidate === String(selecting.candidate)));
    const index = selecting.candidate === null ? undefined : places.get(selecting.candidate);
    const element = index === undefined ? null : rows.at(index);
    if (element) grid.setAttribute('aria-activedescendant', element.id);
    else grid.removeAttribute('aria-activedescendant');
  }

  function sortBy(key: string): void {
    const column = COLUMNS.find(one => one.key === key)!;
    sort = { key, down: sort.key === key ? !sort.down : !!column.down };
    grid.scrollTop = 0;
    arrange(false);
  }

  function go(index: number): void {
    const row = shown[Math.max(0, Math.min(index, shown.length - 1))];
    if (!row) return;
    selecting.select(row.candidate);
    rows.reveal(places.get(row.candidate)!);
    point();
  }

  function goToParent(candidate: number | null): void {
    const parent = candidate === null ? null : client.rows[candidate]?.parent;
    if (parent !== null && parent !== undefined) client.select(parent);
  }

  function press(event: KeyboardEvent): void {
    if (event.target !== grid || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const at = selecting.candidate === null ? undefined : places.get(selecting.candidate);
    const page = Math.max(1, Math.floor(grid.clientHeight / ROW_PX) - 2);
    const steps: Record<string, () => void> = {
      ArrowDown: () => go((at ?? -1) + 1),
      ArrowUp: () => go((at ?? shown.length) - 1),
      PageDown: () => go((at ?? -1) + page),
      PageUp: () => go((at ?? shown.length) - page),
      Home: () => go(0),
      End: () => go(shown.length - 1),
      Enter: () => {
        if (selecting.candidate !== null) client.select(selecting.candidate);
        review();
      },
      p: () => goToParent(selecting.candidate)
    };
    if (!(event.key in steps)) return;
    event.preventDefault();
    event.stopPropagation();
    steps[event.key]();
  }

  function click(event: MouseEvent): void {
    const target = event.target as HTMLElement;
    const row = target.closest<HTMLElement>('.ar-rows .ar-record');
    if (!row) return;
    const candidate = Number(row.dataset.candidate);
    if (target.closest('.ar-parent')) goToParent(candidate);
    else client.select(candidate);
  }

  function schedule(): void {
    if (frame) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      if (grid.checkVisibility()) arrange(true);
    });
  }

  const fold = grid.closest('details');
  fold?.addEventListener('toggle', schedule);
  const stops = [
    client.on('study', schedule),
    client.on('rows', schedule),
    client.on('selection', () => {
      const index = client.selected === null ? undefined : places.get(client.selected);
      if (index !== undefined && client.selected !== marked) rows.reveal(index); // one's own choice is in view, or was scrolled away from
      point();
    })
  ];
  arrange(false);
  return {
    lineage(candidate) {
      filter.lineage = candidate;
    },
    remove() {
      cancelAnimationFrame(frame);
      fold?.removeEventListener('toggle', schedule);
      for (const stop of stops) stop();
      selecting.remove();
      rows.remove();
    }
  };
}

/** Enough to tell apart scores that differ by the smallest effect worth having, or by what the search has moved. */
function digitsOf({ study, state }: Client): Digits {
  if (!study || !state) return { score: 4, effect: 4 };
  const digits = effectDigits(study);
  return { score: Math.max(digits, digitsFor([state.baseline.score, state.best.score])), effect: digits };
}
