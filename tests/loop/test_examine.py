"""Audits and ablations: on fresh seeds and their own settings, in any state of the study."""

import itertools
import zlib
from typing import Any

import pytest

from tests.loop.test_faults import Ends, ends, fine, lost
from tests.loop.toy import Toy, rate, with_rate
from workbench.evaluate.executor import Task
from workbench.ledger.journal import Journal, Pen
from workbench.ledger.lease import Lease
from workbench.ledger.study import Study
from workbench.loop import examine
from workbench.program import Program
from workbench.propose.proposer import Brief, Proposal
from workbench.records import Adopted, Audit, LoopStarted, Trial, TrialStarted
from workbench.requests import RunAudit, to_body

__all__ = ["ends"]


def with_line(program: Program, line: str) -> Program:
    return Program({"train.py": program.files["train.py"] + line})


def two_changes(toy: Toy, noise: str = "seed", min_effect: float = 0.3, **more: Any) -> Study:
    """A study with two kept changes.

    Candidate 1 raises the rate, which the score shows. Candidate 2 changes nothing that counts.
    """

    def propose(brief: Brief) -> Proposal:
        if brief.parent == 0:
            return Proposal(program=with_rate(brief.program, 2.1), hypothesis="a higher rate")
        return Proposal(
            program=with_line(brief.program, "# idle\n"), hypothesis="a comment", repeats=True
        )

    def score(program: Program, seed: int) -> float:
        chance = zlib.crc32(f"{program.digest} {seed}".encode()) % 100 / 1000
        return 10 - rate(program) + (0.0 if noise == "none" else (seed % 100) / 1000 + chance)

    toy.score = score
    toy.propose, toy.objective = propose, f"min_effect = {min_effect}"
    toy.create(noise=noise, candidates=1, **more)
    toy.run()
    toy.request("set", key="candidates", value=2)
    toy.run()
    toy.request("fork", candidate=2)
    study = toy.run()
    assert (study.candidates[1].status, study.candidates[2].status, study.incumbent) == (
        "kept",
        "kept",
        2,
    )
    assert study.candidates[2].record.parent == 1
    return study


def test_an_audit_compares_incumbent_and_baseline_on_fresh_seeds(toy: Toy) -> None:
    before = two_changes(toy)
    toy.request("audit", trials=5)
    study = toy.run()
    (audit,) = study.examinations.audits
    assert (audit.candidate, audit.against, audit.verdict) == (2, 0, "holds")
    assert audit.evidence.low is not None
    assert audit.evidence.low < 2.0 < (audit.evidence.high or 0.0)
    assert (audit.evidence.trials, audit.evidence.level) == (5, 0.95)
    assert audit.claimed == pytest.approx(before.candidates[0].score - before.candidates[2].score)  # type: ignore[operator]
    searched = {trial.seed for candidate in study.candidates for trial in candidate.trials}
    assert not searched & set(audit.evidence.seeds)
    assert [trial.seed for trial in study.candidates[2].audits] == list(audit.evidence.seeds)
    assert study.examinations.pending == []


def test_the_search_never_sees_the_trials_of_an_audit(toy: Toy) -> None:
    before = two_changes(toy)
    toy.request("audit", trials=4)
    study = toy.run()
    assert study.costs.n_trials == before.costs.n_trials + 8
    assert study.costs.active_seconds == before.costs.active_seconds
    for then, now in zip(before.candidates, study.candidates, strict=True):
        assert (now.trials, now.score, now.decisions) == (then.trials, then.score, then.decisions)
    assert study.noise.repeats == before.noise.repeats
    assert study.noise.n_tests == before.noise.n_tests
    names = ("proposals", "counts", "open", "kept", "incumbent", "state", "reason")
    changed = [name for name in names if getattr(study, name) != getattr(before, name)]
    assert changed == []


def test_each_audit_has_fresh_seeds(toy: Toy) -> None:
    two_changes(toy)
    toy.request("audit", trials=3)
    toy.request("audit", trials=3)
    study = toy.run()
    first, second = (set(audit.evidence.seeds) for audit in study.examinations.audits)
    assert len(first | second) == 6
    assert [
        trial.trial for trial in study.candidates[0].trials + study.candidates[0].audits
    ] == list(range(study.candidates[0].next_trial))


@pytest.mark.parametrize("verb", ["pause", "stop", None])
def test_an_audit_runs_in_a_study_that_does_not_and_changes_nothing_of_its_state(
    toy: Toy, verb: str | None
) -> None:
    two_changes(toy)
    if verb:
        toy.request("set", key="candidates", value=9)
        toy.request(verb)
    toy.request("audit", trials=2)
    study = toy.run()
    assert study.state == {"pause": "paused", "stop": "stopped", None: "finished"}[verb]
    assert len(study.examinations.audits) == 1
    assert len(study.candidates) == 3, "a proposal was asked for"


def test_a_claim_that_was_chance_does_not_hold(toy: Toy) -> None:
    lucky = {0: 9.0}
    toy.score = lambda program, seed: (
        lucky.get(seed, 10.0)
        - (0.5 if rate(program) > 1 and seed in lucky else 0)
        + (seed % 7) / 10
    )
    toy.propose = lambda brief: Proposal(program=with_rate(brief.program, 2), hypothesis="luck")
    toy.create(noise="run", candidates=1)
    toy.run()
    toy.request("accept", candidate=1)
    toy.request("audit")
    study = toy.run()
    (audit,) = study.examinations.audits
    assert audit.verdict == "does not hold"
    assert "ablate" in audit.why
    assert "reject 1" in audit.why


def test_a_gain_below_min_effect_is_called_too_small(toy: Toy) -> None:
    toy.objective = "min_effect = 1.5"
    toy.create(noise="none", audit={"size": 5}, candidates=1, policy="greedy")
    toy.run()
    toy.request("audit")
    assert [audit.verdict for audit in toy.run().examinations.audits] == ["too small"]


@pytest.mark.parametrize(
    ("noise", "audit", "trials", "reason"),
    [
        ("none", {}, None, "add a table [audit]"),
        ("none", {"size": 3}, None, "add a table [audit]"),
        ("none", {"size": 5}, 4, "one trial of each program tells all"),
        ("seed", {}, 1, "an interval needs 2"),
        ("seed", {}, 100_000, "an interval needs 2"),
    ],
)
def test_what_an_audit_cannot_tell_is_refused_with_what_to_do(
    toy: Toy, noise: str, audit: dict[str, int], trials: int | None, reason: str
) -> None:
    toy.create(noise=noise, audit=audit, candidates=1)
    toy.run()
    toy.request("accept", candidate=1)
    for verb in ("audit", "ablate"):
        request = toy.request(verb, trials=trials)
        assert reason in toy.run().people.refused[request]


def test_before_anything_is_kept_there_is_nothing_to_examine(toy: Toy) -> None:
    toy.create(candidates=1)
    toy.request("pause")
    early = toy.request("audit")
    refused = toy.run().people.refused
    assert refused[early] == "the baseline has no score yet; ask for audit when it has"
    toy.score = lambda program, seed: rate(program)
    toy.request("resume")
    toy.run()
    late = toy.request("ablate")
    refused = toy.run().people.refused
    assert refused[late] == "the incumbent is the baseline; there is nothing to ablate"


def test_the_settings_of_an_audit_take_the_place_of_the_studys(toy: Toy, ends: Ends) -> None:
    toy.create(noise="none", audit={"size": 5}, candidates=1)
    tasks = ends(fine)
    toy.run()
    toy.request("audit")
    study = toy.run()
    assert [(task.candidate, task.settings["size"]) for task in tasks] == [
        (0, 3),
        (1, 3),
        (1, 5),
        (0, 5),
    ]
    (audit,) = study.examinations.audits
    assert (audit.settings, audit.evidence.low, audit.evidence.level) == (
        {"size": 5},
        audit.evidence.effect,
        1.0,
    )


def test_a_program_that_fails_in_its_audit_is_reported(toy: Toy, ends: Ends) -> None:
    toy.create(noise="seed", candidates=1)
    failing = [False]

    def end(task: Task) -> dict[str, Any]:
        return (
            {"status": "timeout", "reason": "over 10 s"}
            if failing[0] and task.candidate == 1
            else fine(task)
        )

    ends(end)
    toy.run()
    toy.request("accept", candidate=1)
    toy.run()
    failing[0] = True
    toy.request("audit", trials=4)
    study = toy.run()
    (audit,) = study.examinations.audits
    assert audit.verdict == "failed"
    assert audit.why.startswith("candidate 1 failed (timeout: over 10 s)")
    assert study.candidates[1].failure is None, "the search holds an audit's failure against it"


def test_an_evaluator_that_fails_in_an_audit_pauses_the_study_and_asking_again_goes_on(
    toy: Toy, ends: Ends
) -> None:
    two_changes(toy, noise="run")
    broken = [True]
    tasks = ends(
        lambda task: lost("evaluator", "KeyError: 'x'") if broken[0] else {**fine(task), "data": ""}
    )
    toy.request("audit", trials=2)
    study = toy.run()
    assert (study.state, study.fault, study.reason) == (
        "paused",
        True,
        "the evaluator failed: KeyError: 'x'",
    )
    assert len(tasks) == 3
    toy.request("guide", text="a word of a person's does not start it again")
    assert len(toy.run().examinations.audits) == 0
    assert len(tasks) == 3
    broken[0] = False
    toy.request("audit", trials=2)
    study = toy.run()
    assert len(study.examinations.audits) == 2


def test_what_a_dead_loop_had_running_of_an_audit_is_run_again(toy: Toy) -> None:
    two_changes(toy)
    toy.request("audit", trials=3)
    with Journal(toy.folder) as journal:
        (request,) = journal.read_requests(toy.study().people.last_request)
    with Lease(toy.folder) as lease, Pen(toy.folder, lease) as pen:
        study = toy.study()
        begun = examine.begin(
            study,
            RunAudit(trials=3),
            request.id,
            lambda number: pen.read_program(study.candidates[number].record.program),
        )
        body = to_body(begun.adopted)
        pen.append(Adopted(request=request.id, sequence=request.sequence, verb="audit", body=body))
        examination = toy.study().examinations.pending[0]
        seeds = [study.seed(index) for index in examination.indices]
        number = study.candidates[2].next_trial
        pen.append(TrialStarted(candidate=2, trial=number, seed=seeds[0], purpose="audit"))
        pen.append(
            Trial(candidate=2, trial=number, seed=seeds[0], status="ok", score=7.9, purpose="audit")
        )
        pen.append(
            TrialStarted(
                candidate=0, trial=study.candidates[0].next_trial, seed=seeds[0], purpose="audit"
            )
        )
    study = toy.run()
    assert len(study.examinations.audits) == 1
    assert [(trial.seed, trial.status) for trial in study.candidates[2].audits] == [
        (seed, "ok") for seed in seeds
    ]
    assert [(trial.seed, trial.status, trial.cut_off) for trial in study.candidates[0].audits] == [
        (seeds[0], "lost", True),
        *((seed, "ok", False) for seed in seeds),
    ]


def test_stop_ends_an_audit_of_a_study_that_has_ended(toy: Toy) -> None:
    two_changes(toy)
    toy.request("audit", trials=3)
    toy.request("stop")
    study = toy.run()
    assert study.examinations.pending == []
    assert study.examinations.audits == []
    assert study.state == "finished"
    again = toy.request("stop")
    assert toy.run().people.refused[again] == "the study is finished already"


def test_an_audit_stays_about_the_program_that_it_was_asked_for(toy: Toy) -> None:
    two_changes(toy)
    toy.request("audit", trials=2)
    toy.request("reject", candidate=2)
    study = toy.run()
    assert study.incumbent == 1
    assert [audit.candidate for audit in study.examinations.audits] == [2]


@pytest.mark.parametrize("noise", ["none", "seed"])
def test_an_ablation_tells_what_carries_weight_from_what_does_not(toy: Toy, noise: str) -> None:
    before = two_changes(toy, noise, audit={"size": 5})
    toy.request("ablate")
    study = toy.run()
    (ablation,) = study.examinations.ablations
    assert [(row.without, row.candidate) for row in ablation.rows] == [(1, 3), (2, 4)]
    assert [row.weight for row in ablation.rows] == ["carries", "no weight"]
    assert [study.candidates[number].status for number in (3, 4)] == ["ablated", "waiting"]
    carried, idle = (study.candidates[number].decision for number in (3, 4))
    assert carried is not None
    assert idle is not None
    assert (carried.by, carried.verdict, idle.verdict) == ("ablate", "discard", "defer")
    assert carried.why.startswith("candidate 1 still carries 2")
    assert idle.why.startswith("candidate 2 carries no weight: taking it out costs ")
    assert study.candidates[3].record.hypothesis == "without candidate 1: a higher rate"
    with Journal(toy.folder) as journal:
        texts = [
            journal.read_program(study.candidates[number].record.program).files["train.py"]
            for number in (2, 3, 4)
        ]
    assert texts[1] == texts[0].replace("LEARNING_RATE = 2.1", "LEARNING_RATE = 0.1")
    assert texts[2] == texts[0].removesuffix("# idle\n")
    assert study.proposals.n_made == before.proposals.n_made
    assert (study.incumbent, study.state) == (2, "finished")
    assert study.counts["discarded"] == before.counts["discarded"]


def test_what_an_interval_leaves_open_is_not_called_without_weight(toy: Toy) -> None:
    two_changes(toy, min_effect=0.0)
    toy.request("ablate")
    study = toy.run()
    (ablation,) = study.examinations.ablations
    assert [row.weight for row in ablation.rows] == ["carries", "unclear"]
    why = ablation.rows[1].why
    assert "is not known to matter, nor not to; min_effect in experiment.toml would say" in why
    assert study.candidates[4].status == "ablated"


def test_accepting_a_revert_makes_it_the_incumbent_and_a_later_ablation_knows(toy: Toy) -> None:
    two_changes(toy)
    toy.request("ablate", trials=3)
    study = toy.run()
    toy.request("accept", candidate=4, program=study.candidates[4].record.program)
    study = toy.run()
    assert (study.incumbent, study.candidates[4].status) == (4, "kept")
    assert study.lineage.list_changes(4) == [1]
    toy.request("reject", candidate=2, reason="it carries nothing")
    study = toy.run()
    assert (study.incumbent, study.kept) == (4, [0, 1, 4]), (
        "the program without candidate 2 went with candidate 2"
    )
    toy.request("reject", candidate=1)
    assert toy.run().kept == [0]


def test_a_search_goes_on_from_a_revert(toy: Toy) -> None:
    two_changes(toy)
    toy.request("ablate", trials=3)
    toy.run()
    toy.request("accept", candidate=4)
    toy.request("set", key="candidates", value=4)
    rates = itertools.count(3)
    toy.propose = lambda brief: Proposal(
        program=with_rate(brief.program, next(rates) + 0.1), hypothesis="higher still"
    )
    study = toy.run()
    assert study.candidates[5].record.parent == 4
    assert (study.candidates[5].status, study.proposals.n_made) == ("kept", 4)
    assert study.state == "finished"


def test_a_change_that_later_ones_are_entangled_with_is_listed_with_the_reason(toy: Toy) -> None:
    toy.create(noise="seed", candidates=2)
    toy.score = lambda program, seed: 10 - rate(program) + (seed % 7) / 100
    assert toy.run().kept == [0, 1, 2]
    toy.request("ablate", trials=2)
    study = toy.run()
    (ablation,) = study.examinations.ablations
    assert [(row.without, row.weight) for row in ablation.rows] == [(1, "not made"), (2, "carries")]
    assert ablation.rows[0].why.startswith("later changes touch the same lines: train.py @@")


def test_a_change_without_which_the_program_fails_is_needed(toy: Toy, ends: Ends) -> None:
    two_changes(toy)

    def end(task: Task) -> dict[str, Any]:
        return (
            {"status": "failed", "reason": "NameError"}
            if "idle" not in task.program.files["train.py"]
            else {**fine(task), "data": ""}
        )

    ends(end)
    toy.request("ablate", trials=2)
    study = toy.run()
    assert study.examinations.ablations[0].rows[1].weight == "failed"
    assert (
        study.examinations.ablations[0].rows[1].why
        == "candidate 2 is needed: without it the program failed (failed: NameError)"
    )
    assert study.candidates[4].status == "ablated"


def test_the_steps_of_an_ablation_are_the_same_whenever_a_loop_looks(toy: Toy) -> None:
    """Killed after any record, the next loop writes the same rest."""
    two_changes(toy)
    toy.request("ablate", trials=2)
    full = toy.run()
    with Journal(toy.folder) as journal:
        entries = journal.read_entries()
    first = next(entry.id for entry in entries if getattr(entry.record, "verb", "") == "ablate")
    for cut in range(first, full.last_id):
        study = Study().fold(entry for entry in entries if entry.id <= cut)
        if not study.examinations.pending:
            continue
        todo = examine.step(study, study.examinations.pending[0])
        following = entries[cut].record
        if isinstance(following, TrialStarted):
            assert (following.candidate, following.seed, following.purpose) in todo.trials
        elif (
            not isinstance(following, Trial | LoopStarted)
            and entries[cut - 1].at != entries[cut].at
        ):  # one transaction is there or not
            assert following == todo.records[0]


def test_audits_come_back_from_the_journal(toy: Toy) -> None:
    two_changes(toy)
    toy.request("ablate", trials=2)
    study = toy.run()
    assert isinstance(study.examinations.ablations[0].rows, tuple)
    assert study.examinations.ablations[0].rows[0].evidence.effect is not None
    assert not isinstance(study.examinations.ablations[0], Audit)
