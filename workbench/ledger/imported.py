"""Imported: what is different about a study that was read from a log. It has scores and verdicts, and no program to run.

A row whose status the log leaves open has no decision in the journal; here it is `unknown`, never queued, kept or discarded.
"""

from typing import Any

from workbench.errors import UsageError
from workbench.ledger.candidate import CandidateHistory, CandidateStatus
from workbench.ledger.study import Study

SHAPE = "imported"
UNKNOWN = "unknown"
OPEN: tuple[CandidateStatus, ...] = ("queued", "provisional")


def is_imported(study: Study) -> bool:
    """Whether the study was made of a log."""
    return study.opened.shape == SHAPE


def is_self_reported(study: Study) -> bool:
    """Whether its scores are those that candidates, or a log, claim."""
    return study.opened.shape in ("claimed", SHAPE)


def refuse_change(study: Study, verb: str) -> None:
    """Raises UsageError where the study is imported, and so read-only."""
    if is_imported(study):
        raise UsageError(
            f"{study.opened.name} is imported from {_file(study)} and read-only; {verb} would change it"
        )


def refuse_program(study: Study, what: str) -> None:
    """Raises UsageError where the study is imported: its rows say nothing of the code."""
    if is_imported(study):
        raise UsageError(
            f"{study.opened.name} is imported from {_file(study)}: an imported row has no program, which {what} needs"
        )


def _file(study: Study) -> str:
    return study.opened.source.rpartition("/")[2]


def status(study: Study, history: CandidateHistory) -> str:
    """The candidate's status; `unknown` for an imported row that the log does not decide."""
    return UNKNOWN if is_imported(study) and history.status in OPEN else history.status


def n_unknown(study: Study) -> int:
    """How many rows the log leaves open."""
    return sum(study.counts[name] for name in OPEN)


def flags(history: CandidateHistory) -> list[str]:
    """What is odd about a candidate, or about a row, as in `7 fields for 5 columns`; early imports have it in the row's origin."""
    return list(history.record.flags or history.record.origin.get("flags", ()))


def raw(history: CandidateHistory) -> dict[str, Any]:
    """The row as it stands in the log: `line`, `raw` (its text), `fields` (by column)."""
    origin = history.record.origin
    return {
        "line": origin["line"],
        "raw": str(origin["raw"]).rstrip("\r\n"),
        "fields": dict(origin["fields"]),
    }


def results(study: Study) -> list[tuple[str, ...]]:
    """The rows as autoresearch's five columns, every one, in the words and digits of the log."""
    return [tuple(history.record.origin["cells"]) for history in study.candidates]


def verbatim(study: Study) -> str | None:
    """The log itself, where it was a well-formed `results.tsv`; None otherwise."""
    if not is_imported(study) or not study.opened.settings.get("well_formed"):
        return None
    return str(study.opened.settings["head"]) + "".join(
        str(history.record.origin["raw"]) for history in study.candidates
    )
