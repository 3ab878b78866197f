"""How often does each policy keep noise, and how often does it find what is truly better?

    python -m tests.benchmarks.bench_gate [--studies 200] [--candidates 125] [--quick] [--units]

The policies themselves judge simulated studies: every score is a made-up number with noise of
standard deviation 1, every trial and decision a record that is folded into a study. A trial counts
wherever it was spent, the baseline's and the incumbent's included.
`win once, then 3 fresh runs` is the rule that people reach for: better than the incumbent once,
    then three fresh
runs that beat it clearly (`Thrice`).

With `--units` only the tables of scores that are means of per-unit observations; about a minute.
"""

import argparse
import itertools
import math
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from workbench.decide.greedy import Greedy
from workbench.decide.policy import Policy, Wanted
from workbench.decide.tested import Tested
from workbench.experiment import Experiment
from workbench.ledger.study import Study
from workbench.records import Candidate, Decision, Entry, Evidence, Options, Record, Trial, Verdict
from workbench.testing import experiment_for_tests, opening

Make = Callable[[Experiment, Options], Policy]
Noise = Callable[[random.Random], float]


class Thrice:
    """Better than the incumbent's mean once, then better by two standard errors (the baseline's spread) in the mean of three fresh runs."""

    name = "thrice"

    def __init__(self, experiment: Experiment, options: Options) -> None:
        self._objective = experiment.objective

    def opening(self, study: Study) -> Wanted:
        return Wanted(tuple((0, index) for index in range(3)))

    def judge(self, study: Study, candidate: int) -> Decision | Wanted:
        incumbent, trials = (
            study.candidates[study.require_incumbent()],
            study.candidates[candidate].trials,
        )
        best, sd = incumbent.score, study.candidates[0].spread
        assert best is not None
        assert sd is not None
        gains = [
            self._objective.gain(trial.score, best) for trial in trials if trial.score is not None
        ]
        if not gains or (gains[0] > 0 and len(gains) < 4):
            return Wanted(((candidate, len(gains)),))
        kept = gains[0] > 0 and sum(gains[1:]) / 3 > 2 * sd * math.sqrt(
            1 / 3 + 1 / len(incumbent.trials)
        )
        verdict: Verdict = "keep" if kept else "discard"
        return Decision(
            candidate=candidate,
            verdict=verdict,
            by=self.name,
            evidence=Evidence(against=incumbent.number),
        )


@dataclass(frozen=True)
class World:
    """What there is to be found, and how scores vary: `effects` are those of the candidates on their parents, above 0 is better.

    Attributes:
        shared: correlation of two programs' scores under one seed. wilder: a candidate's standard
            deviation over the baseline's.
        idle: so many candidates come first that score under each seed as the baseline does. wild:
            so many that are thirty times as noisy.
        units: how many observations a score is the mean of; 0 for none. Two programs' scores under
            one seed then differ with a standard deviation of 1, which the units explain; items vary
            ten times as much from seed to seed.
        between: standard deviation that the seeds add to such a difference. passes: a unit is 1 or
            0.
    """

    effects: Callable[[random.Random], Sequence[float]]
    noise: Noise = lambda rng: rng.gauss(0.0, 1.0)
    shared: float = 0.0
    wilder: float = 1.0
    idle: int = 0
    wild: int = 0
    units: int = 0
    between: float = 0.0
    passes: bool = False


@dataclass(frozen=True)
class Judged:
    """A candidate with the effect that it truly had on its parent, and what became of it."""

    effect: float
    kept: bool
    trials: int


@dataclass
class Outcome:
    """One study.

    Its candidates, the trials that it cost, and how much better its incumbent is than its baseline.
    """

    judged: list[Judged] = field(default_factory=list)
    trials: int = 0
    progress: float = 0.0

    @property
    def false_keeps(self) -> int:
        return sum(one.kept and one.effect <= 0 for one in self.judged)


class Simulation:
    """One study under way: the fold of the records so far, and the truth behind them."""

    def __init__(self, make: Make, experiment: Experiment, world: World, seed: int) -> None:
        self.study, self._world, self._rng, self._seed = Study(), world, random.Random(seed), seed
        self._ids, self._truth = itertools.count(1), [0.0]
        self._common: dict[int, float] = {}
        self._idle: dict[int, float] = {}
        options = Options(seed=seed)
        self._policy = make(experiment, options)
        for record in opening(experiment, options):
            self._write(record)

    def play(self) -> Outcome:
        """Candidate after candidate, until all are decided."""
        outcome = Outcome()
        for number, index in self._policy.opening(self.study).trials:
            self._run(number, index)
        self._write(Decision(candidate=0, verdict="keep", by="loop"))
        for _ in range(self._world.idle + self._world.wild):
            outcome.judged.append(self._judge(0.0))
        for effect in self._world.effects(self._rng):
            outcome.judged.append(self._judge(effect))
        outcome.trials, outcome.progress = (
            self.study.costs.n_trials,
            self._truth[self.study.require_incumbent()],
        )
        return outcome

    def _judge(self, effect: float) -> Judged:
        number, parent = len(self.study.candidates), self.study.require_incumbent()
        self._truth.append(self._truth[parent] + effect)
        self._write(
            Candidate(
                candidate=number, parent=parent, program=f"{number:064d}", author="bench", added=1
            )
        )
        while isinstance(opinion := self._policy.judge(self.study, number), Wanted):
            self._run(*opinion.trials[0])
        self._write(opinion)
        return Judged(effect, opinion.verdict == "keep", len(self.study.candidates[number].trials))

    def _run(self, number: int, index: int) -> None:
        world, under = self._world, self.study.seed(index)
        trial = len(self.study.candidates[number].trials)
        if world.units:
            units = self._units(number, under)
            self._write(
                Trial(
                    candidate=number,
                    trial=trial,
                    seed=under,
                    status="ok",
                    score=statistics.fmean(units),
                    units=units,
                )
            )
            return
        common = self._common.setdefault(
            under, random.Random(f"{self._seed}/{under}").gauss(0.0, 1.0)
        )
        noise = (
            math.sqrt(1 - world.shared) * world.noise(self._rng) + math.sqrt(world.shared) * common
        )
        score = -self._truth[number] + (world.wilder if number else 1.0) * noise
        if number <= world.idle:
            score = self._idle.setdefault(under, score)
        elif number <= world.idle + world.wild:
            score *= 30
        self._write(Trial(candidate=number, trial=trial, seed=under, status="ok", score=score))

    def _units(self, number: int, under: int) -> tuple[float, ...]:
        world, items, scale = (
            self._world,
            random.Random(f"{self._seed}/{under}"),
            math.sqrt(self._world.units / 2),
        )
        middle = self._rng.gauss(0.0, world.between / math.sqrt(2)) - self._truth[number]
        values = (
            middle + scale * (world.noise(self._rng) + 10 * items.gauss(0.0, 1.0))
            for _ in range(world.units)
        )
        return tuple(float(value > 0) for value in values) if world.passes else tuple(values)

    def _write(self, record: Record) -> None:
        number = next(self._ids)
        self.study.apply(Entry(number, float(number), record))


@dataclass(frozen=True)
class Bench:
    """Plays `n` studies of a kind and prints what came of them."""

    experiment: Experiment
    n: int
    candidates: int

    def studies(self, make: Make, world: World) -> list[Outcome]:
        return [Simulation(make, self.experiment, world, seed).play() for seed in range(self.n)]

    def noise(self, label: str, make: Make, **changes: Any) -> None:
        outcomes = self.studies(make, World(lambda rng: [0.0] * self.candidates, **changes))
        false = [outcome.false_keeps for outcome in outcomes]
        trials = [outcome.trials / self.candidates for outcome in outcomes]
        studies = f"{sum(map(bool, false))} of {self.n}"
        print(
            f"{label:<38}{_mean(false, 3):>16}{max(false):>8}{studies:>16}{statistics.mean(trials):>10.2f} ± {_sd(trials):.2f}"
        )

    def power(
        self, label: str, size: float, place: Callable[[random.Random], int], **changes: Any
    ) -> None:
        """One winner per study, after as many candidates without effect as `place` says.

        The study ends with it.
        """
        outcomes = self.studies(Tested, World(lambda rng: [*[0.0] * place(rng), size], **changes))
        last = [outcome.judged[-1] for outcome in outcomes]
        spent = [one.trials for one in last if one.kept]
        lost = [one.trials for one in last if not one.kept]
        share = statistics.mean(one.kept for one in last)
        cost = f"{statistics.mean(spent):.1f} ± {_sd(spent):.1f}" if spent else "-"
        given_up = f"{statistics.mean(lost):.1f}" if lost else "-"
        print(
            f"{label:<38}{100 * share:>8.1f} ± "
            f"{100 * math.sqrt(share * (1 - share) / self.n):.1f} %{cost:>16}{given_up:>14}"
        )

    def mix(self, label: str, make: Make, **changes: Any) -> None:
        def effects(rng: random.Random) -> list[float]:
            return [
                rng.uniform(0.5, 3.0) if rng.random() < 0.05 else 0.0
                for _ in range(self.candidates)
            ]

        outcomes = self.studies(make, World(effects, **changes))
        judged = [one for outcome in outcomes for one in outcome.judged]
        kept, real = [one for one in judged if one.kept], [one for one in judged if one.effect > 0]
        false = sum(one.effect <= 0 for one in kept)
        found = [
            f"{100 * statistics.mean(one.kept for one in real if low <= one.effect < low + 1):.0f}"
            for low in (0.0, 1.0, 2.0)
        ]
        trials = statistics.mean(outcome.trials / self.candidates for outcome in outcomes)
        progress = [outcome.progress for outcome in outcomes]
        share = f"{false} of {len(kept)} = {100 * false / max(1, len(kept)):.1f} %"
        print(
            f"{label:<38}{share:>24}{' / '.join(found):>16}{trials:>10.2f}{_mean(progress, 2):>18}"
        )


def _mean(values: Sequence[float], digits: int) -> str:
    return (
        f"{statistics.mean(values):.{digits}f} ± {_sd(values) / math.sqrt(len(values)):.{digits}f}"
    )


def _sd(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


def heavy_tailed(rng: random.Random) -> float:
    """Student's t with 4 degrees of freedom, scaled to a standard deviation of 1."""
    return rng.gauss(0.0, 1.0) / math.sqrt(rng.gammavariate(2.0, 0.5)) / math.sqrt(2.0)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--candidates", type=int, default=125)
    parser.add_argument("--quick", action="store_true", help="a tenth of the studies")
    parser.add_argument(
        "--units", action="store_true", help="only the tables of per-unit observations"
    )
    arguments = parser.parse_args()
    n = max(2, arguments.studies // 10) if arguments.quick else arguments.studies
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(experiment_for_tests(Path(folder)), n, arguments.candidates)
        if not arguments.units:
            report(bench)
        report_units(
            Bench(
                experiment_for_tests(Path(folder), noise="units"),
                max(2, n // 4),
                arguments.candidates,
            )
        )
    objective = bench.experiment.objective
    print(
        f"\nerror_rate {objective.error_rate:g}, max_trials {objective.max_trials}, min_effect "
        f"{objective.min_effect:g}; ",
        end="",
    )
    print(f"{time.monotonic() - began:.0f} s")


def report(bench: Bench) -> None:
    n, many = bench.n, bench.candidates
    print(f"A/A: {n} studies of {many} candidates without effect; noise sd 1")
    print(
        f"{'':<38}{'false keeps':>16}{'at most':>8}{'studies hit':>16}{'trials per candidate':>23}"
    )
    bench.noise("greedy", Greedy)
    bench.noise("win once, then 3 fresh runs", Thrice)
    bench.noise("tested", Tested)
    bench.noise("tested, heavy tails (t, 4 df)", Tested, noise=heavy_tailed)
    bench.noise("tested, candidates' sd doubled", Tested, wilder=2.0)
    bench.noise("tested, seeds correlated 0.9", Tested, shared=0.9)
    bench.noise("tested, after 20 that change nothing", Tested, idle=20)

    power = replace(bench, n=2 * n)
    print(
        f"\nPower of tested: {2 * n} studies with one winner each, first of all or after 0 to "
        f"{many - 1} candidates without effect"
    )
    print(f"{'':<38}{'kept':>16}{'its trials, kept':>18}{'not kept':>12}")
    for size in (1.0, 2.0, 3.0):
        power.power(f"{size:g} sd, anywhere", size, lambda rng: rng.randrange(many))
    for size in (2.0, 3.0):
        power.power(f"{size:g} sd, the first candidate", size, lambda rng: 0)
    power.power("3 sd, after one with 30 times the sd", 3.0, lambda rng: rng.randrange(10), wild=1)
    power.power("1 sd, anywhere, seeds corr. 0.9", 1.0, lambda rng: rng.randrange(many), shared=0.9)

    print(
        f"\nMix: {n} studies of {many} candidates, 5 % with an effect of 0.5 to 3 sd on their "
        "parent, the others with none"
    )
    print(f"{'':<38}{'false keeps':>24}{'found, %*':>16}{'trials':>10}{'progress, sd':>18}")
    bench.mix("greedy", Greedy)
    bench.mix("win once, then 3 fresh runs", Thrice)
    bench.mix("tested", Tested)
    print(
        "* of effects from 0.5 to 1 / 1 to 2 / 2 to 3 sd; trials per candidate; ± is the "
        "standard error, after trials the sd"
    )


def report_units(bench: Bench, units: int = 50) -> None:
    n, many = bench.n, bench.candidates
    print(
        f"\nUnits, A/A: {n} studies of {many} candidates without effect; {units} units per "
        "trial, standard error of one trial's gain 1"
    )
    print(
        f"{'':<38}{'false keeps':>16}{'at most':>8}{'studies hit':>16}{'trials per candidate':>23}"
    )
    bench.noise("greedy", Greedy, units=units)
    bench.noise("tested", Tested, units=units)
    bench.noise("tested, heavy tails (t, 4 df)", Tested, units=units, noise=heavy_tailed)
    bench.noise("tested, units pass or fail", Tested, units=units, passes=True)
    bench.noise("tested, seeds add as much (sd 1)", Tested, units=units, between=1.0)
    bench.noise("tested, seeds add more (sd 3)", Tested, units=units, between=3.0)
    print(
        f"\nUnits, power of tested: {n} studies with one winner each, after 0 to {many - 1} "
        "candidates without effect"
    )
    print(f"{'':<38}{'kept':>16}{'its trials, kept':>18}{'not kept':>12}")
    for size in (1.0, 2.0, 3.0):
        bench.power(
            f"{size:g} standard errors of one trial",
            size,
            lambda rng: rng.randrange(many),
            units=units,
        )


if __name__ == "__main__":
    main()
