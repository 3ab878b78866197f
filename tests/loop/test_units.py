"""A study whose trials are means of per-unit observations, through the real loop."""

import random
from collections.abc import Callable

import pytest

from tests.loop.toy import Toy, rate
from workbench import registry
from workbench.evaluate.executor import Ended, Report, Task
from workbench.records import Trial
from workbench.testing import StandInExecutor

Count = Callable[[Task], int]


class UnitsExecutor(StandInExecutor):
    """Ends every trial at once with `count(task)` observations.

    Hard and easy items of the seed, less the program's rate.
    """

    def __init__(self, report: Report, count: Count) -> None:
        super().__init__(lambda program, seed: 0.0, report)
        self._answer, self._count = report, count

    def submit(self, task: Task) -> None:
        items, own = random.Random(task.seed), random.Random(f"{task.seed}/{task.candidate}")
        units = tuple(
            items.gauss(0.0, 10.0) + own.gauss(0.0, 0.1) - rate(task.program)
            for _ in range(self._count(task))
        )
        score = sum(units) / len(units)
        ended = Trial(
            candidate=task.candidate,
            trial=task.trial,
            seed=task.seed,
            status="ok",
            score=score,
            units=units,
        )
        self._answer(Ended(task, ended))


def use(monkeypatch: pytest.MonkeyPatch, count: Count) -> None:
    real = registry.find

    def find(role: str, name: str) -> Callable[..., object]:
        if role == "executors":
            return lambda experiment, options, report: UnitsExecutor(report, count)
        return real(role, name)

    monkeypatch.setattr(registry, "find", find)


def test_a_study_of_units_keeps_what_is_better_on_the_same_items(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.create(noise="units", candidates=2)
    use(monkeypatch, lambda task: 30)
    study = toy.run()
    assert (study.state, study.kept) == ("finished", [0, 1, 2])
    for number in (1, 2):
        evidence = study.candidates[number].decisions[-1].evidence
        assert (evidence.trials, evidence.effect) == (1, pytest.approx(1.0, abs=0.1))
    assert [len(history.trials) for history in study.candidates] == [
        2,
        4,
        2,
    ]  # the second incumbent's own trials decided about it
    assert set(study.noise.n_units_by_seed.values()) == {30}


def test_another_number_of_units_under_a_seed_is_the_evaluators_fault(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.create(noise="units", candidates=1)
    use(monkeypatch, lambda task: 30 - task.candidate)
    study = toy.run()
    lost = study.candidates[1].trials
    assert {(trial.status, trial.fault, trial.units) for trial in lost} == {
        ("lost", "evaluator", ())
    }
    assert study.state == "paused"
    assert (
        study.reason
        == f"the evaluator failed: trial.units were 29 under seed {study.seed(0)}, where an earlier trial had 30"
    )
