/** Building elements. Text is always a text node: nothing that a candidate wrote becomes markup. */

type Child = Node | string | null | false;
type Listener = (event: any) => void;
type Attributes = Record<string, string | number | boolean | null | undefined | Listener>;

const FOCUSABLE = new Set(['a', 'button', 'input', 'select', 'textarea', 'summary']);

/**
 * Makes an element.
 *
 * @param attributes `on...` are listeners; false, null and undefined are left out; true is an empty
 * attribute. @param children null and false are left out.
 */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  // Keeps JupyterLab's single-key shortcuts away; the attribute of an ancestor would not.
  const isFocusable = FOCUSABLE.has(tag) || 'tabindex' in attributes;
  if (isFocusable) element.setAttribute('data-lm-suppress-shortcuts', 'true');
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, String(value));
    }
  }
  element.append(...children.filter(isShown));
  return element;
}

function isShown(child: Child): child is Node | string {
  return child !== null && child !== false;
}

/** Writes a text only where it differs: writing it anew would flicker and drop a selection. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

const HUGE = 1e9; // from here on, an exponent is easier to read

/** A number for people, with thin spaces between thousands; a dash where there is none. */
export function show(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined) return '–';
  const size = Math.abs(value);
  const isTiny = size !== 0 && size < 10 ** -digits;
  if (isTiny || size >= HUGE) return value.toExponential(2);
  return formatFor(digits).format(value).replace(/,/g, '\u2009');
}

/** By digits; making a format takes as long as using it a hundred times. */
const formats = new Map<number, Intl.NumberFormat>();

function formatFor(digits: number): Intl.NumberFormat {
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  const format = formats.get(digits) ?? new Intl.NumberFormat('en-US', options);
  formats.set(digits, format);
  return format;
}

const USUAL_DIGITS = 4;
const MAX_DIGITS = 6;

/** Digits after the point that tell values of this spread apart. */
export function digitsFor(values: (number | null)[]): number {
  const numbers = values.filter(value => value !== null);
  if (numbers.length < 2) return USUAL_DIGITS;
  const width = Math.max(...numbers) - Math.min(...numbers);
  if (!(width > 0)) return USUAL_DIGITS;
  return Math.max(0, Math.min(MAX_DIGITS, 3 - Math.floor(Math.log10(width))));
}

/** Seconds as `8 s`, `3 min`, `2 h 05 min`. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const rest = String(minutes % 60).padStart(2, '0');
  return `${Math.floor(minutes / 60)} h ${rest} min`;
}
