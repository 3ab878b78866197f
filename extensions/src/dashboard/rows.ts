/** Rows of a table of any length: only those in view exist, and are used again as one scrolls. */

export const ROW_PX = 26;
const N_SPARE = 6; // rows beyond either edge

export interface Rows {
  /** Draws what is in view; `fresh` if rows have changed or moved. */
  draw(count: number, fresh: boolean): void;
  /** Scrolls no further than needed. */
  reveal(index: number): void;
  /** The element that shows a row now. */
  elementOf(index: number): HTMLElement | null;
  /** Index of the first row in view, and how far it is scrolled under the edge. */
  readonly top: { index: number; offset: number };
  scrollTo(index: number, offset: number): void;
  remove(): void;
}

interface Slot {
  element: HTMLElement;
  /** Of the row that it shows; -1 for none. */
  index: number;
}

/**
 * @param view scrolls; a header of `ROW_PX` sticks to its top.
 * @param make an empty row.
 * @param fill writes the row of an index into it.
 */
export function virtualRows(
  view: HTMLElement,
  body: HTMLElement,
  make: () => HTMLElement,
  fill: (element: HTMLElement, index: number) => void
): Rows {
  const pool: Slot[] = [];
  let total = 0;
  let frame = 0;

  const slotOf = (index: number) => pool[index % pool.length];

  /** Whether the pool has grown, which gives each row another slot. */
  function grow(n_needed: number): boolean {
    const n_before = pool.length;
    while (pool.length < n_needed) {
      const element = make();
      body.append(element);
      pool.push({ element, index: -1 });
    }
    return pool.length > n_before;
  }

  function draw(count: number, fresh: boolean): void {
    total = count;
    body.style.height = `${count * ROW_PX}px`;
    const n_visible = Math.ceil(view.clientHeight / ROW_PX) + 1;
    const isGrown = grow(n_visible + 2 * N_SPARE);
    if (fresh || isGrown) for (const slot of pool) slot.index = -1;
    const top = Math.floor(view.scrollTop / ROW_PX) - N_SPARE;
    const first = Math.max(0, Math.min(top, count - pool.length));
    const end = Math.min(count, first + pool.length);
    for (let index = first; index < end; index++) {
      const slot = slotOf(index);
      if (slot.index === index) continue;
      slot.index = index;
      slot.element.style.transform = `translateY(${index * ROW_PX}px)`;
      fill(slot.element, index);
      slot.element.hidden = false;
    }
    for (const slot of pool) {
      if (slot.index < first || slot.index >= end) slot.element.hidden = true;
    }
  }

  function onScroll(): void {
    if (frame) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      draw(total, false);
    });
  }

  view.addEventListener('scroll', onScroll, { passive: true });
  const sizes = new ResizeObserver(() => draw(total, false));
  sizes.observe(view);
  return {
    draw,
    reveal(index) {
      const room = view.clientHeight - ROW_PX; // below the header
      const top = index * ROW_PX;
      const bottom = top + ROW_PX;
      if (top < view.scrollTop) view.scrollTop = top;
      else if (bottom > view.scrollTop + room) view.scrollTop = bottom - room;
      draw(total, false);
    },
    elementOf(index) {
      const slot = pool.length ? slotOf(index) : null;
      return slot?.index === index ? slot.element : null;
    },
    get top() {
      return { index: Math.floor(view.scrollTop / ROW_PX), offset: view.scrollTop % ROW_PX };
    },
    scrollTo(index, offset) {
      view.scrollTop = index * ROW_PX + offset;
    },
    remove() {
      cancelAnimationFrame(frame);
      sizes.disconnect();
      view.removeEventListener('scroll', onScroll);
    }
  };
}
