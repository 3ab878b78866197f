"""Replay: proposes again what another study recorded, without a model: the same programs in the same order, at no cost."""

from dataclasses import replace
from pathlib import Path

from workbench.experiment import Experiment
from workbench.ledger import folder as folders
from workbench.ledger.journal import Journal
from workbench.propose.proposer import Brief, Exhausted, Proposal, Unusable
from workbench.records import Candidate, Options, ProposalFailed, Rebased


class Replay:
    """The argument is the recorded study: its name, or its folder.

    Recorded are candidates by a proposer, and proposals that came to nothing; what a person made or the study began with,
    and faults of the proposer (no connection, say), are not. A candidate whose parent is not in the new study starts from the brief's.

    Raises:
        StudyError: there is no such study.
    """

    name = "replay"

    def __init__(self, argument: str, experiment: Experiment, options: Options) -> None:
        self._journal = Journal(folders.find(argument, Path.cwd()))
        self._candidates: list[Candidate] = []
        self._steps: list[Candidate | ProposalFailed] = []
        for entry in self._journal.entries():
            record = entry.record
            if isinstance(record, Candidate):
                self._candidates.append(record)
                if record.is_proposal:
                    self._steps.append(record)
            elif (
                isinstance(record, Rebased) and record.program
            ):  # what was tried is what is proposed again
                old = self._candidates[record.candidate]
                new = self._candidates[record.candidate] = replace(
                    old, program=record.program, parent=record.onto
                )
                self._steps[self._steps.index(old)] = new
            elif isinstance(record, ProposalFailed) and not record.fault and not record.final:
                self._steps.append(record)

    def propose(self, brief: Brief) -> Proposal:
        """The next recorded step; which one, the new study itself says, so that a resumed replay goes on where it was."""
        at = brief.study.proposed + brief.study.proposals_failed
        if at >= len(self._steps):
            raise Exhausted(f"all {len(self._steps)} recorded proposals were made again")
        step = self._steps[at]
        if isinstance(step, ProposalFailed):
            raise Unusable(step.reason, step.origin)
        parent = (
            brief.study.by_program.get(self._candidates[step.parent].program)
            if step.parent is not None
            else None
        )
        return Proposal(
            program=self._journal.program(step.program),
            hypothesis=step.hypothesis,
            origin=step.origin,
            parent=parent,
        )
