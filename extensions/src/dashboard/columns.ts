/** Columns of the candidate table: how each is said, and by what it is sorted. */

import { duration, show } from '../dom';
import type { Row } from '../protocol';
import { SHAPES, STANDINGS, effect, idea, marks, standing } from './words';

/** Digits after the point that scores and effects of this study need. */
export interface Digits {
  score: number;
  effect: number;
}

export interface Column {
  key: string;
  title: string;
  /** What it is sorted by; null goes last either way. */
  value: (row: Row) => number | string | null;
  text: (row: Row, digits: Digits) => string;
  /** The first click sorts downwards. */
  down?: boolean;
  fixed?: boolean;
}

export const COLUMNS: Column[] = [
  { key: 'number', title: '#', value: row => row.candidate, text: row => String(row.candidate), down: true },
  { key: 'status', title: 'Status', value: row => STANDINGS.indexOf(standing(row)), text: row => `${SHAPES[standing(row)]} ${standing(row)}` },
  { key: 'score', title: 'Score', value: row => row.score, text: (row, digits) => (row.score === null ? '' : show(row.score, digits.score)) },
  { key: 'effect', title: 'Effect', value: row => row.effect, text: (row, digits) => effect(row, digits.effect), down: true },
  { key: 'trials', title: 'Trials', value: row => row.trials, text: row => String(row.trials), down: true },
  { key: 'seconds', title: 'Time', value: row => row.seconds, text: row => (row.trials ? duration(row.seconds) : ''), down: true },
  { key: 'lines', title: 'Lines', value: row => row.added + row.removed, text: row => (row.parent === null ? '' : `+${row.added} −${row.removed}`), down: true },
  { key: 'parent', title: 'From', value: row => row.parent, text: row => (row.parent === null ? '' : String(row.parent)) },
  { key: 'author', title: 'Author', value: row => row.author, text: row => row.author },
  { key: 'idea', title: 'Idea', value: row => idea(row), text: row => [...marks(row).map(mark => `[${mark}]`), idea(row)].join(' '), fixed: true }
];

export interface Sort {
  key: string;
  down: boolean;
}

export function sorted(rows: Row[], sort: Sort): Row[] {
  const { value } = COLUMNS.find(column => column.key === sort.key)!;
  const sign = sort.down ? -1 : 1;
  return rows
    .map(row => ({ row, at: value(row) }))
    .sort((a, b) => {
      if (a.at === b.at) return b.row.candidate - a.row.candidate;
      if (a.at === null) return 1;
      if (b.at === null) return -1;
      return sign * (a.at < b.at ? -1 : 1);
    })
    .map(({ row }) => row);
}
