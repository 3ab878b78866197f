/** Sentences for the proposer, checks of what was kept, and what this screen has asked for. */

import type { Client, Pending } from '../client';
import { h, setText } from '../dom';
import { describeProgress, findObstacle, followRequests, makePress } from './requests';

const MODES = {
  guide: {
    title: 'Guide',
    verb: 'guide',
    more: {},
    hint: 'A direction for all proposals to come'
  },
  next: {
    title: 'Try this next',
    verb: 'guide',
    more: { next: true },
    hint: 'One idea, for the next proposal'
  },
  ban: {
    title: 'Ban',
    verb: 'ban',
    more: {},
    hint: 'An idea that must not be proposed again'
  }
} as const;
type Mode = keyof typeof MODES;
const MAX_SENTENCE = 2000;
const N_SHOWN = 5;

export function mountSteering(el: HTMLElement, client: Client): () => void {
  const requests = followRequests(client, () => update());
  const form = makeSentenceForm(client, (mode, text) => {
    const { verb, more, title } = MODES[mode];
    requests.ask(verb, { text, ...more }, title.toLowerCase());
  });
  const sentences = h('ul', { class: 'ar-told' });
  const audit = makePress('runs the kept chain on a split that no decision ever saw', () =>
    requests.ask('audit', {}, 'audit')
  );
  const ablate = makePress('tries each kept change alone', () =>
    requests.ask('ablate', {}, 'ablate')
  );
  const result = h('span', { class: 'ar-faint' });
  const parts = [audit.element, ablate.element, result, requests.note];
  const checks = h('div', { class: 'ar-buttons' }, ...parts);
  const activity = h('ul', { class: 'ar-activity', 'aria-label': 'What was asked from here' });
  el.append(form.element, sentences, checks, activity);

  function update(): void {
    const obstacle = findObstacle(client);
    const isReadOnly = !!client.study?.read_only;
    form.element.hidden = isReadOnly;
    checks.hidden = isReadOnly;
    form.update(obstacle);
    audit.update('Audit', obstacle, requests.isBusy('audit'));
    ablate.update('Ablate', obstacle, requests.isBusy('ablate'));
    setText(result, client.state?.audit ?? '');
    const nothing = isReadOnly
      ? 'An imported log: nothing can be steered.'
      : 'No guidance yet; a sentence here reaches the next proposals.';
    fillList(sentences, listSentences(client), nothing);
    fillList(activity, listActivity(client), '');
  }

  const topics = ['study', 'state', 'connection', 'pending'] as const;
  const stops = topics.map(topic => client.on(topic, update));
  update();
  return () => {
    requests.remove();
    for (const stop of stops) stop();
  };
}

/** A sentence, and what it is for. */
function makeSentenceForm(client: Client, tell: (mode: Mode, text: string) => void) {
  let mode: Mode = 'guide';
  const modes = (Object.keys(MODES) as Mode[]).map(key => {
    const attributes = { type: 'button', class: 'ar-toggle', title: MODES[key].hint };
    const button = h('button', attributes, MODES[key].title);
    button.addEventListener('click', () => choose(key));
    return { key, button };
  });
  const text = h('input', {
    type: 'text',
    class: 'ar-grow',
    maxlength: MAX_SENTENCE,
    'aria-label': 'Sentence for the proposer',
    onkeydown: (event: Event) => event.stopPropagation()
  });
  const send = h('button', { type: 'submit', class: 'ar-primary' }, 'Send');
  const group = { class: 'ar-segments', role: 'group', 'aria-label': 'What the sentence is for' };
  const choices = h('div', group, ...modes.map(one => one.button));
  const element = h('form', { class: 'ar-steer' }, choices, text, send);
  element.addEventListener('submit', event => {
    event.preventDefault();
    const sentence = text.value.trim();
    if (!sentence || findObstacle(client)) return text.focus();
    tell(mode, sentence);
    text.value = '';
  });

  function choose(key: Mode): void {
    mode = key;
    for (const { key, button } of modes) button.setAttribute('aria-pressed', String(key === mode));
    text.placeholder = MODES[mode].hint;
  }

  choose(mode);
  return {
    element,
    update(obstacle: string) {
      send.setAttribute('aria-disabled', String(!!obstacle));
      send.title = obstacle;
    }
  };
}

/** What the proposer is told, and what is on its way to it. */
function listSentences(client: Client): string[] {
  const items = [
    ...(client.state?.guidance ?? []).map(text => `guide: ${text}`),
    ...(client.state?.banned ?? []).map(text => `ban: ${text}`)
  ];
  for (const pending of client.pending.values()) {
    const { verb, state, body } = pending;
    if (state === 'adopted' || (verb !== 'guide' && verb !== 'ban')) continue;
    items.push(describeProgress(client, pending, `${verb}: ${body.text}`).text);
  }
  return items;
}

/** The newest decisions of this screen. */
function listActivity(client: Client): string[] {
  const newest = [...client.pending.values()].slice(-N_SHOWN).reverse();
  return newest.map(pending => {
    const time = new Date(pending.at).toLocaleTimeString();
    return `${time} ${describeProgress(client, pending, nameOf(pending)).text}`;
  });
}

/** `pin 7`, `candidates = 50`, or the verb alone. */
function nameOf({ verb, body }: Pending): string {
  const subject = body.candidate ?? body.key;
  if (subject === undefined) return verb;
  return body.value === undefined ? `${verb} ${subject}` : `${verb} ${subject} = ${body.value}`;
}

/** Fills a list, only if its items differ. */
function fillList(list: HTMLUListElement, items: string[], placeholder: string): void {
  const texts = items.length || !placeholder ? items : [placeholder];
  list.hidden = !texts.length;
  const isSame =
    texts.length === list.children.length &&
    texts.every((text, i) => list.children[i].textContent === text);
  if (!isSame) list.replaceChildren(...texts.map(text => h('li', {}, text)));
}
