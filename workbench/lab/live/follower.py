"""Follows one journal while a screen is open: the fold, and what screens need beyond it.

Nothing here is sent; `state.py` and `card.py` put it into messages.
"""

from dataclasses import dataclass, field
from typing import assert_never

from workbench.lab.live.plots import PlotFacts
from workbench.ledger.garbage_collection import pause_garbage_collection
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.records import (
    Ablation,
    Adopted,
    Audit,
    Called,
    Candidate,
    Decision,
    LoopStarted,
    Plateau,
    ProposalFailed,
    Rebased,
    Record,
    Refused,
    Reproduction,
    StateChanged,
    StudyOpened,
    Trial,
    TrialStarted,
    Unknown,
)
from workbench.show import tradeoff


@dataclass
class News:
    """What some entries of the journal brought.

    Attributes:
        n_entries: how many entries.
        rows: candidates whose row differs.
        answered: ids of the requests that were adopted or refused.
        ended: trials that ended, as candidate and trial.
    """

    n_entries: int = 0
    rows: set[int] = field(default_factory=set)
    answered: list[str] = field(default_factory=list)
    ended: list[tuple[int, int]] = field(default_factory=list)


class Follower:
    """The fold of a journal, kept up to date by `advance`.

    Attributes:
        journal: the one that is followed.
        study: its fold.
        started_at: by candidate and trial, Unix time at which a running trial started.
        decided_at: by candidate, Unix times of its decisions, in their order.
        examined: the last audit or ablation.
        metrics: what the experiment weighs, with the goals.
        plots: what plots show.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.study = Study()
        self.started_at: dict[tuple[int, int], float] = {}
        self.decided_at: dict[int, list[float]] = {}
        self.examined: Audit | Ablation | None = None
        self.metrics = tradeoff.read_metrics(journal.folder)
        self.plots = PlotFacts(self.study, self.metrics)

    def advance(self) -> News:
        """Folds what is new in the journal."""
        news = News()
        with pause_garbage_collection():
            for entry in self.journal.read_entries(self.study.last_id):
                self.study.apply(entry)
                news.n_entries += 1
                news.rows.update(find_rows(entry.record))
                self._note(entry.record, entry.at, news)
            # After the whole batch, since a veto may be about a candidate of the same batch.
            news.rows = self.plots.follow(self.study, news.rows)
        return news

    def _note(self, record: Record, at: float, news: News) -> None:
        """Keeps what the fold does not."""
        match record:
            case TrialStarted():
                self.started_at[record.candidate, record.trial] = at
            case Trial():
                self.started_at.pop((record.candidate, record.trial), None)
                news.ended.append((record.candidate, record.trial))
            case Decision():
                self.decided_at.setdefault(record.candidate, []).append(at)
            case Adopted() | Refused():
                news.answered.append(record.request)
            case Audit() | Ablation():
                self.examined = record
            case _:
                pass


def find_rows(record: Record) -> list[int]:
    """The candidates whose own row a record changes.

    Every kind of record is named, so that mypy asks where a new kind belongs. A veto changes the
    rows of other candidates too; `PlotFacts.follow` finds these.
    """
    match record:
        case Candidate() | TrialStarted() | Trial() | Decision() | Rebased() | Reproduction():
            return [record.candidate]
        case Adopted():
            # Whatever a request does to its candidate, the row is sent again: no verb is forgotten.
            number = record.body.get("candidate")
            return [number] if isinstance(number, int) else []
        case StudyOpened() | LoopStarted() | StateChanged() | Plateau() | Refused() | Unknown():
            return []
        case ProposalFailed() | Called():
            return []
        case Audit() | Ablation():
            # The trials and arms of an examination are records of their own.
            return []
        case _:
            assert_never(record)
