/** The editor of a candidate's files; what a person makes there is a candidate of hers. */

import { h, setText } from '../dom';
import { changedFiles, countInvisible, type Draft } from './draft';
import type { Desk } from './state';

const MIN_ROWS = 6;
const MAX_ROWS = 28;
const MAX_OPEN_FILES = 2;
const HELP =
  'Your version becomes a candidate of yours and is tried like any other. ' +
  'Tab indents; Escape leaves the text, then Tab moves on.';

export interface EditorHandlers {
  sendEdit(): void;
  closeEditor(): void;
}

export interface Editor {
  /** Draws the editor of a desk, or hides it. `isIdle`: whether a version can be sent now. */
  show(desk: Desk, isIdle: boolean): void;
}

export function mountEditor(el: HTMLElement, on: EditorHandlers): Editor {
  const element = h('div', { hidden: true });
  el.append(element);
  let form: EditForm | null = null;
  return {
    show({ isEditing, draft }, isIdle) {
      element.hidden = !isEditing;
      if (!isEditing || !draft) form = null;
      if (isEditing && !draft) setText(element, 'Loading the files …');
      if (isEditing && draft && form?.draft !== draft) {
        form = makeForm(draft, on);
        element.replaceChildren(form.element);
        form.focus();
      }
      form?.update(isIdle);
    }
  };
}

interface EditForm {
  readonly draft: Draft;
  readonly element: HTMLElement;
  focus(): void;
  update(isIdle: boolean): void;
}

let n_forms = 0;

function makeForm(draft: Draft, on: EditorHandlers): EditForm {
  const helpId = `ar-review-edit-help-${n_forms++}`;
  const send = h(
    'button',
    { type: 'button', class: 'ar-review-primary', onclick: () => on.sendEdit() },
    'Try my version'
  );
  const close = h(
    'button',
    { type: 'button', onclick: () => on.closeEditor() },
    'Back to the diff'
  );
  const summary = h('span', { class: 'ar-review-faint', role: 'status' });
  const fields = [...draft.texts].map(([path, text]) => {
    const field = drawField(path, text, helpId, leave);
    field.addEventListener('input', () => {
      draft.texts.set(path, field.value);
      update();
    });
    return { path, field };
  });
  const opensAll = fields.length <= MAX_OPEN_FILES;
  const files = fields.map(({ path, field }, i) => drawFile(path, field, opensAll || i === 0));
  const element = h(
    'div',
    { class: 'ar-review-edit' },
    h('p', { class: 'ar-review-faint', id: helpId }, HELP),
    ...files,
    h('div', { class: 'ar-review-choices' }, send, close, summary)
  );
  let canSend = true;

  function update(): void {
    const paths = Object.keys(changedFiles(draft));
    send.disabled = !canSend || paths.length === 0;
    setText(summary, paths.length ? `changed: ${paths.join(', ')}` : 'nothing changed yet');
  }

  /** Tab indents in a text, so Escape is the way out for the keyboard. */
  function leave(): void {
    if (send.disabled) close.focus();
    else send.focus();
  }

  return {
    draft,
    element,
    focus: () => fields[0]?.field.focus(),
    update(isIdle) {
      canSend = isIdle;
      update();
    }
  };
}

function drawFile(path: string, field: HTMLTextAreaElement, open: boolean): HTMLElement {
  const n_invisible = countInvisible(field.value);
  const summary = h('summary', { class: 'ar-review-path' }, path);
  if (n_invisible === 0) return h('details', { open }, summary, field);
  const noun = n_invisible === 1 ? 'character' : 'characters';
  const text =
    `This file holds ${n_invisible} invisible or direction-changing ${noun}; ` +
    'the diff shows where.';
  return h('details', { open }, summary, h('p', { class: 'ar-review-warning' }, text), field);
}

function drawField(
  path: string,
  text: string,
  helpId: string,
  leave: () => void
): HTMLTextAreaElement {
  const n_lines = text.split('\n').length;
  const field = h('textarea', {
    'aria-label': path,
    'aria-describedby': helpId,
    rows: Math.max(MIN_ROWS, Math.min(MAX_ROWS, n_lines + 1)),
    spellcheck: 'false',
    autocomplete: 'off',
    wrap: 'off',
    onkeydown: (event: KeyboardEvent) => {
      if (event.key === 'Escape') leave();
      else if (isPlainTab(event)) indent(event);
    }
  });
  field.value = text;
  return field;
}

function isPlainTab(event: KeyboardEvent): boolean {
  const { key, shiftKey, ctrlKey, altKey, metaKey } = event;
  return key === 'Tab' && !shiftKey && !ctrlKey && !altKey && !metaKey;
}

function indent(event: KeyboardEvent): void {
  event.preventDefault();
  document.execCommand('insertText', false, '    '); // the only way that the field can undo
}
