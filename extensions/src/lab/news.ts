/** What a person is told without having asked: a study begins to wait for her, ends, or fails. Told once each, by JupyterLab's notifications. */

import { Notification } from '@jupyterlab/apputils';
import type { Studies, StudyEntry } from './studies';

const DEATH_MS = 5000; // a study whose loop is about to start looks dead for a moment
const CLOSE_MS = 15_000;
const MESSAGE_LENGTH = 140; // JupyterLab cuts there

interface Opener {
  panel: () => void;
  study: (study: StudyEntry) => void;
  review: (study: StudyEntry) => void;
}

interface End {
  study: StudyEntry;
  kind: Notification.Kind;
  text: string;
}

/** The candidates of a study that wait now and did not before. */
export function newlyWaiting(before: StudyEntry[], study: StudyEntry): number[] {
  const known = new Set(before.find(one => isSame(one, study))?.waiting);
  return study.waiting.filter(candidate => !known.has(candidate));
}

/**
 * The studies that have ended since: finished, stopped, or paused because something failed. A death is told by `Tidings`. One whose loop has
 * nothing more to do while candidates wait for a person is over when she has decided; that they wait has been told.
 */
export function ended(before: StudyEntry[], after: StudyEntry[]): End[] {
  return after.flatMap((study): End[] => {
    const old = before.find(one => isSame(one, study));
    if (!old) return [];
    const why = study.reason && `: ${study.reason}`;
    if (isOver(study) && !isOver(old)) return [{ study, kind: 'success', text: `${study.study} has finished${why}` }];
    if (old.state === study.state) return [];
    if (study.state === 'paused' && study.fault) return [{ study, kind: 'warning', text: `${study.study} has paused${why}` }];
    if (study.state === 'stopped') return [{ study, kind: 'info', text: `${study.study} was stopped${why}` }];
    return [];
  });
}

function isOver(study: StudyEntry): boolean {
  return study.state === 'finished' && !study.waiting.length;
}

function isSame(one: StudyEntry, other: StudyEntry): boolean {
  return one.path === other.path && one.opened_at === other.opened_at;
}

/** Follows the list and tells what is new in it. Of what was so when the page was loaded there is one summary. */
export class Tidings {
  private before: StudyEntry[] | null = null;
  private asking = new Map<string, string>();
  private dead = new Set<string>();

  constructor(
    private studies: Studies,
    private open: Opener
  ) {
    studies.on(() => this.look());
  }

  /** Takes back the question about a study whose review has been opened. */
  answered(path: string): void {
    const told = this.asking.get(path);
    if (told !== undefined) Notification.dismiss(told);
    this.asking.delete(path);
  }

  private look(): void {
    const { list, connected } = this.studies;
    if (!list || !connected) return;
    if (this.before === null) {
      this.summarise(list);
      for (const study of list) if (study.state === 'dead') this.dead.add(study.path);
    } else {
      for (const study of list) this.askFor(study, newlyWaiting(this.before, study));
      for (const end of ended(this.before, list)) this.tell(end);
    }
    for (const study of list) this.watchDeath(study);
    this.before = list;
  }

  private summarise(list: StudyEntry[]): void {
    const waiting = list.filter(study => study.waiting.length);
    const n = waiting.reduce((sum, study) => sum + study.waiting.length, 0);
    if (n === 0) return;
    const callback = () => (waiting.length === 1 ? this.open.review(waiting[0]) : this.open.panel());
    const where = waiting.length === 1 ? `in ${waiting[0].study}` : `in ${waiting.length} studies`;
    const id = emit(`${candidates(n)} for your review ${where}`, 'info', waiting.length === 1 ? 'Review' : 'Show', callback);
    if (waiting.length === 1) this.asking.set(waiting[0].path, id);
  }

  /** One notification for a study, however many of its candidates wait; it goes when none does. */
  private askFor(study: StudyEntry, fresh: number[]): void {
    if (fresh.length || !study.waiting.length) this.answered(study.path);
    if (!fresh.length) return;
    const which = study.waiting.length === 1 ? `candidate ${fresh[0]} waits` : candidates(study.waiting.length);
    this.asking.set(study.path, emit(`${study.study}: ${which} for your review`, 'info', 'Review', () => this.open.review(study)));
  }

  private watchDeath(study: StudyEntry): void {
    if (study.state !== 'dead') {
      this.dead.delete(study.path);
    } else if (!this.dead.has(study.path)) {
      this.dead.add(study.path);
      setTimeout(() => {
        const now = this.studies.list?.find(one => isSame(one, study));
        if (now?.state === 'dead') this.tell({ study: now, kind: 'error', text: `${now.study} has died: ${now.reason}` });
      }, DEATH_MS);
    }
  }

  private tell({ study, kind, text }: End): void {
    emit(text, kind, 'Open', () => this.open.study(study));
  }
}

function candidates(n: number): string {
  return n === 1 ? '1 candidate waits' : `${n} candidates wait`;
}

function emit(text: string, kind: Notification.Kind, label: string, callback: () => void): string {
  const message = text.length > MESSAGE_LENGTH ? `${text.slice(0, MESSAGE_LENGTH - 1)}…` : text;
  return Notification.emit(message, kind, { autoClose: CLOSE_MS, actions: [{ label, displayType: 'accent', callback }] });
}
