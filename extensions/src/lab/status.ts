/** The status-bar item: how many studies run and how many candidates wait; a click shows the panel. */

import { Widget } from '@lumino/widgets';
import { h, setText } from '../dom';
import { icon } from './icon';
import type { Studies } from './studies';

export function statusItem(studies: Studies, showPanel: () => void): Widget {
  const text = h('span');
  const mark = icon.element({ tag: 'span', className: 'ar-status-mark' });
  const button = h('button', { type: 'button', class: 'ar-status', title: 'Show the Autoresearch studies', onclick: showPanel }, mark, text);
  const item = new Widget();
  item.node.append(button);
  const draw = () => {
    const list = studies.list ?? [];
    const running = list.filter(study => study.state === 'running').length;
    const waiting = list.reduce((sum, study) => sum + study.waiting.length, 0);
    const known = `${running} running${waiting ? `, ${waiting} to review` : ''}`;
    setText(text, studies.connected ? known : 'studies: disconnected');
    button.hidden = !list.length; // whether the item itself is shown is the status bar's
  };
  studies.on(draw);
  draw();
  return item;
}
