/**
 * Makes a change below `root` and keeps the focus inside when what had it is redrawn, hidden or disabled by that:
 * it would fall to the page, and the next key would be the notebook's.
 */
export function keepingFocus(root: HTMLElement, change: () => void): void {
  const had = root.contains(document.activeElement);
  change();
  const active = document.activeElement;
  if (had && (active === null || !root.contains(active) || isGone(active))) root.focus({ preventScroll: true });
}

function isGone(element: Element): boolean {
  return element.matches(':disabled') || element.getClientRects().length === 0;
}
