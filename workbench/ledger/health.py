"""Health: what has gone wrong, in a row, through no fault of a candidate's program.

It only counts. The loop decides when it is too much (`loop/limits.py`).
"""

from dataclasses import dataclass, field

from workbench.records import ProposalFailed, Trial


@dataclass
class Health:
    """Failures in a row of the evaluator, the machine and the proposer, until each works again.

    Attributes:
        evaluator_faults: trials in a row that the evaluator failed.
        evaluator_reason: why the last of them failed.
        losses: trials in a row that were lost, because the machine or a process died.
        failed_proposals: questions in a row that brought no candidate.
        proposer_faults: how many of these failed because the proposer itself did.
    """

    evaluator_faults: int = 0
    evaluator_reason: str = ""
    losses: list[Trial] = field(default_factory=list)
    failed_proposals: int = 0
    proposer_faults: int = 0

    def add_trial(self, record: Trial) -> None:
        if record.fault == "evaluator":
            self.evaluator_faults += 1
            self.evaluator_reason = record.reason
        elif record.status != "lost":
            self.evaluator_faults = 0
        # A trial that ended because its loop was stopped says nothing about the machine.
        if record.cut_off:
            return
        if record.status == "lost" and record.fault in ("loop", "process"):
            self.losses = [*self.losses, record]
        else:
            self.losses = []

    def add_failed_proposal(self, record: ProposalFailed) -> None:
        self.failed_proposals += 1
        self.proposer_faults += record.fault

    def add_candidate(self) -> None:
        """The proposer works again."""
        self._forgive_proposer()

    def forgive_trials(self) -> None:
        """A person lets trials run again, so whatever made them fail counts as repaired."""
        self.evaluator_faults = 0
        self.losses = []

    def forgive(self) -> None:
        """A person lets the study go on, so whatever went wrong counts as repaired."""
        self._forgive_proposer()
        self.forgive_trials()

    def _forgive_proposer(self) -> None:
        self.failed_proposals = 0
        self.proposer_faults = 0
