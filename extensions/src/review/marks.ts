/** The marks that a person sets on hunks, and the way back. Values: a change gives a new one. */

export type Mark = 'accepted' | 'rejected';

export interface Marks {
  readonly byHunk: ReadonlyMap<number, Mark>;
  /** What each change replaced, the latest last. */
  readonly changes: readonly Change[];
}

interface Change {
  readonly hunk: number;
  /** The mark that it had; undefined where it had none. */
  readonly before: Mark | undefined;
}

export const NO_MARKS: Marks = { byHunk: new Map(), changes: [] };

/** Marks a hunk; the same mark again takes it off. */
export function toggleMark(marks: Marks, hunk: number, mark: Mark): Marks {
  const before = marks.byHunk.get(hunk);
  const after = before === mark ? undefined : mark;
  return {
    byHunk: replaceMark(marks.byHunk, hunk, after),
    changes: [...marks.changes, { hunk, before }]
  };
}

/** Undoes the latest change and names its hunk; null when there is nothing to undo. */
export function undoMark(marks: Marks): { marks: Marks; hunk: number } | null {
  const latest = marks.changes[marks.changes.length - 1];
  if (!latest) return null;
  const byHunk = replaceMark(marks.byHunk, latest.hunk, latest.before);
  return { marks: { byHunk, changes: marks.changes.slice(0, -1) }, hunk: latest.hunk };
}

function replaceMark(
  byHunk: Marks['byHunk'],
  hunk: number,
  mark: Mark | undefined
): Marks['byHunk'] {
  const copy = new Map(byHunk);
  if (mark) copy.set(hunk, mark);
  else copy.delete(hunk);
  return copy;
}
