/** Which study this is, how it stands, whether a loop is alive, and the buttons that steer it. */

import type { Client } from '../client';
import { h, setText, show } from '../dom';
import type { StudyInfo, StudyState } from '../protocol';
import { attachAdvice, findObstacle, followRequests, makePress } from './requests';
import { SHAPES, STATE_SHAPES, direction, signed } from './words';

const SURE_MS = 6000; // a first press of Stop is forgotten after this
const MAX_RUNNING = 3;

export function mountHeader(el: HTMLElement, client: Client): () => void {
  const masthead = makeMasthead(client);
  const goal = h('span', { class: 'ar-faint ar-goal' });
  const buttons = makeButtons(client);
  const line = h('div', { class: 'ar-summary', role: 'status' });
  const alarm = h('div', { class: 'ar-alarm', role: 'alert' });
  el.append(masthead.element, goal, buttons.element, line, alarm);

  function update(): void {
    const { study, state } = client;
    masthead.update();
    buttons.update();
    const problem = describeProblem(client);
    setText(alarm, problem);
    alarm.hidden = !problem;
    const waiting = problem ? '' : 'connecting to the study';
    setText(line, study && state ? summarize(client, state) : waiting);
    if (!study) return;
    const { name, goal: way } = study.objective;
    setText(goal, `${study.experiment} · ${name}, ${direction(way)}`);
  }

  const topics = ['study', 'state', 'connection'] as const;
  const stops = topics.map(topic => client.on(topic, update));
  update();
  return () => {
    masthead.remove();
    buttons.remove();
    for (const stop of stops) stop();
  };
}

/** Name, state and origin of the study. */
function makeMasthead(client: Client) {
  const name = h('span', { class: 'ar-name' });
  const state = h('span', { class: 'ar-chip ar-runstate' });
  const claimed = h(
    'span',
    {
      class: 'ar-chip ar-loud',
      hidden: true,
      title: 'the candidate prints its own score; nothing checks it'
    },
    '⚠ self-reported'
  );
  const sandbox = h('span', { class: 'ar-chip ar-sandbox' });
  const pulse = h('span', { class: 'ar-faint ar-pulse' });
  const route = h('span', { class: 'ar-faint' });
  const parts = [name, state, claimed, sandbox, pulse, route];

  function beat(): void {
    setText(pulse, describePulse(client));
  }

  function updateState({ state: run, waiting }: StudyState): void {
    // The loop has no more to do, but a person has.
    const waits = run === 'finished' && waiting.length > 0;
    setText(state, waits ? `${SHAPES.waiting} waits for you` : `${STATE_SHAPES[run]} ${run}`);
    state.dataset.state = waits ? 'waiting' : run;
  }

  function updateSandbox(level: string): void {
    const off = level === 'off';
    setText(sandbox, off ? '⚠ no sandbox' : level && `sandbox ${level}`);
    sandbox.hidden = !level;
    sandbox.classList.toggle('ar-loud', off);
    sandbox.title = off
      ? 'candidates run with your rights: they can read and change your files'
      : 'candidates run isolated at this level';
  }

  const timer = setInterval(beat, 1000);
  return {
    element: h('div', { class: 'ar-masthead' }, ...parts),
    update() {
      setText(name, client.study?.name ?? 'Study');
      setText(route, client.connected ? `through the ${client.route}` : '');
      beat();
      if (!client.study || !client.state) return;
      claimed.hidden = !client.study.self_reported;
      updateState(client.state);
      updateSandbox(client.state.sandbox);
    },
    remove: () => clearInterval(timer)
  };
}

/** Pause or resume, and stop, which asks once more. */
function makeButtons(client: Client) {
  let sure: ReturnType<typeof setTimeout> | undefined;
  const requests = followRequests(client, () => update());
  const pause = makePress('no more trials are started until it is resumed', () => {
    const verb = canResume(client.state) ? 'resume' : 'pause';
    requests.ask(verb, {}, verb);
  });
  const stop = makePress('ends the study; running trials are ended too', () => {
    if (sure !== undefined) requests.ask('stop', {}, 'stop');
    askAgain(sure === undefined);
  });
  const keepGoing = makePress('let the study run', () => askAgain(false));
  const elements = [pause, stop, keepGoing].map(press => press.element);
  const element = h('div', { class: 'ar-buttons' }, ...elements, requests.note);

  function askAgain(asks: boolean): void {
    clearTimeout(sure);
    sure = asks ? setTimeout(() => askAgain(false), SURE_MS) : undefined;
    // A hidden button would give the focus to the notebook.
    if (!asks && document.activeElement === keepGoing.element) stop.element.focus();
    update();
  }

  function update(): void {
    const { study, state } = client;
    element.hidden = !study || study.read_only;
    if (!state) return;
    const obstacle = findObstacle(client);
    const isPausing = requests.isBusy('pause') || requests.isBusy('resume');
    pause.update(canResume(state) ? 'Resume' : 'Pause', obstacle, isPausing);
    const isOver = state.state === 'finished' || state.state === 'stopped';
    const whyNot = obstacle || (isOver ? `the study is ${state.state} already` : '');
    const isSure = sure !== undefined;
    stop.update(isSure ? 'Stop for good?' : 'Stop', whyNot, requests.isBusy('stop'));
    stop.element.classList.toggle('ar-danger', isSure);
    keepGoing.update('Keep going', '');
    keepGoing.element.hidden = !isSure;
  }

  return {
    element,
    update,
    remove() {
      clearTimeout(sure);
      requests.remove();
    }
  };
}

function canResume(state: StudyState | null): boolean {
  return !!state && state.state !== 'running';
}

function describePulse(client: Client): string {
  if (!client.state) return '';
  const ago = `${Math.round(client.silence)} s ago`;
  if (!client.connected) return `last heard ${ago}`;
  if (client.study?.read_only) return 'imported, read-only';
  if (client.state.alive) return `♥ loop alive, heard ${ago}`;
  const isStarting = client.state.state === 'running';
  return isStarting ? `the loop is starting, heard ${ago}` : 'no loop is alive';
}

/** What is wrong, whole, and what to do about it; empty if nothing is. */
function describeProblem(client: Client): string {
  const { state } = client;
  if (!client.connected) return describeLoss(client);
  if (!state) return '';
  if (state.state === 'paused' && state.fault) return `⚠ Paused by a fault: ${state.reason}`;
  if (state.state === 'dead') {
    return `⚠ Dead: ${state.reason}; Resume brings it back where it was.`;
  }
  return '';
}

function describeLoss(client: Client): string {
  if (!client.study && client.problem === 'connecting') return '';
  const problem = client.problem || 'no answer';
  const parts = [`⚠ Disconnected: ${problem}.`];
  if (!problem.includes('%autoresearch attach')) {
    parts.push(`To see it live, ${attachAdvice(client)}.`);
  }
  if (client.state) parts.push('What is shown is what was known then.');
  return parts.join(' ');
}

/** One line on how it goes. */
function summarize(client: Client, state: StudyState): string {
  const study = client.study!;
  const parts = [
    describeBest(study, state),
    describeFork(client, state),
    describeRunning(state),
    describeWaiting(state)
  ];
  const { failed, last } = state.proposals;
  if (failed) parts.push(`${failed} proposals failed; the last one: ${last}`);
  if (state.reason && state.state !== 'running' && !state.fault) parts.push(state.reason);
  if (study.read_only) parts.push('imported from a log: it can be read, not changed');
  return parts.filter(Boolean).join(' · ') || 'the baseline is about to run';
}

function describeBest({ objective }: StudyInfo, { best, baseline }: StudyState): string {
  if (baseline.score === null) return '';
  if (best.score === null || best.candidate === 0) {
    return `baseline ${show(baseline.score)}; nothing better yet`;
  }
  const sign = objective.goal === 'minimize' ? 1 : -1;
  const gain = signed(sign * (baseline.score - best.score), 4);
  return `best ${show(best.score)} (candidate ${best.candidate}), ${gain} against the baseline`;
}

function describeFork(client: Client, { incumbent, best }: StudyState): string {
  if (incumbent === null || best.candidate === null || incumbent === best.candidate) return '';
  const score = show(client.rows[incumbent]?.score);
  return `the search goes on from candidate ${incumbent} at ${score}`;
}

function describeRunning({ running }: StudyState): string {
  if (!running.length) return '';
  const names = running.slice(0, MAX_RUNNING).map(({ candidate, trial }) => {
    const name = candidate === 0 ? 'the baseline' : `candidate ${candidate}`;
    return `${name} (trial ${trial + 1})`;
  });
  const n_more = running.length - names.length;
  return `running ${names.join(', ')}${n_more ? ` and ${n_more} more` : ''}`;
}

function describeWaiting({ waiting }: StudyState): string {
  if (!waiting.length) return '';
  return `${waiting.length} ${waiting.length === 1 ? 'waits' : 'wait'} for you`;
}
