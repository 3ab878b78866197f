/** What has become of decisions that the loop has adopted: one line each, followed until settled. */

import type { Client, Pending } from '../client';
import { h, setText } from '../dom';
import type { Card } from '../protocol';
import { offerFor } from './decide';
import { progressOf } from './words';

const SHOWN = 3;

interface Notice {
  about: number;
  element: HTMLElement;
  update(): void;
}

/** What a notice asks for: `takeBack` undoes the rejection of what was not tried, and `changing` wraps what may take the focus away. */
interface NoticeHandlers {
  takeBack(card: Card): void;
  changing(change: () => void): void;
}

export class Notices {
  readonly element = h('div', { class: 'ar-review-notices', role: 'log', 'aria-label': 'adopted decisions' });
  private list: Notice[] = [];

  constructor(private client: Client, private on: NoticeHandlers) {}

  /** The newest about a candidate takes the place of an older one. @param tookBack whether it undid an earlier one. */
  add(pending: Pending, tookBack: boolean): void {
    const about = pending.body.candidate as number;
    const made = pending.candidate === about ? null : pending.candidate;
    const notice = made !== null ? this.made(about, made, pending.verb === 'edit') : tookBack ? this.back(about) : this.whole(about, pending.verb === 'accept');
    this.list = [notice, ...this.list.filter(one => one.about !== about)].slice(0, SHOWN);
    this.on.changing(() => this.element.replaceChildren(...this.list.map(one => one.element)));
  }

  update(): void {
    for (const one of this.list) one.update();
  }

  private whole(about: number, accepted: boolean): Notice {
    const { client } = this;
    const words = () => (accepted ? `Candidate ${about} accepted: ${progressOf(client, about)}` : `Candidate ${about} rejected${reasonOf(client, about)}`);
    const undo = this.link('', '', () => {
      const card = client.cards.get(about);
      if (card?.can_be_tried) this.on.takeBack(card);
      client.select(about);
    });
    return this.line(about, words, undo, () => {
      const card = client.cards.get(about);
      const isDecided = card !== undefined && card.status === client.rows[about]?.status && card.status !== 'waiting';
      const offer = isDecided ? offerFor(card, client.study!) : null;
      undo.hidden = !offer?.[accepted ? 'reject' : 'accept'];
      setText(undo, card?.can_be_tried ? 'Undo' : 'Undo …');
      undo.title = card?.can_be_tried ? `Candidate ${about} is as it was before` : `Shows candidate ${about} again, where it can be ${accepted ? 'vetoed' : 'kept'}`;
    });
  }

  private back(about: number): Notice {
    const words = () => `Decision about candidate ${about} taken back: ${progressOf(this.client, about)}`;
    return this.line(about, words, this.link('Show it', `Shows candidate ${about}`, () => this.client.select(about)));
  }

  private made(about: number, made: number, edited: boolean): Notice {
    const what = edited ? 'Your version' : 'Your hunks';
    const verb = edited ? 'is' : 'are';
    const shown = this.link('Show it', `Shows candidate ${made}`, () => this.client.select(made));
    return this.line(about, () => `${what} of candidate ${about} ${verb} candidate ${made}: ${progressOf(this.client, made)}`, shown);
  }

  private link(text: string, title: string, follow: () => void): HTMLElement {
    return h('button', { class: 'ar-review-link', type: 'button', title, onclick: follow }, text);
  }

  private line(about: number, words: () => string, link: HTMLElement, fit: () => void = () => {}): Notice {
    const text = h('span');
    const element = h('div', { class: 'ar-review-notice' }, text, ' ', link);
    const close = h('button', { class: 'ar-review-link', type: 'button', 'aria-label': 'dismiss', onclick: () => this.remove(element) }, '×');
    element.append(close);
    const update = () => {
      setText(text, words());
      fit();
    };
    update();
    return { about, element, update };
  }

  private remove(element: HTMLElement): void {
    this.list = this.list.filter(one => one.element !== element);
    this.on.changing(() => element.remove());
  }
}

/** Why a candidate was rejected, where a person said it. */
function reasonOf(client: Client, candidate: number): string {
  const row = client.rows[candidate];
  return row?.status === 'discarded' && row.why && row.why !== 'rejected' ? `: ${row.why}` : '';
}
