"""Studies without a loop: entries are folded by hand, and scores are computed, not trained."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from workbench.experiment import Experiment, Objective
from workbench.ledger.study import Study
from workbench.program import Patch, Program
from workbench.propose.proposer import Brief, Exhausted, Proposal, Proposer, Unusable
from workbench.records import (
    Candidate,
    Decision,
    Entry,
    Evidence,
    Options,
    ProposalFailed,
    StudyOpened,
    Trial,
)

# Program and number of the trial to its score; None if the candidate fails.
Score = Callable[[Program, int], float | None]


def experiment_in(
    folder: Path, files: dict[str, str], objective: Objective | None = None
) -> Experiment:
    Program(files).write(folder)
    return Experiment(
        folder=folder,
        name="toy",
        editable=tuple(files),
        objective=objective or Objective(name="loss", goal="minimize"),
    )


class Simulation:
    """A study in which one candidate after the other is proposed, scored and decided.

    A candidate is kept if it is clearly better on fresh trials.
    """

    def __init__(
        self,
        experiment: Experiment,
        score: Score,
        *,
        sd: float = 0.0,
        seed: int = 0,
        repeats: int = 3,
    ) -> None:
        self.experiment = experiment
        self.score = score
        self.sd = sd
        self.repeats = repeats
        self.study = Study()
        self.programs = [experiment.program()]
        self.options = Options(seed=seed)
        opened = StudyOpened(
            name="toy",
            experiment="toy",
            source="",
            experiment_digest="",
            objective=experiment.objective,
            options=self.options,
            shape="call",
        )
        self.append(opened)
        self.append(
            Candidate(candidate=0, parent=None, program=self.programs[0].digest, author="baseline")
        )
        for _ in range(1 + repeats):
            self.run(0)
        self.append(Decision(candidate=0, verdict="keep", by="baseline"))
        self.n_proposals = 0

    def append(self, record: Any) -> None:
        self.study.apply(Entry(self.study.last_id + 1, float(self.study.last_id), record))

    def brief(self, **more: Any) -> Brief:
        parent = self.study.incumbent or 0
        return Brief(
            experiment=self.experiment,
            study=self.study,
            parent=parent,
            program=self.programs[parent],
            number=self.n_proposals,
            **more,
        )

    def add(self, proposal: Proposal, author: str = "tuner") -> int:
        number = len(self.programs)
        parent = proposal.parent
        if parent is None:
            parent = self.study.incumbent or 0
        patch = Patch.between(self.programs[parent], proposal.program)
        self.programs.append(proposal.program)
        candidate = Candidate(
            candidate=number,
            parent=parent,
            program=proposal.program.digest,
            author=author,
            hypothesis=proposal.hypothesis,
            origin=dict(proposal.origin),
            added=patch.added,
            removed=patch.removed,
        )
        self.append(candidate)
        return number

    def run(self, number: int) -> float | None:
        trials = self.study.candidates[number].trials
        index = len(trials)
        score = self.score(self.programs[number], index)
        trial = Trial(candidate=number, trial=index, seed=index, status="failed", reason="it broke")
        if score is not None:
            trial = Trial(
                candidate=number, trial=index, seed=index, status="ok", score=score, device="cpu"
            )
        self.append(trial)
        return score

    def decide(self, number: int) -> str:
        """Runs trials of a candidate and decides, as a tested policy would.

        Returns the verdict.
        """
        incumbent = self.study.incumbent or 0
        objective = self.experiment.objective
        reference = self.study.candidates[incumbent]
        first_score = self.run(number)
        assert reference.score is not None
        verdict = "discard"
        if first_score is not None:
            gain = objective.gain(first_score, reference.score)
            if gain > 0.5 * self.sd and self._is_better(number, incumbent):
                verdict = "keep"
        evidence = Evidence(against=incumbent)
        self.append(Decision(candidate=number, verdict=verdict, by="tested", evidence=evidence))
        return verdict

    def _is_better(self, number: int, incumbent: int) -> bool:
        """Runs fresh trials of a candidate; true if they are clearly better than the incumbent."""
        objective = self.experiment.objective
        reference = self.study.candidates[incumbent]
        for _ in range(self.repeats):
            self.run(number)
        trials = self.study.candidates[number].trials[1:]
        scores = [trial.score for trial in trials if trial.score is not None]
        error = self.sd * math.sqrt(1 / len(scores) + 1 / len(reference.scored))
        gain = objective.gain(float(np.mean(scores)), reference.score)
        return gain > max(2 * error, objective.min_effect, 1e-9)

    def step(self, proposer: Proposer, **more: Any) -> Proposal | None:
        """Asks once and, where there is a proposal, decides on it."""
        try:
            proposal = proposer.propose(self.brief(**more))
        except Unusable as error:
            self.append(
                ProposalFailed(author=proposer.name, reason=str(error), origin=error.origin)
            )
            proposal = None
        self.n_proposals += 1
        if proposal is not None:
            self.decide(self.add(proposal, proposer.name))
        return proposal

    def search(self, proposer: Proposer, candidates: int) -> None:
        for _ in range(candidates):
            try:
                self.step(proposer)
            except Exhausted:
                break


NAMED = """
LEARNING_RATE = 1e-3
BATCH_SIZE = 32
N_LAYER = 3
N_EMBD = 64
N_HEAD = 4
WARMUP = 0.05
BETA1 = 0.9
BETA2 = 0.99
WEIGHT_DECAY = 0.1
DROPOUT = 0.0
INIT_STD = 0.02
GRAD_CLIP = 1.0
MLP_RATIO = 4.0
EPSILON = 1e-8
FINAL_LR = 0.1
BIAS = True
ACTIVATION = "gelu"  # one of: gelu, relu, silu
TIE_WEIGHTS = False
"""
PLAIN_NAMES = [
    "ALPHA", "BRAVO", "CHARLY", "DOG", "EASY", "FOX", "GOLF", "HAT", "IRON",
    "JAR", "KILO", "LIMA", "MIKE", "NUT", "OSCAR", "PAPA", "QUEBEC", "ROMEO",
]  # fmt: skip


def source(named: bool) -> str:
    """The same literals, with names that tell something or nothing."""
    if named:
        return NAMED
    values = [line.partition(" = ")[2] for line in NAMED.strip().split("\n")]
    lines = [f"{name} = {value}\n" for name, value in zip(PLAIN_NAMES, values, strict=True)]
    return "".join(lines)


class Surrogate:
    """A made-up loss over the values in a source.

    It has one well per knob at a random distance, pairwise interactions, and noise.
    The learning rate's well is the deepest; the other depths fall off at random. About half of the
    knobs hardly matter.
    """

    def __init__(self, text: str, seed: int, sd: float = 0.02) -> None:
        rng = np.random.default_rng(seed)
        self.sd = sd
        self.seed = seed
        self.base = _values(text)
        names = list(self.base)
        depth = 0.25 * 0.7 ** np.arange(len(names))
        rest = rng.permutation(depth[1:])
        self.depth = dict(zip(names, map(float, [depth[0], *rest]), strict=True))
        self.best = {name: float(rng.choice([-1, 1]) * rng.uniform(0.5, 2.5)) for name in names}
        if abs(self.best[names[0]]) < 1.5:
            self.best[names[0]] *= 2
        pairs = rng.choice(len(names), size=(6, 2))
        self.pairs = [(names[i], names[j], float(rng.normal(0, 0.04))) for i, j in pairs if i != j]

    def exact(self, program: Program) -> float:
        """The loss without noise; 3.5 less what was gained."""
        at = {
            name: _distance(value, self.base[name])
            for name, value in _values(program.files["train.py"]).items()
            if name in self.base
        }
        loss = 3.5
        for name, x in at.items():
            # A well that is quadratic near its bottom, and grows linearly far away.
            change = _huber(x - self.best[name]) - _huber(-self.best[name])
            loss += self.depth[name] * change / 2
        return loss + sum(size * math.tanh(at[a]) * math.tanh(at[b]) for a, b, size in self.pairs)

    def attainable(self) -> float:
        """What the best values would gain.

        That is if every one of them were within reach, and the knobs independent.
        """
        return sum(self.depth[name] * _huber(self.best[name]) / 2 for name in self.base)

    def __call__(self, program: Program, trial: int) -> float:
        rng = np.random.default_rng([int(program.digest[:8], 16), trial, self.seed])
        return float(self.exact(program)) + self.sd * float(rng.normal())


def _huber(x: float) -> float:
    """Quadratic near 0, and linear beyond 2."""
    if abs(x) < 2:
        return x * x / 2
    return 2 * abs(x) - 2


def _values(text: str) -> dict[str, Any]:
    space: dict[str, Any] = {}
    exec(text, space)
    return {name: value for name, value in space.items() if name.isupper()}


def _distance(value: Any, base: Any) -> float:
    """Steps of a factor of two from the base; 0 and 1 for flags and names."""
    if isinstance(base, bool | str):
        return float(value != base)
    if base == 0:
        return min(5.0, value / 0.05)
    if isinstance(base, float) and 0.5 < base < 1:
        return -math.log2((1 - value) / (1 - base))
    if isinstance(base, int) and base < 4:
        return float(value - base)
    return math.log2(max(value, 1e-12) / base)
