"""Contracts that every implementation of a role must pass, and an executor for tests.

They ship, for those who write a proposer, strategy, policy or executor of their own. Inherit a
contract in a test class, and override the method that makes the implementation:

    class TestMine(ProposerContract):
        def make(self, experiment, options):
            return Mine("", experiment, options)

A contract asks for real work, so an implementation that does nothing fails it. It may call `make`
several times for one experiment.
"""

import json
import queue
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from workbench import experiment_file
from workbench.decide.policy import Policy, Wanted
from workbench.evaluate.executor import Ended, Event, Executor, Points, Report, Task
from workbench.experiment import Experiment, Goal, Noise, Objective
from workbench.ledger.study import Study
from workbench.program import Patch, Program
from workbench.propose.proposer import Brief, Exhausted, Proposal, Proposer, Unusable
from workbench.records import (
    PERSON,
    Adopted,
    Candidate,
    Decision,
    Entry,
    Options,
    Record,
    StudyOpened,
    Trial,
)
from workbench.search.strategy import Strategy
from workbench.syntax import find_syntax_problem

_KNOBS = '''\
"""A program with knobs."""

LEARNING_RATE = 0.1
WIDTH = 8


def answer():
    return LEARNING_RATE * WIDTH
'''
PROGRAM = Program({"train.py": _KNOBS})

_TRAIN = '''\
"""Fits a line to points, one small step at a time."""

import model

LEARNING_RATE = 0.01
WIDTH = 8
STEPS = 20


def gradient(weight):
    total = 0.0
    for x in range(1, WIDTH):
        total += 2 * x * (model.predict(weight, x) - 3.0 * x)
    return total / WIDTH


def answer():
    weight = 0.0
    for _ in range(STEPS):
        weight -= LEARNING_RATE * gradient(weight)
    return abs(weight - 3.0)
'''
_MODEL = '''\
"""A line through the origin."""

SCALE = 1.0


def predict(weight, x):
    return SCALE * weight * x
'''
# What proposers and executors are tried on: two files, with functions, loops and numbers in them.
LARGER_PROGRAM = Program({"train.py": _TRAIN, "model.py": _MODEL})


def experiment_for_tests(
    folder: Path,
    goal: Goal = "minimize",
    noise: Noise = "seed",
    program: Program = PROGRAM,
) -> Experiment:
    """An experiment with the objective `loss`, whose folder holds the program and nothing else."""
    program.write(folder)
    return Experiment(
        folder=folder,
        name="toy",
        editable=tuple(program.files),
        objective=Objective(name="loss", goal=goal, noise=noise),
    )


def fold(records: Sequence[Record]) -> Study:
    """The study of some records, as if they had been appended one second apart."""
    return Study().fold(
        Entry(number, float(number), record) for number, record in enumerate(records, 1)
    )


def opening(
    experiment: Experiment, options: Options | None = None, program: Program = PROGRAM
) -> list[Record]:
    """The first two records of a study: itself, and `program` as its baseline."""
    opened = StudyOpened(
        name="toy-1",
        experiment=experiment.name,
        source=str(experiment.folder),
        experiment_digest="0" * 64,
        objective=experiment.objective,
        options=options or Options(),
        shape=experiment.shape,
    )
    baseline = Candidate(candidate=0, parent=None, program=program.digest, author="baseline")
    return [opened, baseline]


class StandInExecutor:
    """An executor that runs nothing: `score(program, seed)` is the score of a trial, at once.

    A trial whose score is None fails. It is part of the product, so that a policy or a proposer can
    be tried on thousands of candidates in seconds.
    """

    sandbox = "off"

    def __init__(
        self, score: Callable[[Program, int], float | None], report: Report, slots: int = 1
    ) -> None:
        self.slots = slots
        self._score = score
        self._report = report

    def submit(self, task: Task) -> None:
        score = self._score(task.program, task.seed)
        has_failed = score is None
        trial = Trial(
            candidate=task.candidate,
            trial=task.trial,
            seed=task.seed,
            status="failed" if has_failed else "ok",
            score=score,
            reason="no score" if has_failed else "",
        )
        self._report(Ended(task, trial))

    def cancel(self, candidate: int, trial: int, reason: str) -> None:
        """Without effect: every trial has ended already."""

    def close(self) -> None:
        """Without effect: nothing is held."""


class StrategyContract:
    """What every strategy owes."""

    N_CANDIDATES = 120

    def make(self, experiment: Experiment, options: Options) -> Strategy:
        raise NotImplementedError("return your strategy")

    def test_it_names_itself_and_asks_for_candidates_that_have_a_score_and_no_veto(
        self, tmp_path: Path
    ) -> None:
        experiment = experiment_for_tests(tmp_path, noise="none")
        strategy = self.make(experiment, Options(seed=3))
        study = _make_study_with_baseline(experiment)
        assert strategy.name
        for number in range(self.N_CANDIDATES):
            ask = strategy.ask(study)
            assert ask.parent not in ask.inspirations
            for candidate in (ask.parent, *ask.inspirations):
                history = study.candidates[candidate]
                assert history.score is not None
                assert history.failure is None
                authors = [decision.by for decision in history.decisions]
                assert PERSON not in authors, f"candidate {candidate} was vetoed"
            _add_candidate(study, ask.parent, number)

    def test_a_new_one_asks_the_same_of_the_same_study_as_one_that_saw_it_grow(
        self, tmp_path: Path
    ) -> None:
        experiment = experiment_for_tests(tmp_path, noise="none")
        strategy = self.make(experiment, Options(seed=3))
        study = _make_study_with_baseline(experiment)
        for number in range(self.N_CANDIDATES):
            ask = strategy.ask(study)
            # Now and then is enough: a new instance reads the whole study each time.
            if number % 10 == 0:
                assert self.make(experiment, Options(seed=3)).ask(study) == ask
            _add_candidate(study, ask.parent, number)

    def test_it_goes_on_from_the_candidate_that_a_person_chose(self, tmp_path: Path) -> None:
        experiment = experiment_for_tests(tmp_path, noise="none")
        strategy = self.make(experiment, Options(seed=3))
        study = _make_study_with_baseline(experiment)
        for number in range(20):
            _add_candidate(study, strategy.ask(study).parent, number)
        # Not the incumbent, so that going on as before is not enough.
        discarded = [
            history.number
            for history in study.candidates
            if history.status == "discarded" and history.score is not None and not history.is_vetoed
        ]
        chosen = discarded[-1]
        fork = Adopted(request="fork", sequence=1, verb="fork", body={"candidate": chosen})
        _append(study, [fork])
        assert strategy.ask(study).parent == chosen


class ProposerContract:
    """What every proposer owes.

    Attributes:
        program: what it is asked to change; two files with functions, loops and numbers.
        cannot_propose: why the proposer can propose nothing for this program. Where it is empty,
            a proposer that proposes nothing fails.
    """

    N_QUESTIONS = 3
    program: Program = LARGER_PROGRAM
    cannot_propose: str = ""

    def make(self, experiment: Experiment, options: Options) -> Proposer:
        raise NotImplementedError("return your proposer")

    def ask(
        self, experiment: Experiment, study: Study, number: int = 0, seed: int = 0
    ) -> Sequence[Proposal]:
        """What a new proposer answers to one question about the baseline."""
        proposer = self.make(experiment, Options(seed=seed))
        return self._ask(proposer, self._brief(experiment, study, number))

    def test_it_proposes_programs_of_editable_files_with_a_hypothesis(self, tmp_path: Path) -> None:
        experiment = experiment_for_tests(tmp_path, program=self.program)
        proposer = self.make(experiment, Options())
        assert proposer.name
        self._check(self._play(experiment, lambda: proposer), experiment)

    def test_a_new_one_goes_on_where_another_one_stopped(self, tmp_path: Path) -> None:
        """A proposer keeps nothing that a resumed study would miss."""
        experiment = experiment_for_tests(tmp_path, program=self.program)
        proposals = self._play(experiment, lambda: self.make(experiment, Options()))
        self._check(proposals, experiment)

    def test_it_does_not_change_the_study_that_it_is_shown(self, tmp_path: Path) -> None:
        experiment = experiment_for_tests(tmp_path, program=self.program)
        study = _make_study_with_baseline(experiment, self.program)
        before = (study.last_id, len(study.candidates), study.counts.copy(), study.incumbent)
        self.ask(experiment, study)
        after = (study.last_id, len(study.candidates), study.counts, study.incumbent)
        assert after == before

    def _play(
        self, experiment: Experiment, next_proposer: Callable[[], Proposer]
    ) -> list[Proposal]:
        """Asks some questions, and makes each proposal a candidate before the next question."""
        study = _make_study_with_baseline(experiment, self.program)
        proposals: list[Proposal] = []
        for number in range(self.N_QUESTIONS):
            brief = self._brief(experiment, study, number)
            answer = self._ask(next_proposer(), brief)
            assert len(answer) <= brief.max_proposals
            for proposal in answer:
                is_new = proposal.program.digest not in study.by_program
                assert is_new or proposal.repeats, "it proposed a program a second time"
                _add_proposal(study, self.program, proposal)
            proposals += answer
        return proposals

    def _brief(self, experiment: Experiment, study: Study, number: int) -> Brief:
        return Brief(
            experiment=experiment,
            study=study,
            parent=0,
            program=self.program,
            number=number,
            programs={0: self.program}.__getitem__,
        )

    def _ask(self, proposer: Proposer, brief: Brief) -> list[Proposal]:
        try:
            answer = proposer.propose(brief)
            if answer is None:
                return []
            if isinstance(answer, Proposal):
                return [answer]
            return list(answer)
        except (Exhausted, Unusable):
            return []

    def _check(self, proposals: Sequence[Proposal], experiment: Experiment) -> None:
        if self.cannot_propose:
            assert not proposals, f"it does propose, although: {self.cannot_propose}"
            return
        assert proposals, "it proposed nothing; say why in `cannot_propose` where that is right"
        for proposal in proposals:
            program = proposal.program
            strangers = set(program.files) - set(experiment.editable)
            assert strangers == set(), "it changed files that are not editable"
            for path, text in program.files.items():
                problem = find_syntax_problem(text) if path.endswith(".py") else None
                assert problem is None, f"{path} does not parse: {problem}"
            assert proposal.hypothesis.strip(), "a proposal needs a hypothesis"
            assert program != self.program or proposal.repeats, "it changed nothing"
            patch = Patch.between(self.program, program)
            assert patch.apply(self.program) == program
            json.dumps(dict(proposal.origin))  # raises TypeError where the journal could not


class PolicyContract:
    """What every policy owes."""

    MAX_TRIALS = 100

    def make(self, experiment: Experiment, options: Options) -> Policy:
        raise NotImplementedError("return your policy")

    def decide(self, experiment: Experiment, scores: Callable[[int, int], float]) -> Decision:
        """Lets the policy decide about candidate 1, running every trial that it wants.

        Args:
            scores: the score of a candidate under a seed.
        """
        policy = self.make(experiment, Options())
        records = opening(experiment)
        study = fold(records)
        first_trials = policy.opening(study).trials
        assert first_trials, "a policy needs at least one trial of the baseline"
        for number, index in first_trials:
            assert number == 0, "only the baseline can be tried at the beginning"
            records.append(_run_trial(study, records, number, index, scores))
        records.append(Decision(candidate=0, verdict="keep", by="loop"))
        records.append(Candidate(candidate=1, parent=0, program="1" * 64, author="tester"))
        for _ in range(self.MAX_TRIALS):
            study = fold(records)
            opinion = policy.judge(study, 1)
            if isinstance(opinion, Decision):
                assert opinion.candidate == 1
                # The loop may ask again after a restart, and must hear the same.
                assert opinion == policy.judge(study, 1), "it changed its mind"
                return opinion
            assert opinion.trials, "a policy that wants no trial must decide"
            number, index = opinion.trials[0]
            records.append(_run_trial(study, records, number, index, scores))
        raise AssertionError(f"the policy did not decide within {self.MAX_TRIALS} trials")

    def test_a_clear_loser_is_discarded(self, tmp_path: Path) -> None:
        decision = self.decide(
            experiment_for_tests(tmp_path), lambda number, seed: number * 10.0 + _jitter(seed)
        )
        assert decision.verdict == "discard"

    def test_a_clear_winner_is_kept_or_deferred_with_its_effect(self, tmp_path: Path) -> None:
        decision = self.decide(
            experiment_for_tests(tmp_path), lambda number, seed: -number * 10.0 + _jitter(seed)
        )
        assert decision.verdict in ("keep", "defer")
        assert decision.evidence.effect is not None
        assert abs(decision.evidence.effect - 10.0) < 0.1

    def test_the_direction_of_the_metric_is_honoured(self, tmp_path: Path) -> None:
        decision = self.decide(
            experiment_for_tests(tmp_path, goal="maximize"),
            lambda number, seed: number * 10.0 + _jitter(seed),
        )
        assert decision.verdict in ("keep", "defer")

    def test_asked_again_it_says_the_same(self, tmp_path: Path) -> None:
        experiment = experiment_for_tests(tmp_path)
        first, second = (
            self.decide(experiment, lambda number, seed: -number + _jitter(seed)) for _ in range(2)
        )
        assert first == second


_EVALUATE = '''\
"""Scores the program, unless a setting says that the trial process dies first."""

import os
import signal


def evaluate(trial):
    with open(trial.settings["log"], "a") as log:
        log.write(f"{trial.settings['action']}\\n")
    for step in (1, 2, 3):
        trial.report("progress", step, 1.0 / step)
    if trial.settings["action"] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    with trial.start("train.py") as process:
        return {"loss": process.call("answer", returns=float)}
'''
_SLEEP = "import time\n\n\ndef answer():\n    time.sleep(600)\n    return 0.0\n"
_FAIL = "def answer():\n    raise RuntimeError('it cannot')\n"


class ExecutorContract:
    """What every executor owes: it runs trials, cancels them, and owns up to those it lost.

    `make` builds one for the experiment that the contract writes. The executor must be able to read
    the folders that the contract makes below pytest's `tmp_path`.
    """

    PATIENCE_SECONDS = 60.0

    def make(self, experiment: Experiment, options: Options, report: Report) -> Executor:
        raise NotImplementedError("return your executor")

    def test_it_has_slots_and_says_its_sandbox(self, tmp_path: Path) -> None:
        with self._rig(tmp_path) as rig:
            assert rig.executor.slots >= 1
            assert rig.executor.sandbox in ("bwrap", "landlock", "off")

    def test_a_trial_ends_with_its_score_and_streams_its_curve(self, tmp_path: Path) -> None:
        with self._rig(tmp_path) as rig:
            task = rig.submit(1, LARGER_PROGRAM, seed=7)
            points, trial = rig.wait_for_end()
            assert (trial.candidate, trial.trial, trial.seed) == (1, 0, 7)
            assert trial.status == "ok", trial.reason
            assert trial.score is not None
            assert 0 <= trial.score < 3
            curve = [point for event in points for point in event.points]
            assert curve == [(1.0, 1.0), (2.0, 1 / 2), (3.0, 1 / 3)]
            assert [event.series for event in points] == ["progress"] * len(points)
            assert [event.task for event in points] == [task] * len(points)

    def test_a_candidate_that_raises_has_failed(self, tmp_path: Path) -> None:
        with self._rig(tmp_path) as rig:
            rig.submit(1, _replace_train(_FAIL))
            _, trial = rig.wait_for_end()
            assert (trial.status, trial.score) == ("failed", None)
            assert "it cannot" in trial.reason

    def test_a_trial_that_is_cancelled_is_killed_and_its_slot_is_free(self, tmp_path: Path) -> None:
        with self._rig(tmp_path) as rig:
            rig.submit(1, _replace_train(_SLEEP))
            rig.wait_for_points()
            # A person's click may come too late: that must not end another trial.
            rig.executor.cancel(2, 0, "this trial does not exist")
            rig.executor.cancel(1, 0, "not this way")
            _, trial = rig.wait_for_end()
            assert (trial.status, trial.score) == ("killed", None)
            assert trial.reason == "not this way"
            rig.check_that_it_still_runs_trials()

    def test_a_trial_whose_process_dies_is_lost_and_not_run_again(self, tmp_path: Path) -> None:
        with self._rig(tmp_path) as rig:
            rig.submit(1, LARGER_PROGRAM, action="die")
            _, trial = rig.wait_for_end()
            assert (trial.status, trial.score) == ("lost", None)
            assert trial.reason
            rig.check_that_it_still_runs_trials()
            # Whether to try again is for the study to decide, and for people to see.
            assert rig.read_log() == ["die", "run"], "each trial runs once"

    def test_a_trial_that_runs_when_it_is_closed_is_reported_too(self, tmp_path: Path) -> None:
        with self._rig(tmp_path) as rig:
            rig.submit(1, _replace_train(_SLEEP))
            rig.wait_for_points()
            rig.executor.close()
            _, trial = rig.wait_for_end()
            assert (trial.status, trial.score) == ("killed", None)

    def test_it_refuses_a_trial_that_no_slot_is_free_for(self, tmp_path: Path) -> None:
        with self._rig(tmp_path) as rig:
            for candidate in range(rig.executor.slots):
                rig.submit(candidate, _replace_train(_SLEEP))
            rig.wait_for_points()
            try:
                rig.submit(rig.executor.slots, LARGER_PROGRAM)
            except RuntimeError:
                return
            raise AssertionError("it took more trials than it has slots")

    @contextmanager
    def _rig(self, folder: Path) -> Iterator["_Rig"]:
        experiment = _write_experiment_with_evaluator(folder / "experiment")
        events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        executor = self.make(experiment, Options(slots=1), events.put)
        try:
            yield _Rig(executor, events, experiment, folder, self.PATIENCE_SECONDS)
        finally:
            # Also where the test failed: nothing that it started may go on running.
            executor.close()


class _Rig:
    """An executor under test, what is submitted to it, and what it reports."""

    def __init__(
        self,
        executor: Executor,
        events: "queue.SimpleQueue[Event]",
        experiment: Experiment,
        folder: Path,
        patience_seconds: float,
    ) -> None:
        self.executor = executor
        self._events = events
        self._experiment = experiment
        self._digest = experiment.digest
        self._folder = folder
        self._patience_seconds = patience_seconds
        self._log = folder / "runs.log"

    def submit(self, candidate: int, program: Program, seed: int = 1, action: str = "run") -> Task:
        task = Task(
            candidate=candidate,
            trial=0,
            seed=seed,
            program=program,
            experiment=self._experiment.folder,
            digest=self._digest,
            data=self._folder / "data",
            folder=self._folder / f"{candidate:04}.0",
            settings={"action": action, "log": str(self._log)},
        )
        self.executor.submit(task)
        return task

    def wait_for_event(self) -> Event:
        try:
            return self._events.get(timeout=self._patience_seconds)
        except queue.Empty:
            raise AssertionError(f"nothing was reported for {self._patience_seconds:g} s") from None

    def wait_for_points(self) -> None:
        event = self.wait_for_event()
        assert isinstance(event, Points), f"the trial ended before its curve was streamed: {event}"

    def wait_for_end(self) -> tuple[list[Points], Trial]:
        """The points that a trial streams up to its end, and its record."""
        points: list[Points] = []
        while isinstance(event := self.wait_for_event(), Points):
            points.append(event)
        return points, event.trial

    def check_that_it_still_runs_trials(self) -> None:
        """Another trial ends ok, and nothing else is reported: one end for each trial."""
        self.submit(9, LARGER_PROGRAM)
        _, trial = self.wait_for_end()
        assert (trial.candidate, trial.status) == (9, "ok"), trial.reason
        assert self._events.empty()

    def read_log(self) -> list[str]:
        """What the evaluator was asked to do, in the order of its calls."""
        return self._log.read_text().splitlines()


def _write_experiment_with_evaluator(folder: Path) -> Experiment:
    experiment = experiment_for_tests(folder, program=LARGER_PROGRAM)
    (folder / experiment.evaluator).write_text(_EVALUATE)
    (folder / experiment_file.FILE_NAME).write_text(experiment_file.format_toml(experiment))
    return experiment_file.read(folder)


def _replace_train(text: str) -> Program:
    return Program({**LARGER_PROGRAM.files, "train.py": text})


def _make_study_with_baseline(experiment: Experiment, program: Program = PROGRAM) -> Study:
    """A study whose baseline was tried once, with the score 1, and kept."""
    trial = Trial(candidate=0, trial=0, seed=1, status="ok", score=1.0)
    decision = Decision(candidate=0, verdict="keep", by="loop")
    return fold([*opening(experiment, program=program), trial, decision])


def _append(study: Study, records: Iterable[Record]) -> None:
    study.fold(
        Entry(study.last_id + 1 + place, study.last_at, record)
        for place, record in enumerate(records)
    )


def _add_candidate(study: Study, parent: int, number: int) -> None:
    """Adds a candidate. Some fail, some are kept, and some of these are vetoed later."""
    candidate = len(study.candidates)
    # A score without a pattern: 7919 is a prime far above 101.
    score = 1.0 - ((number * 7919) % 101) / 100
    records: list[Record] = [
        Candidate(
            candidate=candidate,
            parent=parent,
            program=f"{candidate:064}",
            author="tester",
            added=number % 5,
        )
    ]
    if number % 7 == 3:
        records += [
            Trial(candidate=candidate, trial=0, seed=1, status="failed", reason="it broke"),
            Decision(candidate=candidate, verdict="discard", by="loop"),
        ]
    else:
        best = min(study.candidates[kept].score or 0.0 for kept in study.kept)
        records += [
            Trial(candidate=candidate, trial=0, seed=1, status="ok", score=score),
            Decision(
                candidate=candidate, verdict="keep" if score < best else "discard", by="tester"
            ),
        ]
    if number % 20 == 19 and study.kept[1:]:
        records.append(Decision(candidate=study.kept[-1], verdict="discard", by=PERSON))
    _append(study, records)


def _add_proposal(study: Study, parent: Program, proposal: Proposal) -> None:
    """Adds a proposal as a candidate that was tried once and discarded."""
    number = len(study.candidates)
    patch = Patch.between(parent, proposal.program)
    candidate = Candidate(
        candidate=number,
        parent=0,
        program=proposal.program.digest,
        author=proposal.author or "tester",
        hypothesis=proposal.hypothesis,
        origin=proposal.origin,
        added=patch.added,
        removed=patch.removed,
    )
    trial = Trial(candidate=number, trial=0, seed=1, status="ok", score=1.0 + number / 10)
    decision = Decision(candidate=number, verdict="discard", by="tester")
    _append(study, [candidate, trial, decision])


def _run_trial(
    study: Study,
    records: Sequence[Record],
    number: int,
    index: int,
    scores: Callable[[int, int], float],
) -> Trial:
    """The next trial of a candidate, under the seed of that index."""
    seed = study.seed(index)
    n_trials = sum(isinstance(record, Trial) and record.candidate == number for record in records)
    score = scores(number, seed)
    return Trial(candidate=number, trial=n_trials, seed=seed, status="ok", score=score)


def _jitter(seed: int) -> float:
    """Noise far below the effects that the contract plays with."""
    return (seed % 1000) / 100_000


__all__ = [
    "LARGER_PROGRAM",
    "PROGRAM",
    "ExecutorContract",
    "PolicyContract",
    "ProposerContract",
    "StandInExecutor",
    "StrategyContract",
    "Wanted",
    "experiment_for_tests",
    "fold",
    "opening",
]
