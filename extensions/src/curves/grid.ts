/** The plots of all series: one large, the others in a strip below it. */

import { h } from '../dom';
import { makePlot, type Colours, type Events, type Plot } from './plot';
import type { TrialCurves } from './trials';

export interface Grid {
  readonly element: HTMLElement;
  /** What is said if there is no plot. */
  readonly empty: HTMLElement;
  /** Makes, moves and removes plots until there is one for each name. */
  arrange(names: string[], trials: TrialCurves[], colours: Colours): void;
  plotOf(name: string): Plot;
  isLarge(name: string): boolean;
  /** Moves the cursor of all plots. */
  point(step: number | null): void;
  remove(): void;
}

/** @param onEnlarge is called after a person has chosen another large plot. */
export function makeGrid(events: Omit<Events, 'enlarge'>, onEnlarge: () => void): Grid {
  const large = h('div', { class: 'ar-curves-large' });
  const strip = h('div', { class: 'ar-curves-strip' });
  const empty = h('div', { class: 'ar-nothing' });
  const plots = new Map<string, Plot>();
  let enlarged: string | null = null;

  function make(name: string, colours: Colours): Plot {
    const enlarge = () => {
      enlarged = name;
      onEnlarge();
    };
    const plot = makePlot(name, { ...events, enlarge }, colours);
    plots.set(name, plot);
    return plot;
  }

  function removeOthers(names: string[]): void {
    for (const [name, plot] of plots) {
      if (names.includes(name)) continue;
      plot.destroy();
      plot.element.remove();
      plots.delete(name);
    }
  }

  /** The plot that a person enlarged, else the first one with a line to see. */
  function chooseLarge(names: string[], trials: TrialCurves[]): string | undefined {
    const hasLine = (name: string) =>
      trials.some(trial => (trial.curves.get(name)?.length ?? 0) > 1);
    return names.find(name => name === enlarged) ?? names.find(hasLine) ?? names[0];
  }

  return {
    element: h('div', { class: 'ar-curves-plots' }, large, strip, empty),
    empty,
    arrange(names, trials, colours) {
      removeOthers(names);
      const chosen = chooseLarge(names, trials);
      let position = 0;
      for (const name of names) {
        const { element } = plots.get(name) ?? make(name, colours);
        if (name === chosen) move(element, large, 0);
        else move(element, strip, position++);
      }
      strip.hidden = names.length < 2;
    },
    plotOf: name => plots.get(name)!,
    isLarge: name => plots.get(name)!.element.parentElement === large,
    point(step) {
      for (const plot of plots.values()) plot.point(step);
    },
    remove() {
      for (const plot of plots.values()) plot.destroy();
    }
  };
}

/** Moves an element, and keeps the focus in it. */
function move(element: HTMLElement, parent: HTMLElement, position: number): void {
  const before = parent.children[position];
  if (before === element) return;
  const focused = document.activeElement;
  const hadFocus = element.contains(focused);
  parent.insertBefore(element, before ?? null);
  if (hadFocus) (focused as HTMLElement).focus({ preventScroll: true });
}
