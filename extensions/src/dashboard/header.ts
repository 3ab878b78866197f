/** Which study this is, how it stands, whether anybody is alive, and the buttons that steer the whole of it. */

import type { Client } from '../client';
import { h, setText, show } from '../dom';
import type { StudyState } from '../protocol';
import { Asking, attach, obstacle, press } from './asking';
import { SHAPES, STATE_SHAPES, signed } from './words';

const SURE_MS = 6000; // a first press of Stop is forgotten after this

export function mountHeader(el: HTMLElement, client: Client): () => void {
  const name = h('span', { class: 'ar-name' });
  const goal = h('span', { class: 'ar-faint ar-goal' });
  const state = h('span', { class: 'ar-chip ar-runstate' });
  const pulse = h('span', { class: 'ar-faint ar-pulse' });
  const route = h('span', { class: 'ar-faint' });
  const sandbox = h('span', { class: 'ar-chip ar-sandbox' });
  const claimed = h('span', { class: 'ar-chip ar-loud', hidden: true, title: 'the candidate prints its own score; nobody checked it' }, '⚠ self-reported');
  const line = h('div', { class: 'ar-summary', role: 'status' });
  const alarm = h('div', { class: 'ar-alarm', role: 'alert' });

  let sure: ReturnType<typeof setTimeout> | undefined;
  const asking = new Asking(client, () => update());
  const pause = press('no more trials are started until it is resumed', () => {
    const verb = resumes(client.state) ? 'resume' : 'pause';
    asking.ask(verb, {}, verb);
  });
  const stop = press('ends the study; running trials are ended too', () => {
    if (sure !== undefined) asking.ask('stop', {}, 'stop');
    reconsider(sure === undefined);
  });
  const spare = press('let the study run', () => reconsider(false));
  const buttons = h('div', { class: 'ar-buttons' }, pause.element, stop.element, spare.element, asking.note);

  el.append(
    h('div', { class: 'ar-masthead' }, name, state, claimed, sandbox, pulse, route),
    goal, buttons, line, alarm // prettier-ignore
  );

  function reconsider(asks: boolean): void {
    clearTimeout(sure);
    sure = asks ? setTimeout(() => reconsider(false), SURE_MS) : undefined;
    if (!asks && document.activeElement === spare.element) stop.element.focus(); // a hidden button would give the focus to the notebook
    update();
  }

  function beat(): void {
    setText(pulse, heartbeat(client));
  }

  function update(): void {
    const { study, state: now } = client;
    const against = obstacle(client);
    setText(name, study?.name ?? 'Study');
    setText(route, client.connected ? `through the ${client.route}` : '');
    beat();
    const problem = trouble(client);
    setText(alarm, problem);
    alarm.hidden = !problem;
    setText(line, now && study ? summary(client, now) : problem ? '' : 'connecting to the study');
    buttons.hidden = !!study?.read_only || !study;
    if (!study || !now) return;
    const { objective } = study;
    setText(goal, `${study.experiment} · ${objective.name}, ${objective.goal === 'minimize' ? 'lower' : 'higher'} is better`);
    const asks = now.state === 'finished' && now.waiting.length > 0; // the loop has no more to do, a person has
    setText(state, asks ? `${SHAPES.waiting} waits for you` : `${STATE_SHAPES[now.state]} ${now.state}`);
    state.dataset.state = asks ? 'waiting' : now.state;
    claimed.hidden = !study.self_reported;
    const off = now.sandbox === 'off';
    setText(sandbox, off ? '⚠ no sandbox' : now.sandbox ? `sandbox ${now.sandbox}` : '');
    sandbox.hidden = !now.sandbox;
    sandbox.classList.toggle('ar-loud', off);
    sandbox.title = off ? 'candidates run with your rights: they can read and change your files' : 'candidates run isolated at this level';
    const ended = now.state === 'finished' || now.state === 'stopped';
    pause.update(resumes(now) ? 'Resume' : 'Pause', against, asking.isBusy('pause') || asking.isBusy('resume'));
    stop.update(sure === undefined ? 'Stop' : 'Stop for good?', against || (ended ? `the study is ${now.state} already` : ''), asking.isBusy('stop'));
    stop.element.classList.toggle('ar-danger', sure !== undefined);
    spare.update('Keep going', '');
    spare.element.hidden = sure === undefined;
  }

  const timer = setInterval(beat, 1000);
  const stops = (['study', 'state', 'connection'] as const).map(topic => client.on(topic, update));
  update();
  return () => {
    clearInterval(timer);
    clearTimeout(sure);
    asking.remove();
    for (const stop of stops) stop();
  };
}

function resumes(state: StudyState | null): boolean {
  return !!state && state.state !== 'running';
}

function heartbeat(client: Client): string {
  if (!client.state) return '';
  const ago = `${Math.round(client.silence)} s ago`;
  if (!client.connected) return `last heard ${ago}`;
  if (client.study?.read_only) return 'imported, read-only';
  if (client.state.alive) return `♥ loop alive, heard ${ago}`;
  return client.state.state === 'running' ? `the loop is starting, heard ${ago}` : 'no loop is alive';
}

/** What is wrong, whole, and what to do about it; empty when nothing is. */
function trouble(client: Client): string {
  const { study, state } = client;
  if (!client.connected) {
    const kept = state ? ' What is shown is what was known then.' : '';
    const advice = client.problem.includes('%autoresearch attach') ? '' : ` To see it live, ${attach(client)}.`;
    return study || client.problem !== 'connecting' ? `⚠ Disconnected: ${client.problem || 'nobody answers'}.${advice}${kept}` : '';
  }
  if (!state) return '';
  if (state.state === 'paused' && state.fault) return `⚠ Paused by a fault: ${state.reason}`;
  if (state.state === 'dead') return `⚠ Dead: ${state.reason}; Resume brings it back where it was.`;
  return '';
}

/** One line on how it goes. */
function summary(client: Client, state: StudyState): string {
  const { goal } = client.study!.objective;
  const { best, baseline, incumbent, waiting } = state;
  const parts: string[] = [];
  if (best.score !== null && baseline.score !== null && best.candidate !== 0) {
    const gain = goal === 'minimize' ? baseline.score - best.score : best.score - baseline.score;
    parts.push(`best ${show(best.score)} (candidate ${best.candidate}), ${signed(gain, 4)} against the baseline`);
  } else if (baseline.score !== null) parts.push(`baseline ${show(baseline.score)}; nothing better yet`);
  if (incumbent !== null && best.candidate !== null && incumbent !== best.candidate) {
    parts.push(`the search goes on from candidate ${incumbent} at ${show(client.rows[incumbent]?.score)}`);
  }
  const now = state.running.map(one => `${one.candidate === 0 ? 'the baseline' : `candidate ${one.candidate}`} (trial ${one.trial + 1})`);
  if (now.length) parts.push(`running ${now.slice(0, 3).join(', ')}${now.length > 3 ? ` and ${now.length - 3} more` : ''}`);
  if (waiting.length) parts.push(`${waiting.length} ${waiting.length === 1 ? 'waits' : 'wait'} for you`);
  if (state.proposals.failed) parts.push(`${state.proposals.failed} proposals failed in a row: ${state.proposals.last}`);
  if (state.reason && state.state !== 'running' && !state.fault) parts.push(state.reason);
  if (client.study!.read_only) parts.push('imported from a log: it can be read, not changed');
  return parts.join(' · ') || 'the baseline is about to run';
}
