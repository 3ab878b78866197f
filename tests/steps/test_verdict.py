"""A verdict is arithmetic over trials.

What reproduces passes, what changed does not, and the line says by how much.
"""

import random
from statistics import stdev
from typing import Any

import pytest

from workbench.experiment import Objective
from workbench.records import Trial
from workbench.steps import verdict
from workbench.steps.spread import Spread
from workbench.steps.verdict import Recorded

LOSS = Objective(name="loss", goal="minimize")


def trials_of(scores: dict[int, float], **more: Any) -> tuple[Trial, ...]:
    return tuple(
        Trial(candidate=1, trial=i, seed=seed, status="ok", score=score, **more)
        for i, (seed, score) in enumerate(scores.items())
    )


def test_exact_trials_must_be_equal_to_the_last_bit() -> None:
    known = Recorded(objective=LOSS, trials=trials_of({1: 3.5}, exact=True), spread=Spread(0.02, 5))
    assert verdict.judge(known, trials_of({1: 3.5}), (), {}).mode == "exact"
    missed = verdict.judge(known, trials_of({1: 3.5 + 1e-12}), (), {})
    assert not missed.reproduced
    assert "3.5 exactly" in missed.line
    assert verdict.judge(known, trials_of({1: 3.501}), (), {}, tolerance=0.01).reproduced


def test_noise_is_allowed_for_and_no_more() -> None:
    known = Recorded(objective=LOSS, trials=trials_of({1: 3.5, 2: 3.54}), spread=Spread(0.02, 30))
    assert verdict.judge(known, trials_of({1: 3.53, 2: 3.56}), (), {}).reproduced
    missed = verdict.judge(known, trials_of({1: 3.21, 2: 3.21}), (), {})
    assert not missed.reproduced
    assert (
        missed.line
        == "loss did not reproduce: got 3.21000, recorded 3.52000 ± 0.07350; off by 0.31000 (8.8 %)"
    )


def test_where_no_spread_is_known_one_percent_is_allowed() -> None:
    known = Recorded(objective=LOSS, trials=trials_of({1: 100.0}))
    assert verdict.judge(known, trials_of({1: 100.9}), (), {}).reproduced
    assert not verdict.judge(known, trials_of({1: 101.1}), (), {}).reproduced


def test_another_machine_needs_the_parent_and_judges_the_gain() -> None:
    then, now = {"torch": "2.6"}, {"torch": "2.7"}
    known = Recorded(
        objective=LOSS,
        trials=trials_of({1: 3.0}, exact=True),
        parent=trials_of({1: 3.5}, exact=True),
        spread=Spread(0.02, 30),
        environment=then,
    )
    assert not verdict.needs_parent(
        known, trials_of({1: 3.0}), now
    )  # equal to the last bit all the same
    here = trials_of({1: 4.0})
    assert verdict.needs_parent(known, here, now)
    assert verdict.judge(known, here, trials_of({1: 4.48}), now).reproduced
    assert not verdict.judge(known, here, trials_of({1: 4.0}), now).reproduced
    assert not verdict.judge(known, here, trials_of({1: 3.5}), now).reproduced
    assert verdict.judge(known, here, trials_of({1: 4.48}), now).differences == (
        "torch: recorded 2.6, here 2.7",
    )


def test_gains_have_the_sign_of_the_goal() -> None:
    known = Recorded(
        objective=Objective(name="accuracy", goal="maximize"),
        trials=trials_of({1: 0.9}, data="a"),
        parent=trials_of({1: 0.8}, data="a"),
    )
    found = verdict.judge(known, trials_of({1: 0.7}, data="b"), trials_of({1: 0.6}, data="b"), {})
    assert found.reproduced
    assert found.recorded == pytest.approx(0.1)


def test_a_trial_that_ends_otherwise_has_not_reproduced() -> None:
    known = Recorded(objective=LOSS, trials=trials_of({1: 3.5}, exact=True))
    ended = Trial(candidate=1, trial=0, seed=1, status="timeout", reason="60 s are over")
    found = verdict.judge(known, [ended], (), {})
    assert not found.reproduced
    assert "ended as timeout under seed 1 (60 s are over)" in found.line


# How often it is wrong, by simulation

DRAWS = 2000  # the standard error of a share of 5 % is 0.5 %


def share_missed(
    own: int,
    *,
    lenders: int = 0,
    times: float = 1.0,
    fresh: int = 1,
    change: float = 0.0,
    same_seeds: bool = False,
    noise: Any = "run",
) -> float:
    """How often a candidate does not reproduce whose trials have a standard deviation of 1, and are shifted by `change` here.

    Args:
        own, fresh: trials recorded, and run here. lenders: trials of the parent that lends its
            spread, `times` as noisy.
    """
    rng, missed = random.Random(f"{own}/{lenders}/{times}/{fresh}/{change}"), 0
    for _ in range(DRAWS):
        recorded = trials_of({seed: rng.gauss(1000, 1) for seed in range(own)})
        lent = (
            Spread(stdev(rng.gauss(0, times) for _ in range(lenders)), lenders - 1)
            if lenders
            else None
        )
        known = Recorded(
            objective=Objective(name="loss", goal="minimize", noise=noise),
            trials=recorded,
            spread=lent,
        )
        here = trials_of(
            {seed + 50 * (not same_seeds): rng.gauss(1000 + change, 1) for seed in range(fresh)}
        )
        missed += not verdict.judge(known, here, (), {}).reproduced
    return missed / DRAWS


@pytest.mark.parametrize(
    ("own", "lenders"), [(1, 4), (1, 12), (2, 4), (2, 0), (3, 4), (4, 0), (12, 4)]
)
def test_what_did_not_change_is_called_changed_in_one_of_twenty_at_most(
    own: int, lenders: int
) -> None:
    assert share_missed(own, lenders=lenders) < 0.065
    assert share_missed(own, lenders=lenders, fresh=min(2, own), same_seeds=True) < 0.065


@pytest.mark.parametrize(("own", "least"), [(4, 0.93), (12, 0.99)])
def test_a_change_of_five_spreads_is_noticed_however_noisy_the_parent_was(
    own: int, least: float
) -> None:
    assert share_missed(own, lenders=12, times=6.0, fresh=2, change=5.0) > least


def test_with_few_trials_of_its_own_a_change_of_five_spreads_is_noticed_by_the_parent_s() -> None:
    assert share_missed(1, lenders=12, fresh=2, change=5.0) > 0.75
    assert share_missed(3, lenders=12, fresh=2, change=5.0) > 0.9


def test_a_parent_that_was_quieter_raises_few_false_alarms_from_three_trials_on() -> None:
    assert share_missed(3, lenders=12, times=1 / 1.5) < 0.065
    assert share_missed(4, lenders=12, times=1 / 5) < 0.065


def test_scores_that_vary_under_one_seed_are_compared_with_all_that_were_recorded() -> None:
    here = trials_of({1: 3.05})
    for noise, then in (("run", 3.0), ("seed", 3.2)):
        objective = Objective(name="loss", goal="minimize", noise=noise)  # type: ignore[arg-type]
        known = Recorded(objective=objective, trials=trials_of({1: 3.2, 2: 3.1, 3: 2.9, 4: 2.8}))
        assert verdict.judge(known, here, (), {}).recorded == then


def gains_missed(change: float) -> float:
    """How often a gain over a parent that is six times as noisy does not reproduce on another machine, `change` less than recorded."""
    rng, missed = random.Random(f"gain {change}"), 0
    for _ in range(DRAWS):
        known = Recorded(
            objective=LOSS,
            trials=trials_of({seed: rng.gauss(1000, 1) for seed in range(8)}, data="a"),
            parent=trials_of({seed: rng.gauss(1100, 6) for seed in range(8)}, data="a"),
        )
        here, parent = (
            trials_of({seed: rng.gauss(mean, sd) for seed in range(2)}, data="b")
            for mean, sd in ((500 + change, 1), (600, 6))
        )
        found = verdict.judge(known, here, parent, {})
        assert found.mode == "effect"
        missed += not found.reproduced
    return missed / DRAWS


def test_a_gain_over_a_noisy_parent_reproduces_and_one_that_shrank_by_a_few_spreads_does_not() -> (
    None
):
    assert gains_missed(0) < 0.065
    assert gains_missed(30) > 0.9
