/** Rows of a table of any length: only those in view exist, and are used again as one scrolls. */

export const ROW_PX = 26;
const SPARE = 6; // rows beyond either edge

export interface Rows {
  /** Draws what is in view; `fresh` when rows have changed or moved. */
  draw(count: number, fresh: boolean): void;
  /** Scrolls no further than needed. */
  reveal(index: number): void;
  /** The element that shows a row now. */
  at(index: number): HTMLElement | null;
  /** Index of the first row in view, and how far it is scrolled under the edge. */
  readonly top: { index: number; offset: number };
  scrollTo(index: number, offset: number): void;
  remove(): void;
}

/**
 * @param view scrolls; a header of `ROW_PX` sticks to its top.
 * @param make an empty row. @param fill writes the row of an index into it.
 */
export function virtualRows(view: HTMLElement, body: HTMLElement, make: () => HTMLElement, fill: (element: HTMLElement, index: number) => void): Rows {
  const pool: { element: HTMLElement; index: number }[] = [];
  let total = 0;
  let frame = 0;

  function slot(index: number) {
    return pool[index % pool.length];
  }

  function draw(count: number, fresh: boolean): void {
    total = count;
    body.style.height = `${count * ROW_PX}px`;
    const shown = Math.ceil(view.clientHeight / ROW_PX) + 1;
    while (pool.length < shown + 2 * SPARE) {
      const element = make();
      body.append(element);
      pool.push({ element, index: -1 });
      fresh = true; // another size of the pool, another slot for each row
    }
    const first = Math.max(0, Math.min(Math.floor(view.scrollTop / ROW_PX) - SPARE, count - pool.length));
    const last = Math.min(count, first + pool.length);
    if (fresh) for (const one of pool) one.index = -1;
    for (let index = first; index < last; index++) {
      const one = slot(index);
      if (one.index === index) continue;
      one.index = index;
      one.element.style.transform = `translateY(${index * ROW_PX}px)`;
      fill(one.element, index);
      one.element.hidden = false;
    }
    for (const one of pool) if (one.index < first || one.index >= last) one.element.hidden = true;
  }

  function onScroll(): void {
    if (!frame)
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
      if (index * ROW_PX < view.scrollTop) view.scrollTop = index * ROW_PX;
      else if ((index + 1) * ROW_PX > view.scrollTop + room) view.scrollTop = (index + 1) * ROW_PX - room;
      draw(total, false);
    },
    at: index => (pool.length && slot(index).index === index ? slot(index).element : null),
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
