/** Building elements. Text is always a text node: nothing that a candidate wrote becomes markup. */

type Child = Node | string | null | false;
type Attributes = Record<string, string | number | boolean | null | undefined | ((event: any) => void)>;

const FOCUSABLE = new Set(['a', 'button', 'input', 'select', 'textarea', 'summary']);

/**
 * An element; `on...` attributes are listeners, false and null are left out, true is an empty attribute.
 *
 * Each focusable one carries the attribute that keeps JupyterLab's single-key shortcuts away (an ancestor's is not enough).
 */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (FOCUSABLE.has(tag) || 'tabindex' in attributes) element.setAttribute('data-lm-suppress-shortcuts', 'true');
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.filter((child): child is Node | string => child !== null && child !== false));
  return element;
}

/** Replaces the children of an element only where they differ in text, so that nothing flickers and focus stays. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** A number for people: `digits` after the point, thin spaces between thousands; a dash for what there is not. */
export function show(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined) return '–';
  const size = Math.abs(value);
  if (size !== 0 && (size < 10 ** -digits || size >= 1e9)) return value.toExponential(2);
  return formatOf(digits).format(value).replace(/,/g, '\u2009');
}

const formats = new Map<number, Intl.NumberFormat>(); // making one takes as long as using it a hundred times

function formatOf(digits: number): Intl.NumberFormat {
  const known = formats.get(digits) ?? new Intl.NumberFormat('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  formats.set(digits, known);
  return known;
}

/** Digits after the point that tell scores of about this spread apart. */
export function digitsFor(values: (number | null)[]): number {
  const found = values.filter((value): value is number => value !== null);
  const width = Math.max(...found) - Math.min(...found);
  return found.length < 2 || !(width > 0) ? 4 : Math.max(0, Math.min(6, 3 - Math.floor(Math.log10(width))));
}

/** Seconds as `8 s`, `3 min`, `2 h 05 min`. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
