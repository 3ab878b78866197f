/** The decisions of this screen that the loop has not answered yet, and how far each one is. */

import type { Request, Verb } from './protocol';

/** A decision on its way: handed over, stored, then adopted or refused by the loop. */
export interface Pending extends Request {
  /** Milliseconds on our clock. */
  at: number;
  state: 'sent' | 'filed' | 'adopted' | 'refused';
  reason: string;
  /** The candidate that it made. */
  candidate: number | null;
}

const ANSWER_MS = 2000; // a decision that is not stored by then is shown as unanswered

export function newPending(verb: Verb, body: Record<string, unknown>): Pending {
  const at = Date.now();
  return { decision_id: newId(), verb, body, at, state: 'sent', reason: '', candidate: null };
}

/** Whether the loop has not answered it yet. */
export function isOpen(pending: Pending): boolean {
  return pending.state === 'sent' || pending.state === 'filed';
}

/** Whether it should have been stored by now. */
export function isLate(pending: Pending): boolean {
  return pending.state === 'sent' && Date.now() - pending.at > ANSWER_MS;
}

/** Takes in an answer; false if it comes too late to change anything. */
export function advance(
  pending: Pending,
  state: Pending['state'],
  reason: string,
  candidate: number | null
): boolean {
  if (pending.state === 'adopted') return false;
  if (state === 'filed' && pending.state !== 'sent') return false;
  Object.assign(pending, { state, reason, candidate });
  return true;
}

function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}
