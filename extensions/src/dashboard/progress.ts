/** The progress plot: every candidate's score in order, as in karpathy/autoresearch's `analysis.ipynb`, and selecting one there. */

import type { Client } from '../client';
import { h, setText, show } from '../dom';
import type { Row } from '../protocol';
import { paint } from './paint';
import { pointsOf, type Points } from './points';
import { firstAt, legend, mountScatter, unknown, type Scatter } from './scatter';
import { SHAPES, effect, effectDigits, idea, standing } from './words';

const KEYS = 'left and right: every candidate; up and down: those kept; Enter: review';

export function mountProgress(el: HTMLElement, client: Client, review: () => void): Scatter {
  const key = h('div', { class: 'ar-progress-key' });
  const labels = toggle('Labels', true, 'ideas written at what was kept');
  const all = toggle('All scores', false, 'also those clearly worse than the baseline');
  const foot = h('div', { class: 'ar-progress-foot' }, key, labels, all);

  function toggle(title: string, pressed: boolean, hint: string): HTMLButtonElement {
    const button = h('button', {
      type: 'button', class: 'ar-toggle', title: hint, 'aria-pressed': String(pressed),
      onclick: () => {
        button.setAttribute('aria-pressed', String(!isOn(button)));
        scatter.schedule();
      }
    }, title); // prettier-ignore
    return button;
  }

  function look(): Points | string {
    const nothing = unknown(client);
    if (nothing) return nothing;
    const points = pointsOf(client.rows, client.study!, client.state!, isOn(all));
    return points.rows.length ? points : 'no score yet; the baseline comes first';
  }

  function axes() {
    const { objective, self_reported } = client.study!;
    const better = objective.goal === 'minimize' ? 'lower is better' : 'higher is better';
    return { x: 'candidate', y: `${objective.name} (${better})${self_reported ? ', self-reported' : ''}`, whole: true };
  }

  function described(row: Row): string[] {
    const { objective } = client.study!;
    const digits = effectDigits(client.study!);
    const spread = row.spread === null ? '' : ` ± ${show(row.spread, digits)} over ${row.trials} trials`;
    const compared = effect(row, digits);
    const unscored = `no score${row.why && `: ${row.why}`}`;
    return [
      `candidate ${row.candidate}, ${SHAPES[standing(row)]} ${standing(row)}`,
      idea(row),
      row.score === null ? unscored : `${objective.name} ${show(row.score)}${spread}${compared ? `, effect ${compared}` : ''}`,
      `+${row.added} / −${row.removed} lines`
    ];
  }

  function drawn({ counts, n_far }: Points): void {
    const parts = [
      `● kept ${counts.kept}`, `• discarded ${counts.discarded}`, counts.open && `○ undecided ${counts.open}`, counts.waiting && `◇ waiting ${counts.waiting}`,
      counts.ended && `△ ended early ${counts.ended}`, counts.crashed && `✕ crashed ${counts.crashed}`, n_far && !isOn(all) && `${n_far} worse than the baseline not drawn`
    ]; // prettier-ignore
    setText(key, legend(parts));
  }

  const scatter = mountScatter<Points>(el, client, foot, {
    label: `Progress plot; ${KEYS}`,
    look,
    axes,
    described,
    drawn,
    paint: (ctx, points, area, colours) => paint(ctx, points, area, colours, isOn(labels)),
    indexFrom: firstAt,
    stops: ({ kinds }, index) => kinds[index] === 'kept'
  }, review); // prettier-ignore
  return scatter;
}

function isOn(button: HTMLButtonElement): boolean {
  return button.getAttribute('aria-pressed') === 'true';
}
