/** The candidate table: virtual rows, sorting, filtering, selecting by click and keyboard. */

import type { Client } from '../client';
import { digitsFor, h, setText } from '../dom';
import type { Row } from '../protocol';
import { COLUMNS, sortRows, type Digits, type Sort } from './columns';
import { makeFilter } from './filter';
import { fillRecord, makeHeads, makeRecord } from './records';
import { ROW_PX, virtualRows } from './rows';
import { hasModifier, unhurried, type Selecting } from './selecting';
import { effectDigits } from './words';

export interface Table {
  /** Shows only the ancestors and descendants of a candidate. */
  showLineage(candidate: number): void;
  remove(): void;
}

const LABEL = 'Candidates; up and down select, Enter opens the review, p selects the parent';
const USUAL_DIGITS: Digits = { score: 4, effect: 4 };
let n_tables = 0;

export function mountTable(el: HTMLElement, client: Client, review: () => void): Table {
  const id = `ar-table-${n_tables++}`;
  const selecting = unhurried(client);
  const filter = makeFilter(client, () => arrange(false));
  const heads = makeHeads(sortBy);
  const body = h('div', { class: 'ar-rows', role: 'rowgroup' });
  const empty = h('div', { class: 'ar-nothing' });
  const attributes = { class: 'ar-table', role: 'grid', tabindex: 0, 'aria-label': LABEL };
  const size = { 'aria-colcount': COLUMNS.length };
  const grid = h('div', { ...attributes, ...size }, heads.element, body);
  el.append(filter.element, h('div', { class: 'ar-table-frame' }, grid, empty));

  let sort: Sort = { key: 'number', down: true };
  let visible: Row[] = [];
  let indices = new Map<number, number>(); // of the visible rows, by candidate
  let digits = USUAL_DIGITS;
  let marked: number | null = null;
  const rows = virtualRows(grid, body, makeRecord, fill);

  /** Sorts and filters anew. `stay`: rows in view stay where they are, unless one is at the top. */
  function arrange(stay: boolean): void {
    const { index, offset } = rows.top;
    const anchor = stay && grid.scrollTop > 0 ? visible[index]?.candidate : undefined;
    visible = sortRows(filter.apply(client.rows), sort);
    indices = new Map(visible.map((row, i) => [row.candidate, i]));
    digits = digitsOf(client);
    grid.setAttribute('aria-rowcount', String(visible.length + 1));
    setText(empty, visible.length ? '' : whyEmpty(client));
    filter.update(visible.length);
    heads.update(sort);
    rows.draw(visible.length, true);
    const moved = anchor === undefined ? undefined : indices.get(anchor);
    if (moved !== undefined && moved !== index) {
      rows.scrollTo(moved, offset);
      rows.draw(visible.length, false);
    }
    markSelected();
  }

  function fill(element: HTMLElement, index: number): void {
    const row = visible[index];
    element.id = `${id}-${row.candidate}`;
    element.setAttribute('aria-rowindex', String(index + 2)); // the heads are row 1
    element.setAttribute('aria-selected', String(row.candidate === selecting.candidate));
    fillRecord(element, row, digits);
  }

  function indexOf(candidate: number | null): number | undefined {
    return candidate === null ? undefined : indices.get(candidate);
  }

  /** Marks the selected row, and tells a screen reader which it is. */
  function markSelected(): void {
    marked = selecting.candidate;
    for (const element of body.children) {
      const isSelected = (element as HTMLElement).dataset.candidate === String(marked);
      element.setAttribute('aria-selected', String(isSelected));
    }
    const index = indexOf(marked);
    const element = index === undefined ? null : rows.elementOf(index);
    if (element) grid.setAttribute('aria-activedescendant', element.id);
    else grid.removeAttribute('aria-activedescendant');
  }

  function sortBy(key: string): void {
    const column = COLUMNS.find(one => one.key === key)!;
    sort = { key, down: sort.key === key ? !sort.down : !!column.down };
    grid.scrollTop = 0;
    arrange(false);
  }

  function goTo(index: number): void {
    const row = visible[Math.max(0, Math.min(index, visible.length - 1))];
    if (!row) return;
    selecting.select(row.candidate);
    rows.reveal(indices.get(row.candidate)!);
    markSelected();
  }

  /** What was selected in this table is in view, or the person has scrolled away from it. */
  function follow(): void {
    const index = indexOf(client.selected);
    if (index !== undefined && client.selected !== marked) rows.reveal(index);
    markSelected();
  }

  listenToKeys(grid, client, selecting, {
    goTo,
    count: () => visible.length,
    selectedIndex: () => indexOf(selecting.candidate),
    review
  });
  listenToClicks(grid, client);
  const stop = arrangeOnNews(grid, client, () => arrange(true));
  const stopFollowing = client.on('selection', follow);
  arrange(false);
  return {
    showLineage: candidate => filter.follow(candidate),
    remove() {
      stop();
      stopFollowing();
      selecting.remove();
      rows.remove();
    }
  };
}

interface Steps {
  goTo: (index: number) => void;
  count: () => number;
  selectedIndex: () => number | undefined;
  review: () => void;
}

function listenToKeys(
  grid: HTMLElement,
  client: Client,
  selecting: Selecting,
  { goTo, count, selectedIndex, review }: Steps
): void {
  function openReview(): void {
    if (selecting.candidate !== null) client.select(selecting.candidate); // without the pause
    review();
  }

  function actionOf(key: string): (() => void) | undefined {
    const before = selectedIndex() ?? -1;
    const after = selectedIndex() ?? count();
    const page = Math.max(1, Math.floor(grid.clientHeight / ROW_PX) - 2);
    const actions: Record<string, () => void> = {
      ArrowDown: () => goTo(before + 1),
      ArrowUp: () => goTo(after - 1),
      PageDown: () => goTo(before + page),
      PageUp: () => goTo(after - page),
      Home: () => goTo(0),
      End: () => goTo(count() - 1),
      Enter: openReview,
      p: () => selectParent(client, selecting.candidate)
    };
    return actions[key];
  }

  grid.addEventListener('keydown', event => {
    if (event.target !== grid || hasModifier(event)) return;
    const act = actionOf(event.key);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });
}

function listenToClicks(grid: HTMLElement, client: Client): void {
  grid.addEventListener('click', event => {
    const target = event.target as HTMLElement;
    const row = target.closest<HTMLElement>('.ar-rows .ar-record');
    if (!row) return;
    const candidate = Number(row.dataset.candidate);
    if (target.closest('.ar-parent')) selectParent(client, candidate);
    else client.select(candidate);
  });
}

function selectParent(client: Client, candidate: number | null): void {
  const parent = candidate === null ? null : client.rows[candidate]?.parent;
  if (parent !== null && parent !== undefined) client.select(parent);
}

/** Arranges a table at most once a frame, and only while it can be seen. */
function arrangeOnNews(grid: HTMLElement, client: Client, arrange: () => void): () => void {
  let frame = 0;

  function schedule(): void {
    if (frame) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      if (grid.checkVisibility()) arrange();
    });
  }

  const fold = grid.closest('details');
  fold?.addEventListener('toggle', schedule);
  const stops = [client.on('study', schedule), client.on('rows', schedule)];
  return () => {
    cancelAnimationFrame(frame);
    fold?.removeEventListener('toggle', schedule);
    for (const stop of stops) stop();
  };
}

function whyEmpty(client: Client): string {
  if (!client.study) return 'no candidates are known yet';
  if (client.rows.length) return 'no candidate matches the filter';
  return 'no candidates yet; the baseline comes first';
}

/**
 * Enough digits to tell apart scores that differ by the smallest effect worth having, or by what
 * the search has gained.
 */
function digitsOf({ study, state }: Client): Digits {
  if (!study || !state) return USUAL_DIGITS;
  const digits = effectDigits(study);
  const gained = digitsFor([state.baseline.score, state.best.score]);
  return { score: Math.max(digits, gained), effect: digits };
}
