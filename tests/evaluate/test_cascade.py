"""Stages of an evaluation, in real trial processes: what a value at a stage does, and what it records."""

import queue
from collections.abc import Mapping

import pytest

from tests.evaluate.conftest import Make
from workbench import experiment as experiments
from workbench.evaluate.executor import Ended, Event, Task
from workbench.evaluate.local import LocalExecutor
from workbench.experiment import Experiment
from workbench.records import Options, Trial

EVALUATE = """
def evaluate(trial):
    with trial.start("train.py") as process:
        trial.stage("quick", process.call("answer", 1))
        trial.stage("middle", process.call("answer", 2))
        return {"score": process.call("answer", 3)}
"""
ANSWER = """
def answer(part):
    print("step", part, "| score: 9")
    return part * 1.0
"""


@pytest.fixture
def staged(make: Make) -> Experiment:
    return cascade(make(ANSWER, EVALUATE), quick=0.5, middle=0.0)


def cascade(experiment: Experiment, **margins: float) -> Experiment:
    """The experiment with a table [cascade]."""
    file = experiment.folder / "experiment.toml"
    file.write_text(
        file.read_text()
        + "[cascade]\n"
        + "".join(f"{name} = {margin}\n" for name, margin in margins.items())
    )
    return experiments.read(experiment.folder)


def once(experiment: Experiment, stages: Mapping[str, float]) -> Trial:
    """One trial that is held to the incumbent's values `stages`."""
    place, events = experiment.folder.parent / "out", queue.SimpleQueue[Event]()
    task = Task(
        candidate=1, trial=0, seed=7, program=experiment.program(), experiment=experiment.folder, digest=experiment.digest,
        data=place / "data", folder=place / "trial", stages=stages, sandbox="off",
    )  # fmt: skip
    executor = LocalExecutor(experiment, Options(slots=1, sandbox="off"), events.put)
    try:
        executor.submit(task)
        while not isinstance(event := events.get(timeout=60), Ended):
            pass
        return event.trial
    finally:
        executor.close()


def test_a_trial_that_is_held_to_nothing_runs_whole_and_records_its_stages(
    staged: Experiment,
) -> None:
    trial = once(staged, {})
    assert (trial.status, trial.reason, trial.score, trial.ended_by) == ("ok", "", 3.0, "")
    assert trial.metrics == {"quick": 1.0, "middle": 2.0, "score": 3.0}


def test_a_trial_within_the_margin_goes_on(staged: Experiment) -> None:
    assert once(staged, {"quick": 1.5, "middle": 2.0}).status == "ok"


def test_a_missed_stage_ends_the_trial_with_its_numbers_and_nobody_else_to_blame(
    staged: Experiment,
) -> None:
    trial = once(staged, {"quick": 1.5, "middle": 2.25})
    assert (trial.status, trial.ended_by, trial.fault, trial.score) == (
        "killed",
        "cascade",
        "",
        None,
    )
    assert trial.reason == "stage middle: 2, more than 0 worse than the incumbent's 2.25"
    assert trial.metrics == {"quick": 1.0, "middle": 2.0}
    assert (
        staged.folder.parent / "out" / "trial" / "log.txt"
    ).read_text() == "step 1 | score: 9\nstep 2 | score: 9\n"  # and no third call


def test_where_lower_is_better_a_stage_is_missed_by_being_higher(make: Make) -> None:
    experiment = make(ANSWER, EVALUATE)
    file = experiment.folder / "experiment.toml"
    file.write_text(file.read_text().replace("maximize", "minimize"))
    experiment = cascade(experiment, quick=0.5, middle=0.0)
    assert (
        once(experiment, {"quick": 0.25, "middle": 9.0}).reason
        == "stage quick: 1, more than 0.5 worse than the incumbent's 0.25"
    )
    assert once(experiment, {"quick": 0.75, "middle": 9.0}).status == "ok"


def test_an_evaluator_that_catches_the_end_of_its_trial_does_not_undo_it(make: Make) -> None:
    evaluate = """
    from workbench.evaluate import CandidateFailed
    def evaluate(trial):
        try:
            trial.stage("quick", 1)
        except CandidateFailed:
            return {"score": 99}
    """
    trial = once(cascade(make(ANSWER, evaluate), quick=0.5), {"quick": 5.0})
    assert (trial.status, trial.ended_by, trial.score) == ("killed", "cascade", None)


LINE_3 = "evaluate.py line 3: ValueError: trial.stage"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            "return {'score': 1}",
            "evaluate.py ended without trial.stage('quick'), which [cascade] declares",
        ),
        (
            "trial.stage('quik', 1)",
            f"{LINE_3}('quik'): [cascade] in experiment.toml has no such stage; it has: quick",
        ),
        (
            "trial.stage('quick', float('nan'))",
            f"{LINE_3}('quick'): nan cannot be compared; only finite numbers can",
        ),
        (
            "trial.stage('quick', 1); trial.stage('quick', 1)",
            f"{LINE_3}('quick') was called twice; a stage has one value",
        ),
        (
            "trial.stage('quick', 1); return {'score': 1, 'quick': 1}",
            "evaluate.py returned a metric with the name of the stage 'quick'",
        ),
    ],
)
def test_a_stage_that_is_wrong_is_the_evaluators_fault_in_one_line(
    make: Make, body: str, reason: str
) -> None:
    trial = once(cascade(make("", f"\ndef evaluate(trial):\n    {body}\n"), quick=1.0), {})
    assert (trial.status, trial.fault, trial.reason) == ("lost", "evaluator", reason)


def test_without_a_cascade_a_stage_says_where_to_declare_it(make: Make) -> None:
    experiment = make(ANSWER, EVALUATE)
    assert once(experiment, {}).reason.endswith(
        "trial.stage('quick'): [cascade] in experiment.toml has no such stage; it has: none"
    )


def test_what_a_candidate_prints_is_no_stage(make: Make) -> None:
    """Neither the number nor the name reaches the comparison: only the evaluator's own call does."""
    loud = "def answer(part):\n    print('step 1 | quick: 99')\n    print('quick: 99')\n    return 1.0\n"
    trial = once(cascade(make(loud, EVALUATE), quick=0.5, middle=9.0), {"quick": 5.0})
    assert (trial.ended_by, trial.metrics) == ("cascade", {"quick": 1.0})
