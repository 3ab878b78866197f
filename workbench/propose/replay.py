"""Replay: proposes what another study recorded, in the same order, without a model or any cost."""

from dataclasses import replace
from pathlib import Path

from workbench.errors import UsageError
from workbench.experiment import Experiment
from workbench.ledger import folder as folders
from workbench.ledger.journal import Journal
from workbench.propose.proposer import Brief, Exhausted, Proposal, Unusable
from workbench.records import Candidate, Options, ProposalFailed, Rebased


class Replay:
    """Proposes the recorded proposals of a study again.

    The argument is that study's name or folder.

    What is replayed are the candidates by a proposer and the proposals that could not be used.
    Candidates of people, the programs that the study began with, and faults of the proposer (no
    connection, say) are left out. A candidate whose parent is not in the new study starts from the
    brief's parent.

    Raises:
        StudyError: the study does not exist.
    """

    name = "replay"

    def __init__(self, argument: str, experiment: Experiment, options: Options) -> None:
        self._journal = Journal(folders.find(argument, Path.cwd()))
        self._candidates: list[Candidate] = []
        self._steps: list[Candidate | ProposalFailed] = []
        for entry in self._journal.read_entries():
            record = entry.record
            if isinstance(record, Candidate):
                self._candidates.append(record)
                if record.is_proposal:
                    self._steps.append(record)
            elif isinstance(record, Rebased) and record.program:
                self._apply_rebase(record)
            elif isinstance(record, ProposalFailed) and not record.fault and not record.final:
                self._steps.append(record)

    @classmethod
    def check(cls, argument: str, options: Options, root: Path) -> str:
        """The folder of the recorded study, whichever way it was named."""
        if not argument:
            raise UsageError("--proposer replay:STUDY needs the name or folder of a recorded study")
        return str(folders.find(argument, root).path)

    def _apply_rebase(self, rebased: Rebased) -> None:
        """Replaces a recorded candidate by its rebased program, which is the one that was tried."""
        old = self._candidates[rebased.candidate]
        new = replace(old, program=rebased.program, parent=rebased.onto)
        self._candidates[rebased.candidate] = new
        self._steps[self._steps.index(old)] = new

    def propose(self, brief: Brief) -> Proposal:
        """The next recorded step.

        The new study itself says which one that is, so a resumed replay goes on where it stopped.
        """
        index = brief.study.proposals.n_made + brief.study.proposals.n_failed
        if index >= len(self._steps):
            raise Exhausted(f"all {len(self._steps)} recorded proposals were made again")
        step = self._steps[index]
        if isinstance(step, ProposalFailed):
            raise Unusable(step.reason, step.origin)
        parent = None
        if step.parent is not None:
            parent = brief.study.by_program.get(self._candidates[step.parent].program)
        return Proposal(
            program=self._journal.read_program(step.program),
            hypothesis=step.hypothesis,
            origin=step.origin,
            parent=parent,
        )
