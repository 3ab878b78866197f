/** Sentences for the proposer, what it has been told, checks of the kept chain, and what this screen has asked for. */

import type { Client, Pending } from '../client';
import { h, setText } from '../dom';
import { Asking, obstacle, press, progressOf } from './asking';

const MODES = {
  guide: { title: 'Guide', verb: 'guide', more: {}, hint: 'A direction for all proposals to come' },
  next: { title: 'Try this next', verb: 'guide', more: { next: true }, hint: 'One idea, for the next proposal' },
  ban: { title: 'Ban', verb: 'ban', more: {}, hint: 'An idea that shall not be proposed again' }
} as const;
type Mode = keyof typeof MODES;
const SHOWN = 5;

export function mountSteering(el: HTMLElement, client: Client): () => void {
  const asking = new Asking(client, () => update());
  let mode: Mode = 'guide';
  const modes = (Object.keys(MODES) as Mode[]).map(key => ({
    key,
    button: h('button', { type: 'button', class: 'ar-toggle', title: MODES[key].hint, onclick: () => choose(key) }, MODES[key].title)
  }));
  const text = h('input', { type: 'text', class: 'ar-grow', maxlength: 2000, 'aria-label': 'Sentence for the proposer', onkeydown: (event: Event) => event.stopPropagation() });
  const send = h('button', { type: 'submit', class: 'ar-primary' }, 'Send');
  const form = h(
    'form',
    {
      class: 'ar-steer',
      onsubmit: (event: Event) => {
        event.preventDefault();
        tell();
      }
    },
    h('div', { class: 'ar-segments', role: 'group', 'aria-label': 'What the sentence is for' }, ...modes.map(one => one.button)),
    text,
    send
  );
  const told = h('ul', { class: 'ar-told' });
  const audit = press('runs the kept chain on a split that no decision ever saw', () => asking.ask('audit', {}, 'audit'));
  const ablate = press('tries each kept change alone', () => asking.ask('ablate', {}, 'ablate'));
  const found = h('span', { class: 'ar-faint' });
  const checks = h('div', { class: 'ar-buttons' }, audit.element, ablate.element, found, asking.note);
  const activity = h('ul', { class: 'ar-activity', 'aria-label': 'What was asked from here' });
  el.append(form, told, checks, activity);

  function choose(key: Mode): void {
    mode = key;
    update();
  }

  function tell(): void {
    const said = text.value.trim();
    if (!said || obstacle(client)) return text.focus();
    const { verb, more, title } = MODES[mode];
    asking.ask(verb, { text: said, ...more }, title.toLowerCase());
    text.value = '';
  }

  function update(): void {
    const against = obstacle(client);
    form.hidden = checks.hidden = !!client.study?.read_only;
    for (const { key, button } of modes) button.setAttribute('aria-pressed', String(key === mode));
    text.placeholder = MODES[mode].hint;
    send.setAttribute('aria-disabled', String(!!against));
    send.title = against;
    audit.update('Audit', against, asking.isBusy('audit'));
    ablate.update('Ablate', against, asking.isBusy('ablate'));
    setText(found, client.state?.audit ?? '');
    const decisions = [...client.pending.values()];
    list(told, [
      ...(client.state?.guidance ?? []).map(one => `guide: ${one}`),
      ...(client.state?.banned ?? []).map(one => `ban: ${one}`),
      ...decisions.filter(one => one.state !== 'adopted' && (one.verb === 'guide' || one.verb === 'ban')).map(one => progressOf(client, one, `${one.verb}: ${one.body.text}`).text)
    ], client.study?.read_only ? 'An imported log: nothing can be steered.' : 'No guidance yet; a sentence here reaches the next proposals.'); // prettier-ignore
    list(activity, decisions.slice(-SHOWN).reverse().map(one => `${new Date(one.at).toLocaleTimeString()} ${progressOf(client, one, about(one)).text}`), '');
  }

  const stops = [...(['study', 'state', 'connection', 'pending'] as const).map(topic => client.on(topic, update))];
  update();
  return () => {
    asking.remove();
    for (const stop of stops) stop();
  };
}

function about({ verb, body }: Pending): string {
  const what = body.candidate ?? body.key;
  return what === undefined ? verb : `${verb} ${what}${body.value === undefined ? '' : ` = ${body.value}`}`;
}

/** Items of a list, drawn only when they differ. */
function list(element: HTMLUListElement, items: string[], empty: string): void {
  const said = items.length || !empty ? items : [empty];
  element.hidden = !said.length;
  if (said.length === element.children.length && said.every((text, i) => element.children[i].textContent === text)) return;
  element.replaceChildren(...said.map(text => h('li', {}, text)));
}
