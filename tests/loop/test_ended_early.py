"""Whole studies with real trial processes whose candidates are ended early.

By a stage of the cascade, or by their curve.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.loop.toy import Toy, with_rate
from workbench import registry
from workbench.evaluate.local import LocalExecutor
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.program import Program
from workbench.propose.knob_history import Attempt
from workbench.propose.proposer import Proposal
from workbench.show import results, views

RATE = 'rate = float(trial.program.files["train.py"].split("LEARNING_RATE = ")[1].split()[0])'
CASCADE = f"""
def evaluate(trial):
    {RATE}
    shift = trial.settings["size"]
    with trial.start("train.py"):
        trial.stage("quick", shift + 7 - rate)
        return {{"loss": 10 - rate, "whole": 1.0}}
"""
REPORTED = f"""
def evaluate(trial):
    {RATE}
    with trial.start("train.py") as process:
        process.call("answer")
    return {{"loss": 10 - rate}}
"""
MEASURED = f"""
def evaluate(trial):
    {RATE}
    with trial.start("train.py") as process:
        for step in (1, 2, 3, 4):
            process.call("answer" if step == 3 else "step")
            trial.report("val", step, 10 - rate)
    return {{"loss": 10 - rate}}
"""
TRAINING = Program(
    {
        "train.py": """import time

LEARNING_RATE = 1
PRINTED = 10 - LEARNING_RATE


def step():
    print("step 1.5 | val: -99", flush=True)
    return 0.0


def answer():
    for number in (1, 2, 3, 4):
        print("step", number, "| val:", PRINTED, flush=True)
        while number == 3 and LEARNING_RATE < 0:  # for good: only an early stop ends such a trial
            time.sleep(0.1)
    return 0.0
"""
    }
)


@pytest.fixture
def real(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """The toy study with trials in processes of their own, without a sandbox."""
    patched = registry.find

    def find(role: str, name: str) -> Callable[..., Any]:
        return LocalExecutor if role == "executors" else patched(role, name)

    monkeypatch.setattr(registry, "find", find)
    return toy


def run(toy: Toy, programs: list[Program], **options: Any) -> Study:
    given = iter(programs)
    toy.propose = lambda brief: Proposal(program=next(given), hypothesis="next")
    toy.create(candidates=len(programs), sandbox="off", slots=1, **options)
    return toy.run()


def rated(toy: Toy, *rates: float) -> list[Program]:
    return [with_rate(toy.program, rate) for rate in rates]


def statuses(study: Study) -> list[str]:
    return [history.status for history in study.candidates]


@pytest.fixture
def staged(real: Toy) -> Study:
    real.evaluator, real.objective = CASCADE, "[cascade]\nquick = 0.5"
    return run(real, rated(real, 2.0, 1.7, 1.4, 3.0), audit={"size": 90})


def test_a_candidate_that_misses_a_stage_is_discarded_for_it_after_one_trial(staged: Study) -> None:
    assert statuses(staged) == ["kept", "kept", "discarded", "discarded", "kept"]
    assert {len(history.trials) for history in staged.candidates} == {1}
    near, missed = staged.candidates[2], staged.candidates[3]
    assert (near.ended_early, near.score) == (None, pytest.approx(8.3))
    assert (missed.trials[0].ended_by, missed.trials[0].fault, missed.score, missed.failure) == (
        "cascade",
        "",
        None,
        None,
    )
    assert missed.decision is not None
    assert (missed.decision.by, missed.decision.why) == (
        "cascade",
        "stage quick: 8.6, more than 0.5 worse than the incumbent's 8",
    )
    assert (staged.state, staged.counts["failed"], staged.health.evaluator_faults) == (
        "finished",
        0,
        0,
    )


def test_what_is_shown_and_learnt_of_a_missed_stage(staged: Study, real: Toy) -> None:
    with Journal(real.folder) as journal:
        missed, kept = (views.show(staged, journal, number) for number in (3, 4))
    assert (missed["status"], missed["score"], missed["metrics"]) == (
        "discarded",
        None,
        {"quick": pytest.approx(8.6)},
    )
    assert missed["trials"][0]["status"] == "killed"
    assert missed["decision"]["why"] == missed["trials"][0]["reason"]
    assert kept["metrics"] == {"loss": 7.0, "quick": 7.0, "whole": 1.0}
    assert [row[3] for row in results.results(staged)[1]] == [
        "keep",
        "keep",
        "discard",
        "keep",
    ]  # what has no score has no row
    tried = [Attempt(history, {}, {}, 0) for history in staged.candidates]
    assert [(attempt.has_failed, attempt.has_score) for attempt in tried[2:4]] == [
        (False, True),
        (True, False),
    ]
    assert [turn.candidate for turn in staged.search.turns if turn.kind == "scored"] == [0, 1, 2, 4]


def test_an_audit_is_held_to_no_stage(staged: Study, real: Toy) -> None:
    real.request("audit")
    study = real.run()
    trials = [trial for history in study.candidates for trial in history.audits]
    assert [(trial.status, trial.metrics["quick"]) for trial in trials] == [
        ("ok", 96.9),
        ("ok", 94.0),
    ]


def test_a_candidate_that_reports_a_clearly_worse_curve_is_ended_on_the_way(real: Toy) -> None:
    real.program, real.evaluator = TRAINING, REPORTED
    real.objective = '[early_stop]\nseries = "val"\nmargin = 1.0'
    study = run(real, rated(real, 3.0, 2.5, -5.0))
    assert statuses(study) == ["kept", "kept", "discarded", "discarded"]
    ended = study.candidates[3]
    assert (ended.trials[0].status, ended.trials[0].ended_by, ended.trials[0].fault) == (
        "killed",
        "early-stop",
        "",
    )
    assert ended.decision is not None
    why = "val (self-reported) at step 2: 15, more than 1 worse than candidate 0's 9"
    assert (ended.decision.by, ended.decision.why) == ("early-stop", why)
    assert study.state == "finished"


def test_where_the_evaluator_measures_the_curve_a_candidate_cannot_talk_its_way_out_nor_end_a_rival(
    real: Toy,
) -> None:
    """Baseline, winner and loser all print the best of values into the measured series."""
    real.program, real.evaluator = TRAINING, MEASURED
    real.objective = '[early_stop]\nseries = "val"\nmargin = 1.0\nafter = 0.25'
    study = run(real, rated(real, 3.0, 2.5, -5.0))
    assert statuses(study) == ["kept", "kept", "discarded", "discarded"]
    assert study.candidates[2].ended_early is None
    assert study.candidates[3].decision is not None
    assert (
        study.candidates[3].decision.why
        == "val at step 1: 15, more than 1 worse than candidate 1's 7"
    )
    with Journal(real.folder) as journal:
        curve = journal.read_curves(1, 0)["val"]
    assert (curve.values, curve.self_reported) == ((7.0, 7.0, 7.0, 7.0), False)
