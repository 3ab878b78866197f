/** What is new in the list of studies that a person should know without asking. Pure. */

import type { StudyEntry } from '../protocol';
import { isSame } from './studies';

/** A study has ended, or needs help. */
export interface End {
  study: StudyEntry;
  kind: 'success' | 'info' | 'warning' | 'error';
  text: string;
}

/** The candidates of a study that wait now and did not before. */
export function findNewlyWaiting(before: StudyEntry[], study: StudyEntry): number[] {
  const earlier = before.find(other => isSame(other, study));
  return study.waiting.filter(candidate => !earlier?.waiting.includes(candidate));
}

/**
 * The studies that have finished, were stopped, or have paused because something failed.
 *
 * Of a study that was not in the list before, only such a pause is news: it may have failed before
 * anybody looked. A death is not among them: a loop that is about to start looks dead for a moment, so whoever
 * reports one has to look twice.
 */
export function findEnds(before: StudyEntry[], after: StudyEntry[]): End[] {
  return after.flatMap(study => {
    const earlier = before.find(other => isSame(other, study));
    const end = endOf(earlier, study);
    return end ? [end] : [];
  });
}

function endOf(before: StudyEntry | undefined, study: StudyEntry): End | null {
  const why = study.reason && `: ${study.reason}`;
  const isNewState = before?.state !== study.state;
  if (isNewState && study.state === 'paused' && study.fault) {
    return { study, kind: 'warning', text: `${study.study} has paused${why}` };
  }
  if (!before) return null;
  if (isOver(study) && !isOver(before)) {
    return { study, kind: 'success', text: `${study.study} has finished${why}` };
  }
  if (isNewState && study.state === 'stopped') {
    return { study, kind: 'info', text: `${study.study} was stopped${why}` };
  }
  return null;
}

/** A finished study is not over while candidates wait: the person's decision may set it going. */
function isOver(study: StudyEntry): boolean {
  return study.state === 'finished' && !study.waiting.length;
}

/** `toy-1: candidate 4 waits for your review`. */
export function describeWaiting({ study, waiting }: StudyEntry): string {
  const subject =
    waiting.length === 1 ? `candidate ${waiting[0]} waits` : countWaiting(waiting.length);
  return `${study}: ${subject} for your review`;
}

/** What waits in all studies together, for when the page is opened; null when nothing does. */
export function summariseWaiting(studies: StudyEntry[]): string | null {
  const asking = studies.filter(study => study.waiting.length);
  if (!asking.length) return null;
  const n = asking.reduce((sum, study) => sum + study.waiting.length, 0);
  const place = asking.length === 1 ? asking[0].study : `${asking.length} studies`;
  return `${countWaiting(n)} for your review in ${place}`;
}

function countWaiting(n: number): string {
  return n === 1 ? '1 candidate waits' : `${n} candidates wait`;
}
