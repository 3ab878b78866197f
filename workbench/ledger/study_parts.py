"""StudyParts: what is known about a study at one moment, and what can be asked about it.

Nothing here changes a study; `study.py` says how each record of the journal does.
"""

import hashlib

from workbench.errors import StudyError
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.costs import Costs
from workbench.ledger.examination import Examinations
from workbench.ledger.health import Health
from workbench.ledger.keeps import Keeps
from workbench.ledger.lineage import Lineage
from workbench.ledger.noise import Noise
from workbench.ledger.people import People
from workbench.ledger.proposal_history import ProposalHistory
from workbench.ledger.statuses import Statuses
from workbench.ledger.study_kind import StudyKind, read_kind
from workbench.ledger.turns import SearchProgress
from workbench.records import LoopStarted, Options, RunState, StudyOpened


class StudyParts:
    """The candidates of a study, its state, and one part per subject.

    Attributes:
        options: how the study is run now, changes by people included.
        candidates: all candidates by number.
        by_program: the first candidate that has a program, by digest. Programs that only an
            ablation made are left out.
        counts: how many candidates have each status.
        open: numbers of the candidates that are not decided. An ablation is open only while it
            waits for a person.
        running: numbers of the candidates with a trial that has not ended.
        state: whether the study runs, pauses, is finished or was stopped.
        reason: why, in one line.
        fault: whether it pauses because something failed.
        loop: the loop that worked on it last.
        opened_at: Unix time of the opening record.
        last_at: Unix time of the last entry.
        last_id: id of the last entry.
        lineage: which candidates were made from which, and what a veto rules out.
        costs: what proposals and trials have cost.
        health: what failed in a row, through no fault of a candidate.
        noise: how much scores vary by chance, and the statistical tests so far.
        proposals: what proposers were asked, and what came of it.
        people: what people asked for, and the answers.
        search: what a search learns from.
        examinations: audits and ablations.
    """

    def __init__(self) -> None:
        self._opened: StudyOpened | None = None
        self._statuses = Statuses()
        self.options = Options()
        self.candidates: list[CandidateHistory] = []
        self.by_program: dict[str, int] = {}
        # The same objects as in `_statuses`, so that they are always up to date.
        self.counts = self._statuses.counts
        self.open = self._statuses.open
        self.running = self._statuses.running
        self.state: RunState = "running"
        self.reason = ""
        self.fault = False
        self.loop: LoopStarted | None = None
        self.opened_at = 0.0
        self.last_at = 0.0
        self.last_id = 0
        self.lineage = Lineage(self.candidates)
        self._keeps = Keeps(self.lineage)
        self.costs = Costs()
        self.health = Health()
        self.noise = Noise()
        self.proposals = ProposalHistory()
        self.people = People()
        self.search = SearchProgress()
        self.examinations = Examinations()

    @property
    def opened(self) -> StudyOpened:
        """The opening record; raises StudyError if the journal has none."""
        if self._opened is None:
            raise StudyError("the journal has no opening record, so it is not a study")
        return self._opened

    @property
    def kind(self) -> StudyKind:
        """Whether the workbench runs the study, or it is a log that is only shown."""
        return read_kind(self.opened)

    @property
    def kept(self) -> list[int]:
        """Numbers of the kept candidates, in the order of keeping; later vetoes are left out."""
        return self._keeps.numbers

    @property
    def incumbent(self) -> int | None:
        """Number of the candidate to beat; None until the baseline is kept."""
        return self._keeps.incumbent

    @property
    def baseline(self) -> CandidateHistory | None:
        return self.candidates[0] if self.candidates else None

    @property
    def n_candidates(self) -> int:
        """How many candidates there are, the baseline included, ablated programs left out."""
        return len(self.candidates) - self.counts["ablated"]

    @property
    def best(self) -> CandidateHistory | None:
        """The kept candidate with the best mean score; of equal ones, the one kept last."""
        return self._keeps.find_best(self.opened.objective)

    @property
    def waiting(self) -> list[int]:
        """Numbers of the candidates that wait for a person, sorted."""
        return [
            number for number in sorted(self.open) if self.candidates[number].status == "waiting"
        ]

    def history(self, number: int) -> CandidateHistory:
        """Returns a candidate; raises StudyError if there is none, and says which there are."""
        if not 0 <= number < len(self.candidates):
            last = len(self.candidates) - 1
            numbers = f"0 to {last}" if self.candidates else "none yet"
            raise StudyError(f"no candidate {number} in this study; it has {numbers}")
        return self.candidates[number]

    def require_incumbent(self) -> int:
        """Returns the incumbent's number; raises ValueError until the baseline is kept."""
        if self.incumbent is None:
            raise ValueError("the baseline has no score yet, so the study has no incumbent")
        return self.incumbent

    def seed(self, index: int) -> int:
        """Returns the evaluator's seed number `index`: 31 bits, and the same for every candidate.

        Equal seeds are what pairs candidates. A seed depends on the experiment, on the study's own
        seed and on its key only. Without a key, because a person chose the seed, a study can be
        repeated under another name; but whoever guesses that seed knows all of these.
        """
        opened = self.opened
        parts = (opened.experiment, str(opened.options.seed), opened.key, str(index))
        text = "/".join(part for part in parts if part)
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1

    def list_dependants(self, number: int) -> list[int]:
        """Returns the kept and undecided candidates that a veto of this one would take along."""
        return self.lineage.list_descendants(number, among=[*self.kept, *self.open])
