"""StudyKind: what differs between a study that the workbench runs and a log that it only shows.

`study.kind` answers such questions, so that no one else compares shapes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from workbench.errors import UsageError
from workbench.ledger.candidate import CandidateHistory, CandidateStatus
from workbench.records import StudyOpened

IMPORTED = "imported"  # the shape of a study that was made from a log
CLAIMED = "claimed"  # the shape of an experiment whose candidates print their own scores
UNKNOWN = "unknown"  # the status of a row that its log does not decide
UNDECIDED: tuple[CandidateStatus, ...] = ("queued", "provisional")


@dataclass(frozen=True)
class StudyKind:
    """A study that the workbench runs: its candidates have programs, and people decide about them.

    Attributes:
        opened: the opening record of the study.
    """

    opened: StudyOpened
    has_programs: ClassVar[bool] = True
    is_read_only: ClassVar[bool] = False

    @property
    def self_reported(self) -> bool:
        """True if no score was measured by an evaluator that the candidate cannot influence."""
        return self.opened.shape == CLAIMED

    def is_self_reported(self, history: CandidateHistory) -> bool:
        """True if the scores of this candidate are what it printed itself, or what a log claims."""
        return self.self_reported or any(trial.self_reported for trial in history.trials)

    def require_writable(self, verb: str) -> None:
        """Raises UsageError if nothing can be changed in this study."""

    def require_programs(self, feature: str) -> None:
        """Raises UsageError if the candidates have no programs, which a feature needs."""

    def get_status(self, history: CandidateHistory) -> str:
        """Returns the status of a candidate as people see it."""
        return history.status

    def count_statuses(self, counts: Mapping[CandidateStatus, int]) -> dict[str, int]:
        """Returns how many candidates have each status as people see it."""
        return {str(status): n_candidates for status, n_candidates in counts.items()}

    def read_row(self, history: CandidateHistory) -> dict[str, Any]:
        """Returns the row of the log that a candidate was read from; empty if there is none."""
        return {}

    def read_log(self, candidates: Sequence[CandidateHistory]) -> str | None:
        """Returns the log that the study was made from; None if there is none to return."""
        return None

    def read_results(self, candidates: Sequence[CandidateHistory]) -> list[tuple[str, ...]] | None:
        """Returns the rows of the log as autoresearch's five columns; None without a log."""
        return None


@dataclass(frozen=True)
class ImportedLog(StudyKind):
    """A study that was made from another tool's log: it has scores and verdicts, but no programs.

    A row whose verdict the log leaves open has no decision in the journal. Nothing will ever be
    decided about it, so its status is `unknown`, never queued.
    """

    has_programs: ClassVar[bool] = False
    is_read_only: ClassVar[bool] = True

    @property
    def self_reported(self) -> bool:
        return True

    def require_writable(self, verb: str) -> None:
        raise UsageError(
            f"{self.opened.name} is imported from {self._file} and read-only; "
            f"{verb} would change it"
        )

    def require_programs(self, feature: str) -> None:
        raise UsageError(
            f"{self.opened.name} is imported from {self._file}: "
            f"an imported row has no program, which {feature} needs"
        )

    def get_status(self, history: CandidateHistory) -> str:
        status = history.status
        return UNKNOWN if status in UNDECIDED else status

    def count_statuses(self, counts: Mapping[CandidateStatus, int]) -> dict[str, int]:
        n_unknown = sum(counts[status] for status in UNDECIDED)
        return {**super().count_statuses(counts), **dict.fromkeys(UNDECIDED, 0), UNKNOWN: n_unknown}

    def read_row(self, history: CandidateHistory) -> dict[str, Any]:
        """Returns `line` (its number), `raw` (its text) and `fields` (by column)."""
        origin = history.record.origin
        return {
            "line": origin["line"],
            "raw": str(origin["raw"]).rstrip("\r\n"),
            "fields": dict(origin["fields"]),
        }

    def read_log(self, candidates: Sequence[CandidateHistory]) -> str | None:
        """Returns the log byte for byte, if it was a well-formed `results.tsv`."""
        if not self.opened.settings.get("well_formed"):
            return None
        rows = [str(history.record.origin["raw"]) for history in candidates]
        return str(self.opened.settings["head"]) + "".join(rows)

    def read_results(self, candidates: Sequence[CandidateHistory]) -> list[tuple[str, ...]]:
        """Returns every row, in the words and digits of the log."""
        return [tuple(history.record.origin["cells"]) for history in candidates]

    @property
    def _file(self) -> str:
        return self.opened.source.rpartition("/")[2]


def read_kind(opened: StudyOpened) -> StudyKind:
    """Returns what kind of study an opening record begins."""
    if opened.shape == IMPORTED:
        return ImportedLog(opened)
    return StudyKind(opened)
