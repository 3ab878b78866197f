"""CandidateHistory: a candidate, and everything that the journal says about it."""

from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from workbench.ledger.repeats import standard_deviation
from workbench.records import (
    FAILURES,
    PERSON,
    Candidate,
    Decision,
    Rebased,
    Reproduction,
    Trial,
    TrialStarted,
    Verdict,
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
STATUSES: tuple[CandidateStatus, ...] = (
    *OPEN,
    "kept",
    "discarded",
    "failed",
    "revised",
    "ablated",
)
STATUS_BY_VERDICT: dict[Verdict, CandidateStatus] = {
    "keep": "kept",
    "discard": "discarded",
    "revise": "revised",
    "defer": "waiting",
}


class Note(NamedTuple):
    """What a person noted about a candidate.

    Attributes:
        at: Unix time at which the loop adopted it.
        author: who wrote it.
        text: what it says.
    """

    at: float
    author: str
    text: str


@dataclass
class CandidateHistory:
    """Everything that the journal says about one candidate.

    Attributes:
        record: the candidate as it is tried.
        at: Unix time at which it was added.
        trials: trials of the search that have ended.
        audits: trials of examinations that have ended. No decision of the search sees them.
        running: trials that have started and not ended, by number.
        decisions: all decisions about it, oldest first.
        reproductions: what came of running it again from an exported notebook.
        question: number of the question that it answers. In early studies, and for what no proposer
            made, it counts the candidates and failed proposals before it, without the baseline.
        cleared: whether a person let it run (`review = all`).
        pinned: whether a person pinned it.
        notes: what people noted about it, oldest first.
        rebased: what happened when the incumbent last changed before its first trial.
        proposed: the candidate as it was proposed, before any rebase.
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
    notes: list[Note] = field(default_factory=list)
    rebased: Rebased | None = None
    proposed: Candidate = field(init=False)

    def __post_init__(self) -> None:
        self.proposed = self.record

    @property
    def number(self) -> int:
        return self.record.candidate

    @property
    def decision(self) -> Decision | None:
        """The decision in force: the last one, unless it is a question that was answered."""
        if not self.decisions:
            return None
        last = self.decisions[-1]
        # With `review = all` a person is asked whether to run it at all.
        is_answered = last.before_run and self.cleared
        return None if is_answered else last

    @property
    def is_ablation(self) -> bool:
        """True if an ablation made it from a kept program. The policy does not judge it."""
        return self.record.without is not None

    @property
    def is_vetoed(self) -> bool:
        """True if a person discarded it, or kept only some of its hunks."""
        decision = self.decision
        return (
            decision is not None
            and decision.by.startswith(PERSON)
            and decision.verdict in ("discard", "revise")
        )

    @property
    def was_tested(self) -> bool:
        """True if a decision about it rests on a counted statistical test."""
        return any(decision.evidence.alpha is not None for decision in self.decisions)

    @property
    def next_trial(self) -> int:
        """Number of its next trial."""
        return len(self.trials) + len(self.audits) + len(self.running)

    @property
    def scored(self) -> list[Trial]:
        """Its ok trials, in order."""
        return [trial for trial in self.trials if trial.status == "ok"]

    @property
    def scores(self) -> list[float]:
        """The scores of its ok trials, in order."""
        return [trial.score for trial in self.trials if trial.score is not None]

    @property
    def unbiased_scores(self) -> list[float]:
        """The scores that tell about the noise.

        A candidate gets repeats because its first score was good, so that one counts only for the
        baseline, which is repeated anyway.
        """
        return self.scores if self.number == 0 else self.scores[1:]

    @property
    def score(self) -> float | None:
        """Mean of its scores; None while it has none."""
        scores = self.scores
        return sum(scores) / len(scores) if scores else None

    @property
    def spread(self) -> float | None:
        """Standard deviation of its scores; None for fewer than two."""
        return standard_deviation(self.scores)

    @property
    def flags(self) -> tuple[str, ...]:
        """What is odd about it, or about the row of the log that it was read from.

        Early imports kept the flags of a row in its origin.
        """
        return tuple(self.record.flags or self.record.origin.get("flags", ()))

    @property
    def failure(self) -> Trial | None:
        """The trial in which its program failed; one that was lost or stopped is not a failure."""
        return next((trial for trial in self.trials if trial.status in FAILURES), None)

    @property
    def ended_early(self) -> Trial | None:
        """The trial that the cascade or the curve ended; the candidate is discarded for it."""
        return next((trial for trial in self.trials if trial.ended_by), None)

    @property
    def status(self) -> CandidateStatus:
        decision = self.decision
        if self.is_ablation and (decision is None or decision.verdict not in ("keep", "defer")):
            return "ablated"
        if decision is None:
            if self.scored:
                return "provisional"
            return "running" if self.running else "queued"
        if decision.verdict == "discard" and self.failure is not None and decision.by != PERSON:
            return "failed"
        return STATUS_BY_VERDICT[decision.verdict]

    def find_trial(self, seed: int) -> Trial | None:
        """Returns its ok trial under a seed."""
        for trial in self.trials:
            if trial.seed == seed and trial.status == "ok":
                return trial
        return None

    def end_trial(self, record: Trial) -> None:
        """Takes in the end of a trial."""
        self.running.pop(record.trial, None)
        if record.purpose:
            self.audits.append(record)
        else:
            self.trials.append(record)

    def rebase(self, record: Rebased) -> None:
        """Takes in an attempt to move its change onto a new incumbent."""
        self.rebased = record
        self.record = replace(self.record, flags=record.flags)
        # Without a program the change did not apply there: the candidate is tried as it was.
        if record.program:
            self.record = replace(
                self.record,
                parent=record.onto,
                program=record.program,
                added=record.added,
                removed=record.removed,
                normal=record.normal,
            )
