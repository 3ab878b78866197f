/** The status-bar item: how many studies run, how many candidates wait. A click shows the panel. */

import { Widget } from '@lumino/widgets';
import { h, setText } from '../dom';
import { icon } from './icon';
import type { Studies } from './studies';

export function makeStatusItem(studies: Studies, showPanel: () => void): Widget {
  const text = h('span');
  const mark = icon.element({ tag: 'span', className: 'ar-status-mark' });
  const attributes = { class: 'ar-status', title: 'Show the Autoresearch studies' };
  const button = h('button', { type: 'button', ...attributes, onclick: showPanel }, mark, text);
  const item = new Widget();
  item.node.append(button);

  function draw(): void {
    setText(text, describeStudies(studies));
    button.hidden = !studies.list?.length; // the status bar shows and hides the item itself
  }

  studies.on(draw);
  draw();
  return item;
}

/** `2 running, 1 to review`. */
function describeStudies({ list, connected }: Studies): string {
  if (!connected) return 'studies: disconnected';
  const studies = list ?? [];
  const n_running = studies.filter(study => study.state === 'running').length;
  const n_waiting = studies.reduce((sum, study) => sum + study.waiting.length, 0);
  return n_waiting ? `${n_running} running, ${n_waiting} to review` : `${n_running} running`;
}
