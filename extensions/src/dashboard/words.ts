/** How statuses and figures are said on the dashboard: always a word and a shape, never a colour alone. */

import { show } from '../dom';
import { STATUSES, type CandidateStatus, type Row, type RunState, type StudyInfo } from '../protocol';

/** What a candidate's status is called: what was ended early was discarded, and for another reason than the rest. */
export type Standing = CandidateStatus | 'ended early';
export const STANDINGS: Standing[] = STATUSES.flatMap((status): Standing[] => (status === 'discarded' ? [status, 'ended early'] : [status]));

export function standing({ status, ended }: Row): Standing {
  return ended ? 'ended early' : status;
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

export const STATE_SHAPES: Record<RunState, string> = { running: '▶', paused: '‖', finished: '✓', stopped: '■', dead: '✕' };

/** With its sign: a gain of nothing reads +0, a loss has a minus. */
export function signed(value: number, digits: number): string {
  return `${value < 0 ? '−' : '+'}${show(Math.abs(value), digits)}`;
}

/** Digits after the point that an effect needs: two of the smallest one worth having. */
export function effectDigits({ objective: { min_effect } }: StudyInfo): number {
  return min_effect > 0 ? Math.max(0, Math.min(6, 1 - Math.floor(Math.log10(min_effect)))) : 4;
}

/** Effect with its interval, above 0 is better; empty when nothing was compared. */
export function effect(row: Row, digits: number): string {
  if (row.effect === null) return '';
  const bounds = row.low === null || row.high === null ? '' : ` [${signed(row.low, digits)}, ${signed(row.high, digits)}]`;
  return signed(row.effect, digits) + bounds;
}

/** Cut at a whole character; an ellipsis says so. */
export function shorten(text: string, length: number): string {
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('').trimEnd()}…`;
}

/** What a candidate is called where its hypothesis is empty. */
export function idea(row: Row): string {
  return row.hypothesis || (row.parent === null ? 'baseline' : 'no hypothesis');
}

/** Marks of a candidate beyond its status. */
export function marks(row: Row): string[] {
  return [...row.flags, ...(row.pinned ? ['pinned'] : []), ...(row.revises === null ? [] : [`hunks of ${row.revises}`])];
}
