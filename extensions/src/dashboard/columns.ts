/** Columns of the candidate table: their texts, and what they are sorted by. */

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
  /** What the column is sorted by; null goes last either way. */
  value: (row: Row) => number | string | null;
  text: (row: Row, digits: Digits) => string;
  /** Whether the first click sorts downwards. */
  down?: boolean;
}

export const COLUMNS: Column[] = [
  {
    key: 'number',
    title: '#',
    value: row => row.candidate,
    text: row => String(row.candidate),
    down: true
  },
  {
    key: 'status',
    title: 'Status',
    value: row => STANDINGS.indexOf(standing(row)),
    text: row => `${SHAPES[standing(row)]} ${standing(row)}`
  },
  {
    key: 'score',
    title: 'Score',
    value: row => row.score,
    text: (row, digits) => (row.score === null ? '' : show(row.score, digits.score))
  },
  {
    key: 'effect',
    title: 'Effect',
    value: row => row.effect,
    text: (row, digits) => effect(row, digits.effect),
    down: true
  },
  {
    key: 'trials',
    title: 'Trials',
    value: row => row.trials,
    text: row => String(row.trials),
    down: true
  },
  {
    key: 'seconds',
    title: 'Time',
    value: row => row.seconds,
    text: row => (row.trials ? duration(row.seconds) : ''),
    down: true
  },
  {
    key: 'lines',
    title: 'Lines',
    value: row => row.added + row.removed,
    text: row => (row.parent === null ? '' : `+${row.added} −${row.removed}`),
    down: true
  },
  {
    key: 'parent',
    title: 'From',
    value: row => row.parent,
    text: row => (row.parent === null ? '' : String(row.parent))
  },
  {
    key: 'author',
    title: 'Author',
    value: row => row.author,
    text: row => row.author
  },
  {
    key: 'idea',
    title: 'Idea',
    value: row => idea(row),
    text: row => [...marks(row).map(mark => `[${mark}]`), idea(row)].join(' ')
  }
];

export interface Sort {
  key: string;
  down: boolean;
}

export function sortRows(rows: Row[], sort: Sort): Row[] {
  const { value } = COLUMNS.find(column => column.key === sort.key)!;
  const sign = sort.down ? -1 : 1;
  const keyed = rows.map(row => ({ row, key: value(row) }));
  keyed.sort((a, b) => {
    if (a.key === b.key) return b.row.candidate - a.row.candidate;
    if (a.key === null) return 1;
    if (b.key === null) return -1;
    return sign * (a.key < b.key ? -1 : 1);
  });
  return keyed.map(({ row }) => row);
}
