"""What a study begins with beside the baseline.

Tried and decided like any other before a proposer is asked, and never lost or doubled.
"""

import os
import signal
from pathlib import Path

import pytest

from tests import toy_study
from tests.drills.toy import check_history
from tests.studies import ended, folded, read
from tests.waiting import until
from workbench import experiment_file
from workbench.ledger.folder import StudyFolder
from workbench.ledger.lease import find_holder
from workbench.loop import questions
from workbench.records import START, Candidate, Decision, Entry, Options
from workbench.search.frontier import Frontier
from workbench.search.islands import Islands
from workbench.testing import experiment_for_tests, fold, opening
from workbench.verbs import create, loop_process
from workbench.verbs.follow import describe_candidate

pytestmark = pytest.mark.slow


def made(root: Path, *values: int, **options: object) -> StudyFolder:
    """A study that begins with solutions of these values beside the baseline, which has 1, and is proposed the value 5."""
    toy_study.make(root, "toy", 5)
    also = [root / f"value_{value}.py" for value in values]
    for value, file in zip(values, also, strict=True):
        file.write_text(
            f'"""The value {value}."""\n\n'
            f"{toy_study.SOLUTION.replace('VALUE = 1', f'VALUE = {value}')}"
        )
    chosen = Options(
        **{"proposer": f"patches:{root / 'toy-patches'}", "slots": 2, "candidates": 1, **options}
    )  # type: ignore[arg-type]
    return create.create(
        str(root / "toy-experiment"),
        study="begun",
        root=root,
        options=chosen,
        also=[str(file) for file in also],
    )


def place(entries: list[Entry], kind: type[Candidate] | type[Decision], number: int) -> int:
    """Where in the journal a candidate is made, or decided last."""
    return max(
        entry.id
        for entry in entries
        if isinstance(entry.record, kind) and entry.record.candidate == number
    )


def test_they_are_tried_like_any_other_before_a_proposer_is_asked_and_no_budget_counts_them(
    tmp_path: Path,
) -> None:
    folder = made(tmp_path, 3, 0, ahead=2)
    loop_process.spawn(folder)
    study = ended(folder, 120)
    first, second, proposed = (history.record for history in study.candidates[1:])
    assert [(one.author, one.parent, one.hypothesis) for one in (first, second)] == [
        (START, 0, "The value 3."),
        (START, 0, "The value 0."),
    ]
    assert [history.status for history in study.candidates] == ["kept", "kept", "discarded", "kept"]
    assert (study.proposals.n_made, proposed.author, study.incumbent) == (1, "patches", 3)
    assert first.normal
    assert (first.added, first.removed) == (3, 1)
    assert describe_candidate(study, study.candidates[3]).startswith("3/3  kept")
    entries = read(folder)
    assert place(entries, Candidate, 3) > max(
        place(entries, Decision, 1), place(entries, Decision, 2)
    )


def test_kill_9_at_every_step_loses_and_doubles_none(tmp_path: Path) -> None:
    folder, kills = made(tmp_path, 3, 0, slots=1), 0
    acknowledged: list[list[Entry]] = []
    while folded(folder).state == "running" and kills < 8:
        n_before = len(read(folder))
        loop_process.spawn(folder)
        until(
            lambda n_before=n_before: (
                len(read(folder)) > n_before + 1 or folded(folder).state != "running"
            )
        )  # type: ignore[misc]
        acknowledged.append(read(folder))
        if (loop := find_holder(folder)) and folded(folder).state == "running":
            os.kill(loop, signal.SIGKILL)
            kills += 1
        until(lambda: find_holder(folder) is None)
    if folded(folder).state == "running":
        loop_process.spawn(folder)
    study = ended(folder, 120)
    assert kills > 2
    assert [history.record.author for history in study.candidates] == [
        "baseline",
        START,
        START,
        "patches",
    ]
    assert all(history.decision is not None for history in study.candidates)
    check_history(read(folder), acknowledged)


def test_no_question_is_asked_while_one_is_open_unless_it_waits_for_a_person(
    tmp_path: Path,
) -> None:
    records = [
        *opening(experiment_for_tests(tmp_path)),
        Decision(candidate=0, verdict="keep", by="loop"),
    ]
    begun = Candidate(candidate=1, parent=0, program="1" * 64, author=START)

    def asks(*more: Candidate | Decision) -> bool:
        return (
            questions.next_question(fold([*records, *more]), (), slots=4, ahead=2, at_a_time=1)
            is not None
        )

    assert asks()
    assert not asks(begun)
    assert asks(begun, Decision(candidate=1, verdict="defer", by="review"))
    assert asks(begun, Decision(candidate=1, verdict="discard", by="tested"))


@pytest.mark.parametrize("strategy", [Islands, Frontier])
def test_archives_take_them_as_parents_though_they_were_not_kept(
    tmp_path: Path, strategy: type[Islands] | type[Frontier]
) -> None:
    folder = made(tmp_path, 0)
    loop_process.spawn(folder)
    study = ended(folder, 120)
    assert study.candidates[1].status == "discarded"
    ask = strategy(experiment_file.read(folder.experiment), study.options).ask
    asked = set()
    for number in range(60):
        study.proposals.question_number = number
        study.proposals.next_question = number
        found = ask(study)
        asked |= {found.parent, *found.inspirations}
    assert 1 in asked
