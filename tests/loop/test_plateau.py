from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.loop.toy import Toy
from tests.studies import records
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.program import Program
from workbench.propose.proposer import Brief, Proposal
from workbench.records import Plateau
from workbench.testing import PROGRAM


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    made = Toy(tmp_path, monkeypatch)
    made.objective = "[search]\nplateau = 3"
    return made


def propose(toy: Toy, rates: Iterable[float]) -> None:
    """Lower rates than the baseline's 0.1 are worse, higher ones better."""
    left = iter(rates)

    def answer(brief: Brief) -> Proposal:
        return Proposal(
            program=Program(
                {"train.py": PROGRAM.files["train.py"].replace("0.1", str(next(left)))}
            ),
            hypothesis="next",
        )

    toy.propose = answer


def told(toy: Toy) -> list[str]:
    """What the study says of its state after each record, as `status` shows it, each reason once in a row."""
    study, reasons = Study(), [""]
    with Journal(toy.folder) as journal:
        for entry in journal.read_entries():
            study.fold([entry])
            if study.reason != reasons[-1]:
                reasons.append(study.reason)
    return reasons


def test_a_plateau_is_noted_once_until_the_next_keep_and_the_study_goes_on(toy: Toy) -> None:
    propose(toy, [0.09, 0.08, 0.07, 0.06, 0.05, 0.04, 4.0, 0.03, 0.02, 0.01])
    toy.create(candidates=10)
    study = toy.run()
    assert [plateau.candidates for plateau in records(toy.folder, Plateau)] == [3, 3]
    assert study.kept == [0, 7]
    assert [turn.kind for turn in study.search.turns].count("plateau") == 2


def test_it_shows_while_the_study_runs_and_not_beyond_a_keep(toy: Toy) -> None:
    propose(toy, [0.09, 0.08, 0.07, 4.0])
    toy.create(candidates=4)
    toy.run()
    assert told(toy) == [
        "",
        "no keep in 3 candidates; the strategy widens its search",
        "",
        "the budget of 4 candidates is used",
    ]


def test_where_a_person_reviews_it_says_what_the_person_can_do(toy: Toy) -> None:
    propose(toy, [0.09, 0.08, 0.07])
    toy.create(candidates=3, review="keeps")
    toy.run()
    assert (
        "no keep in 3 candidates; the strategy widens its search; `guide` it, or `fork` from "
        "another candidate" in told(toy)
    )


def test_a_resumed_study_does_not_note_it_again(toy: Toy) -> None:
    propose(toy, [0.09, 0.08, 0.07])
    toy.create(candidates=3)
    toy.run()
    propose(toy, [0.06, 0.05, 0.04, 0.03])
    toy.request("set", key="candidates", value=7)
    study = toy.run()
    assert (
        study.proposals.n_made,
        len(records(toy.folder, Plateau)),
        study.search.n_since_keep,
    ) == (7, 1, 7)


def test_zero_notes_none(toy: Toy) -> None:
    toy.objective = "[search]\nplateau = 0"
    propose(toy, [0.09, 0.08, 0.07, 0.06])
    toy.create(candidates=4)
    toy.run()
    assert records(toy.folder, Plateau) == []
