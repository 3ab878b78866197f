"""Replay: the real loop proposes a recorded study of a model again, without the model.

The programs are the same, and so is what becomes of them.
"""

import itertools
from pathlib import Path
from typing import Any

import pytest

from tests.messages_server import Failure, MessagesServer, Script, Step, call_tools
from tests.propose.studies import OPUS, run_study
from tests.propose.test_blocks import whole
from tests.toy_study import SOLUTION, write_experiment
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.records import ProposalFailed

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("key")]

BROKEN = SOLUTION.replace("float(VALUE)", "float(VALU)")


def with_value(value: int) -> str:
    return SOLUTION.replace("VALUE = 1", f"VALUE = {value}")


def play_evolve() -> Script:
    """The answers of a model to `evolve`.

    Two give no program; then one is better, one breaks, one is worse, and one is repaired.
    """
    answers = iter(
        [
            "nothing of use",
            "nothing of use",
            whole(with_value(5), "solution.py"),
            whole(BROKEN, "solution.py"),
            whole(with_value(3), "solution.py"),
            "nothing of use",
            whole(with_value(7), "solution.py"),
        ]
    )
    return lambda body: next(answers)


def play_agent() -> Script:
    """The same programs, each submitted after a look; the third is taken at the second try."""
    programs = iter([with_value(5), BROKEN, with_value(3), with_value(7)])
    begun = itertools.count(1)

    def script(body: Any) -> Step:
        if len(body["messages"]) == 1 and next(begun) == 3:
            return call_tools(("submit", {"hypothesis": "nothing changed yet"}))
        edit = {"path": "working/solution.py", "text": next(programs)}
        return call_tools(
            ("read_file", {"path": "candidates.tsv"}),
            ("edit", edit),
            ("submit", {"hypothesis": "a scripted change"}),
        )

    return script


def summarize(study: Study, journal: Journal) -> list[tuple[Any, ...]]:
    """What a journal says of each candidate, apart from its author, its cost and its times."""
    summaries = []
    for history in study.candidates:
        record = history.record
        program = dict(journal.read_program(record.program).files)
        trials = [(each.seed, each.status, each.score, each.reason) for each in history.trials]
        decisions = [(each.verdict, each.by, each.why, each.evidence) for each in history.decisions]
        source = (program, record.parent, record.hypothesis, record.origin)
        summaries.append((*source, history.status, trials, decisions))
    return summaries


def list_failures(journal: Journal) -> list[tuple[str, dict[str, Any]]]:
    records = [entry.record for entry in journal.read_entries()]
    failures = [each for each in records if isinstance(each, ProposalFailed) and not each.final]
    return [(failure.reason, dict(failure.origin)) for failure in failures]


@pytest.mark.parametrize(
    ("proposer", "script", "n_failed"), [("evolve", play_evolve, 1), ("agent", play_agent, 0)]
)
def test_a_recorded_study_gives_the_same_programs_again(
    tmp_path: Path, proposer: str, script: Any, n_failed: int
) -> None:
    toy = write_experiment(tmp_path / "toy")
    with MessagesServer(script()) as server:
        recorded, journal = run_study(
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
        server.script = lambda body: Failure(500, "api_error", "a replay asks no model")
        source = f"replay:{journal.folder.path}"
        again, other = run_study(
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
        assert (recorded.state, recorded.proposals.n_made, len(list_failures(journal))) == (
            "finished",
            4,
            n_failed,
        ), recorded.proposals.last_failure
        assert [history.status for history in recorded.candidates] == [
            "kept",
            "kept",
            "failed",
            "discarded",
            "kept",
        ]
        origins = [history.record.origin for history in recorded.candidates[1:]]
        assert {origin["model"] for origin in origins} == {OPUS}
        assert [origin for origin in origins if origin.get("repaired")] != []
        assert len(server.requests) == n_asked
        assert (again.state, again.proposals.exhausted) == (
            "finished",
            f"all {4 + n_failed} recorded proposals were made again",
        )
        assert summarize(again, other) == summarize(recorded, journal)
        assert list_failures(other) == list_failures(journal)
        assert (again.costs.usd, again.costs.tokens) == (0.0, 0)
        assert recorded.costs.tokens > 0
        assert other.read_transcript(1) == [] != journal.read_transcript(1)
