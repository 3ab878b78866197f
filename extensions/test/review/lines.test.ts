import * as assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Line } from '../../src/protocol';
import { pairLines } from '../../src/review/lines';

/** Lines of a diff, each as its sign and its text. */
function diff(...lines: string[]): Line[] {
  return lines.map(line => {
    const kind = line[0] as Line['kind'];
    return { kind, old: null, new: null, spans: [[line.slice(1), '', 0]] };
  });
}

function pair(...lines: string[]): [string, string][] {
  const textOf = (line: Line | undefined) => (line ? line.kind + line.spans[0][0] : '');
  return pairLines(diff(...lines)).map(({ left, right }) => [textOf(left), textOf(right)]);
}

test('removed and added lines stand beside each other', () => {
  assert.deepEqual(pair('-a', '-b', '+c'), [
    ['-a', '+c'],
    ['-b', '']
  ]);
});

test('an unchanged line is on both sides, and ends a change', () => {
  const pairs = pair(' x', '-a', ' y', '+c');
  assert.deepEqual(pairs, [
    [' x', ' x'],
    ['-a', ''],
    [' y', ' y'],
    ['', '+c']
  ]);
});

test('a removal after an addition begins another change', () => {
  assert.deepEqual(pair('-a', '+b', '-c', '+d'), [
    ['-a', '+b'],
    ['-c', '+d']
  ]);
});
