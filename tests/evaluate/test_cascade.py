"""The stages of an evaluation in real trial processes: what a value does, and what is recorded."""

import queue
from collections.abc import Mapping

import pytest

from tests.evaluate.conftest import Make
from workbench import experiment_file
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
def experiment(make: Make) -> Experiment:
    return add_cascade(make(ANSWER, EVALUATE), quick=0.5, middle=0.0)


def add_cascade(experiment: Experiment, **margins: float) -> Experiment:
    """Returns the experiment with a table [cascade]."""
    file = experiment.folder / "experiment.toml"
    lines = ["[cascade]", *(f"{name} = {margin}" for name, margin in margins.items())]
    file.write_text(file.read_text() + "\n".join(lines) + "\n")
    return experiment_file.read(experiment.folder)


def run_held_to(experiment: Experiment, stages: Mapping[str, float]) -> Trial:
    """Runs one trial that is held to the incumbent's values at some stages."""
    folder = experiment.folder.parent / "out"
    events = queue.SimpleQueue[Event]()
    task = Task(
        candidate=1,
        trial=0,
        seed=7,
        program=experiment.program(),
        experiment=experiment.folder,
        digest=experiment.digest,
        data=folder / "data",
        folder=folder / "trial",
        stages=stages,
        sandbox="off",
    )
    executor = LocalExecutor(experiment, Options(slots=1, sandbox="off"), events.put)
    try:
        executor.submit(task)
        while not isinstance(event := events.get(timeout=60), Ended):
            pass
        return event.trial
    finally:
        executor.close()


def test_a_trial_that_is_held_to_nothing_runs_whole_and_records_its_stages(
    experiment: Experiment,
) -> None:
    trial = run_held_to(experiment, {})
    assert (trial.status, trial.reason, trial.score, trial.ended_by) == ("ok", "", 3.0, "")
    assert trial.metrics == {"quick": 1.0, "middle": 2.0, "score": 3.0}


def test_a_trial_within_the_margin_goes_on(experiment: Experiment) -> None:
    assert run_held_to(experiment, {"quick": 1.5, "middle": 2.0}).status == "ok"


def test_a_missed_stage_ends_the_trial_with_its_numbers_and_no_one_is_to_blame(
    experiment: Experiment,
) -> None:
    trial = run_held_to(experiment, {"quick": 1.5, "middle": 2.25})
    assert (trial.status, trial.ended_by) == ("killed", "cascade")
    assert (trial.fault, trial.score) == ("", None)
    assert trial.reason == "stage middle: 2, more than 0 worse than the incumbent's 2.25"
    assert trial.metrics == {"quick": 1.0, "middle": 2.0}
    log = experiment.folder.parent / "out" / "trial" / "log.txt"
    assert log.read_text() == "step 1 | score: 9\nstep 2 | score: 9\n"  # and no third call


def test_where_lower_is_better_a_stage_is_missed_by_being_higher(make: Make) -> None:
    experiment = make(ANSWER, EVALUATE)
    file = experiment.folder / "experiment.toml"
    file.write_text(file.read_text().replace("maximize", "minimize"))
    experiment = add_cascade(experiment, quick=0.5, middle=0.0)
    trial = run_held_to(experiment, {"quick": 0.25, "middle": 9.0})
    assert trial.reason == "stage quick: 1, more than 0.5 worse than the incumbent's 0.25"
    assert run_held_to(experiment, {"quick": 0.75, "middle": 9.0}).status == "ok"


def test_an_evaluator_that_catches_the_end_of_its_trial_does_not_undo_it(make: Make) -> None:
    evaluate = """
    from workbench.evaluate import CandidateFailed
    def evaluate(trial):
        try:
            trial.stage("quick", 1)
        except CandidateFailed:
            return {"score": 99}
    """
    trial = run_held_to(add_cascade(make(ANSWER, evaluate), quick=0.5), {"quick": 5.0})
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
    trial = run_held_to(
        add_cascade(make("", f"\ndef evaluate(trial):\n    {body}\n"), quick=1.0), {}
    )
    assert (trial.status, trial.fault, trial.reason) == ("lost", "evaluator", reason)


def test_without_a_cascade_a_stage_says_where_to_declare_it(make: Make) -> None:
    experiment = make(ANSWER, EVALUATE)
    assert run_held_to(experiment, {}).reason.endswith(
        "trial.stage('quick'): [cascade] in experiment.toml has no such stage; it has: none"
    )


def test_what_a_candidate_prints_is_not_a_stage(make: Make) -> None:
    """Neither the number nor the name is compared; only what the evaluator itself hands over is."""
    loud = """
    def answer(part):
        print("step 1 | quick: 99")
        print("quick: 99")
        return 1.0
    """
    trial = run_held_to(add_cascade(make(loud, EVALUATE), quick=0.5, middle=9.0), {"quick": 5.0})
    assert (trial.ended_by, trial.metrics) == ("cascade", {"quick": 1.0})
