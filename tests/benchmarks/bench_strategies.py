"""Does the search help? `islands` and `frontier` against `hillclimb` and `best-of-n`, at equal trials, all with the tuner's changes.

    nice python -m tests.benchmarks.bench_strategies [--seeds 5] [--trials 120] [--only binpacking|surrogate] [--tinygpt [--steps 100]]

The policy is the real one (`tested`), every trial counts wherever it was spent, the baseline's and the incumbent's included, and
an answer that comes to nothing costs none. The gain is that of the incumbent over the baseline at the end: on bin packing on other
instances than the search saw, on the made-up losses (`tests/propose/simulated.py`) without noise, on tinygpt on fresh seeds.
Nothing runs in a sandbox: the tuner changes numbers in a source of our own.
"""

import argparse
import contextlib
import importlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.bench_tuner import isolated
from tests.propose.simulated import Surrogate, experiment_in, source
from workbench import registry
from workbench.decide.tested import Tested
from workbench.experiment import Experiment, Objective, builtin_experiments, read
from workbench.ledger.study import Study
from workbench.program import Patch, Program
from workbench.propose.proposer import Brief, Exhausted, Proposal, Unusable
from workbench.propose.tuner import Tuner
from workbench.records import Candidate, Decision, Entry, Options, ProposalFailed, Record, StudyOpened, Trial

STRATEGIES = ("islands", "frontier", "hillclimb", "best-of-n")
MAX_IN_VAIN = 25  # answers in a row that come to nothing, as in the loop

Score = Callable[[Program, int], float | None]


@dataclass
class Problem:
    """An experiment that is scored here and now, and the loss of a program that the table shows."""

    name: str
    experiment: Experiment
    score: Score
    final: Callable[[Program], float]


class Search:
    """One study: asked, tried and decided one candidate after the other until the trials are spent."""

    def __init__(self, problem: Problem, strategy: str, seed: int) -> None:
        experiment, options = problem.experiment, Options(seed=seed, strategy=strategy)
        self.problem, self.study, self.programs, self.n_trials = problem, Study(), [experiment.program()], 0
        self.strategy = registry.find("strategies", strategy)(experiment, options)
        self.tuner, self.policy = Tuner("", experiment, options), Tested(experiment, options)
        self.append(
            StudyOpened(
                name="bench", experiment=experiment.name, source="", experiment_digest="", objective=experiment.objective,
                options=options, shape=experiment.shape,
            ),
            Candidate(candidate=0, parent=None, program=self.programs[0].digest, author="baseline"),
        )  # fmt: skip
        for number, index in self.policy.opening(self.study).trials:
            self.run(number, index)
        self.append(Decision(candidate=0, verdict="keep", by="loop"))

    def append(self, *records: Record) -> None:
        last = self.study.last_id
        self.study.fold(Entry(last + place, float(last), record) for place, record in enumerate(records, 1))

    def run(self, number: int, index: int) -> None:
        seed, trial = self.study.seed(index), self.study.candidates[number].next_trial
        score = self.problem.score(self.programs[number], seed)
        self.n_trials += 1
        ended = Trial(candidate=number, trial=trial, seed=seed, status="lost" if score is None else "ok", score=score, device="cpu")
        self.append(replace(ended, status="failed", reason="no score") if score is None else ended)

    def finish(self, n_trials: int) -> None:
        in_vain = 0
        while self.n_trials < n_trials and in_vain < MAX_IN_VAIN:
            in_vain = 0 if self.propose() else in_vain + 1
            while self.study.open and self.n_trials < n_trials:
                self.judge(min(self.study.open))

    def propose(self) -> bool:
        ask = self.strategy.ask(self.study)
        brief = Brief(
            experiment=self.problem.experiment, study=self.study, parent=ask.parent, program=self.programs[ask.parent],
            inspirations=ask.inspirations, number=len(self.study.candidates) - 1 + self.study.proposals_failed,
        )  # fmt: skip
        try:
            proposal = self.tuner.propose(brief)
        except (Exhausted, Unusable) as error:  # another parent may have more
            self.append(ProposalFailed(author="tuner", reason=str(error)))
            return False
        assert proposal is not None
        self.add(ask.parent, proposal)
        return True

    def add(self, parent: int, proposal: Proposal) -> None:
        patch = Patch.between(self.programs[parent], proposal.program)
        self.programs.append(proposal.program)
        self.append(
            Candidate(
                candidate=len(self.study.candidates), parent=parent, program=proposal.program.digest, author="tuner",
                hypothesis=proposal.hypothesis, origin=dict(proposal.origin), added=patch.added, removed=patch.removed,
            )
        )  # fmt: skip

    def judge(self, number: int) -> None:
        if self.study.candidates[number].failure is not None:
            self.append(Decision(candidate=number, verdict="discard", by="loop", why="no score"))
            return
        opinion = self.policy.judge(self.study, number)
        if isinstance(opinion, Decision):
            self.append(opinion)
        else:
            for one, index in opinion.trials:
                self.run(one, index)


def table(title: str, problem_of: Callable[[int], contextlib.AbstractContextManager[Problem]], n_seeds: int, n_trials: int) -> None:
    """One row per strategy: mean and standard deviation of the final gain over seeds, and what the trials went to."""
    print(f"\n{title}; {n_trials} trials, n = {n_seeds}")
    print("strategy      gain       sd      min      max  candidates   kept  trials  seconds")
    for strategy in STRATEGIES:
        gains, rows, began = [], [], time.perf_counter()
        for seed in range(n_seeds):
            with problem_of(seed) as problem:
                search = Search(problem, strategy, seed)
                search.finish(n_trials)
                best = search.programs[search.study.incumbent or 0]
                gains.append(problem.final(search.programs[0]) - problem.final(best))
            rows.append((search.study.proposed, len(search.study.kept) - 1, search.n_trials))
        seconds = (time.perf_counter() - began) / n_seeds
        n_candidates, n_kept, spent = np.mean(rows, axis=0)
        print(
            f"{strategy:10} {np.mean(gains):7.3f}  {np.std(gains, ddof=1):7.3f}  {min(gains):7.3f}  {max(gains):7.3f}"
            f"  {n_candidates:10.1f}  {n_kept:5.1f}  {spent:6.1f}  {seconds:7.1f}",
            flush=True,
        )


@contextlib.contextmanager
def surrogate(seed: int) -> Iterator[Problem]:
    text = source(named=False)
    with tempfile.TemporaryDirectory() as folder:
        loss = Surrogate(text, seed)
        objective = Objective(name="loss", goal="minimize", max_trials=4)  # as tinygpt has
        yield Problem("surrogate", experiment_in(Path(folder), {"train.py": text}, objective), loss, loss.exact)


class BinPacking:
    """Bin packing by the experiment's own recipe and count of bins, in this process; deterministic, so each program is packed once."""

    def __init__(self, items: int = 500, count: int = 4) -> None:
        self.experiment = read(builtin_experiments()["binpacking"])
        sys.path.insert(0, str(self.experiment.folder))
        self.evaluate: Any = importlib.import_module("evaluate")
        self.instances = {seed: self.drawn(seed, items, count) for seed in (1, 7)}
        self.known: dict[tuple[str, int], float | None] = {}

    def drawn(self, seed: int, items: int, count: int) -> list[Any]:
        rng = np.random.default_rng(seed)
        return [self.evaluate.weibull(rng, items) for _ in range(count)]

    def excess(self, program: Program, seed: int) -> float | None:
        key = program.digest, seed
        if key not in self.known:
            space: dict[str, Any] = {}
            exec(program.files["heuristic.py"], space)
            bins = [self.pack(space["priority"], instance) for instance in self.instances[seed]]
            self.known[key] = None if None in bins else self.evaluate.excess(bins, self.instances[seed])
        return self.known[key]

    def pack(self, priority: Callable[[float, np.ndarray], np.ndarray], instance: Any) -> int | None:
        """Bins used; None where an answer is not a number for each bin. Empty bins beyond the first are left out: they are ranked alike."""
        room, n_used = np.full(len(instance.items), float(instance.capacity)), 0
        for item in instance.items:
            fits = np.flatnonzero(room[: n_used + 1] >= item)
            wanted = np.asarray(priority(float(item), room[fits]))
            if wanted.shape != fits.shape or np.isnan(wanted).any():
                return None
            index = int(fits[np.argmax(wanted)])
            room[index] -= item
            n_used = max(n_used, index + 1)
        return n_used

    @contextlib.contextmanager
    def problem(self, seed: int) -> Iterator[Problem]:
        yield Problem(
            "binpacking", self.experiment, lambda program, _: self.excess(program, 1), lambda program: self.excess(program, 7) or 0.0
        )


@contextlib.contextmanager
def tinygpt(seed: int, steps: int) -> Iterator[Problem]:
    experiment = read(builtin_experiments()["tinygpt"])
    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, str(experiment.folder))
        importlib.import_module("corpus").build(Path(folder), experiment.settings)
        val = np.fromfile(Path(folder, "val.bin"), dtype=np.uint8)
        windows = val[(np.arange(512) * (len(val) // 512))[:, None] + np.arange(65)].astype(np.int64)

        def score(program: Program, trial_seed: int) -> float | None:
            return isolated(program, Path(folder), windows, steps, trial_seed, float(experiment.settings["cpu_cap"]))

        def final(program: Program) -> float:
            return float(np.mean([score(program, 900_000 + trial) or float("nan") for trial in range(3)]))

        yield Problem("tinygpt", experiment, score, final)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=120)
    parser.add_argument("--only", choices=("binpacking", "surrogate"))
    parser.add_argument("--tinygpt", action="store_true", help="on real training instead; hours of CPU")
    parser.add_argument("--steps", type=int, default=100)
    arguments = parser.parse_args()
    n_seeds, n_trials = arguments.seeds, arguments.trials
    if arguments.tinygpt:
        title = f"tinygpt, {arguments.steps} steps; gain in bpb on 3 fresh seeds"
        table(title, lambda seed: tinygpt(seed, arguments.steps), n_seeds, n_trials)
    else:
        if arguments.only != "surrogate":
            table("binpacking; gain in percentage points of excess on other instances", BinPacking().problem, n_seeds, n_trials)
        if arguments.only != "binpacking":
            table("made-up losses, 18 knobs, neutral names, noise sd 0.02; exact gain", surrogate, n_seeds, n_trials)
