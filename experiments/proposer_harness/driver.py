"""Runs in the sandbox: a simulated study in which the tuner proposes under the candidate's settings, and the evaluator scores.

A candidate may change anything in here once it runs. That gains it nothing: the evaluator counts the evaluations, and computes
itself what the program is worth that comes back.
"""

import math
import tempfile
from pathlib import Path

import settings
from workbench_evaluator import ask

from workbench.experiment import Experiment, Objective
from workbench.ledger.study import Study
from workbench.program import Patch, Program
from workbench.propose.proposer import Brief, Exhausted, Proposal
from workbench.propose.settings import made
from workbench.propose.tuner import Tuner
from workbench.records import Candidate, Decision, Entry, Evidence, Options, Record, StudyOpened, Trial

FILE = "train.py"
REPEATS = 2  # fresh evaluations of what looks better on its first
SURE = 1.64  # standard errors

ARGUMENT = made({name.lower(): value for name, value in vars(settings).items() if name.isupper()}).text()


class Simulated:
    """A study without a loop: one candidate after the other, kept if clearly better on fresh evaluations."""

    def __init__(self, folder: Path, source: str, evaluations: int, noise: float, seed: int) -> None:
        self.left, self.noise = evaluations, noise
        (folder / FILE).write_text(source)
        objective = Objective(name="loss", goal="minimize")
        self.experiment = Experiment(folder=folder, name="simulated", editable=(FILE,), objective=objective)
        self.study, self.programs, self.asked = Study(), [Program({FILE: source})], 0
        options = Options(seed=seed)
        self.proposer = Tuner(ARGUMENT, self.experiment, options)
        names = {"name": "simulated", "experiment": "simulated", "source": "", "experiment_digest": "", "shape": "call"}
        self._append(StudyOpened(objective=objective, options=options, **names))
        self._append(Candidate(candidate=0, parent=None, program=self.programs[0].digest, author="baseline"))
        for _ in range(1 + REPEATS):
            self._try(0)
        self._append(Decision(candidate=0, verdict="keep", by="baseline"))

    @property
    def incumbent(self) -> int:
        return self.study.incumbent or 0

    def step(self) -> None:
        """One proposal, tried and decided. Raises Exhausted where there is none."""
        parent, program = self.incumbent, self.programs[self.incumbent]
        proposal = self.proposer.propose(
            Brief(experiment=self.experiment, study=self.study, parent=parent, program=program, number=self.asked)
        )
        self.asked += 1
        if not isinstance(proposal, Proposal):
            raise Exhausted("nothing proposed")
        number = len(self.programs)
        self.programs.append(proposal.program)
        patch = Patch.between(program, proposal.program)
        made = {"program": proposal.program.digest, "author": "tuner", "hypothesis": proposal.hypothesis, "origin": dict(proposal.origin)}
        self._append(Candidate(candidate=number, parent=parent, added=patch.added, removed=patch.removed, **made))
        verdict = "keep" if self._is_better(number) else "discard"
        self._append(Decision(candidate=number, verdict=verdict, by="tested", evidence=Evidence(against=parent)))

    def _is_better(self, number: int) -> bool:
        reference = self.study.candidates[self.incumbent]
        first = self._try(number)
        if first is None or reference.score is None or first >= reference.score or self.left < REPEATS:
            return False
        fresh = [self._try(number) for _ in range(REPEATS)]
        known = [score for score in fresh if score is not None]
        error = self.noise * math.sqrt(1 / REPEATS + 1 / len(reference.scored))
        return len(known) == REPEATS and reference.score - sum(known) / REPEATS > SURE * error

    def _try(self, number: int) -> float | None:
        self.left -= 1
        answer = ask("score", self.programs[number].files[FILE])
        trial = len(self.study.candidates[number].trials)
        ended = {"status": "ok", "score": answer[0], "device": "cpu"} if answer else {"status": "failed", "reason": "it broke"}
        self._append(Trial(candidate=number, trial=trial, seed=trial, **ended))
        return answer[0] if answer else None

    def _append(self, record: Record) -> None:
        self.study.apply(Entry(self.study.last_id + 1, float(self.study.last_id), record))


def search(source: str, evaluations: int, noise: float, seed: int) -> str:
    """The program that a study with so many evaluations ends with."""
    with tempfile.TemporaryDirectory() as folder:
        study = Simulated(Path(folder), source, evaluations, noise, seed)
        try:
            while study.left > 0:
                study.step()
        except Exhausted:
            pass  # it has tried all that it would: what it has found counts
        return study.programs[study.incumbent].files[FILE]
