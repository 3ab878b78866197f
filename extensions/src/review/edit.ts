/** Editing a candidate's files by hand; what comes of it is a candidate of the person's own. */

import { h, setText } from '../dom';

const UNSEEN = /[\p{Cf}\p{Co}\p{Cn}\p{Cs}\u034f\u115f\u1160\u2800\u3164\uffa0]|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/gu;

/** A person's texts of one candidate's files, kept while she looks elsewhere. */
export class Draft {
  readonly texts = new Map<string, string>();

  constructor(private files: Record<string, string>) {
    for (const [path, text] of Object.entries(files)) this.texts.set(path, text.replaceAll('\r\n', '\n'));
  }

  /** The files that differ, with the line ends that they had. */
  get changed(): Record<string, string> {
    const found: Record<string, string> = {};
    for (const [path, text] of this.texts) {
      const before = this.files[path];
      if (text === before.replaceAll('\r\n', '\n')) continue;
      found[path] = before.includes('\r\n') ? text.replaceAll('\n', '\r\n') : text;
    }
    return found;
  }
}

let serial = 0;

export interface EditHandlers {
  send(): void;
  close(): void;
}

/** The editor over a draft; `update` is called with whether sending is possible now. */
export class Editor {
  readonly element: HTMLElement;
  private send: HTMLButtonElement;
  private count: HTMLElement;
  private fields: HTMLTextAreaElement[] = [];
  private idle = true;
  private helpId = `ar-review-edit-help-${serial++}`;

  constructor(readonly draft: Draft, handlers: EditHandlers) {
    this.send = h('button', { type: 'button', class: 'ar-review-primary', onclick: () => handlers.send() }, 'Try my version');
    this.count = h('span', { class: 'ar-review-faint', role: 'status' });
    const close = h('button', { type: 'button', onclick: () => handlers.close() }, 'Back to the diff');
    const says = 'Your version becomes a candidate of yours and is tried like any other. Tab indents; Escape leaves the text, then Tab moves on.';
    const help = h('p', { class: 'ar-review-faint', id: this.helpId }, says);
    const files = [...draft.texts].map(([path, text], i) => this.file(path, text, i === 0));
    this.element = h('div', { class: 'ar-review-edit' }, help, ...files, h('div', { class: 'ar-review-choices' }, this.send, close, this.count));
    this.update(true);
  }

  focus(): void {
    this.fields[0]?.focus();
  }

  update(idle: boolean): void {
    this.idle = idle;
    const paths = Object.keys(this.draft.changed);
    this.send.disabled = !idle || paths.length === 0;
    setText(this.count, paths.length ? `changed: ${paths.join(', ')}` : 'nothing changed yet');
  }

  private file(path: string, text: string, open: boolean): HTMLElement {
    const unseen = text.match(UNSEEN)?.length ?? 0;
    const field = h('textarea', {
      'aria-label': path,
      'aria-describedby': this.helpId,
      rows: Math.max(6, Math.min(28, text.split('\n').length + 1)),
      spellcheck: 'false',
      autocomplete: 'off',
      wrap: 'off',
      oninput: () => {
        this.draft.texts.set(path, field.value);
        this.update(this.idle);
      },
      onkeydown: (event: KeyboardEvent) => this.onKey(event)
    });
    field.value = text;
    this.fields.push(field);
    const characters = `${unseen} invisible or direction-changing character${unseen === 1 ? '' : 's'}`;
    const warning = unseen > 0 && h('p', { class: 'ar-review-warning' }, `This file holds ${characters}; the diff shows where.`);
    return h('details', { open: open || this.draft.texts.size <= 2 }, h('summary', { class: 'ar-review-path' }, path), warning, field);
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key === 'Escape') (this.send.disabled ? (this.send.nextElementSibling as HTMLElement) : this.send).focus();
    else if (event.key === 'Tab' && !event.shiftKey && !event.ctrlKey && !event.altKey && !event.metaKey) {
      event.preventDefault();
      document.execCommand('insertText', false, '    '); // the one way that keeps the field's undo
    }
  }
}
