"""The trials of one loop: starts them, stores their curves, and records how they ended."""

import os
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from workbench import __version__, registry
from workbench.decide import screen
from workbench.decide.early_stop import EarlyStop
from workbench.evaluate.executor import Ended, Event, Executor, Incumbent, Points, Task
from workbench.experiment import Experiment
from workbench.ledger.curves import LivePoint
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Pen
from workbench.ledger.study import Study
from workbench.loop import trial_results
from workbench.program import Program
from workbench.records import LoopStarted, Purpose, Trial, TrialStarted

POINTS_SECONDS = 0.2  # how often live curve points are stored


class Trials:
    """The executor and the trials that it runs.

    Study and pen are the loop's. What happens to a trial is recorded before anything else is done.

    Attributes:
        running: by candidate and trial number.
        is_interrupted: set by the loop when a signal asks it to end.
    """

    def __init__(
        self,
        folder: StudyFolder,
        experiment: Experiment,
        study: Study,
        pen: Pen,
        report: Callable[[Event], None],
    ) -> None:
        """Takes `report`, which the executor calls from its threads with each event."""
        self.running: dict[tuple[int, int], Task] = {}
        self.is_interrupted = False
        self._folder = folder
        self._experiment = experiment
        self._study = study
        self._pen = pen
        self._report = report
        self._executor: Executor | None = None
        self._early_stop: EarlyStop | None = None
        if experiment.early_stop is not None:
            self._early_stop = EarlyStop(experiment, experiment.early_stop, pen.read_curves)
        # By candidate and trial number: why this loop ended it early.
        self._early_stop_reasons: dict[tuple[int, int], str] = {}
        self._points: list[LivePoint] = []
        self._points_at = 0.0

    @property
    def n_slots(self) -> int:
        """How many trials run at a time; 0 before the executor is made."""
        return 0 if self._executor is None else self._executor.slots

    def require_executor(self) -> None:
        """Makes the executor if there is none yet, and records that a loop is at work.

        Raises:
            WorkbenchError: it cannot be made, for instance because no sandbox works here.
        """
        if self._executor is not None:
            return
        options = self._study.options
        make_executor = registry.find("executors", options.executor)
        executor: Executor = make_executor(self._experiment, options, self._report)
        self._executor = executor
        started = LoopStarted(
            pid=os.getpid(),
            host=socket.gethostname(),
            version=__version__,
            sandbox=executor.sandbox,
            slots=executor.slots,
        )
        self._study.fold(self._pen.append(started))

    def record_lost(self) -> None:
        """Records the trials of an earlier loop as lost: they died with it."""
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

    def start(self, number: int, seed: int, purpose: Purpose = "") -> None:
        """Starts a wanted trial, unless it runs already or no slot is free."""
        executor = self._executor
        assert executor is not None
        runs_already = any(
            task.candidate == number and task.seed == seed for task in self.running.values()
        )
        if runs_already or len(self.running) >= executor.slots:
            return
        opened = self._study.opened
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
            incumbent=self._incumbent_beside(number, purpose),
            sandbox=self._study.options.sandbox,
        )
        # The record comes first: a trial that runs is always in the journal.
        started = TrialStarted(candidate=number, trial=trial, seed=seed, purpose=purpose)
        self._study.fold(self._pen.append(started))
        self.running[number, trial] = task
        executor.submit(task)

    def _incumbent_beside(self, number: int, purpose: Purpose) -> Incumbent | None:
        """The incumbent's program, which an evaluator may run beside a trial of the search."""
        incumbent = self._study.incumbent
        if purpose or incumbent is None or incumbent == number:
            return None
        return Incumbent(incumbent, self._program(incumbent))

    def _program(self, number: int) -> Program:
        return self._pen.read_program(self._study.candidates[number].record.program)

    def cancel(self, candidate: int, verb: str) -> None:
        """Ends the running trials of a candidate, on a person's request `verb`.

        Trials of an examination go on, since they are about the program and not about the decision;
        only `stop` ends them too.
        """
        reason = "the study was stopped" if verb == "stop" else f"a person decided ({verb})"
        for task in list(self.running.values()):
            is_cancelled = verb == "stop" or not self._purpose(task)
            if task.candidate == candidate and is_cancelled and self._executor is not None:
                self._executor.cancel(task.candidate, task.trial, reason)

    def _purpose(self, task: Task) -> Purpose:
        return self._study.candidates[task.candidate].running[task.trial].purpose

    def receive(self, event: Event) -> None:
        """Takes in an event of the executor."""
        match event:
            case Points(task, series, points, is_self_reported):
                self._points += [
                    LivePoint(task.candidate, task.trial, series, step, value, is_self_reported)
                    for step, value in points
                ]
                self._end_early(task, series, points, is_self_reported)
            case Ended(task, trial):
                self.store_points(now=True)
                self._end(task, trial)

    def _end_early(
        self,
        task: Task,
        series: str,
        points: Sequence[tuple[float, float]],
        is_self_reported: bool,
    ) -> None:
        """Ends a trial whose curve says that it cannot win."""
        if self._early_stop is None or self._executor is None:
            return
        reason = self._early_stop.look(
            self._study,
            task.candidate,
            task.trial,
            task.seed,
            series,
            points,
            self_reported=is_self_reported,
        )
        if reason:
            self._early_stop_reasons[task.candidate, task.trial] = reason
            self._executor.cancel(task.candidate, task.trial, reason)

    def _end(self, task: Task, trial: Trial) -> None:
        trial = replace(trial, purpose=self._purpose(task))
        del self.running[task.candidate, task.trial]
        early_stop_reason = self._early_stop_reasons.pop((trial.candidate, trial.trial), "")
        trial = trial_results.attribute_end(
            trial, self._study, early_stop_reason, self.is_interrupted
        )
        trial = trial_results.require_comparable(trial, self._study)
        self._study.fold(self._pen.end_trial(trial, trial.candidate, trial.trial))

    def store_points(self, now: bool = False) -> None:
        """Stores live curve points; without `now` only a few times a second."""
        is_time = now or time.monotonic() - self._points_at > POINTS_SECONDS
        if self._points and is_time:
            self._pen.add_points(self._points)
            self._points.clear()
            self._points_at = time.monotonic()

    def close(self) -> None:
        """Ends the executor and everything that it runs."""
        if self._executor is not None:
            self._executor.close()
