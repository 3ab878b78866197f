/**
 * How a screen hands the new text of a notebook cell to the page: an event on the document, so that a widget's bundle and the JupyterLab
 * extension's need not know each other. Where nobody listens, nothing is done.
 */

import type { CellText } from './protocol';

export interface HandedOver extends CellText {
  /** An element of the screen, by which the notebook it lies in is known. */
  from: Element;
  /** Takes what was done, as one sentence. */
  answer: (sentence: string) => void;
}

const EVENT = 'autoresearch:cell';

/** Whether somebody on this page edits cells; what is given is handed to them. */
export function handOver(given: HandedOver | null = null): boolean {
  return !document.dispatchEvent(new CustomEvent(EVENT, { detail: given, cancelable: true }));
}

/** Makes `put` the one who edits cells on this page. */
export function takeCells(put: (given: HandedOver) => void): void {
  document.addEventListener(EVENT, event => {
    event.preventDefault();
    const given: HandedOver | null = (event as CustomEvent).detail;
    if (given) put(given);
  });
}
