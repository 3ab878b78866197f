/** What has become of decisions that the loop has adopted: one line each, followed until settled. */

import type { Client, Pending } from '../client';
import { h, setText } from '../dom';
import { progressOf } from './words';

const SHOWN = 3;

interface Notice {
  element: HTMLElement;
  update(): void;
}

export class Notices {
  readonly element = h('div', { class: 'ar-review-notices', role: 'log', 'aria-label': 'adopted decisions' });
  private list: Notice[] = [];

  constructor(private client: Client, private changing: (change: () => void) => void) {}

  add(pending: Pending): void {
    const about = pending.body.candidate as number;
    const made = pending.candidate === about ? null : pending.candidate;
    const notice = made === null ? this.whole(about, pending.verb === 'accept') : this.made(about, made, pending.verb === 'edit');
    this.list = [notice, ...this.list].slice(0, SHOWN);
    this.element.replaceChildren(...this.list.map(one => one.element));
  }

  update(): void {
    for (const one of this.list) one.update();
  }

  private whole(about: number, accepted: boolean): Notice {
    const undo = this.link('Undo …', `Shows candidate ${about} again, where it can be ${accepted ? 'vetoed' : 'kept'}`, about);
    return this.line(() => `Candidate ${about} ${accepted ? 'accepted' : 'rejected'}: ${progressOf(this.client, about)}`, undo);
  }

  private made(about: number, made: number, edited: boolean): Notice {
    const what = edited ? 'Your version' : 'Your hunks';
    const verb = edited ? 'is' : 'are';
    const shown = this.link('Show it', `Shows candidate ${made}`, made);
    return this.line(() => `${what} of candidate ${about} ${verb} candidate ${made}: ${progressOf(this.client, made)}`, shown);
  }

  private link(text: string, title: string, candidate: number): HTMLElement {
    return h('button', { class: 'ar-review-link', type: 'button', title, onclick: () => this.client.select(candidate) }, text);
  }

  private line(words: () => string, link: HTMLElement): Notice {
    const text = h('span', {}, words());
    const element = h('div', { class: 'ar-review-notice' }, text, ' ', link);
    const close = h('button', { class: 'ar-review-link', type: 'button', 'aria-label': 'dismiss', onclick: () => this.remove(element) }, '×');
    element.append(close);
    return { element, update: () => setText(text, words()) };
  }

  private remove(element: HTMLElement): void {
    this.list = this.list.filter(one => one.element !== element);
    this.changing(() => element.remove());
  }
}
