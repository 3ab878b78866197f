/**
 * Requests from the dashboard's buttons, each followed in place until the loop has answered.
 *
 * Buttons are never `disabled`: a disabled one loses the focus, and JupyterLab would take the next
 * key as its own.
 */

import type { Client, Pending } from '../client';
import { h, setText } from '../dom';
import { isOpen } from '../pending';
import type { Verb } from '../protocol';

const TONES = ['bad', 'wait', 'good'] as const; // the first one that applies colours a note
export type Tone = (typeof TONES)[number];

interface Progress {
  text: string;
  tone: Tone;
}

/** How far a decision is, in words. */
export function describeProgress(
  client: Client,
  pending: Pending,
  name: string = pending.verb
): Progress {
  if (client.isLate(pending)) {
    return { text: `${name}: no answer; ${attachAdvice(client)}`, tone: 'bad' };
  }
  switch (pending.state) {
    case 'sent':
      return { text: `${name}: sending`, tone: 'wait' };
    case 'filed':
      return { text: `${name}: recorded, waiting for the loop`, tone: 'wait' };
    case 'adopted':
      return { text: `${name}: adopted`, tone: 'good' };
    case 'refused':
      return { text: `${name}: refused: ${pending.reason}`, tone: 'bad' };
  }
}

/** What to do when no answer comes. */
export function attachAdvice(client: Client): string {
  const verb = 'run %autoresearch attach';
  return client.study ? `${verb} ${client.study.name}` : verb;
}

/** Why nothing can be requested now; empty if something can. */
export function findObstacle(client: Client): string {
  if (!client.study) return 'the study is not here yet';
  if (client.study.read_only) {
    return 'this study was imported from a log; it can be read, not changed';
  }
  if (!client.connected) return `disconnected: ${attachAdvice(client)}`;
  return '';
}

export interface Requests {
  /** Says how far the latest requests are. */
  readonly note: HTMLElement;
  /** @param name what the note calls it. */
  ask(verb: Verb, body: Record<string, unknown>, name: string): void;
  /** Whether a request of this kind is on its way and may still be answered. */
  isBusy(verb: Verb): boolean;
  remove(): void;
}

/** The requests of one group of controls. */
export function followRequests(client: Client, onChange: () => void): Requests {
  const note = h('span', { class: 'ar-asked', role: 'status' });
  const latest = new Map<Verb, Pending>();
  let entries: { pending: Pending; name: string }[] = [];

  function update(): void {
    const progress = entries.map(({ pending, name }) => describeProgress(client, pending, name));
    const text = progress.map(one => one.text).join(' · ');
    setText(note, text);
    note.title = text;
    note.dataset.tone = TONES.find(tone => progress.some(one => one.tone === tone));
    onChange();
  }

  const stop = client.on('pending', update);
  return {
    note,
    ask(verb, body, name) {
      const pending = client.ask(verb, body);
      latest.set(verb, pending);
      entries = [...entries.filter(one => isOpen(one.pending)), { pending, name }];
      update();
    },
    isBusy(verb) {
      const pending = latest.get(verb);
      return !!pending && isOpen(pending) && !client.isLate(pending);
    },
    remove: stop
  };
}

export interface Press {
  readonly element: HTMLButtonElement;
  /**
   * @param obstacle why it cannot be pressed now; empty if it can.
   * @param busy whether its request is on its way.
   */
  update(label: string, obstacle: string, busy?: boolean): void;
}

/** A button that stays focusable when it cannot be pressed, and says why. */
export function makePress(title: string, act: () => void): Press {
  let enabled = true;
  const element = h('button', { type: 'button', title, onclick: () => enabled && act() });
  return {
    element,
    update(label, obstacle, busy = false) {
      enabled = !obstacle && !busy;
      setText(element, busy ? `${label} …` : label);
      element.title = obstacle || title;
      element.setAttribute('aria-disabled', String(!enabled));
      element.setAttribute('aria-busy', String(busy));
    }
  };
}
