from collections.abc import Iterator

import pytest

from tests.loop.toy import Toy, rate, with_rate
from workbench.errors import ProposerFault
from workbench.ledger.journal import Pen
from workbench.ledger.lease import Lease
from workbench.program import Program
from workbench.propose.proposer import Brief, Exhausted, Proposal, Unusable
from workbench.records import TrialStarted
from workbench.requests import BY_VERB


def test_a_study_goes_from_its_baseline_to_its_budget(toy: Toy) -> None:
    toy.create(candidates=3)
    study = toy.run()
    assert (study.state, study.incumbent, study.kept) == ("finished", 3, [0, 1, 2, 3])
    assert study.reason == "the budget of 3 candidates is used"
    assert [candidate.score for candidate in study.candidates] == [9.9, 8.9, 7.9, 6.9]


def test_starting_again_after_the_end_writes_nothing_new_but_that_it_looked(toy: Toy) -> None:
    toy.create()
    before = toy.run().last_id
    assert toy.run().last_id == before


def test_raising_the_budget_of_a_finished_study_goes_on(toy: Toy) -> None:
    toy.create(candidates=2)
    toy.run()
    toy.request("set", key="candidates", value=4)
    study = toy.run()
    assert (study.state, len(study.candidates)) == ("finished", 5)


def test_a_failed_candidate_is_recorded_and_the_loop_goes_on(toy: Toy) -> None:
    toy.create(candidates=4)
    toy.score = lambda program, seed: None if 2 < rate(program) < 3 else 10 - rate(program)
    numbers = iter([1.1, 2.1, 3.1, 4.1])
    toy.propose = lambda brief: Proposal(
        program=with_rate(brief.program, next(numbers)), hypothesis="next"
    )
    study = toy.run()
    assert [candidate.status for candidate in study.candidates] == [
        "kept",
        "kept",
        "failed",
        "kept",
        "kept",
    ]


def test_a_candidate_that_failed_cannot_be_accepted(toy: Toy) -> None:
    toy.create(candidates=1)
    toy.score = lambda program, seed: None if rate(program) == 7.0 else 1.0
    toy.propose = lambda brief: Proposal(program=with_rate(brief.program, 7.0), hypothesis="next")
    assert toy.run().candidates[1].status == "failed"
    accept = toy.request("accept", candidate=1)
    study = toy.run()
    assert (
        study.people.refused[accept]
        == "candidate 1 failed; only a candidate with a score can be kept"
    )
    assert study.kept == [0]


def test_a_baseline_that_fails_pauses_the_study_loudly(toy: Toy) -> None:
    toy.create()
    toy.score = lambda program, seed: None
    study = toy.run()
    assert (study.state, study.fault) == ("paused", True)
    assert study.reason == "the baseline does not run: no score"


def test_a_proposer_that_fails_again_and_again_pauses_the_study_with_the_reason(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.loop.proposal_intake.FAULT_SECONDS", 0.0)
    toy.create()

    def fail(brief: Brief) -> Proposal:
        raise ProposerFault("connection refused")

    toy.propose = fail
    study = toy.run()
    assert (study.state, study.fault) == ("paused", True)
    assert study.reason == "5 proposals failed in a row; the last: connection refused"


def test_unusable_and_repeated_and_foreign_proposals_are_recorded_and_asked_again(toy: Toy) -> None:
    toy.create(candidates=1)
    good = Proposal(
        program=with_rate(Program({"train.py": "LEARNING_RATE = 1\n"}), 7.0), hypothesis="good"
    )

    def proposals() -> Iterator[Proposal]:
        yield Proposal(
            program=Program({"train.py": "LEARNING_RATE = (\n"}), hypothesis="does not parse"
        )
        yield Proposal(
            program=Program({"train.py": "LEARNING_RATE = 1\n", "evaluate.py": "cheat"}),
            hypothesis="foreign file",
        )
        raise Unusable("diff 3 does not fit")

    given = proposals()

    def propose(brief: Brief) -> Proposal:
        try:
            return next(given)
        except StopIteration:
            return good

    toy.propose = propose
    study = toy.run()
    assert study.state == "finished"
    assert study.proposals.n_failed == 3
    assert study.candidates[1].record.hypothesis == "good"


def test_an_exhausted_proposer_ends_the_study_and_says_why(toy: Toy) -> None:
    toy.create(candidates=9)

    def propose(brief: Brief) -> Proposal:
        if brief.number == 0:
            return Proposal(program=with_rate(brief.program, 5), hypothesis="one")
        raise Exhausted("the folder is read")

    toy.propose = propose
    study = toy.run()
    assert (study.state, study.reason) == (
        "finished",
        "the proposer has no more: the folder is read",
    )


def test_a_trial_that_a_dead_loop_had_running_is_lost_and_run_again(toy: Toy) -> None:
    folder = toy.create(candidates=1)
    with Lease(folder) as lease, Pen(folder, lease) as pen:
        pen.append(TrialStarted(candidate=0, trial=0, seed=toy.study().seed(0)))
    study = toy.run()
    statuses = [(trial.trial, trial.status, trial.fault) for trial in study.candidates[0].trials]
    assert statuses == [(0, "lost", "loop"), (1, "ok", "")]
    assert study.state == "finished"


def test_keeps_wait_for_a_person_and_the_study_says_so(toy: Toy) -> None:
    toy.create(candidates=2, review="keeps")
    rates = iter([1.1, 2.1])
    toy.propose = lambda brief: Proposal(
        program=with_rate(brief.program, next(rates)), hypothesis="more"
    )
    study = toy.run()
    assert study.waiting == [1, 2]
    assert study.reason == "the budget of 2 candidates is used"
    toy.request("accept", candidate=1, program=study.candidates[1].record.program)
    toy.request("reject", candidate=2, reason="too bold")
    study = toy.run()
    assert (study.kept, study.incumbent, study.waiting) == ([0, 1], 1, [])
    assert study.candidates[2].decisions[-1].why == "too bold"


def test_accepting_some_hunks_makes_a_candidate_of_the_persons_that_is_evaluated(toy: Toy) -> None:
    toy.create(candidates=1, review="keeps")

    def propose(brief: Brief) -> Proposal:
        text = (
            with_rate(brief.program, 3)
            .files["train.py"]
            .replace('"""A program with knobs."""', '"""Changed."""')
        )
        return Proposal(program=Program({"train.py": text}), hypothesis="two things")

    toy.propose = propose
    toy.run()
    toy.request("accept", candidate=1, hunks=[2], reason="the docstring may stay")
    study = toy.run()
    assert [candidate.status for candidate in study.candidates] == ["kept", "revised", "kept"]
    assert (study.candidates[2].record.author, study.candidates[2].record.revises) == ("person", 1)
    assert study.incumbent == 2


def test_a_request_that_cannot_be_is_refused_with_its_reason_and_only_once(toy: Toy) -> None:
    toy.create(candidates=1)
    toy.run()
    requests = [
        toy.request("accept", candidate=99),
        toy.request("accept", candidate=1),
        toy.request("reject", candidate=0),
        toy.request("accept", candidate=1, hunks=[5]),
        toy.request("levitate"),
        toy.request("guide"),
        toy.request("accept", candidate=1, program="0" * 64),
    ]
    study = toy.run()
    assert [study.people.refused[request] for request in requests] == [
        "no candidate 99 in this study; it has 0 to 1",
        "candidate 1 is kept already",
        "the baseline is what the study starts from; it cannot be rejected",
        "no hunk 5; this patch has hunks 1 to 1",
        f"unknown request 'levitate'; choose one of {', '.join(sorted(BY_VERB))}",
        "guide: text is missing; it must be a text",
        "candidate 1 is not the program that was looked at; look at it again",
    ]
    assert toy.run().last_id == study.last_id


def test_a_veto_of_something_kept_goes_back_and_takes_its_descendants_along(toy: Toy) -> None:
    toy.create(candidates=3)
    toy.run()
    toy.request("reject", candidate=2, reason="overfits")
    study = toy.run()
    assert (study.kept, study.incumbent) == ([0, 1], 1)
    assert study.candidates[3].decisions[-1].why == "made from candidate 2, which was vetoed"


def test_guidance_reaches_the_proposer(toy: Toy) -> None:
    toy.create(candidates=1)
    heard: list[tuple[str, ...]] = []

    def propose(brief: Brief) -> Proposal:
        heard.append(brief.guidance)
        return Proposal(program=with_rate(brief.program, 4), hypothesis="as told")

    toy.propose = propose
    toy.request("guide", text="raise the rate")
    toy.run()
    assert heard == [("raise the rate",)]


def test_a_fork_makes_the_search_go_on_from_there(toy: Toy) -> None:
    toy.create(candidates=2)
    toy.run()
    toy.request("fork", candidate=0)
    toy.request("set", key="candidates", value=3)
    rates = iter([5.5])
    toy.propose = lambda brief: Proposal(
        program=with_rate(brief.program, next(rates)), hypothesis="from the fork"
    )
    study = toy.run()
    assert study.candidates[3].record.parent == 0
    assert study.incumbent == 3


def test_pause_and_stop_end_the_loop_and_resume_goes_on(toy: Toy) -> None:
    toy.create(candidates=3)
    toy.request("pause")
    assert toy.run().state == "paused"
    toy.request("stop")
    assert toy.run().state == "stopped"
    toy.request("resume")
    assert toy.run().state == "finished"


def test_a_noisy_objective_measures_the_baseline_first_and_confirms_on_fresh_seeds(
    toy: Toy,
) -> None:
    toy.create(noise="seed", candidates=1)
    toy.score = lambda program, seed: 10 - rate(program) + (seed % 100) / 1000
    study = toy.run()
    assert [trial.seed for trial in study.candidates[0].trials] == [
        study.seed(index) for index in range(4)
    ]
    assert study.candidates[1].status == "kept"
    assert len(study.candidates[1].trials) >= 2


def test_many_slots_are_used_and_proposals_kept_ready(toy: Toy) -> None:
    toy.slots = 4
    toy.create(candidates=20)
    count = iter(range(1000))
    toy.propose = lambda brief: Proposal(
        program=with_rate(brief.program, next(count) + 0.5), hypothesis="x"
    )
    study = toy.run()
    assert (study.state, len(study.candidates)) == ("finished", 21)
