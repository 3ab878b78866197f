/** Small pictures of the review card. */

export const WIDTH = 220;

export function svg(
  tag: string,
  attributes: Record<string, string | number>,
  ...children: Node[]
): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** A picture with words for those who cannot see it. */
export function picture(
  words: string,
  height: number,
  tone: string,
  ...children: Node[]
): SVGElement {
  const size = { width: WIDTH, height, viewBox: `0 0 ${WIDTH} ${height}` };
  const name = `ar-review-picture ${tone}`;
  return svg('svg', { class: name, role: 'img', 'aria-label': words, ...size }, ...children);
}
