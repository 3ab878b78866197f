"""Which candidates are kept, and which one is the incumbent."""

import pytest

from tests.ledger.some_records import history, ok_trial
from workbench.experiment import Objective
from workbench.ledger.keeps import Keeps
from workbench.ledger.lineage import Lineage

LOSS = Objective(name="loss", goal="minimize")


@pytest.fixture
def keeps() -> Keeps:
    """Candidates 0 to 4 with the scores 5, 4, 3, 3 and none; 2 was made from 1."""
    histories = [history(0, None), history(1), history(2, 1), history(3), history(4)]
    for tried, score in zip(histories, (5.0, 4.0, 3.0, 3.0), strict=False):
        tried.end_trial(ok_trial(tried.number, score))
    return Keeps(Lineage(histories))


def test_what_beat_the_incumbent_becomes_the_incumbent(keeps: Keeps) -> None:
    keeps.keep(0, None, LOSS)
    keeps.keep(1, 0, LOSS)
    assert (keeps.incumbent, keeps.numbers) == (1, [0, 1])


def test_a_late_accept_of_something_worse_does_not_replace_the_incumbent(keeps: Keeps) -> None:
    keeps.keep(0, None, LOSS)
    keeps.keep(2, 0, LOSS)
    keeps.keep(1, 0, LOSS)
    assert (keeps.incumbent, keeps.numbers) == (2, [0, 2, 1])


def test_a_late_accept_of_something_better_does(keeps: Keeps) -> None:
    keeps.keep(0, None, LOSS)
    keeps.keep(1, 0, LOSS)
    keeps.keep(3, 0, LOSS)
    assert keeps.incumbent == 3


def test_a_veto_goes_back_to_the_best_that_is_left(keeps: Keeps) -> None:
    for number, against in ((0, None), (1, 0), (2, 1)):
        keeps.keep(number, against, LOSS)
    keeps.take_back(1, LOSS)
    assert (keeps.incumbent, keeps.numbers) == (0, [0])
    keeps.take_back(0, LOSS)
    assert (keeps.incumbent, keeps.numbers) == (None, [])


def test_of_equal_scores_the_one_kept_last_is_the_best(keeps: Keeps) -> None:
    for number in (4, 3, 2):
        keeps.keep(number, None, LOSS)
    best = keeps.find_best(LOSS)
    assert best is not None
    assert best.number == 2


def test_without_a_score_nothing_is_the_best(keeps: Keeps) -> None:
    keeps.keep(4, None, LOSS)
    assert keeps.find_best(LOSS) is None
