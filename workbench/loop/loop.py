"""The loop: looks at the study, writes the next missing record, and looks again.

Starting and resuming are the same call. The loop alone appends to the journal (it "holds the pen").
Proposals, trials and requests come in through one queue and never wait for each other.
"""

import queue
import signal
from dataclasses import replace

from workbench import experiment_file, registry
from workbench.decide.policy import Policy, Wanted
from workbench.decide.review import Review
from workbench.errors import WorkbenchError
from workbench.evaluate.executor import Event
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Pen
from workbench.ledger.lease import Lease
from workbench.ledger.study import Study
from workbench.loop import limits, rebase
from workbench.loop.adopt import answer as answer_request
from workbench.loop.examine import step
from workbench.loop.limits import MAX_LOST
from workbench.loop.proposal_intake import ProposalIntake
from workbench.loop.proposers import Answer, Paid
from workbench.loop.trials import Trials
from workbench.program import Program
from workbench.records import Decision, Record, StateChanged

POLL_SECONDS = 0.1  # how long the loop waits for news before it looks at requests again


class Loop:
    """One loop over one study, from taking the lease to giving it back."""

    def __init__(self, folder: StudyFolder, pen: Pen) -> None:
        self._folder = folder
        self._pen = pen
        self._study = Study().fold(pen.read_entries())
        opened = self._study.opened
        self._experiment = replace(
            experiment_file.read(folder.experiment),
            settings=opened.settings,
            objective=opened.objective,
        )
        make_policy = registry.find("policies", opened.options.policy)
        policy: Policy = make_policy(self._experiment, opened.options)
        self._policy = Review(policy)
        self._inbox: queue.SimpleQueue[Event | Paid | Answer] = queue.SimpleQueue()
        report = self._inbox.put
        self._trials = Trials(folder, self._experiment, self._study, pen, report)
        self._proposals = ProposalIntake(folder, self._experiment, self._study, pen, report)

    def run(self) -> None:
        """Works until nothing is missing, a person ends or pauses it, or a signal arrives."""
        signal.signal(signal.SIGTERM, self._interrupt)
        signal.signal(signal.SIGINT, self._interrupt)
        try:
            if self._study.state == "running":
                self._begin()
            self._trials.record_lost()
            while not self._trials.is_interrupted:
                self._adopt_requests()
                is_examining = self._advance_examination()
                if self._study.state == "running":
                    self._advance()
                if self._is_over(is_examining):
                    break
                self._wait_for_news()
        except Exception as error:
            self._pause(f"the loop failed: {type(error).__name__}: {error}")
            raise
        finally:
            self._proposals.close()
            self._trials.close()
            self._drain()

    def _is_over(self, is_examining: bool) -> bool:
        """Whether there is nothing left to wait for."""
        study = self._study
        if study.state == "running" or is_examining or self._trials.running:
            return False
        # A proposal under way may have been paid for, so a pause waits for it. A stop does not.
        if self._proposals.under_way and study.state != "stopped":
            return False
        return not self._pen.read_requests(study.people.last_request)

    def _interrupt(self, number: int, frame: object) -> None:
        self._trials.is_interrupted = True

    def _append(
        self,
        *records: Record,
        programs: tuple[Program, ...] = (),
    ) -> None:
        """Writes records in one transaction and folds them."""
        self._study.fold(self._pen.append(*records, programs=programs))

    def _pause(self, reason: str) -> None:
        """Pauses the study because something is broken."""
        self._append(StateChanged(state="paused", reason=reason, fault=True))

    def _begin(self) -> bool:
        """Makes the executor; False (and paused) if it cannot be made."""
        try:
            self._trials.require_executor()
        except WorkbenchError as error:
            self._pause(str(error))
            return False
        return True

    # --- people ----------------------------------------------------------------------------------

    def _adopt_requests(self) -> None:
        """Answers what people and tools have filed since the last look."""
        if not self._pen.has_changed():
            return
        for request in self._pen.read_requests(self._study.people.last_request):
            answer = answer_request(self._study, request, self._program)
            self._append(*answer.records, programs=answer.programs)
            for number in answer.cancel:
                self._trials.cancel(number, request.verb)
            if self._study.state == "finished" and limits.is_missing(self._study):
                self._append(StateChanged(state="running", reason="there is more to do"))

    def _program(self, number: int) -> Program:
        return self._pen.read_program(self._study.candidates[number].record.program)

    # --- news from executor and proposers --------------------------------------------------------

    def _wait_for_news(self) -> None:
        """Waits a moment for news, then takes in everything there is."""
        self._trials.store_points()
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
        self._trials.store_points(now=not self._trials.running)

    def _receive(self, news: Event | Paid | Answer) -> None:
        match news:
            case Paid():
                self._proposals.record_call(news)
            case Answer():
                trouble = self._proposals.record_answer(news)
                if trouble:
                    self._pause(trouble)
            case _:
                self._trials.receive(news)

    # --- the next missing record -----------------------------------------------------------------

    def _advance(self) -> None:
        """Does everything that can be done now: decisions, trials for free slots, a question."""
        if not self._begin():
            return
        trouble = limits.trouble(self._study)
        if trouble:
            self._pause(trouble)
        elif self._study.incumbent is None:
            self._open()
        else:
            self._search()

    def _search(self) -> None:
        self._proposals.record_starters()
        self._judge()
        plateau = limits.plateau(self._study, self._experiment.search.plateau)
        if plateau is not None:
            self._append(plateau)
        self._proposals.ask(self._trials.n_slots)
        is_busy = self._trials.running or self._proposals.under_way
        if not is_busy and not limits.is_missing(self._study):
            reason = limits.why_finished(self._study)
            self._append(StateChanged(state="finished", reason=reason))

    def _advance_examination(self) -> bool:
        """Takes the oldest audit or ablation a step further, in any state of the study.

        False if there is none, or if it cannot go on.
        """
        pending = self._study.examinations.pending
        if not pending or not self._begin():
            return False
        trouble = limits.trouble(self._study)
        if trouble:
            if self._study.reason != trouble:
                self._pause(trouble)
            return False
        todo = step(self._study, pending[0])
        self._append(*todo.records)
        for number, seed, purpose in todo.trials:
            self._trials.start(number, seed, purpose)
        return True

    def _open(self) -> None:
        """Runs the baseline until its spread is known; nothing else happens before that."""
        baseline = self._study.candidates[0]
        problem = self._baseline_problem(baseline)
        if problem:
            self._pause(f"the baseline does not run: {problem}")
            return
        missing = [
            (number, index)
            for number, index in self._policy.opening(self._study).trials
            if baseline.find_trial(self._study.seed(index)) is None
        ]
        if not missing:
            self._append(Decision(candidate=0, verdict="keep", by="loop", why="the baseline"))
            self._advance()
        for number, index in missing:
            self._trials.start(number, self._study.seed(index))

    def _baseline_problem(self, baseline: CandidateHistory) -> str:
        """Why the baseline cannot be scored, with what to do.

        Empty if it can, or is still to run.
        """
        failure = baseline.failure
        if failure is None:
            losses = self._study.health.losses
            if len(losses) < MAX_LOST:
                return ""
            return f"its trials were lost {MAX_LOST} times; the last: {losses[-1].reason}"
        if failure.seconds < self._experiment.limits.wall_seconds:
            return failure.reason
        return (
            f"{failure.reason}; a new study can give it longer: limits.wall_seconds in "
            "experiment.toml, or --time-limit for a script or a cell"
        )

    def _judge(self) -> None:
        """Decides what can be decided, then fills free slots with the trials that are wanted.

        Candidates that have a score come first, so that confirmations run before new candidates.
        """
        study = self._study
        wanted: list[Wanted] = []
        order = sorted(study.open, key=lambda number: (not study.candidates[number].scored, number))
        for number in order:
            if study.candidates[number].status == "waiting" or number in study.running:
                continue
            # Candidates with a score came first, so the incumbent can no longer change below.
            if rebase.is_due(study, study.candidates[number]):
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
                self._trials.start(number, study.seed(index))

    def _rebase(self, number: int) -> None:
        history = self._study.candidates[number]
        record, programs = rebase.rebase(self._study, history, self._pen.read_program)
        self._append(record, programs=programs)

    def _opinion(self, number: int) -> Decision | Wanted:
        """What to do with a candidate: the loop's decision if it did not run, else the policy's."""
        history = self._study.candidates[number]
        failure = history.failure
        if failure is not None:
            return _discard(number, "loop", f"{failure.status}: {failure.reason}")
        ended = history.ended_early
        if ended is not None:
            return _discard(number, ended.ended_by, ended.reason)
        if limits.is_lost(history):
            return _discard(number, "loop", f"its trials were lost {MAX_LOST} times")
        return self._policy.judge(self._study, number)


def _discard(number: int, by: str, why: str) -> Decision:
    return Decision(candidate=number, verdict="discard", by=by, why=why)


def run(folder: StudyFolder) -> None:
    """Takes the lease of a study and runs its loop.

    Raises:
        StudyError: another loop holds the lease, or the folder has no study.
    """
    with Lease(folder) as lease, Pen(folder, lease) as pen:
        Loop(folder, pen).run()
