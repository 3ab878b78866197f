import * as assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedFiles, countInvisible, startDraft } from '../../src/review/draft';

test('only files that differ are sent', () => {
  const draft = startDraft({ 'a.py': 'a = 1\n', 'b.py': 'b = 1\n' });
  assert.deepEqual(changedFiles(draft), {});
  draft.texts.set('b.py', 'b = 2\n');
  assert.deepEqual(changedFiles(draft), { 'b.py': 'b = 2\n' });
  draft.texts.set('b.py', 'b = 1\n');
  assert.deepEqual(changedFiles(draft), {});
});

test('a file keeps its line ends, which a text field does not know', () => {
  const draft = startDraft({ 'a.py': 'a = 1\r\nb = 2\r\n' });
  assert.equal(draft.texts.get('a.py'), 'a = 1\nb = 2\n');
  assert.deepEqual(changedFiles(draft), {});
  draft.texts.set('a.py', 'a = 1\nb = 3\n');
  assert.deepEqual(changedFiles(draft), { 'a.py': 'a = 1\r\nb = 3\r\n' });
});

test('characters that cannot be seen are counted; tabs, line ends and letters are not', () => {
  assert.equal(countInvisible('\tdéjà = "→"\r\n'), 0);
  assert.equal(countInvisible('\u202ex\u200b'), 2); // turns the direction; has no width
  assert.equal(countInvisible('\u001b[31m\u0000'), 2); // control characters
  assert.equal(countInvisible('\u3164 = 1'), 1); // a letter that fonts draw as a space
});
