/** Tells a person through JupyterLab's notifications, once each, what is new in her studies. */

import { Notification } from '@jupyterlab/apputils';
import type { StudyEntry } from '../protocol';
import { describeWaiting, findEnds, findNewlyWaiting, summariseWaiting, type End } from './news';
import { isSame, type Studies } from './studies';

const DEATH_MS = 5000; // a study whose loop is about to start looks dead for a moment
const CLOSE_MS = 15_000;
const MAX_LENGTH = 140; // JupyterLab cuts a longer message

/** Where a notification's button leads. */
export interface Opener {
  panel(): void;
  study(study: StudyEntry): void;
  review(study: StudyEntry): void;
}

export interface Notifications {
  /** Takes back the question about a study whose review has been opened. */
  withdraw(path: string): void;
}

export function mountNotifications(studies: Studies, open: Opener): Notifications {
  const questions = makeQuestions();
  const watchDeath = makeDeathWatch(studies, open);
  let before: StudyEntry[] | null = null;

  function look(): void {
    const { list, connected } = studies;
    if (!list || !connected) return;
    if (before === null) {
      summarise(list, open, questions);
    } else {
      for (const study of list) askFor(study, before, open, questions);
      for (const end of findEnds(before, list)) report(end, open);
    }
    for (const study of list) watchDeath(study, before === null);
    before = list;
  }

  studies.on(look);
  return { withdraw: questions.withdraw };
}

/** The notifications that ask for a review: at most one for a study, by the study's path. */
interface Questions {
  ask(path: string, id: string): void;
  withdraw(path: string): void;
}

function makeQuestions(): Questions {
  const ids = new Map<string, string>();
  return {
    ask(path, id) {
      ids.set(path, id);
    },
    withdraw(path) {
      const id = ids.get(path);
      if (id !== undefined) Notification.dismiss(id);
      ids.delete(path);
    }
  };
}

/** What waited already when the page was loaded is told in one notification. */
function summarise(list: StudyEntry[], open: Opener, questions: Questions): void {
  const text = summariseWaiting(list);
  if (text === null) return;
  const asking = list.filter(study => study.waiting.length);
  if (asking.length > 1) {
    emit(text, 'info', 'Show', () => open.panel());
    return;
  }
  const [study] = asking;
  questions.ask(
    study.path,
    emit(text, 'info', 'Review', () => open.review(study))
  );
}

/** A newer question replaces the older one of the study; without anything that waits, both go. */
function askFor(study: StudyEntry, before: StudyEntry[], open: Opener, questions: Questions): void {
  const isNew = findNewlyWaiting(before, study).length > 0;
  if (isNew || !study.waiting.length) questions.withdraw(study.path);
  if (!isNew) return;
  const id = emit(describeWaiting(study), 'info', 'Review', () => open.review(study));
  questions.ask(study.path, id);
}

/** Reports a study that is dead and stays so; one that was dead when the page came is no news. */
function makeDeathWatch(
  studies: Studies,
  open: Opener
): (study: StudyEntry, isFirstLook: boolean) => void {
  const dead = new Set<string>();

  function reportIfStillDead(study: StudyEntry): void {
    const now = studies.list?.find(other => isSame(other, study));
    if (now?.state !== 'dead') return;
    report({ study: now, kind: 'error', text: `${now.study} has died: ${now.reason}` }, open);
  }

  return (study, isFirstLook) => {
    if (study.state !== 'dead') {
      dead.delete(study.path);
      return;
    }
    const isKnown = dead.has(study.path);
    dead.add(study.path);
    if (!isKnown && !isFirstLook) setTimeout(() => reportIfStillDead(study), DEATH_MS);
  };
}

function report({ study, kind, text }: End, open: Opener): void {
  emit(text, kind, 'Open', () => open.study(study));
}

function emit(text: string, kind: Notification.Kind, label: string, callback: () => void): string {
  const message = text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH - 1)}…` : text;
  const actions = [{ label, displayType: 'accent' as const, callback }];
  return Notification.emit(message, kind, { autoClose: CLOSE_MS, actions });
}
