/**
 * Makes a change below `root` and keeps the focus inside it.
 *
 * An element that is redrawn, hidden or disabled loses the focus to the page, and the next key
 * would be the notebook's: `dd` there deletes a cell.
 */
export function keepFocus(root: HTMLElement, change: () => void): void {
  const hadFocus = root.contains(document.activeElement);
  change();
  if (!hadFocus) return;
  const active = document.activeElement;
  const isInside = active !== null && root.contains(active) && canHoldFocus(active);
  if (!isInside) root.focus({ preventScroll: true });
}

function canHoldFocus(element: Element): boolean {
  return !element.matches(':disabled') && element.getClientRects().length > 0;
}
