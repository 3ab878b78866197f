/** How the dashboard names statuses and figures: with a word and a shape, never a colour alone. */

import { show } from '../dom';
import { STATUSES, type Row, type RowStatus, type RunState, type StudyInfo } from '../protocol';

/** A status as screens name it: what was ended early was discarded for a reason of another kind. */
export type Standing = RowStatus | 'ended early';
export const STANDINGS: Standing[] = STATUSES.flatMap((status): Standing[] =>
  status === 'discarded' ? [status, 'ended early'] : [status]
);

export function standing({ status, kind }: Row): Standing {
  return kind === 'ended' ? 'ended early' : status;
}

export const SHAPES: Record<Standing, string> = {
  queued: '·',
  running: '▸',
  provisional: '◔',
  waiting: '◇',
  kept: '●',
  discarded: '○',
  'ended early': '△',
  failed: '✕',
  revised: '↻',
  ablated: '⊖',
  unknown: '?'
};

export const STATE_SHAPES: Record<RunState, string> = {
  running: '▶',
  paused: '‖',
  finished: '✓',
  stopped: '■',
  dead: '✕'
};

/** The name of a candidate with its standing, as `candidate 7, ● kept`. */
export function named(row: Row): string {
  return `candidate ${row.candidate}, ${SHAPES[standing(row)]} ${standing(row)}`;
}

/** A number with its sign: +0 for no gain, a minus for a loss. */
export function signed(value: number, digits: number): string {
  return `${value < 0 ? '−' : '+'}${show(Math.abs(value), digits)}`;
}

/** Digits after the point that an effect needs: two of the smallest one worth having. */
export function effectDigits({ objective: { min_effect } }: StudyInfo): number {
  if (min_effect <= 0) return 4;
  return Math.max(0, Math.min(6, 1 - Math.floor(Math.log10(min_effect))));
}

/** Effect with its interval, above 0 is better; empty if nothing was compared. */
export function effect(row: Row, digits: number): string {
  if (row.effect === null) return '';
  const gain = signed(row.effect, digits);
  if (row.low === null || row.high === null) return gain;
  return `${gain} [${signed(row.low, digits)}, ${signed(row.high, digits)}]`;
}

/** Cut at a whole character; an ellipsis says so. */
export function shorten(text: string, length: number): string {
  const characters = [...text];
  if (characters.length <= length) return text;
  return `${characters.slice(0, length - 1).join('').trimEnd()}…`;
}

/** What a candidate is called if its hypothesis is empty. */
export function idea(row: Row): string {
  return row.hypothesis || (row.parent === null ? 'baseline' : 'no hypothesis');
}

/** `+3 / −1 lines` */
export function changedLines(row: Row): string {
  return `+${row.added} / −${row.removed} lines`;
}

/** Marks of a candidate besides its status. */
export function marks(row: Row): string[] {
  const words = [...row.flags];
  if (row.pinned) words.push('pinned');
  if (row.revises !== null) words.push(`hunks of ${row.revises}`);
  for (const note of row.notes) words.push(`note: ${note}`);
  return words;
}

/** Which way an objective or a metric goes. */
export function direction(goal: 'minimize' | 'maximize'): string {
  return goal === 'minimize' ? 'lower is better' : 'higher is better';
}
