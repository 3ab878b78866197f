/** Whether the diff is read side by side; the browser remembers it where it may. */

const KEY = 'autoresearch-review-layout';

export function recallSplit(): boolean {
  try {
    return localStorage.getItem(KEY) === 'split';
  } catch {
    return false; // storage may be forbidden in a frame
  }
}

export function rememberSplit(split: boolean): void {
  try {
    localStorage.setItem(KEY, split ? 'split' : 'unified');
  } catch {
    // the choice then lasts as long as the page
  }
}
