import math
import re

import numpy as np
import pytest

from tests.propose.simulated import Simulation, Surrogate, experiment_in, source
from workbench.experiment import Objective
from workbench.ledger.study import Study
from workbench.program import Patch
from workbench.propose import knobs, moves
from workbench.propose.proposer import Exhausted, Proposal
from workbench.propose.tuner import Tuner
from workbench.records import Decision, Options, Trial


def world(tmp_path, text=None, seed=0, score=None, **objective):
    text = source(named=True) if text is None else text
    experiment = experiment_in(
        tmp_path, {"train.py": text}, Objective(name="val_bpb", goal="minimize", **objective)
    )
    simulation = Simulation(experiment, score or Surrogate(text, seed), sd=0.02, seed=seed)
    return simulation, Tuner("", experiment, simulation.options)


def read_changes(proposal):
    return {name.partition(":")[2]: tuple(pair) for name, pair in proposal.origin["knobs"].items()}


def test_each_proposal_is_new_turns_one_to_three_knobs_and_says_what_would_refute_it(tmp_path):
    simulation, proposer = world(tmp_path)
    digests = {simulation.programs[0].digest}
    for _ in range(15):
        parent = simulation.programs[simulation.study.incumbent]
        before = knobs.find_knobs(parent)
        proposal = simulation.step(proposer)
        patch = Patch.between(parent, proposal.program)
        assert 1 <= patch.added == patch.removed == len(proposal.origin["knobs"]) <= 3
        assert proposal.program == knobs.turn_knobs(
            parent, before, {name: new for name, (_, new) in proposal.origin["knobs"].items()}
        )
        old_values = {name: old for name, (old, _) in proposal.origin["knobs"].items()}
        assert old_values == {name: before[name].value for name in old_values}
        assert re.search(r"val_bpb falls; if not, it stays or rises\.$", proposal.hypothesis)
        assert proposal.program.digest not in digests
        digests.add(proposal.program.digest)


def test_a_hypothesis_rests_on_what_was_seen(tmp_path):
    simulation, proposer = world(
        tmp_path,
        score=lambda program, trial: (
            3.0 + 0.1 * math.log2(knob(program, "LEARNING_RATE") / 1e-3) ** 2
        ),
    )
    texts = [simulation.step(proposer).hypothesis for _ in range(10)]
    assert re.match(
        r"Raise LEARNING_RATE from 1e-3 to \de-3 \(x\d\): LEARNING_RATE has not been tried yet\. "
        r"If the steps are too small, val",
        texts[0],
    )
    assert any("Expected gain" in text for text in texts)
    evidence = (
        r"(raising|lowering|setting) \w+ to \S+ in candidate \d+(, with . other changes?,)? "
        r"(gained|lost) 0\.\d"
    )
    assert any(re.search(evidence, text) for text in texts)


def knob(program, name):
    return next(each.value for each in knobs.find_knobs(program).values() if each.name == name)


def test_the_same_study_number_and_seed_give_the_same_proposal(tmp_path):
    simulation, proposer = world(tmp_path)
    for _ in range(8):
        fresh = Tuner("", simulation.experiment, simulation.options)
        assert fresh.propose(simulation.brief()).program == simulation.step(proposer).program


def test_a_new_instance_repeats_no_program_though_earlier_candidates_have_no_score_yet(tmp_path):
    simulation, _ = world(tmp_path)
    digests = set()
    for _ in range(6):
        proposal = Tuner("", simulation.experiment, simulation.options).propose(simulation.brief())
        simulation.add(proposal)
        simulation.n_proposals += 1
        digests.add(proposal.program.digest)
    assert len(digests) == 6


def test_proposals_that_are_not_in_the_study_yet_are_not_repeated(tmp_path):
    simulation, proposer = world(tmp_path)
    assert len({proposer.propose(simulation.brief()).program.digest for _ in range(4)}) == 4


def test_guidance_that_names_a_knob_turns_it_the_way_it_says(tmp_path):
    simulation, proposer = world(tmp_path)
    proposal = simulation.step(proposer, guidance=("please try a lower weight decay",))
    old, new = read_changes(proposal)["WEIGHT_DECAY"]
    assert new < old
    assert "asked for: please try a lower weight decay" in proposal.hypothesis
    assert "WEIGHT_DECAY" in read_changes(
        simulation.step(proposer, guidance=("please try a lower weight decay",))
    )


def test_a_banned_knob_is_left_alone(tmp_path):
    simulation, proposer = world(tmp_path)
    bans = ("do not touch the learning rate", "no more BATCH_SIZE changes")
    for _ in range(10):
        assert (
            not {"LEARNING_RATE", "BATCH_SIZE"}
            & read_changes(simulation.step(proposer, banned=bans)).keys()
        )


def test_values_that_break_candidates_are_given_up(tmp_path):
    base = Surrogate("LEARNING_RATE = 1e-3\nN_EMBD = 64\nOTHER = 3.0\n", 0)
    simulation, proposer = world(
        tmp_path,
        "LEARNING_RATE = 1e-3\nN_EMBD = 64\nOTHER = 3.0\n",
        score=lambda p, t: None if knob(p, "N_EMBD") > 64 else base(p, t),
    )
    simulation.search(proposer, 20)
    failed = [history for history in simulation.study.candidates if history.failure]
    assert len(simulation.study.candidates) > 15
    assert 1 <= len(failed) <= 3


def test_without_knobs_or_with_all_of_them_banned_or_tried_it_is_exhausted(tmp_path):
    simulation, proposer = world(
        tmp_path / "a", "print('hello')\n", score=lambda program, trial: 1.0
    )
    with pytest.raises(Exhausted, match=r"no literal or named constant found in train.py"):
        proposer.propose(simulation.brief())
    simulation, proposer = world(tmp_path / "b", "FLAG = True\n", score=lambda program, trial: 1.0)
    with pytest.raises(Exhausted, match="banned"):
        proposer.propose(simulation.brief(banned=("leave FLAG",)))
    pending = proposer.propose(simulation.brief())
    number = simulation.add(pending)
    assert proposer.propose(simulation.brief()) is None
    simulation.decide(number)
    with pytest.raises(Exhausted, match="every change of the 1 knobs"):
        proposer.propose(simulation.brief())


def test_the_search_continues_from_a_parent_by_someone_else(tmp_path):
    simulation, proposer = world(tmp_path)
    simulation.step(proposer)
    text = "EXTRA = 5.0\n" + simulation.programs[0].files["train.py"].replace(
        "N_LAYER = 3", "N_LAYER = 5"
    )
    program = type(simulation.programs[0])({"train.py": text})
    number = simulation.add(Proposal(program=program, hypothesis="by hand"), "person")
    simulation.append(Trial(candidate=number, trial=0, seed=0, status="ok", score=2.0))
    simulation.append(Decision(candidate=number, verdict="keep", by="person"))
    assert simulation.study.incumbent == number
    for _ in range(4):
        proposal = Tuner("", simulation.experiment, simulation.options).propose(simulation.brief())
        assert "EXTRA = " in proposal.program.files["train.py"]
        assert simulation.step(proposer).program == proposal.program


def test_a_strange_origin_in_the_study_does_no_harm(tmp_path):
    simulation, proposer = world(tmp_path)
    for origin in (
        {"knobs": 3},
        {"knobs": {"train.py:GONE": [1, 2]}},
        {"knobs": {"train.py:N_LAYER": [1]}},
        {"knobs": {"train.py:BIAS": [0, "x"]}},
    ):
        program = type(simulation.programs[0])(
            {"train.py": simulation.programs[0].files["train.py"] + f"# {origin}\n"}
        )
        simulation.decide(simulation.add(Proposal(program=program, hypothesis="", origin=origin)))
    assert simulation.step(proposer) is not None


@pytest.mark.parametrize("named", [True, False])
def test_thirty_candidates_find_most_of_what_there_is(tmp_path, named):
    shares = []
    for seed in range(2):
        text = source(named)
        surrogate = Surrogate(text, seed)
        simulation, proposer = world(tmp_path / str(seed), text, seed=seed, score=surrogate)
        simulation.search(proposer, 30)
        gain = surrogate.exact(simulation.programs[0]) - surrogate.exact(
            simulation.programs[simulation.study.incumbent]
        )
        shares.append(gain / surrogate.attainable())
    assert np.mean(shares) > 0.5


def test_it_searches_upwards_where_more_is_better(tmp_path):
    experiment = experiment_in(
        tmp_path,
        {"train.py": "RATE = 1.0\n"},
        Objective(name="accuracy", goal="maximize", noise="none"),
    )
    simulation = Simulation(experiment, lambda program, trial: -abs(knob(program, "RATE") - 6.0))
    simulation.search(Tuner("", experiment, Options()), 12)
    assert abs(knob(simulation.programs[simulation.study.incumbent], "RATE") - 6.0) < 1.5


def test_knobs_of_another_machine_come_last(tmp_path):
    simulation, proposer = world(
        tmp_path,
        "CUDA_LEARNING_RATE = 1e-3\nOTHER = 2.0\nMORE = 3.0\n",
        score=lambda program, trial: 1.0,
    )
    for _ in range(3):
        assert "CUDA_LEARNING_RATE" not in read_changes(simulation.step(proposer))


def test_what_a_proposal_costs_is_bounded_however_long_the_study(tmp_path, monkeypatch):
    monkeypatch.setattr(moves, "MAX_EVALUATIONS", 20)
    simulation, proposer = world(tmp_path)
    simulation.search(proposer, 30)
    assert len(list(proposer._history.select_latest(20))) <= 20
    assert isinstance(simulation.study, Study)
