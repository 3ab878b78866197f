"""What is nobody's fault in the program.

Lost trials, a failing evaluator, other data, a clock that goes back.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.loop.toy import Toy, rate, with_rate
from workbench import registry
from workbench.evaluate.executor import Ended, Report, Task
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.loop import proposal_intake, proposers
from workbench.loop.limits import MAX_EVALUATOR_FAULTS, MAX_LOST, MAX_LOST_IN_A_ROW
from workbench.loop.proposals import MAX_REASON
from workbench.propose.proposer import Brief, Proposal, Unusable
from workbench.record_json import encode
from workbench.records import Trial

End = Callable[[Task], dict[str, Any]]
Ends = Callable[[End], list[Task]]


class _Executor:
    """Ends each trial as a function of the test's says."""

    sandbox, slots = "off", 1

    def __init__(self, end: End, report: Report, tasks: list[Task]) -> None:
        self._end, self._report, self._tasks = end, report, tasks

    def submit(self, task: Task) -> None:
        self._tasks.append(task)
        assert len(self._tasks) < 200, "it tries for ever"
        self._report(
            Ended(
                task,
                Trial(
                    candidate=task.candidate, trial=task.trial, seed=task.seed, **self._end(task)
                ),
            )
        )

    def cancel(self, candidate: int, trial: int, reason: str) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def ends(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> Ends:
    """Has every trial end as a function says.

    Returns the tasks that were submitted, as they come.
    """
    find = registry.find

    rates = itertools.count(1)
    toy.propose = lambda brief: Proposal(
        program=with_rate(brief.program, float(next(rates))), hypothesis="more"
    )

    def use(end: End) -> list[Task]:
        tasks: list[Task] = []

        def found(role: str, name: str) -> Callable[..., Any]:
            return (
                (lambda experiment, options, report: _Executor(end, report, tasks))
                if role == "executors"
                else find(role, name)
            )

        monkeypatch.setattr(registry, "find", found)
        return tasks

    return use


def fine(task: Task) -> dict[str, Any]:
    return {"status": "ok", "score": 10 - rate(task.program), "data": "d" * 64}


def lost(fault: str, reason: str = "the trial process ended: signal 9") -> dict[str, Any]:
    return {"status": "lost", "fault": fault, "reason": reason}


def verdicts(study: Study) -> list[str]:
    return [
        candidate.decision.verdict if candidate.decision else "" for candidate in study.candidates
    ]


def test_a_candidate_whose_trials_are_lost_again_and_again_is_dropped_and_the_study_goes_on(
    toy: Toy, ends: Ends
) -> None:
    toy.create(candidates=3)
    tasks = ends(lambda task: lost("process") if task.candidate == 2 else fine(task))
    study = toy.run()
    assert study.state == "finished"
    assert verdicts(study) == ["keep", "keep", "discard", "keep"]
    decision = study.candidates[2].decision
    assert decision is not None
    assert (decision.by, decision.why) == ("loop", f"its trials were lost {MAX_LOST} times")
    assert [trial.status for trial in study.candidates[2].trials] == ["lost"] * MAX_LOST, (
        "each loss is on record"
    )
    assert sum(task.candidate == 2 for task in tasks) == MAX_LOST


def test_a_trial_that_is_lost_now_and_then_is_run_again_and_counts_for_nothing(
    toy: Toy, ends: Ends
) -> None:
    toy.create(candidates=3)
    turns: Iterator[int] = itertools.count()
    ends(lambda task: fine(task) if next(turns) % 3 == 0 else lost("process"))
    study = toy.run()
    assert (study.state, study.kept) == ("finished", [0, 1, 2, 3])


def test_trial_processes_that_die_whatever_the_candidate_pause_the_study(
    toy: Toy, ends: Ends
) -> None:
    toy.create(candidates=50)
    tasks = ends(
        lambda task: (
            fine(task) if task.candidate == 0 else lost("process", "no module named workbench")
        )
    )
    study = toy.run()
    assert (study.state, study.fault) == ("paused", True)
    assert (
        study.reason
        == f"{MAX_LOST_IN_A_ROW} trials in a row were lost; the last: no module named workbench"
    )
    assert len(tasks) == 1 + MAX_LOST_IN_A_ROW


@pytest.mark.parametrize("from_candidate", [0, 1])
def test_a_machine_that_fails_pauses_the_study_and_no_candidate_pays_for_it(
    toy: Toy, ends: Ends, from_candidate: int
) -> None:
    toy.create(candidates=3)
    broken = [True]
    tasks = ends(
        lambda task: (
            lost("loop", "No space left on device")
            if broken[0] and task.candidate >= from_candidate
            else fine(task)
        )
    )
    study = toy.run()
    assert (study.state, study.fault) == ("paused", True)
    assert (
        study.reason == f"{MAX_LOST} trials in a row were lost; the last: No space left on device"
    )
    assert "discard" not in verdicts(study)
    assert len(tasks) == from_candidate + MAX_LOST
    broken[0] = False
    toy.request("resume")
    study = toy.run()
    assert (study.state, study.kept) == ("finished", [0, 1, 2, 3])


def test_a_baseline_whose_trial_process_dies_pauses_the_study_and_can_be_tried_again(
    toy: Toy, ends: Ends
) -> None:
    toy.create(candidates=1)
    broken = [True]
    ends(lambda task: lost("process") if broken[0] else fine(task))
    study = toy.run()
    assert (study.state, study.reason[:45]) == (
        "paused",
        "the baseline does not run: its trials were lo",
    )
    broken[0] = False
    toy.request("resume")
    assert toy.run().state == "finished"


def test_an_evaluator_that_keeps_failing_pauses_the_study_and_is_never_counted_against_candidates(
    toy: Toy, ends: Ends
) -> None:
    toy.create(candidates=3)
    broken = [True]
    tasks = ends(
        lambda task: (
            lost("evaluator", "evaluate.py line 3: KeyError: 'x'")
            if broken[0] and task.candidate
            else fine(task)
        )
    )
    for round_number in range(
        1, 4
    ):  # resuming without having mended it pauses again, and blames nobody
        study = toy.run()
        assert (study.state, study.fault) == ("paused", True)
        assert study.reason == "the evaluator failed: evaluate.py line 3: KeyError: 'x'"
        assert len(tasks) == 1 + MAX_EVALUATOR_FAULTS * round_number
        assert verdicts(study) == ["keep", *[""] * (len(study.candidates) - 1)]
        broken[0] = round_number < 3
        toy.request("resume")
    study = toy.run()
    assert (study.state, study.kept) == ("finished", [0, 1, 2, 3])
    assert (
        sum(trial.fault == "evaluator" for trial in study.candidates[1].trials)
        == 3 * MAX_EVALUATOR_FAULTS
    )


def test_scores_on_other_data_than_the_baselines_are_not_compared(toy: Toy, ends: Ends) -> None:
    toy.create(candidates=2)
    ends(lambda task: {**fine(task), "data": "e" * 64} if task.candidate else fine(task))
    study = toy.run()
    assert (study.state, study.fault) == ("paused", True)
    assert (
        study.reason
        == "the evaluator failed: the data are not those that the baseline was scored on (eeeeeeeeeeee != dddddddddddd)"
    )
    assert study.candidates[1].score is None
    assert "discard" not in verdicts(study)


@pytest.mark.parametrize("jump", [-86400.0 * 365, -3600.0])
def test_a_clock_that_is_set_back_breaks_neither_fold_nor_budget(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    toy.create(candidates=4, seconds=3600)
    real, asked = time.time, itertools.count()
    monkeypatch.setattr(time, "time", lambda: real() + 1e6 + (jump if next(asked) > 8 else 0.0))
    study = toy.run()
    with Journal(toy.folder) as journal:
        entries = journal.read_entries()
    times = [entry.at for entry in entries]
    assert times != sorted(times), "the clock did not go back"
    assert [entry.id for entry in entries] == sorted(entry.id for entry in entries)
    assert (study.state, study.reason, study.kept) == (
        "finished",
        "the budget of 4 candidates is used",
        [0, 1, 2, 3, 4],
    )
    assert 0 <= study.costs.active_seconds < 600
    parts = Study().fold(entries[: len(entries) // 2]).fold(entries[len(entries) // 2 :])
    assert (parts.costs.active_seconds, parts.kept) == (study.costs.active_seconds, study.kept)


def test_what_a_proposer_says_is_bounded_in_the_journal(toy: Toy) -> None:
    toy.create(candidates=1)
    turns = itertools.count()

    def propose(brief: Brief) -> Proposal:
        if next(turns) == 0:
            raise Unusable("x" * 1_000_000)
        text = brief.program.files["train.py"].replace("0.1", "0.2")
        return Proposal(program=type(brief.program)({"train.py": text}), hypothesis="y" * 1_000_000)

    toy.propose = propose
    study = toy.run()
    assert len(study.candidates[1].record.hypothesis) == MAX_REASON
    assert len(encode(study.candidates[1].record)[1]) < 2 * MAX_REASON
    with Journal(toy.folder) as journal:
        assert all(
            len(encode(entry.record)[1]) < 2 * MAX_REASON for entry in journal.read_entries()
        )


@pytest.mark.parametrize("place", ["Journal", "Receipt"])
def test_a_thread_that_asks_and_cannot_go_on_leaves_no_question_unanswered(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """As where its view of the study cannot be opened.

    The study pauses, and does not wait for ever.
    """

    def fails(*_: Any, **__: Any) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(proposers, place, fails)
    monkeypatch.setattr(proposal_intake, "FAULT_SECONDS", 0.01)
    toy.create()
    study = toy.run()
    assert (study.state, study.fault) == ("paused", True)
    assert "the disk is gone" in study.reason
