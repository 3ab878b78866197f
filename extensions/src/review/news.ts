/** What has become of the latest decision about a candidate, in words. Pure. */

import type { Client, Pending } from '../client';

export interface News {
  readonly tone: 'faint' | 'pending' | 'bad';
  readonly text: string;
  /** The decision that can be sent again, since no answer has come; null: none. */
  readonly late: Pending | null;
}

type Status = Pick<Client, 'connected' | 'isLate' | 'problem' | 'state' | 'study'>;

/** @param why why less than usual is on offer; shown when the decision has no news. */
export function describeNews(client: Status, latest: Pending | null, why: string): News {
  if (latest && client.isLate(latest)) {
    return { tone: 'bad', text: describeLate(client), late: latest };
  }
  switch (latest?.state) {
    case 'sent':
      return { tone: 'pending', text: 'Sending …', late: null };
    case 'filed':
      return { tone: 'pending', text: describeWait(client), late: null };
    case 'refused': {
      const reason = latest.reason.replace(/\.$/, '');
      return { tone: 'bad', text: `Refused: ${reason}. Your choice is kept.`, late: null };
    }
  }
  if (why) return { tone: 'faint', text: why, late: null };
  if (client.connected) return { tone: 'faint', text: '', late: null };
  const text = `Disconnected: ${client.problem}. What is shown may be old.`;
  return { tone: 'faint', text, late: null };
}

function describeLate({ problem, study }: Status): string {
  const cause = problem ? ` (${problem})` : '';
  const name = study?.name ?? '';
  return (
    `Disconnected: this decision is not stored${cause}. ` +
    `Run %autoresearch attach ${name} in a cell, or send it again: it takes effect once.`
  );
}

/** A study that is running without a live loop is one whose loop is starting. */
function describeWait({ state }: Status): string {
  const isLoopExpected = state !== null && (state.alive || state.state === 'running');
  if (isLoopExpected) return 'Recorded; waiting for the loop …';
  return 'Recorded; no loop is alive: it takes effect as soon as one is.';
}
