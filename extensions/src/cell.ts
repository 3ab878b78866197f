/**
 * How a screen hands the new text of a notebook cell to the page that it is in.
 *
 * It is an event on the document, so that the widget's bundle and the JupyterLab extension's need
 * not know each other. Where nothing listens, nothing happens.
 */

import type { CellText } from './protocol';

export interface HandedOver extends CellText {
  /** An element of the screen; the notebook that holds it is the screen's own. */
  from: Element;
  /** Takes what was done, as one sentence. */
  answer: (sentence: string) => void;
}

const EVENT = 'autoresearch:cell';

/** Hands a program over, if one is given; returns whether this page can edit cells at all. */
export function handOver(program: HandedOver | null = null): boolean {
  const event = new CustomEvent(EVENT, { detail: program, cancelable: true });
  const isUnclaimed = document.dispatchEvent(event);
  return !isUnclaimed;
}

/** Has `put` edit the cells of this page. */
export function takeCells(put: (program: HandedOver) => void): void {
  document.addEventListener(EVENT, event => {
    event.preventDefault(); // which tells the sender that its program was claimed
    const program: HandedOver | null = (event as CustomEvent).detail;
    if (program) put(program);
  });
}
