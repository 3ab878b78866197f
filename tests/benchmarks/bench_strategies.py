"""Does the search help? `islands` and `frontier` against `hillclimb` and `best-of-n`, at equal trials, all with the tuner's changes.

    nice python -m tests.benchmarks.bench_strategies [--seeds 5] [--trials 120] [--only
    binpacking|surrogate] nice python -m tests.benchmarks.bench_strategies --tinygpt [--seeds 5]
    [--trials 24] [--steps 40] [--at-a-time 2]

The policy is the real one (`tested`), every trial counts wherever it was spent, the baseline's and
the incumbent's included, and an answer that comes to nothing costs none. The gain is that of the
incumbent over the baseline at the end: on bin packing on other instances than the search saw, on
the made-up losses (`tests/propose/simulated.py`) without noise.

Bin packing and the made-up losses are asked, tried and decided here, without loop or sandbox: the
tuner changes numbers in a source of our own. With `--tinygpt` each is a whole study: real loops,
sandboxes and training, `--at-a-time` of them beside each other with one slot each; the gain is that
of an audit, on a text that no decision saw, and 0 where nothing was kept. By default it takes about
25 minutes on two quiet cores.
"""

import argparse
import contextlib
import importlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import workbench
from tests.propose.simulated import Surrogate, experiment_in, source
from workbench import registry
from workbench.decide.tested import Tested
from workbench.experiment import Experiment, Objective
from workbench.ledger import lease
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.program import Patch, Program
from workbench.propose.proposer import Brief, Exhausted, Proposal, Unusable
from workbench.propose.tuner import Tuner
from workbench.recognise import experiments
from workbench.records import (
    Candidate,
    Decision,
    Entry,
    Options,
    ProposalFailed,
    Record,
    StudyOpened,
    Trial,
)
from workbench.verbs.handle import StudyHandle

STRATEGIES = ("islands", "frontier", "hillclimb", "best-of-n")
AUDIT_TRIALS = 3  # of incumbent and baseline each
POLL_SECONDS, SILENT_SECONDS = 0.2, 300.0
SMALL = {"profile": "cpu", "train_mb": 1, "windows": 256, "audited": 128}  # of tinygpt
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
    """One study.

    Asked, tried and decided one candidate after the other until the trials are spent.
    """

    def __init__(self, problem: Problem, strategy: str, seed: int) -> None:
        experiment, options = problem.experiment, Options(seed=seed, strategy=strategy)
        self.problem, self.study, self.programs, self.n_trials = (
            problem,
            Study(),
            [experiment.program()],
            0,
        )
        self.strategy = registry.find("strategies", strategy)(experiment, options)
        self.tuner, self.policy = Tuner("", experiment, options), Tested(experiment, options)
        self.append(
            StudyOpened(
                name="bench",
                experiment=experiment.name,
                source="",
                experiment_digest="",
                objective=experiment.objective,
                options=options,
                shape=experiment.shape,
            ),
            Candidate(candidate=0, parent=None, program=self.programs[0].digest, author="baseline"),
        )
        for number, index in self.policy.opening(self.study).trials:
            self.run(number, index)
        self.append(Decision(candidate=0, verdict="keep", by="loop"))

    def append(self, *records: Record) -> None:
        last = self.study.last_id
        self.study.fold(
            Entry(last + place, float(last), record) for place, record in enumerate(records, 1)
        )

    def run(self, number: int, index: int) -> None:
        seed, trial = self.study.seed(index), self.study.candidates[number].next_trial
        score = self.problem.score(self.programs[number], seed)
        self.n_trials += 1
        ended = Trial(
            candidate=number,
            trial=trial,
            seed=seed,
            status="lost" if score is None else "ok",
            score=score,
            device="cpu",
        )
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
            experiment=self.problem.experiment,
            study=self.study,
            parent=ask.parent,
            program=self.programs[ask.parent],
            inspirations=ask.inspirations,
            number=len(self.study.candidates) - 1 + self.study.proposals.n_failed,
        )
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
                candidate=len(self.study.candidates),
                parent=parent,
                program=proposal.program.digest,
                author="tuner",
                hypothesis=proposal.hypothesis,
                origin=dict(proposal.origin),
                added=patch.added,
                removed=patch.removed,
            )
        )

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


@dataclass(frozen=True)
class Outcome:
    """What one study came to: its gain, and what the trials went to."""

    gain: float
    n_candidates: int
    n_kept: int
    n_trials: int
    seconds: float


def table(
    title: str,
    outcomes: Callable[[str], Sequence[Outcome]],
    strategies: Sequence[str],
    n_trials: int,
    n_seeds: int,
) -> None:
    """One row per strategy.

    Mean and standard deviation of the final gain over seeds, and what the trials went to.
    """
    print(f"\n{title}; {n_trials} trials, n = {n_seeds}")
    print("strategy      gain       sd      min      max  candidates   kept  trials  seconds")
    for strategy in strategies:
        found = outcomes(strategy)
        gains = [outcome.gain for outcome in found]
        n_candidates, n_kept, spent, seconds = np.mean(
            [
                (outcome.n_candidates, outcome.n_kept, outcome.n_trials, outcome.seconds)
                for outcome in found
            ],
            axis=0,
        )
        sd = np.std(gains, ddof=1) if len(gains) > 1 else float("nan")
        print(
            f"{strategy:10} {np.mean(gains):7.3f}  {sd:7.3f}  {min(gains):7.3f}  {max(gains):7.3f}"
            f"  {n_candidates:10.1f}  {n_kept:5.1f}  {spent:6.1f}  {seconds:7.1f}",
            flush=True,
        )


def searched(
    problem_of: Callable[[int], contextlib.AbstractContextManager[Problem]],
    strategy: str,
    seed: int,
    n_trials: int,
) -> Outcome:
    """A search in this process."""
    began = time.perf_counter()
    with problem_of(seed) as problem:
        search = Search(problem, strategy, seed)
        search.finish(n_trials)
        best = search.programs[search.study.incumbent or 0]
        gain = problem.final(search.programs[0]) - problem.final(best)
    return Outcome(
        gain,
        search.study.proposals.n_made,
        len(search.study.kept) - 1,
        search.n_trials,
        time.perf_counter() - began,
    )


@contextlib.contextmanager
def surrogate(seed: int) -> Iterator[Problem]:
    text = source(named=False)
    with tempfile.TemporaryDirectory() as folder:
        loss = Surrogate(text, seed)
        objective = Objective(name="loss", goal="minimize", max_trials=4)  # as tinygpt has
        yield Problem(
            "surrogate",
            experiment_in(Path(folder), {"train.py": text}, objective),
            loss,
            loss.exact,
        )


class BinPacking:
    """Bin packing by the experiment's own recipe and count of bins, in this process.

    Deterministic, so each program is packed once.
    """

    def __init__(self, items: int = 500, count: int = 4) -> None:
        self.experiment = experiments.load("binpacking")
        sys.path.insert(0, str(self.experiment.folder))
        self.evaluate, self.recipes = (
            importlib.import_module(name) for name in ("evaluate", "instances")
        )
        self.instances = {seed: self.drawn(seed, items, count) for seed in (1, 7)}
        self.known: dict[tuple[str, int], float | None] = {}

    def drawn(self, seed: int, items: int, count: int) -> list[Any]:
        rng = np.random.default_rng(seed)
        return [self.recipes.weibull(rng, items) for _ in range(count)]

    def excess(self, program: Program, seed: int) -> float | None:
        key = program.digest, seed
        if key not in self.known:
            space: dict[str, Any] = {}
            exec(program.files["heuristic.py"], space)
            bins = [self.pack(space["priority"], instance) for instance in self.instances[seed]]
            self.known[key] = (
                None if None in bins else self.evaluate.excess(bins, self.instances[seed])
            )
        return self.known[key]

    def pack(
        self, priority: Callable[[float, np.ndarray], np.ndarray], instance: Any
    ) -> int | None:
        """Bins used.

        None where an answer is not a number for each bin. Empty bins beyond the first are left out:
        they are ranked alike.
        """
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
            "binpacking",
            self.experiment,
            lambda program, _: self.excess(program, 1),
            lambda program: self.excess(program, 7) or 0.0,
        )


def studied(
    root: Path, settings: dict[str, Any], strategy: str, seed: int, n_trials: int
) -> Outcome:
    """A whole study of tinygpt by a loop of its own, stopped at its `n_trials`-th trial, and then audited."""
    began = time.perf_counter()
    name = f"{strategy}-{seed}"
    study = workbench.start(
        "tinygpt",
        study=name,
        root=root,
        strategy=strategy,
        seed=seed,
        candidates=0,
        slots=1,
        settings=settings,
    )
    try:
        _follow(study, lambda now: now.state != "running" or _n_ended(now) >= n_trials)
    finally:
        with Journal(study.folder) as journal:
            journal.file_request("stop", {"reason": f"{n_trials} trials are spent"})
    _follow(study, lambda now: now.state != "running" and lease.find_holder(study.folder) is None)
    now = study.study
    if now.fault or (_n_ended(now) < n_trials and now.state != "finished"):
        raise RuntimeError(f"{name} did not get to its end: {now.state}, {now.reason}")
    gain = 0.0
    if now.incumbent:
        audit = study.audit(AUDIT_TRIALS)
        assert audit is not None
        gain = audit.data["gain"]
    return Outcome(
        gain, now.proposals.n_made, len(now.kept) - 1, _n_ended(now), time.perf_counter() - began
    )


def _follow(study: StudyHandle, is_enough: Callable[[Study], bool]) -> None:
    """Waits until the study is so.

    Raises TimeoutError where nothing was written down for `SILENT_SECONDS`.
    """
    seen, since = -1, time.monotonic()
    while not is_enough(now := study.study):
        if now.last_id != seen:
            seen, since = now.last_id, time.monotonic()
        if time.monotonic() - since > SILENT_SECONDS:
            raise TimeoutError(
                f"{study.name}: nothing has happened for {SILENT_SECONDS:g} s; see "
                f"{study.folder.loop_log}"
            )
        time.sleep(POLL_SECONDS)


def _n_ended(study: Study) -> int:
    """Trials that came to an end of their own, a failure included."""
    return sum(
        trial.status not in ("killed", "lost")
        for history in study.candidates
        for trial in history.trials
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, help="120; of tinygpt 24")
    parser.add_argument("--only", choices=("binpacking", "surrogate"))
    parser.add_argument(
        "--tinygpt", action="store_true", help="whole studies of real training instead"
    )
    parser.add_argument("--steps", type=int, default=40, help="of tinygpt's training")
    parser.add_argument(
        "--at-a-time", type=int, default=2, help="studies of tinygpt beside each other"
    )
    parser.add_argument(
        "--strategies", nargs="+", choices=STRATEGIES, help="all; of tinygpt all but frontier"
    )
    arguments = parser.parse_args()
    seeds = range(arguments.seeds)
    if arguments.tinygpt:
        n_trials, settings = arguments.trials or 24, {**SMALL, "steps": arguments.steps}
        with (
            tempfile.TemporaryDirectory() as folder,
            ThreadPoolExecutor(arguments.at_a_time) as pool,
        ):

            def training(strategy: str) -> list[Outcome]:
                return list(
                    pool.map(
                        lambda seed: studied(Path(folder), settings, strategy, seed, n_trials),
                        seeds,
                    )
                )

            chosen = arguments.strategies or [name for name in STRATEGIES if name != "frontier"]
            title = (
                f"tinygpt, {arguments.steps} steps, whole studies; "
                f"gain in bpb by an audit of {AUDIT_TRIALS} trials"
            )
            table(title, training, chosen, n_trials, len(seeds))
    else:
        n_trials, chosen = arguments.trials or 120, arguments.strategies or STRATEGIES
        problems: dict[
            str, tuple[str, Callable[[int], contextlib.AbstractContextManager[Problem]]]
        ] = {
            "binpacking": (
                "binpacking; gain in percentage points of excess on other instances",
                BinPacking().problem,
            ),
            "surrogate": (
                "made-up losses, 18 knobs, neutral names, noise sd 0.02; exact gain",
                surrogate,
            ),
        }
        for name, (title, problem_of) in problems.items():
            if arguments.only in (None, name):

                def searching(strategy: str, problem_of: Any = problem_of) -> list[Outcome]:
                    return [searched(problem_of, strategy, seed, n_trials) for seed in seeds]

                table(title, searching, chosen, n_trials, len(seeds))
