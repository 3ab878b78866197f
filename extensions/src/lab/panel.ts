/** The side panel: every study under the server's root, that written to last first. */

import { Widget } from '@lumino/widgets';
import { digitsFor, h, setText, show } from '../dom';
import type { RunState } from '../protocol';
import { icon } from './icon';
import { gain, type Studies, type StudyEntry, type Unreadable } from './studies';

export const PANEL = 'autoresearch-studies';

/** A state in a sign and a word. */
const STATES: Record<RunState, [sign: string, word: string]> = {
  running: ['▶', 'running'],
  paused: ['‖', 'paused'],
  finished: ['✓', 'finished'],
  stopped: ['■', 'stopped'],
  dead: ['✕', 'dead']
};

const WAITS: [sign: string, word: string] = ['◇', 'waits for you'];

interface Actions {
  open: (study: StudyEntry) => void;
  review: (study: StudyEntry) => void;
}

export class StudiesPanel extends Widget {
  private items = new Map<string, Item>();
  private note = h('p', { class: 'ar-panel-note', role: 'status' });
  private list = h('ul', { class: 'ar-studies', 'aria-label': 'Studies, the newest first' });
  private broken = h('ul', { class: 'ar-studies ar-broken', 'aria-label': 'Studies that cannot be read' });

  constructor(
    private studies: Studies,
    private actions: Actions
  ) {
    super();
    this.id = PANEL;
    this.title.icon = icon;
    this.title.caption = 'Autoresearch: studies';
    this.addClass('ar');
    this.addClass('ar-panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'Autoresearch studies');
    this.node.append(h('h2', {}, 'Autoresearch'), this.note, this.list, this.broken, help());
    studies.on(() => this.draw());
    this.draw();
  }

  protected onActivateRequest(): void {
    (this.node.querySelector<HTMLElement>('button') ?? this.node).focus();
  }

  private draw(): void {
    const { list, unreadable, connected } = this.studies;
    const found = list ?? [];
    setText(this.note, connected ? '' : list ? 'Disconnected from the server; trying again.' : 'Looking for studies…');
    this.node.classList.toggle('ar-panel-empty', connected && !found.length && !unreadable.length);
    this.node.classList.toggle('ar-panel-stale', !connected);
    const items = found.map(study => this.item(study));
    for (const [path, item] of this.items) {
      if (items.includes(item)) continue;
      item.node.remove();
      this.items.delete(path);
    }
    items.forEach((item, i) => {
      if (this.list.children[i] !== item.node) this.list.insertBefore(item.node, this.list.children[i] ?? null);
    });
    this.broken.replaceChildren(...unreadable.map(brokenItem));
  }

  private item(study: StudyEntry): Item {
    const known = this.items.get(study.path) ?? new Item(this.actions);
    this.items.set(study.path, known);
    known.show(study);
    return known;
  }
}

/** One study; its elements stay the same while their texts change, so that focus stays where it is. */
class Item {
  readonly node: HTMLLIElement;
  private study!: StudyEntry;
  private sign = h('span', { class: 'ar-study-sign', 'aria-hidden': 'true' });
  private name = h('span', { class: 'ar-study-name' });
  private about = h('span', { class: 'ar-study-about' });
  private score = h('span', { class: 'ar-study-score' });
  private counts = h('span', { class: 'ar-study-counts' });
  private main: HTMLButtonElement;
  private review: HTMLButtonElement;

  constructor(actions: Actions) {
    const head = h('span', { class: 'ar-study-head' }, this.sign, this.name);
    this.main = h('button', { type: 'button', class: 'ar-study-open', onclick: () => actions.open(this.study) }, head, this.about, this.score, this.counts);
    this.review = h('button', { type: 'button', class: 'ar-study-review', hidden: true, onclick: () => actions.review(this.study) });
    this.node = h('li', { class: 'ar-study' }, this.main, this.review);
  }

  show(study: StudyEntry): void {
    this.study = study;
    const { counts, best, baseline, objective } = study;
    const asks = study.state === 'finished' && study.waiting.length > 0;
    const [sign, word] = asks ? WAITS : STATES[study.state];
    const better = gain(study);
    const digits = digitsFor([best.score, baseline.score]);
    setText(this.sign, sign);
    setText(this.name, study.study);
    setText(this.about, [word, study.experiment, study.folder && `in ${study.folder}`].filter(Boolean).join(' · '));
    const gained = better === null ? ', the baseline' : `, ${show(Math.abs(better), digits)} ${better >= 0 ? 'better' : 'worse'} than the baseline`;
    const claimed = study.self_reported ? ' (self-reported)' : '';
    setText(this.score, best.score === null ? `no ${objective.name} yet` : `${objective.name} ${show(best.score, digits)}${gained}${claimed}`);
    setText(this.counts, `${counts.candidates} candidate${counts.candidates === 1 ? '' : 's'}, ${counts.kept} kept, ${counts.failed} failed`);
    setText(this.review, `${study.waiting.length} to review`);
    this.review.hidden = !study.waiting.length;
    this.review.setAttribute('aria-label', `Review ${study.waiting.length} waiting in ${study.study}`);
    this.node.dataset.state = asks ? 'waiting' : study.state;
    this.node.toggleAttribute('data-waiting', study.waiting.length > 0);
    this.main.title = [study.path, study.reason].filter(Boolean).join('\n');
  }
}

function brokenItem({ path, message }: Unreadable): HTMLElement {
  const name = path.replace(/^.*\//, '');
  return h('li', { class: 'ar-study-broken', title: path }, h('strong', {}, `⚠ ${name}`), h('p', {}, `cannot be read: ${message}`));
}

function help(): HTMLElement {
  return h(
    'div', { class: 'ar-panel-help' },
    h('p', {}, 'No study lies under this server’s folder yet. Start one in a notebook:'),
    h('pre', {}, '%autoresearch start tinygpt'),
    h('p', {}, 'or in a terminal:'),
    h('pre', {}, 'autoresearch start tinygpt'),
    h('p', {}, 'It appears here by itself.')
  ); // prettier-ignore
}
