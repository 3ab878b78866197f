"""Following: a study as it is folded on while somebody looks, with the times that the fold does not keep."""

from dataclasses import dataclass, field

from workbench.ledger.bulk import no_collections
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.records import (
    Ablation,
    Adopted,
    Audit,
    Candidate,
    Decision,
    Refused,
    Reproduction,
    Trial,
    TrialStarted,
)
from workbench.show import tradeoff


@dataclass
class News:
    """What some entries brought.

    Attributes:
        n_entries: how many. touched: the candidates they change. answered: the requests they adopt or refuse, by id.
        ended: trials that ended, as candidate and trial.
    """

    n_entries: int = 0
    touched: set[int] = field(default_factory=set)
    answered: list[str] = field(default_factory=list)
    ended: list[tuple[int, int]] = field(default_factory=list)


class Following:
    """The fold of a journal, kept up to date by `advance`.

    Attributes:
        started_at: Unix time at which a running trial started, by candidate and trial.
        decided_at: Unix times of the decisions about a candidate, in the order of its `decisions`.
        examined: the last audit or ablation.
        weighed: the metrics that the experiment weighs, with their goals.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal, self.study = journal, Study()
        self.started_at: dict[tuple[int, int], float] = {}
        self.decided_at: dict[int, list[float]] = {}
        self.examined: Audit | Ablation | None = None
        self.weighed = tradeoff.weighed(journal.folder)

    def advance(self) -> News:
        """Folds what is new in the journal."""
        news = News()
        with no_collections():
            for entry in self.journal.entries(self.study.last_id):
                self.study.apply(entry)
                news.n_entries += 1
                match record := entry.record:
                    case TrialStarted():
                        self.started_at[record.candidate, record.trial] = entry.at
                    case Trial():
                        self.started_at.pop((record.candidate, record.trial), None)
                        news.ended.append((record.candidate, record.trial))
                    case Decision():
                        self.decided_at.setdefault(record.candidate, []).append(entry.at)
                    case Adopted() | Refused():
                        news.answered.append(record.request)
                    case Audit() | Ablation():
                        self.examined = record
                match record:
                    case Candidate() | TrialStarted() | Trial() | Decision() | Reproduction():
                        news.touched.add(record.candidate)
                    case Adopted(verb="pin" | "accept"):
                        news.touched.add(int(record.body["candidate"]))
        return news
