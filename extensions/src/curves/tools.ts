/** The controls above the curves: scale, smoothing, and back from a zoom. */

import { h, setText } from '../dom';

export interface Tools {
  readonly element: HTMLElement;
  readonly log: boolean;
  /** Weight of the past in the moving average. */
  readonly weight: number;
  /** @param zoomed whether there is a zoom to leave. @param note what is not drawn. */
  update(zoomed: boolean, note: string): void;
}

export function makeTools(onChange: () => void, showAll: () => void): Tools {
  const log = h(
    'button',
    {
      type: 'button',
      class: 'ar-toggle',
      'aria-pressed': 'false',
      title: 'logarithmic scale',
      onclick: () => {
        log.setAttribute('aria-pressed', String(!isLog()));
        onChange();
      }
    },
    'Log scale'
  );
  const slider = h('input', {
    type: 'range',
    min: 0,
    max: 0.99,
    step: 0.01,
    value: 0,
    'aria-label': 'Smoothing',
    oninput: onChange
  });
  const weight = h('output', {});
  const smoothing = h(
    'label',
    { class: 'ar-curves-smoothing', title: 'weight of the past in a moving average' },
    'Smoothing',
    slider,
    weight
  );
  const whole = h(
    'button',
    {
      type: 'button',
      class: 'ar-toggle ar-curves-whole',
      title: 'show all steps; a double click in a plot does the same',
      onclick: showAll
    },
    'All steps'
  );
  const remark = h('span', { class: 'ar-curves-note ar-faint' });

  function isLog(): boolean {
    return log.getAttribute('aria-pressed') === 'true';
  }

  return {
    element: h('div', { class: 'ar-curves-tools' }, log, smoothing, whole, remark),
    get log() {
      return isLog();
    },
    get weight() {
      return Number(slider.value);
    },
    update(zoomed, note) {
      const value = Number(slider.value);
      setText(weight, value ? value.toFixed(2) : 'off');
      whole.classList.toggle('ar-curves-idle', !zoomed);
      whole.setAttribute('aria-disabled', String(!zoomed));
      setText(remark, note);
    }
  };
}
