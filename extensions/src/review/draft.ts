/** The texts of one candidate's files as a person edits them. Values; the editor draws them. */

export interface Draft {
  /** By path, as the candidate has them. */
  readonly original: Readonly<Record<string, string>>;
  /** By path, as she has them now; with the line ends of a text field. */
  readonly texts: Map<string, string>;
}

export function startDraft(files: Record<string, string>): Draft {
  const texts = Object.entries(files).map(([path, text]): [string, string] => [path, unix(text)]);
  return { original: files, texts: new Map(texts) };
}

/** The files that differ, with the line ends that they had. */
export function changedFiles({ original, texts }: Draft): Record<string, string> {
  const changed: Record<string, string> = {};
  for (const [path, text] of texts) {
    const before = original[path];
    if (text === unix(before)) continue;
    changed[path] = before.includes('\r\n') ? text.replaceAll('\n', '\r\n') : text;
  }
  return changed;
}

/** A text field has line feeds alone. */
function unix(text: string): string {
  return text.replaceAll('\r\n', '\n');
}

/** Format, private and unassigned characters, lone surrogates. */
const UNPRINTED = '[\\p{Cf}\\p{Co}\\p{Cn}\\p{Cs}]';
/** Letters and marks that fonts draw as nothing. */
const BLANK = '[\\u034f\\u115f\\u1160\\u2800\\u3164\\uffa0]';
/** Control characters other than tab and line ends. */
const CONTROL = '[\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]';
const INVISIBLE = new RegExp([UNPRINTED, BLANK, CONTROL].join('|'), 'gu');

/** Characters that cannot be seen, or turn the direction of those around them. */
export function countInvisible(text: string): number {
  return text.match(INVISIBLE)?.length ?? 0;
}
