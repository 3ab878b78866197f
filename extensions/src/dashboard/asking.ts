/**
 * Requests from the dashboard's buttons, each followed in place until the loop has answered.
 *
 * Buttons are never `disabled`: a disabled one loses the focus, and JupyterLab would take the next key as its own.
 */

import type { Client, Pending } from '../client';
import { h, setText } from '../dom';
import type { Verb } from '../protocol';

const TONES = ['bad', 'wait', 'good'] as const; // the first that applies colours a note
export type Tone = (typeof TONES)[number];

/** How far a decision is, in words; `what` names it. */
export function progressOf(client: Client, pending: Pending, what: string = pending.verb): { text: string; tone: Tone } {
  if (client.isLate(pending)) return { text: `${what}: nobody answers; ${attach(client)}`, tone: 'bad' };
  switch (pending.state) {
    case 'sent':
      return { text: `${what}: sending`, tone: 'wait' };
    case 'filed':
      return { text: `${what}: recorded, waiting for the loop`, tone: 'wait' };
    case 'adopted':
      return { text: `${what}: adopted`, tone: 'good' };
    case 'refused':
      return { text: `${what}: refused: ${pending.reason}`, tone: 'bad' };
  }
}

/** What to do when nobody answers. */
export function attach(client: Client): string {
  return client.study ? `run %autoresearch attach ${client.study.name}` : 'run %autoresearch attach';
}

/** Whether something can be asked now, or why not. */
export function obstacle(client: Client): string {
  if (!client.study) return 'the study is not here yet';
  if (client.study.read_only) return 'this study was imported from a log; it can be read, not changed';
  if (!client.connected) return `disconnected: ${attach(client)}`;
  return '';
}

/** The requests of one group of controls, and the note beside them that says how far the latest are. */
export class Asking {
  readonly note = h('span', { class: 'ar-asked', role: 'status' });
  private latest = new Map<Verb, Pending>();
  private shown: { pending: Pending; what: string }[] = [];
  private stop: () => void;

  constructor(
    private client: Client,
    private onChange: () => void
  ) {
    this.stop = client.on('pending', () => {
      this.update();
      this.onChange();
    });
  }

  ask(verb: Verb, body: Record<string, unknown>, what: string): Pending {
    const pending = this.client.ask(verb, body);
    this.latest.set(verb, pending);
    this.shown = [...this.shown.filter(one => isOpen(one.pending)), { pending, what }];
    this.update();
    this.onChange();
    return pending;
  }

  /** Whether a request of this kind is on its way and somebody may still answer it. */
  isBusy(verb: Verb): boolean {
    const pending = this.latest.get(verb);
    return !!pending && isOpen(pending) && !this.client.isLate(pending);
  }

  remove(): void {
    this.stop();
  }

  private update(): void {
    const said = this.shown.map(one => progressOf(this.client, one.pending, one.what));
    const text = said.map(one => one.text).join(' · ');
    setText(this.note, text);
    this.note.title = text;
    this.note.dataset.tone = TONES.find(tone => said.some(one => one.tone === tone));
  }
}

function isOpen(pending: Pending): boolean {
  return pending.state === 'sent' || pending.state === 'filed';
}

export interface Press {
  readonly element: HTMLButtonElement;
  /** Draws it: why it cannot be pressed now ('' when it can), and whether its request is on its way. */
  update(label: string, obstacle: string, busy?: boolean): void;
}

/** A button that stays focusable when it cannot be pressed, and says why. */
export function press(title: string, act: () => void, style = ''): Press {
  let open = true;
  const element = h('button', { type: 'button', class: style, title, onclick: () => open && act() });
  return {
    element,
    update(label, obstacle, busy = false) {
      open = !obstacle && !busy;
      setText(element, busy ? `${label} …` : label);
      element.title = obstacle || title;
      element.setAttribute('aria-disabled', String(!open));
      element.setAttribute('aria-busy', String(busy));
    }
  };
}
