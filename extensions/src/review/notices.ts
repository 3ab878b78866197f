/** What has become of the decisions that the loop has adopted: a line each, kept up to date. */

import type { Client, Pending } from '../client';
import { h, setText } from '../dom';
import type { Card } from '../protocol';
import { offerFor } from './decide';
import { describeProgress } from './words';

const MAX_SHOWN = 3;

export interface NoticeHandlers {
  /** Undoes the rejection of a candidate that has not run yet. */
  takeBack(card: Card): void;
  /** Makes a change that may take the focus away. */
  change(change: () => void): void;
}

export interface Notices {
  /** Announces an adopted decision, in place of an earlier one about the same candidate. */
  add(pending: Pending, isTakeBack: boolean): void;
  update(): void;
}

/** One line. */
interface Notice {
  /** The candidate that was decided about. */
  readonly candidate: number;
  readonly element: HTMLElement;
  update(): void;
}

/** What a line says: its words, and a button that leads on. */
interface Line {
  readonly candidate: number;
  words(): string;
  readonly button: HTMLButtonElement;
  /** Draws the button anew; without it, it stays as it is. */
  updateButton?(): void;
}

export function mountNotices(el: HTMLElement, client: Client, on: NoticeHandlers): Notices {
  const attributes = { role: 'log', 'aria-label': 'adopted decisions' };
  const element = h('div', { class: 'ar-review-notices', ...attributes });
  el.append(element);
  let notices: Notice[] = [];

  function dismiss(notice: Notice): void {
    notices = notices.filter(other => other !== notice);
    on.change(() => notice.element.remove());
  }

  return {
    add(pending, isTakeBack) {
      const notice = makeNotice(lineFor(pending, isTakeBack, client, on), dismiss);
      const others = notices.filter(({ candidate }) => candidate !== notice.candidate);
      notices = [notice, ...others].slice(0, MAX_SHOWN);
      on.change(() => element.replaceChildren(...notices.map(({ element }) => element)));
    },
    update() {
      for (const notice of notices) notice.update();
    }
  };
}

function makeNotice(line: Line, dismiss: (notice: Notice) => void): Notice {
  const text = h('span');
  const close = makeLink('×', '', () => dismiss(notice));
  close.setAttribute('aria-label', 'dismiss');
  const element = h('div', { class: 'ar-review-notice' }, text, ' ', line.button, close);
  const update = () => {
    setText(text, line.words());
    line.updateButton?.();
  };
  const notice: Notice = { candidate: line.candidate, element, update };
  update();
  return notice;
}

function lineFor(pending: Pending, isTakeBack: boolean, client: Client, on: NoticeHandlers): Line {
  const candidate = pending.body.candidate as number;
  const isNew = pending.candidate !== null && pending.candidate !== candidate;
  if (isNew) return describeNew(candidate, pending.candidate!, pending.verb === 'edit', client);
  if (isTakeBack) return describeTakeBack(candidate, client);
  return describeWhole(candidate, pending.verb === 'accept', client, on);
}

/** Some hunks, or an edited version, have become a candidate. */
function describeNew(candidate: number, result: number, isEdit: boolean, client: Client): Line {
  const what = isEdit
    ? `Your version of candidate ${candidate} is`
    : `Your hunks of candidate ${candidate} are`;
  return {
    candidate,
    button: makeLink('Show it', `Shows candidate ${result}`, () => client.select(result)),
    words: () => `${what} candidate ${result}: ${describeProgress(client, result)}`
  };
}

function describeTakeBack(candidate: number, client: Client): Line {
  const what = `Decision about candidate ${candidate} taken back`;
  return {
    candidate,
    button: makeLink('Show it', `Shows candidate ${candidate}`, () => client.select(candidate)),
    words: () => `${what}: ${describeProgress(client, candidate)}`
  };
}

/** The candidate as a whole was accepted or rejected. */
function describeWhole(
  candidate: number,
  isAccept: boolean,
  client: Client,
  on: NoticeHandlers
): Line {
  const button = makeLink('', '', () => {
    const card = client.cards.get(candidate);
    if (card?.can_be_tried) on.takeBack(card);
    client.select(candidate);
  });
  return {
    candidate,
    button,
    words: () =>
      isAccept
        ? `Candidate ${candidate} accepted: ${describeProgress(client, candidate)}`
        : `Candidate ${candidate} rejected${describeReason(client, candidate)}`,
    updateButton() {
      const card = client.cards.get(candidate);
      button.hidden = !isUndoable(client, card, isAccept);
      if (card?.can_be_tried) {
        setText(button, 'Undo');
        button.title = `Candidate ${candidate} is as it was before`;
      } else {
        setText(button, 'Undo …');
        const remedy = isAccept ? 'vetoed' : 'kept';
        button.title = `Shows candidate ${candidate} again, where it can be ${remedy}`;
      }
    }
  };
}

/** Whether the opposite can be decided. A card older than its row says nothing about that. */
function isUndoable(client: Client, card: Card | undefined, isAccept: boolean): boolean {
  if (!card || !client.study) return false;
  const isCurrent = card.status === client.rows[card.candidate]?.status;
  if (!isCurrent || card.status === 'waiting') return false;
  const offer = offerFor(card, client.study);
  const opposite = isAccept ? offer.reject : offer.accept;
  return opposite !== null;
}

/** Why a candidate was rejected, where the person gave a reason. */
function describeReason(client: Client, candidate: number): string {
  const row = client.rows[candidate];
  const hasReason = row?.status === 'discarded' && row.why && row.why !== 'rejected';
  return hasReason ? `: ${row.why}` : '';
}

function makeLink(text: string, title: string, onclick: () => void): HTMLButtonElement {
  return h('button', { class: 'ar-review-link', type: 'button', title, onclick }, text);
}
