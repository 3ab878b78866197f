"""CandidateHistory: a candidate, and all that the journal says became of it."""

from dataclasses import dataclass, field
from typing import Literal

from workbench.records import (
    PERSON,
    Candidate,
    Decision,
    Rebased,
    Reproduction,
    Trial,
    TrialStarted,
)

CandidateStatus = Literal[
    "queued",
    "running",
    "provisional",
    "waiting",
    "kept",
    "discarded",
    "failed",
    "revised",
    "ablated",
]
OPEN: tuple[CandidateStatus, ...] = ("queued", "running", "provisional", "waiting")
N_STATUSES: tuple[CandidateStatus, ...] = (
    *OPEN,
    "kept",
    "discarded",
    "failed",
    "revised",
    "ablated",
)


@dataclass
class CandidateHistory:
    """All that the journal says of one candidate.

    Attributes:
        trials: those of the search that ended. audits: those of examinations, which no decision of the search sees.
        question: the number of the question that it answers; else how many candidates and failed proposals there were before it, the
            baseline left out.
        rebased: what became of it when the incumbent changed last before its first trial; `record` is then as it is tried, and
            `proposed` as it was made.
        running: trials that started and have not ended (trial number to its start). cleared: a person let it run (`review = all`).
    """

    record: Candidate
    at: float
    trials: list[Trial] = field(default_factory=list)
    audits: list[Trial] = field(default_factory=list)
    running: dict[int, TrialStarted] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    reproductions: list[Reproduction] = field(default_factory=list)
    question: int = 0
    cleared: bool = False
    pinned: bool = False
    rebased: Rebased | None = None
    proposed: Candidate = field(init=False)

    def __post_init__(self) -> None:
        self.proposed = self.record

    @property
    def number(self) -> int:
        return self.record.candidate

    @property
    def decision(self) -> Decision | None:
        """The decision in force: the last one, unless it was a request to run that has been answered."""
        last = self.decisions[-1] if self.decisions else None
        return None if last is not None and last.before_run and self.cleared else last

    @property
    def is_ablation(self) -> bool:
        """Whether an ablation made it, of a kept program; it is no proposal, and the policy does not judge it."""
        return self.record.without is not None

    @property
    def is_vetoed(self) -> bool:
        """Whether a person discarded it, or kept only some of its hunks."""
        decision = self.decision
        return (
            decision is not None
            and decision.by.startswith(PERSON)
            and decision.verdict in ("discard", "revise")
        )

    @property
    def next_trial(self) -> int:
        """Number of its next trial."""
        return len(self.trials) + len(self.audits) + len(self.running)

    @property
    def scored(self) -> list[Trial]:
        return [trial for trial in self.trials if trial.status == "ok"]

    @property
    def score(self) -> float | None:
        """Mean score of its ok trials; None while there is none."""
        scores = [trial.score for trial in self.trials if trial.score is not None]
        return sum(scores) / len(scores) if scores else None

    @property
    def failure(self) -> Trial | None:
        """The trial that ended it, if one did; lost and stopped trials are nobody's failure."""
        return next(
            (trial for trial in self.trials if trial.status in ("failed", "timeout", "cheated")),
            None,
        )

    @property
    def ended_early(self) -> Trial | None:
        """The trial that a stage of the cascade or its curve ended; that is no failure, and the candidate is discarded for it."""
        return next((trial for trial in self.trials if trial.ended_by), None)

    @property
    def status(self) -> CandidateStatus:
        decision = self.decision
        if self.is_ablation and (decision is None or decision.verdict not in ("keep", "defer")):
            return "ablated"
        if decision is not None:
            if decision.verdict == "discard":
                return (
                    "failed" if self.failure is not None and decision.by != PERSON else "discarded"
                )
            return {"keep": "kept", "revise": "revised", "defer": "waiting"}[decision.verdict]  # type: ignore[return-value]
        if self.scored:
            return "provisional"
        return "running" if self.running else "queued"

    def trial_at(self, seed: int) -> Trial | None:
        """Its ok trial under a seed."""
        return next(
            (trial for trial in self.trials if trial.seed == seed and trial.status == "ok"), None
        )
