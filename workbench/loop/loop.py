"""The loop: look at the study, write the next missing record, look again. Starting and resuming are the same call.

It holds the pen. Proposals, trials and requests come in through one queue and never wait for each other.
"""

import os
import queue
import signal
import socket
import time
from collections.abc import Sequence
from dataclasses import replace

from workbench import __version__, experiment, registry
from workbench.decide import screen
from workbench.decide.early_stop import EarlyStop
from workbench.decide.policy import Policy, Wanted
from workbench.decide.review import Review
from workbench.errors import WorkbenchError
from workbench.evaluate.executor import Ended, Event, Executor, Incumbent, Points, Task
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Call, LivePoint, Pen
from workbench.ledger.lease import Lease
from workbench.ledger.study import Study
from workbench.loop import candidates, limits, questions, rebase
from workbench.loop.adopt import answer
from workbench.loop.duplicates import Duplicates
from workbench.loop.examine import step
from workbench.loop.limits import MAX_LOST
from workbench.loop.proposals import MAX_REASON, taken
from workbench.loop.proposers import Answered, Asking, Paid
from workbench.program import Program
from workbench.propose.proposer import Proposer
from workbench.records import (
    Called,
    Decision,
    LoopStarted,
    Purpose,
    Record,
    StateChanged,
    Trial,
    TrialStarted,
)
from workbench.search.strategy import Strategy

POLL_SECONDS = 0.1
POINTS_SECONDS = 0.2
RETRY_SECONDS = 0.5
FAULT_SECONDS = 0.5
MAX_FAULTS_IN_A_ROW = 5
MAX_FAILURES_IN_A_ROW = 25


class Loop:
    """One loop over one study, from taking the lease to giving it back."""

    def __init__(self, folder: StudyFolder, pen: Pen) -> None:
        self._folder, self._pen = folder, pen
        self._study = Study().fold(pen.entries())
        opened = self._study.opened
        self._experiment = replace(
            experiment.read(folder.experiment), settings=opened.settings, objective=opened.objective
        )
        policy: Policy = registry.find("policies", opened.options.policy)(
            self._experiment, opened.options
        )
        self._policy = Review(policy)
        rule = self._experiment.early_stop
        self._early_stop = (
            EarlyStop(self._experiment, rule, pen.curves) if rule is not None else None
        )
        self._ended_early: dict[tuple[int, int], str] = {}
        self._inbox: queue.SimpleQueue[Event | Paid | Answered] = queue.SimpleQueue()
        self._asking = Asking(
            folder, self._experiment, self._searchers, self._inbox.put, self._study.spent
        )
        self._called: dict[int, list[int]] = {}
        self._duplicates = Duplicates(self._program)
        self._executor: Executor | None = None
        self._running: dict[tuple[int, int], Task] = {}
        self._points: list[LivePoint] = []
        self._points_at = self._ask_again_at = 0.0
        self._interrupted = False

    def _searchers(self) -> tuple[Strategy, Proposer]:
        options = self._study.opened.options
        argument = options.proposer.partition(":")[2]
        proposer: Proposer = registry.find("proposers", options.proposer)(
            argument, self._experiment, options
        )
        strategy: Strategy = registry.find("strategies", options.strategy)(
            self._experiment, options
        )
        return strategy, proposer

    def run(self) -> None:
        """Works until nothing is missing, a person pauses or stops the study, or a signal asks it to end."""
        signal.signal(signal.SIGTERM, self._interrupt)
        signal.signal(signal.SIGINT, self._interrupt)
        try:
            self._recover()
            while not self._interrupted:
                self._adopt()
                is_examining = self._examine()
                if self._study.state == "running":
                    self._advance()
                if self._over(is_examining):
                    break
                self._take()
        except Exception as error:
            self._append(
                StateChanged(
                    state="paused",
                    reason=f"the loop failed: {type(error).__name__}: {error}",
                    fault=True,
                )
            )
            raise
        finally:
            self._asking.close()
            if self._executor is not None:
                self._executor.close()
            self._drain()

    def _over(self, is_examining: bool) -> bool:
        """Whether there is nothing to wait for. A pause waits for a proposal under way, which may have been paid; a stop does not."""
        study = self._study
        if (
            study.state == "running"
            or is_examining
            or self._running
            or (self._asking.under_way and study.state != "stopped")
        ):
            return False
        return not self._pen.requests(study.handled)

    def _interrupt(self, number: int, frame: object) -> None:
        self._interrupted = True

    def _append(
        self,
        *records: Record,
        programs: tuple[Program, ...] = (),
        calls: Sequence[Call] = (),
        called: Sequence[int] = (),
    ) -> None:
        self._study.fold(self._pen.append(*records, programs=programs, calls=calls, called=called))

    # --- beginning -----------------------------------------------------------------------------------------------------

    def _recover(self) -> None:
        """Trials that an earlier loop had running died with it."""
        if self._study.state == "running":
            self._begin()
        for history in self._study.candidates:
            for number, started in list(history.running.items()):
                lost = Trial(
                    candidate=history.number,
                    trial=number,
                    seed=started.seed,
                    status="lost",
                    reason="the loop died while it ran",
                    fault="loop",
                    slot=started.slot,
                    cut_off=True,
                    purpose=started.purpose,
                )
                self._study.fold(self._pen.end_trial(lost, history.number, number))

    def _begin(self) -> bool:
        """Makes the executor and says that a loop is at work; False (and paused) where there is no sandbox."""
        options = self._study.options
        try:
            self._executor = registry.find("executors", options.executor)(
                self._experiment, options, self._inbox.put
            )
        except WorkbenchError as error:
            self._append(StateChanged(state="paused", reason=str(error), fault=True))
            return False
        executor = self._executor
        assert executor is not None
        self._append(
            LoopStarted(
                pid=os.getpid(),
                host=socket.gethostname(),
                version=__version__,
                sandbox=executor.sandbox,
                slots=executor.slots,
            )
        )
        return True

    # --- people --------------------------------------------------------------------------------------------------------

    def _adopt(self) -> None:
        for request in self._pen.requests(self._study.handled) if self._pen.changed() else ():
            given = answer(self._study, request, self._program)
            self._append(*given.records, programs=given.programs)
            for number in given.cancel:
                self._cancel(number, request.verb)
            if self._study.state == "finished" and limits.is_missing(self._study):
                self._append(StateChanged(state="running", reason="there is more to do"))

    def _cancel(self, candidate: int, verb: str) -> None:
        """Ends what runs of a candidate; of its examinations only where all is stopped: they stay about the program."""
        reason = "the study was stopped" if verb == "stop" else f"a person decided ({verb})"
        for task in list(self._running.values()):
            if (
                task.candidate == candidate
                and self._executor is not None
                and (verb == "stop" or not self._purpose(task))
            ):
                self._executor.cancel(task.candidate, task.trial, reason)

    def _purpose(self, task: Task) -> Purpose:
        return self._study.candidates[task.candidate].running[task.trial].purpose

    def _program(self, number: int) -> Program:
        return self._pen.program(self._study.candidates[number].record.program)

    # --- what came in --------------------------------------------------------------------------------------------------

    def _take(self) -> None:
        """Waits for news a moment, then takes in all there is."""
        self._store_points()
        try:
            self._receive(self._inbox.get(timeout=POLL_SECONDS))
        except queue.Empty:
            return
        self._drain()

    def _drain(self) -> None:
        while True:
            try:
                self._receive(self._inbox.get_nowait())
            except queue.Empty:
                break
        self._store_points(now=not self._running)

    def _receive(self, news: Event | Paid | Answered) -> None:
        match news:
            case Points(task, series, points, own):
                self._points += [
                    LivePoint(task.candidate, task.trial, series, step, value, own)
                    for step, value in points
                ]
                self._end_early(task, series, points, own)
            case Ended(task, trial):
                self._store_points(now=True)
                del self._running[task.candidate, task.trial]
                blamed = self._checked(self._blamed(replace(trial, purpose=self._purpose(task))))
                self._study.fold(self._pen.end_trial(blamed, trial.candidate, trial.trial))
            case Paid():
                self._paid(news)
            case Answered():
                self._propose(news)

    def _end_early(
        self, task: Task, series: str, points: Sequence[tuple[float, float]], own: bool
    ) -> None:
        """Ends a trial whose curve says that it cannot win."""
        if self._early_stop is None or self._executor is None:
            return
        why = self._early_stop.look(
            self._study, task.candidate, task.trial, task.seed, series, points, self_reported=own
        )
        if why:
            self._ended_early[task.candidate, task.trial] = why
            self._executor.cancel(task.candidate, task.trial, why)

    def _blamed(self, trial: Trial) -> Trial:
        """A trial that was killed on a person's word is a person's doing, whatever the executor saw; or it was ended early."""
        why = self._ended_early.pop((trial.candidate, trial.trial), "")
        if why and trial.status == "killed" and trial.reason == why:  # and nobody else was first
            trial = replace(trial, fault="", ended_by="early-stop")
        if trial.ended_by or trial.status not in ("killed", "lost"):
            return trial
        if self._study.state == "stopped" and not trial.purpose:
            return replace(trial, status="lost", fault="person", reason="the study was stopped")
        if self._interrupted:
            return replace(
                trial, status="lost", fault="loop", reason="the loop was asked to end", cut_off=True
            )
        return (
            replace(trial, fault="person")
            if trial.status == "killed" and not trial.fault
            else trial
        )

    def _checked(self, trial: Trial) -> Trial:
        """What was scored on other data than the baseline was, or in other units under its seed, cannot be compared."""
        known = next(
            (
                earlier.data
                for earlier in self._study.candidates[0].trials
                if earlier.status == "ok"
            ),
            trial.data,
        )
        n_units = self._study.n_units.get(trial.seed, len(trial.units))
        if trial.status != "ok" or (trial.data == known and len(trial.units) == n_units):
            return trial
        reason = f"the data are not those that the baseline was scored on ({trial.data[:12] or 'none'} != {known[:12] or 'none'})"
        if trial.data == known:
            reason = f"trial.units were {len(trial.units)} under seed {trial.seed}, where an earlier trial had {n_units}"
        return replace(
            trial, status="lost", score=None, metrics={}, units=(), fault="evaluator", reason=reason
        )

    def _store_points(self, now: bool = False) -> None:
        if self._points and (now or time.monotonic() - self._points_at > POINTS_SECONDS):
            self._pen.add_points(self._points)
            self._points.clear()
            self._points_at = time.monotonic()

    def _propose(self, answered: Answered) -> None:
        number = answered.question.number
        self._asking.taken(answered)
        called = self._called.get(number, ()) if answered.goes_on else self._called.pop(number, ())
        records, programs = taken(self._study, self._experiment, self._duplicates, answered)
        if not records:
            if not answered.went_on:  # nothing now, perhaps later
                self._ask_again_at = time.monotonic() + RETRY_SECONDS
            return
        self._append(*records, programs=tuple(programs), called=called)
        if programs:
            return
        problem = answered.failure or self._study.last_failure
        faults, failures = self._study.faults_in_a_row, self._study.failed_in_a_row
        if answered.final and answered.fault:
            self._append(
                StateChanged(
                    state="paused",
                    reason=f"the proposer cannot be used: {problem[:MAX_REASON]}",
                    fault=True,
                )
            )
        elif faults >= MAX_FAULTS_IN_A_ROW or failures >= MAX_FAILURES_IN_A_ROW:
            reason = f"{failures} proposals failed in a row; the last: {problem[:MAX_REASON]}"
            self._append(StateChanged(state="paused", reason=reason, fault=True))
        elif answered.fault:
            self._ask_again_at = time.monotonic() + min(60.0, FAULT_SECONDS * 2.0**faults)

    def _paid(self, paid: Paid) -> None:
        author = self._study.options.proposer.partition(":")[0]
        record = Called(
            question=paid.question.number, author=author, usd=paid.usd, tokens=paid.tokens
        )
        self._append(record, calls=() if paid.call is None else (paid.call,))
        if paid.call is not None:
            self._called.setdefault(paid.question.number, []).append(self._study.last_id)

    # --- the next missing record ---------------------------------------------------------------------------------------

    def _advance(self) -> None:
        """Everything that is missing and can be done now: decisions, trials for free slots, a question to the proposer."""
        if self._executor is None and not self._begin():
            return
        if trouble := limits.trouble(self._study):
            self._append(StateChanged(state="paused", reason=trouble, fault=True))
        elif self._study.incumbent is None:
            self._open()
        else:
            if starters := candidates.starters(self._study, self._duplicates, self._pen.program):
                self._append(*starters)
            self._judge()
            if plateau := limits.plateau(self._study, self._experiment.search.plateau):
                self._append(plateau)
            self._ask()
            if not (self._running or self._asking.under_way or limits.is_missing(self._study)):
                self._append(
                    StateChanged(state="finished", reason=limits.why_finished(self._study))
                )

    def _examine(self) -> bool:
        """Takes the first examination a step further, in any state of the study; False where none is, or none can go on."""
        study = self._study
        if not study.examining or (self._executor is None and not self._begin()):
            return False
        if trouble := limits.trouble(self._study):
            if study.reason != trouble:
                self._append(StateChanged(state="paused", reason=trouble, fault=True))
            return False
        todo = step(study, study.examining[0])
        self._append(*todo.records)
        for number, seed, purpose in todo.trials:
            self._start(number, seed, purpose)
        return True

    def _open(self) -> None:
        """The baseline and its spread come first."""
        baseline = self._study.candidates[0]
        if baseline.failure is not None or len(self._study.lost_in_a_row) >= MAX_LOST:
            last = self._study.lost_in_a_row[-1:]
            why = (
                baseline.failure.reason
                if baseline.failure
                else f"its trials were lost {MAX_LOST} times; the last: {last[0].reason}"
            )
            if (
                baseline.failure is not None
                and baseline.failure.seconds >= self._experiment.limits.wall_seconds
            ):
                why += "; a new study can give it longer: limits.wall_seconds in experiment.toml, or --time-limit for a script or a cell"
            self._append(
                StateChanged(state="paused", reason=f"the baseline does not run: {why}", fault=True)
            )
            return
        missing = [
            pair
            for pair in self._policy.opening(self._study).trials
            if baseline.trial_at(self._study.seed(pair[1])) is None
        ]
        if not missing:
            self._append(Decision(candidate=0, verdict="keep", by="loop", why="the baseline"))
            self._advance()
        for number, index in missing:
            self._start(number, self._study.seed(index))

    def _judge(self) -> None:
        """Decides what can be decided, then fills free slots: confirmations first, then new candidates by number."""
        study, wanted = self._study, []
        order = sorted(study.open, key=lambda number: (not study.candidates[number].scored, number))
        for number in order:
            if study.candidates[number].status == "waiting" or study.is_running(number):
                continue
            if rebase.is_due(study, study.candidates[number]):  # what was scored is decided by now
                self._rebase(number)
                if number not in study.open:
                    continue
            opinion = self._opinion(number)
            if isinstance(opinion, Decision):
                self._append(opinion)
            else:
                wanted.append(opinion)
        for need in wanted:
            for number, index in need.trials:
                self._start(number, study.seed(index))

    def _rebase(self, number: int) -> None:
        record, programs = rebase.rebased(
            self._study, self._study.candidates[number], self._pen.program
        )
        self._append(record, programs=programs)

    def _opinion(self, number: int) -> Decision | Wanted:
        failure = self._study.candidates[number].failure
        if failure is not None:
            return Decision(
                candidate=number,
                verdict="discard",
                by="loop",
                why=f"{failure.status}: {failure.reason}",
            )
        if (ended := self._study.candidates[number].ended_early) is not None:
            return Decision(
                candidate=number, verdict="discard", by=ended.ended_by, why=ended.reason
            )
        if limits.is_lost(self._study.candidates[number]):
            return Decision(
                candidate=number,
                verdict="discard",
                by="loop",
                why=f"its trials were lost {MAX_LOST} times",
            )
        return self._policy.judge(self._study, number)

    def _start(self, number: int, seed: int, purpose: Purpose = "") -> None:
        """Starts a wanted trial, unless it runs already or no slot is free."""
        executor, opened = self._executor, self._study.opened
        assert executor is not None
        if len(self._running) >= executor.slots or any(
            t.candidate == number and t.seed == seed for t in self._running.values()
        ):
            return
        trial = self._study.candidates[number].next_trial
        task = Task(
            candidate=number,
            trial=trial,
            seed=seed,
            program=self._program(number),
            experiment=self._folder.experiment,
            digest=opened.experiment_digest,
            data=self._folder.data,
            folder=self._folder.trial(number, trial),
            settings={**opened.settings, **opened.audit} if purpose else opened.settings,
            stages=screen.stages(self._study, self._experiment, number, seed),
            incumbent=self._beside(number, purpose),
            sandbox=self._study.options.sandbox,
        )
        self._append(TrialStarted(candidate=number, trial=trial, seed=seed, purpose=purpose))
        self._running[number, trial] = task
        executor.submit(task)

    def _beside(self, number: int, purpose: Purpose) -> Incumbent | None:
        """What an evaluator may run beside a trial of the search."""
        incumbent = self._study.incumbent
        return (
            None
            if purpose or incumbent is None or incumbent == number
            else Incumbent(incumbent, self._program(incumbent))
        )

    def _ask(self) -> None:
        executor, asking = self._executor, self._asking
        assert executor is not None
        while time.monotonic() >= self._ask_again_at:
            ahead = asking.ahead if self._study.options.ahead is None else self._study.options.ahead
            question = questions.following(
                self._study, asking.under_way, executor.slots, ahead, at_a_time=max(1, asking.ahead)
            )
            if question is None:
                return
            asking.ask(question)


def run(folder: StudyFolder) -> None:
    """Takes the lease of a study and runs its loop.

    Raises:
        StudyError: another loop holds the lease, or there is no study.
    """
    with Lease(folder) as lease, Pen(folder, lease) as pen:
        Loop(folder, pen).run()
