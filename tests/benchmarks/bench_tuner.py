"""The tuner against random choice over the same knobs, at equal numbers of candidates.

    python -m tests.benchmarks.bench_tuner [--seeds 8] [--candidates 30] [--tinygpt [--steps 200]
    [--first-seed 0] [--only tuner]]

On made-up losses (`tests/propose/simulated.py`) the gain is exact, without noise. With `--tinygpt`,
train.py of `experiments/tinygpt` is trained without the workbench's sandbox and audits, on the
experiment's own texts; gains are means over fresh seeds.
"""

import argparse
import contextlib
import importlib
import math
import multiprocessing
import os
import resource
import sys
import tempfile
import time
import types
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from tests.propose.simulated import Simulation, Surrogate, experiment_in, source
from workbench.experiment import Experiment
from workbench.program import Program
from workbench.propose import knobs
from workbench.propose.proposer import Brief, Proposal, Proposer
from workbench.propose.tuner import Tuner
from workbench.recognise import experiments
from workbench.records import Options


class RandomKnobs:
    """Turns one to three knobs, chosen at random, one or two steps up or down, or to another choice."""

    name = "random"

    def __init__(self, argument: str, experiment: Experiment, options: Options) -> None:
        self.rng = np.random.default_rng(options.seed)
        self.found: dict[str, dict[str, knobs.Knob]] = {}

    def propose(self, brief: Brief) -> Proposal:
        found = self.found.setdefault(brief.program.digest, knobs.find_knobs(brief.program))
        while True:
            names = self.rng.choice(
                list(found), size=min(len(found), int(self.rng.integers(1, 4))), replace=False
            )
            changes = {str(name): self.value(found[str(name)]) for name in names}
            program = knobs.turn_knobs(brief.program, found, changes)
            if program.digest not in brief.study.by_program:
                return Proposal(program=program, hypothesis="random", origin={"random": True})

    def value(self, knob: knobs.Knob) -> knobs.Value:
        if not knob.scale.is_ordered:
            return self.rng.choice(
                [value for value in knob.scale.values if value != knob.value]
            ).item()
        step = float(self.rng.choice([-2, -1, 1, 2]))
        return knob.scale.value(knob.scale.at(knob.value) + step)


def follow(
    simulation: Simulation, proposer: Proposer, candidates: int, exact: Callable[[Program], float]
) -> tuple[list[float], float]:
    """Exact gain of the incumbent over the baseline after each candidate, and the seconds that the proposals took."""
    path, seconds, start = [], 0.0, exact(simulation.programs[0])
    for _ in range(candidates):
        began = time.perf_counter()
        proposal = proposer.propose(simulation.brief())
        seconds += time.perf_counter() - began
        simulation.n_proposals += 1
        assert proposal is not None
        simulation.decide(simulation.add(proposal, proposer.name))
        path.append(start - exact(simulation.programs[simulation.study.incumbent or 0]))
    return path, seconds


def surrogates(n_seeds: int, candidates: int) -> None:
    for named in (True, False):
        names = "telling" if named else "neutral"
        print(
            f"\nmade-up losses, 18 knobs, {names} names, noise sd 0.02, {candidates} "
            f"candidates, n = {n_seeds}"
        )
        print("proposer     gain     sd    min    max   at 10   at 20  share  kept  ms/proposal")
        for maker in (Tuner, RandomKnobs):
            paths, shares, kept, seconds = [], [], [], 0.0
            for seed in range(n_seeds):
                with tempfile.TemporaryDirectory() as folder:
                    experiment = experiment_in(Path(folder), {"train.py": source(named)})
                    surrogate = Surrogate(source(named), seed)
                    simulation = Simulation(experiment, surrogate, sd=0.02, seed=seed)
                    path, took = follow(
                        simulation,
                        maker("", experiment, simulation.options),
                        candidates,
                        surrogate.exact,
                    )
                paths.append(path)
                shares.append(path[-1] / surrogate.attainable())
                kept.append(len(simulation.study.kept) - 1)
                seconds += took
            table = np.array(paths)
            gains = table[:, -1]
            print(
                f"{maker.name:10} {gains.mean():6.3f} {gains.std(ddof=1):6.3f} "
                f"{gains.min():6.3f} {gains.max():6.3f}"
                f" {table[:, min(9, candidates - 1)].mean():7.3f} "
                f"{table[:, min(19, candidates - 1)].mean():7.3f}"
                f" {np.mean(shares):6.0%} {np.mean(kept):5.1f} {1000 * seconds / table.size:12.1f}"
            )
    print(
        "gain: exact loss below the baseline's; share: of what the best value of every knob "
        "would gain; sd over the seeds"
    )


def tinygpt(seeds: range, candidates: int, steps: int, proposers: Sequence[type]) -> None:
    experiment = experiments.load("tinygpt")
    # The hidden text is built as the experiment does it; the evaluator's checks are left out, only
    # the loss is computed.
    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, str(experiment.folder))
        importlib.import_module("corpus").build(Path(folder), experiment.settings)
        val = np.fromfile(Path(folder, "val.bin"), dtype=np.uint8)
        starts = np.arange(512) * (len(val) // 512)
        windows = val[starts[:, None] + np.arange(65)].astype(np.int64)

        def score(program: Program, trial: int, first_seed: int = 1000) -> float | None:
            return isolated(
                program,
                Path(folder),
                windows,
                steps,
                first_seed + trial,
                float(experiment.settings["cpu_cap"]),
            )

        print(
            f"\ntinygpt, {steps} steps, {candidates} candidates, n = {len(seeds)}; gain: bpb "
            "below the baseline's on 3 fresh seeds",
            flush=True,
        )
        for maker in proposers:
            gains = []
            for seed in seeds:
                simulation = Simulation(
                    experiment, lambda p, t, s=seed: score(p, t, 1000 * (s + 1)), sd=0.02, seed=seed
                )
                simulation.search(maker("", experiment, simulation.options), candidates)
                best = simulation.programs[simulation.study.incumbent or 0]
                fresh = [
                    [score(program, trial, 900_000) or float("nan") for trial in range(3)]
                    for program in (simulation.programs[0], best)
                ]
                gains.append(float(np.mean(fresh[0]) - np.mean(fresh[1])))
                print(
                    f"{maker.name:10} seed {seed}: {np.mean(fresh[0]):.3f} -> "
                    f"{np.mean(fresh[1]):.3f}, gain {gains[-1]:.3f}",
                    flush=True,
                )
                for history in simulation.study.candidates[1:]:
                    mean = "failed" if history.score is None else f"{history.score:.3f}"
                    print(
                        f"    {history.number:3} {history.status:10} {mean:7} "
                        f"{len(history.trials)} {history.record.hypothesis}",
                        flush=True,
                    )
            print(
                f"{maker.name:10} n = {len(seeds)}: median gain {np.median(gains):.3f}, min "
                f"{min(gains):.3f}, max {max(gains):.3f}",
                flush=True,
            )


def isolated(
    program: Program, data: Path, windows: np.ndarray, steps: int, seed: int, cpu_seconds: float
) -> float | None:
    """Trains and scores in a process apart, so that a broken or slow candidate costs no more than its trial."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def work() -> None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        resource.setrlimit(
            resource.RLIMIT_CPU, (math.ceil(used.ru_utime + used.ru_stime + cpu_seconds),) * 2
        )
        with (
            tempfile.TemporaryDirectory() as folder,
            contextlib.redirect_stdout(None),
            contextlib.redirect_stderr(None),
        ):
            os.chdir(folder)
            module = types.ModuleType("train")
            exec(compile(program.files["train.py"], "train.py", "exec"), module.__dict__)
            task = {
                "seed": seed,
                "context": 64,
                "device": "cpu",
                "tokens": steps * 16 * 64,
                "seconds": 0.0,
                "data": str(data / "train.bin"),
            }
            module.train(task)
            answers = np.concatenate(
                [module.log_probs("weights.npz", part[:, :-1]) for part in np.split(windows, 8)]
            )
            picked = np.take_along_axis(answers, windows[:, 1:, None], axis=2)
            os.chdir("/")
            sender.send(-float(picked.mean()) / math.log(2))

    def quiet() -> None:
        with contextlib.suppress(Exception):  # a candidate that breaks is one without a score
            work()

    process = context.Process(target=quiet)
    process.start()
    sender.close()
    try:
        value = receiver.recv()
    except EOFError:
        value = None
    process.join()
    return value if value is not None and math.isfinite(value) else None


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument(
        "--first-seed",
        type=int,
        default=0,
        help="with --tinygpt, so that seeds can be run beside each other",
    )
    parser.add_argument("--candidates", type=int, default=30)
    parser.add_argument("--tinygpt", action="store_true")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--only", choices=("tuner", "random"))
    arguments = parser.parse_args()
    if arguments.tinygpt:
        chosen = [maker for maker in (Tuner, RandomKnobs) if arguments.only in (None, maker.name)]
        tinygpt(
            range(arguments.first_seed, arguments.first_seed + arguments.seeds),
            arguments.candidates,
            arguments.steps,
            chosen,
        )
    else:
        surrogates(arguments.seeds, arguments.candidates)
