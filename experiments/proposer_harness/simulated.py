"""A simulated study: a proposer changes the constants of a small program.

Each change is tried, and kept if it is clearly better.

Who proposes and who scores is given, so that it runs in the sandbox, where the tuner is the
candidate's, and beside the evaluator, where a model is asked. It has neither loop nor policy nor
journal: the same proposals and scores always give the same study.
"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workbench.experiment import Experiment, Objective
from workbench.ledger.study import Study
from workbench.program import Patch, Program
from workbench.propose.proposer import Brief, Exhausted, Proposal, Proposer
from workbench.propose.workspace import EmptyWorkspace
from workbench.records import (
    Candidate,
    Decision,
    Entry,
    Evidence,
    Options,
    ProposalFailed,
    Record,
    StudyOpened,
    Trial,
)

FILE = "train.py"
REPEATS = 2  # fresh evaluations of what looks better on its first
SURE = 1.64  # standard errors
N_INSPIRATIONS = 3
ABOUT = (
    "A program that consists of constants. Its loss is measured with noise, and depends on their "
    "values only. Keep all names and types."
)


class Broke(Exception):
    """A program has no loss; the message says why."""


class Left(EmptyWorkspace):
    """What is left of the evaluations: why one has no loss. `reasons`: of programs, by number."""

    def __init__(self, reasons: Mapping[int, str]) -> None:
        self._reasons = reasons

    def log(self, candidate: int, trial: int) -> str:
        return self._reasons.get(candidate, "")


class Simulated:
    """A study without a loop: one candidate at a time, kept if clearly better.

    Args:
        folder: an empty one. source: the program that it begins with. evaluations: how many it may
            ask for. noise: of one of them.
        options: the proposer's; `proposer` is its name. make: the proposer, of an experiment and
            options.
        score: the loss of a text, with noise; raises Broke.
    """

    def __init__(
        self,
        folder: Path,
        source: str,
        evaluations: int,
        noise: float,
        options: Options,
        make: Callable[[Experiment, Options], Proposer],
        score: Callable[[str], float],
    ) -> None:
        self.left = evaluations
        self.noise = noise
        self._score = score
        (folder / FILE).write_text(source)
        objective = Objective(name="loss", goal="minimize")
        self.experiment = Experiment(
            folder=folder,
            name="simulated",
            description=ABOUT,
            editable=(FILE,),
            objective=objective,
        )
        self.study = Study()
        self.programs = [Program({FILE: source})]
        self.asked = 0
        self.reasons: dict[int, str] = {}
        self.author, self.proposer = options.proposer, make(self.experiment, options)
        names = {
            "name": "simulated",
            "experiment": "simulated",
            "source": "",
            "experiment_digest": "",
            "shape": "call",
        }
        self._append(StudyOpened(objective=objective, options=options, **names))
        self._append(
            Candidate(candidate=0, parent=None, program=self.programs[0].digest, author="baseline")
        )
        for _ in range(1 + REPEATS):
            self._try(0)
        self._append(Decision(candidate=0, verdict="keep", by="baseline"))

    @property
    def incumbent(self) -> int:
        return self.study.incumbent or 0

    @property
    def text(self) -> str:
        """The incumbent's program."""
        return self.programs[self.incumbent].files[FILE]

    def step(self, **more: Any) -> None:
        """One proposal, tried and decided; `more` is for the brief.

        Raises:
            Exhausted: there is none any more. Unusable, ProposerFault: as the proposer does.
        """
        parent = self.incumbent
        program = self.programs[parent]
        number = len(self.programs)
        brief = Brief(
            experiment=self.experiment,
            study=self.study,
            parent=parent,
            program=program,
            number=self.asked,
            inspirations=tuple(
                [other for other in self.study.kept if other != parent][-N_INSPIRATIONS:]
            ),
            programs=self.programs.__getitem__,
            logs=lambda failed: self.reasons.get(failed, ""),
            workspace=Left(self.reasons),
            **more,
        )
        self.asked += 1
        proposal = self.proposer.propose(brief)
        if not isinstance(proposal, Proposal):
            raise Exhausted("nothing proposed")
        self.programs.append(proposal.program)
        patch = Patch.between(program, proposal.program)
        proposed = {
            "program": proposal.program.digest,
            "hypothesis": proposal.hypothesis,
            "origin": dict(proposal.origin),
        }
        self._append(
            Candidate(
                candidate=number,
                parent=parent,
                author=self.author,
                added=patch.added,
                removed=patch.removed,
                **proposed,
            )
        )
        self._decide(number, parent)

    def note(self, reason: str, origin: Mapping[str, Any]) -> None:
        """Writes down a proposal that came to nothing."""
        self._append(ProposalFailed(author=self.author, reason=reason, origin=origin))

    def _decide(self, number: int, against: int) -> None:
        """Keeps what is better by `SURE` standard errors on fresh evaluations.

        Only what looks better on its first one gets them.
        """
        reference = self.study.candidates[against]
        first = self._try(number)
        gain = None
        verdict = "discard"
        why = self.reasons.get(number, "")
        if first is not None and reference.score is not None:
            gain = reference.score - first
            why = "not better on its first evaluation"
            if gain > 0 and self.left < REPEATS:
                why = "no evaluations are left to make sure"
            elif gain > 0:
                fresh = [
                    score
                    for score in [self._try(number) for _ in range(REPEATS)]
                    if score is not None
                ]
                error = self.noise * math.sqrt(1 / REPEATS + 1 / len(reference.scored))
                gain = reference.score - sum(fresh) / REPEATS if len(fresh) == REPEATS else None
                is_better = gain is not None and gain > SURE * error
                verdict, why = (
                    ("keep", "better beyond chance")
                    if is_better
                    else ("discard", "chance alone could explain it")
                )
        self._append(
            Decision(
                candidate=number,
                verdict=verdict,
                by="tested",
                why=why,
                evidence=Evidence(against=against, effect=gain),
            )
        )

    def _try(self, number: int) -> float | None:
        self.left -= 1
        trial = len(self.study.candidates[number].trials)
        try:
            score = self._score(self.programs[number].files[FILE])
        except Broke as error:
            self.reasons[number] = str(error)
            self._append(
                Trial(candidate=number, trial=trial, seed=trial, status="failed", reason=str(error))
            )
            return None
        self._append(
            Trial(candidate=number, trial=trial, seed=trial, status="ok", score=score, device="cpu")
        )
        return score

    def _append(self, record: Record) -> None:
        self.study.apply(Entry(self.study.last_id + 1, float(self.study.last_id), record))
