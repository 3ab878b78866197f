"""Which trials get the incumbent's program, and what the record of a trial keeps of it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.loop.toy import Toy, rate
from workbench import registry
from workbench.evaluate.executor import Ended, Event, Report, Task
from workbench.ledger.study import Study
from workbench.program import Program
from workbench.testing import StandInExecutor

Score = Callable[[Program, int], float | None]


class Listed(StandInExecutor):
    """Keeps the tasks, and says in each record which incumbent came with it."""

    def __init__(self, score: Score, report: Report, tasks: list[Task]) -> None:
        super().__init__(score, self._with_incumbent)
        self._tell, self._tasks = report, tasks

    def _with_incumbent(self, event: Event) -> None:
        assert isinstance(event, Ended)
        self._tasks.append(event.task)
        beside = event.task.incumbent.candidate if event.task.incumbent else None
        self._tell(Ended(event.task, replace(event.trial, beside=beside)))


@pytest.fixture
def tasks(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> list[Task]:
    """Those of the toy study, in the order of their ends."""
    found, real = list[Task](), registry.find

    def find(role: str, name: str) -> Callable[..., object]:
        if role == "executors":
            return lambda experiment, options, report: Listed(toy.score, report, found)
        return real(role, name)

    monkeypatch.setattr(registry, "find", find)
    return found


def beside(study: Study, number: int) -> set[int | None]:
    return {trial.beside for trial in study.candidates[number].trials}


def test_a_candidate_is_tried_with_the_program_that_it_has_to_beat(
    toy: Toy, tasks: list[Task]
) -> None:
    toy.create(candidates=3)
    study = toy.run()
    assert study.kept == [0, 1, 2, 3]
    assert [
        task.incumbent and (task.incumbent.candidate, rate(task.incumbent.program))
        for task in tasks
    ] == [
        None,  # the baseline has nothing to beat
        (0, 0.1),
        (1, 1.1),
        (2, 2.1),
    ]
    assert [beside(study, number) for number in range(4)] == [{None}, {0}, {1}, {2}]


def test_the_incumbents_own_trials_and_audits_come_without(toy: Toy, tasks: list[Task]) -> None:
    toy.score = lambda program, seed: 10 - rate(program) + seed % 7 / 100
    toy.create(noise="seed", candidates=1)
    study = toy.run()
    assert study.kept == [0, 1]
    toy.request("set", key="candidates", value=2)
    toy.request("audit", trials=2)
    study = toy.run()
    assert study.kept == [0, 1, 2]
    audited = {trial.trial for trial in study.candidates[1].audits}
    own = [task for task in tasks if task.candidate == 1 and task.trial not in audited]
    assert audited
    assert {task.incumbent and task.incumbent.candidate for task in own} == {
        0,
        None,
    }  # before it was kept, and after
    assert all(
        task.incumbent is None for task in tasks if task.candidate == 1 and task.trial in audited
    )
    assert all(task.incumbent is None for task in tasks if task.candidate == 0)
