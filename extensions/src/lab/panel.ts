/** The side panel: every study under the server's root, the one written to last first. */

import { Widget } from '@lumino/widgets';
import { digitsFor, h, setText, show } from '../dom';
import type { RunState, StudyEntry, Unreadable } from '../protocol';
import { icon } from './icon';
import { gainOf, type Studies } from './studies';

export const PANEL = 'autoresearch-studies';

/** A state in a sign and a word. */
const STATES: Record<RunState | 'waiting', { sign: string; word: string }> = {
  running: { sign: '▶', word: 'running' },
  paused: { sign: '‖', word: 'paused' },
  finished: { sign: '✓', word: 'finished' },
  stopped: { sign: '■', word: 'stopped' },
  dead: { sign: '✕', word: 'dead' },
  waiting: { sign: '◇', word: 'waits for you' }
};

export interface PanelActions {
  open(study: StudyEntry): void;
  review(study: StudyEntry): void;
}

/** A class, since JupyterLab calls methods of a widget; all else is in `mountStudies`. */
export class StudiesPanel extends Widget {
  constructor(studies: Studies, actions: PanelActions) {
    super();
    this.id = PANEL;
    this.title.icon = icon;
    this.title.caption = 'Autoresearch: studies';
    this.addClass('ar');
    this.addClass('ar-panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'Autoresearch studies');
    mountStudies(this.node, studies, actions);
  }

  protected onActivateRequest(): void {
    const button = this.node.querySelector<HTMLElement>('button');
    (button ?? this.node).focus();
  }
}

function mountStudies(el: HTMLElement, studies: Studies, actions: PanelActions): void {
  const note = h('p', { class: 'ar-panel-note', role: 'status' });
  const list = h('ul', { class: 'ar-studies', 'aria-label': 'Studies, the newest first' });
  const broken = h('ul', {
    class: 'ar-studies ar-broken',
    'aria-label': 'Studies that cannot be read'
  });
  el.append(h('h2', {}, 'Autoresearch'), note, list, broken, drawHelp());
  const items = makeItems(list, actions);

  function draw(): void {
    const { unreadable, connected } = studies;
    const isEmpty = !studies.list?.length && !unreadable.length;
    setText(note, describeConnection(studies));
    el.classList.toggle('ar-panel-empty', connected && isEmpty);
    el.classList.toggle('ar-panel-stale', !connected);
    items.show(studies.list ?? []);
    broken.replaceChildren(...unreadable.map(drawUnreadable));
  }

  studies.on(draw);
  draw();
}

function describeConnection({ connected, list }: Studies): string {
  if (connected) return '';
  return list ? 'Disconnected from the server; trying again.' : 'Looking for studies…';
}

/** The items of the list. A study keeps its element, so that the focus stays where it is. */
function makeItems(
  list: HTMLElement,
  actions: PanelActions
): { show(studies: StudyEntry[]): void } {
  const items = new Map<string, Item>();

  function itemOf(study: StudyEntry): Item {
    const item = items.get(study.path) ?? makeItem(actions);
    items.set(study.path, item);
    item.show(study);
    return item;
  }

  function removeOthers(shown: Item[]): void {
    for (const [path, item] of items) {
      if (shown.includes(item)) continue;
      item.element.remove();
      items.delete(path);
    }
  }

  return {
    show(studies) {
      const shown = studies.map(itemOf);
      removeOthers(shown);
      shown.forEach(({ element }, i) => {
        const current = list.children[i] ?? null;
        if (current !== element) list.insertBefore(element, current);
      });
    }
  };
}

interface Item {
  readonly element: HTMLElement;
  show(study: StudyEntry): void;
}

function makeItem(actions: PanelActions): Item {
  let current: StudyEntry | null = null;
  const sign = h('span', { class: 'ar-study-sign', 'aria-hidden': 'true' });
  const name = h('span', { class: 'ar-study-name' });
  const about = h('span', { class: 'ar-study-about' });
  const score = h('span', { class: 'ar-study-score' });
  const counts = h('span', { class: 'ar-study-counts' });
  const main = h(
    'button',
    { type: 'button', class: 'ar-study-open', onclick: () => current && actions.open(current) },
    h('span', { class: 'ar-study-head' }, sign, name),
    about,
    score,
    counts
  );
  const onclick = () => current && actions.review(current);
  const review = h('button', { type: 'button', class: 'ar-study-review', hidden: true, onclick });
  const element = h('li', { class: 'ar-study' }, main, review);
  return {
    element,
    show(study) {
      current = study;
      const state = stateOf(study);
      const n_waiting = study.waiting.length;
      setText(sign, STATES[state].sign);
      setText(name, study.study);
      setText(about, describePlace(study, STATES[state].word));
      setText(score, describeScore(study));
      setText(counts, describeCounts(study));
      setText(review, `${n_waiting} to review`);
      review.hidden = n_waiting === 0;
      review.setAttribute('aria-label', `Review ${n_waiting} waiting in ${study.study}`);
      element.dataset.state = state;
      element.toggleAttribute('data-waiting', n_waiting > 0);
      main.title = [study.path, study.reason].filter(Boolean).join('\n');
    }
  };
}

/** A finished study in which candidates wait has no more to do, but the person has. */
function stateOf({ state, waiting }: StudyEntry): RunState | 'waiting' {
  return state === 'finished' && waiting.length > 0 ? 'waiting' : state;
}

function describePlace({ experiment, folder }: StudyEntry, state: string): string {
  return [state, experiment, folder && `in ${folder}`].filter(Boolean).join(' · ');
}

function describeCounts({ counts }: StudyEntry): string {
  const noun = counts.candidates === 1 ? 'candidate' : 'candidates';
  return `${counts.candidates} ${noun}, ${counts.kept} kept, ${counts.failed} failed`;
}

function describeScore(study: StudyEntry): string {
  const { best, baseline, objective } = study;
  if (best.score === null) return `no ${objective.name} yet`;
  const digits = digitsFor([best.score, baseline.score]);
  const score = `${objective.name} ${show(best.score, digits)}`;
  const claimed = study.self_reported ? ' (self-reported)' : '';
  return `${score}, ${describeGain(gainOf(study), digits)}${claimed}`;
}

function describeGain(gain: number | null, digits: number): string {
  if (gain === null) return 'the baseline';
  return `${show(Math.abs(gain), digits)} ${gain >= 0 ? 'better' : 'worse'} than the baseline`;
}

function drawUnreadable({ path, message }: Unreadable): HTMLElement {
  const name = path.replace(/^.*\//, '');
  return h(
    'li',
    { class: 'ar-study-broken', title: path },
    h('strong', {}, `⚠ ${name}`),
    h('p', {}, `cannot be read: ${message}`)
  );
}

function drawHelp(): HTMLElement {
  return h(
    'div',
    { class: 'ar-panel-help' },
    h('p', {}, 'No study lies under this server’s folder yet. Start one in a notebook:'),
    h('pre', {}, '%autoresearch start tinygpt'),
    h('p', {}, 'or in a terminal:'),
    h('pre', {}, 'autoresearch start tinygpt'),
    h('p', {}, 'It appears here by itself.')
  );
}
