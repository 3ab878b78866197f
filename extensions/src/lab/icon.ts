/** Our mark: a loop, and inside it an arrow upwards. */

import { LabIcon } from '@jupyterlab/ui-components';

const SIZE = 'width="16" height="16" viewBox="2 0.5 20 20"';
const DRAWING = `<svg xmlns="http://www.w3.org/2000/svg" ${SIZE}>
  <g class="jp-icon3 jp-icon-selectable" fill="#616161">
    <path d="M12 4a8 8 0 1 0 8 8h-2a6 6 0 1 1-6-6v3l5-4-5-4z"/>
    <path d="M12 9l3.2 3.6h-2.1V16h-2.2v-3.4H8.8z"/>
  </g>
</svg>`;

export const icon = new LabIcon({ name: 'autoresearch:mark', svgstr: DRAWING });
