/** The row above the card: how many candidates wait, and the way from one to the next. */

import type { Client } from '../client';
import { h, setText } from '../dom';

export class Queue {
  readonly element: HTMLElement;
  private place = h('span', { class: 'ar-review-place' });
  private steps: HTMLButtonElement[];
  private shown: number | null = null;

  constructor(private client: Client, help: () => void) {
    const step = (text: string, key: string, by: number) =>
      h('button', { type: 'button', 'aria-keyshortcuts': key, onclick: () => this.step(by) }, text);
    this.steps = [step('‹ Previous', 'P', -1), step('Next ›', 'N', 1)];
    const keys = h('button', { type: 'button', 'aria-label': 'keys', title: 'Keys', onclick: help }, '?');
    this.element = h('div', { class: 'ar-review-queue' }, this.place, ...this.steps, keys);
  }

  update(shown: number | null): void {
    this.shown = shown;
    const { waiting, at } = this;
    const wait = `${waiting.length} wait${waiting.length === 1 ? 's' : ''}`;
    setText(this.place, at >= 0 ? `${at + 1} of ${wait}` : waiting.length ? wait : 'nothing waits');
    for (const button of this.steps) button.disabled = waiting.every(one => one === shown);
  }

  /** Selects the next or previous that waits, round and round. */
  step(by: number): void {
    const { waiting, at } = this;
    const to = at < 0 ? (by > 0 ? 0 : waiting.length - 1) : (at + by + waiting.length) % waiting.length;
    if (waiting.length) this.client.select(waiting[to]);
  }

  /** The next that waits beside `from`; undefined when none does. */
  after(from: number): number | undefined {
    const others = this.waiting.filter(one => one !== from);
    return others.find(one => one > from) ?? others[0];
  }

  private get waiting(): number[] {
    return this.client.state?.waiting ?? [];
  }

  private get at(): number {
    return this.shown === null ? -1 : this.waiting.indexOf(this.shown);
  }
}
