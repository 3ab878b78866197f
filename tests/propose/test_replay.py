"""Replay: a recorded study of a model proposed again by the real loop, without a model: the same programs, and the same came of them."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from tests.messages_server import Fails, MessagesServer, Script, Step, uses
from tests.propose.studies import OPUS, finished
from tests.propose.test_blocks import whole
from tests.toy_study import SOLUTION, write_experiment
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.records import ProposalFailed

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("key")]

BROKEN = SOLUTION.replace("float(VALUE)", "float(VALU)")


def with_value(value: int) -> str:
    return SOLUTION.replace("VALUE = 1", f"VALUE = {value}")


def evolving() -> Script:
    """Two answers that give no program, and then one that is better, one that breaks, one that is worse, and one that is repaired."""
    answers = itertools.chain(
        ["nothing of use"] * 2, [whole(text, "solution.py") for text in (with_value(5), BROKEN, with_value(3))],
        ["nothing of use", whole(with_value(7), "solution.py")],
    )  # fmt: skip
    return lambda body: next(answers)


def working() -> Script:
    """The same programs, each submitted after a look; the third is taken at the second try."""
    programs = iter([with_value(5), BROKEN, with_value(3), with_value(7)])
    begun = itertools.count(1)

    def script(body: Any) -> Step:
        if len(body["messages"]) == 1 and next(begun) == 3:
            return uses(("submit", {"hypothesis": "nothing changed yet"}))
        edit = {"path": "working/solution.py", "text": next(programs)}
        return uses(
            ("read_file", {"path": "candidates.tsv"}),
            ("edit", edit),
            ("submit", {"hypothesis": "a scripted change"}),
        )

    return script


def told(study: Study, journal: Journal) -> list[tuple[Any, ...]]:
    """What a journal says of each candidate but for its author, its cost and its times."""
    return [
        (
            dict(journal.program(history.record.program).files), history.record.parent, history.record.hypothesis, history.record.origin,
            history.status, [(trial.seed, trial.status, trial.score, trial.reason) for trial in history.trials],
            [(decision.verdict, decision.by, decision.why, decision.evidence) for decision in history.decisions],
        )
        for history in study.candidates
    ]  # fmt: skip


def failures(journal: Journal) -> list[tuple[str, dict[str, Any]]]:
    found = [
        entry.record
        for entry in journal.entries()
        if isinstance(entry.record, ProposalFailed) and not entry.record.final
    ]
    return [(record.reason, dict(record.origin)) for record in found]


@pytest.mark.parametrize(
    ("proposer", "script", "n_failed"), [("evolve", evolving, 1), ("agent", working, 0)]
)
def test_a_recorded_study_gives_the_same_programs_again(
    tmp_path: Path, proposer: str, script: Any, n_failed: int
) -> None:
    toy = write_experiment(tmp_path / "toy")
    with MessagesServer(script()) as server:
        recorded, journal = finished(
            tmp_path / "first",
            str(toy),
            {},
            server,
            proposer=proposer,
            candidates=4,
            seed=3,
            ahead=0,
        )
        n_asked = len(server.requests)
        server.script = lambda body: Fails(500, "api_error", "a replay asks nobody")
        source = f"replay:{journal.folder.path}"
        again, other = finished(
            tmp_path / "again",
            str(toy),
            {},
            server,
            proposer=source,
            candidates=0,
            seed=3,
            ahead=0,
            model="",
        )
    with journal, other:
        assert (recorded.state, recorded.proposed, len(failures(journal))) == (
            "finished",
            4,
            n_failed,
        ), recorded.last_failure
        assert [history.status for history in recorded.candidates] == [
            "kept",
            "kept",
            "failed",
            "discarded",
            "kept",
        ]
        assert all(history.record.origin["model"] == OPUS for history in recorded.candidates[1:])
        assert any(history.record.origin.get("repaired") for history in recorded.candidates)
        assert len(server.requests) == n_asked
        assert (again.state, again.exhausted) == (
            "finished",
            f"all {4 + n_failed} recorded proposals were made again",
        )
        assert told(again, other) == told(recorded, journal)
        assert failures(other) == failures(journal)
        assert (again.spent.usd, again.spent.tokens) == (0.0, 0)
        assert recorded.spent.tokens > 0
        assert other.transcript(1) == [] != journal.transcript(1)
