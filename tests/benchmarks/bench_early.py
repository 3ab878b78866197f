"""What ending trials early saves, and which good candidates it costs: the cascade on bin packing, the early stop on tinygpt.

    nice python -m tests.benchmarks.bench_early [--only binpacking|tinygpt] [--seeds 1]

Every program is run whole, once per seed, and the rules are applied to what was recorded, so that
all are compared on the same trials. A good one is better than the incumbent by `min_effect` or more
on its own trial; the rest counts as bad. Saved is the time from where a trial would have been ended
to its end, over the time of all trials.
"""

import argparse
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from tests.benchmarks.tinygpt_changes import EDITS, Change, knob
from workbench.decide.early_stop import EarlyStop
from workbench.decide.screen import stages
from workbench.evaluate.executor import Points
from workbench.evaluate.single_trial import run_trial
from workbench.experiment import EarlyStop as Rule
from workbench.experiment import Experiment
from workbench.ledger.curves import Curve
from workbench.ledger.study import Study
from workbench.program import Program
from workbench.recognise import experiments
from workbench.records import Candidate, Decision, Entry, Evidence, Record, Trial
from workbench.testing import opening

WIDER: tuple[Change, ...] = (
    *(knob("LEARNING_RATE = 1e-3", value) for value in ("2e-3", "6e-3", "2.5e-4")),
    *(knob("INIT_STD = 0.02", value) for value in ("0.08", "0.005")),
    *(knob("BATCH_SIZE = 16", value) for value in ("32", "4")),
    *(knob("N_EMBD = 64", value) for value in ("32", "96")),
    knob("FINAL_LR = 0.1", "1.0"),
    knob("DROPOUT = 0.0", "0.2"),
)
GAPS, COSTS = (1, 2, 5, 10, 20, 40, 80), (0.0, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0)


@dataclass
class Whole:
    """A trial that ran to its end.

    Its record, and every point with the seconds at which it came.
    """

    trial: Trial
    points: dict[str, list[tuple[float, float, float]]] = field(default_factory=dict)

    def curve(self, series: str) -> Curve:
        steps, values, _ = zip(*self.points[series], strict=True)
        return Curve(steps, values, True)

    def left(self, series: str, step: float) -> float:
        """Seconds that the trial still took after a point; 0 where there is none that far."""
        at = next((at for known, _, at in self.points[series] if known >= step), self.trial.seconds)
        return max(0.0, self.trial.seconds - at)


def whole(experiment: Experiment, program: Program, seed: int, folder: Path) -> Whole:
    found, began = Whole(Trial(candidate=0, trial=0, seed=seed, status="lost")), time.monotonic()

    def take(points: Points) -> None:
        now = time.monotonic() - began
        found.points.setdefault(points.series, []).extend(
            (step, value, now) for step, value in points.points
        )

    found.trial = run_trial(experiment, program, seed, folder=folder, on_points=take)
    return found


class Played:
    """A study that is given recorded trials."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment, self.study = experiment, Study()
        self.append(*opening(experiment))

    def append(self, *records: Record) -> None:
        last = self.study.last_id
        self.study.fold(
            Entry(last + place, float(last), record) for place, record in enumerate(records, 1)
        )

    def add(self, program: Program) -> int:
        number = len(self.study.candidates)
        self.append(Candidate(candidate=number, parent=0, program=program.digest, author="bench"))
        return number

    def end(self, number: int, trials: Iterable[Trial], *, is_kept: bool) -> None:
        own = [
            Trial(
                candidate=number,
                trial=place,
                seed=trial.seed,
                status="ok",
                score=trial.score,
                metrics=trial.metrics,
            )
            for place, trial in enumerate(trials)
        ]
        against = Evidence(against=self.study.incumbent)
        self.append(
            *own,
            Decision(
                candidate=number,
                verdict="keep" if is_kept else "discard",
                by="bench",
                evidence=against,
            ),
        )


@dataclass
class Tally:
    """What one rule did."""

    bad: int = 0
    good: int = 0
    bad_ended: int = 0
    good_ended: int = 0
    saved: float = 0.0
    seconds: float = 0.0

    def count(self, *, is_good: bool, is_ended: bool, left: float, seconds: float) -> None:
        self.good += is_good
        self.bad += not is_good
        self.good_ended += is_good and is_ended
        self.bad_ended += is_ended and not is_good
        self.saved += left * is_ended
        self.seconds += seconds

    def line(self, rule: str) -> str:
        return (
            f"| {rule} | {self.bad_ended} of {self.bad} | {self.good_ended} "
            f"of {self.good} | {self.saved / self.seconds:.0%} |"
        )


def binpacking(folder: Path) -> None:
    """Knob settings in a random order, greedily kept; the incumbent is the best so far."""
    experiment, margins = experiments.load("binpacking"), (0.0, 0.1, 0.3, 0.5)
    program = experiment.program()
    settings = list(product(GAPS, COSTS))
    random.Random(1).shuffle(settings)
    texts = [
        program.files["heuristic.py"]
        .replace("SMALL_GAP = 20", f"SMALL_GAP = {gap}")
        .replace("COST = 5.0", f"COST = {cost}")
        for gap, cost in settings
    ]
    programs = [
        program,
        *(
            Program({"heuristic.py": text})
            for text in texts
            if text != program.files["heuristic.py"]
        ),
    ]
    runs = [whole(experiment, each, 1, folder) for each in programs]
    print(f"bin packing, {len(runs) - 1} settings of its two knobs, stage `first`\n\n{HEAD}")
    for margin in margins:
        played, tally = Played(experiment), Tally()
        held = replace(experiment, cascade=MappingProxyType({"first": margin}))
        played.end(0, [runs[0].trial], is_kept=True)
        for each, run in zip(programs[1:], runs[1:], strict=True):
            number, score = played.add(each), run.trial.score
            incumbent = played.study.candidates[played.study.incumbent or 0].score
            assert score is not None
            assert incumbent is not None
            is_good = experiment.objective.gain(score, incumbent) >= experiment.objective.min_effect
            bar = stages(played.study, held, number, run.trial.seed)["first"]
            is_ended = experiment.objective.gain(run.trial.metrics["first"], bar) < -margin
            tally.count(
                is_good=is_good,
                is_ended=is_ended,
                left=run.left("excess", 1),
                seconds=run.trial.seconds,
            )
            played.end(number, [run.trial], is_kept=is_good)
        print(tally.line(f"margin {margin:g}"))


def tinygpt(folder: Path, n_seeds: int) -> None:
    """Real edits against the baseline on three seeds, by the training loss that they print."""
    experiment = experiments.load("tinygpt")
    program = experiment.program()
    baseline = [whole(experiment, program, seed, folder) for seed in (1, 2, 3)]
    base = sum(run.trial.score or 0.0 for run in baseline) / len(baseline)
    seeds, changes = range(1, n_seeds + 1), (*EDITS, *WIDER)
    runs = [
        (change.apply(program), whole(experiment, change.apply(program), seed, folder))
        for seed in seeds
        for change in changes
    ]
    ended_ok = [(each, run) for each, run in runs if run.trial.status == "ok"]
    print(
        f"\ntinygpt, {len(changes)} edits on {n_seeds} seed(s), of which "
        f"{len(runs) - len(ended_ok)} failed, series `loss`\n\n{HEAD}"
    )
    for after, margin in product((0.25, 0.5), (0.0, 0.05, 0.1, 0.2)):
        played, tally = Played(experiment), Tally()
        played.end(0, [run.trial for run in baseline], is_kept=True)
        early_stop = EarlyStop(
            experiment, Rule(series="loss", margin=margin, after=after), _curves(baseline)
        )
        for each, run in ended_ok:
            number, score = played.add(each), run.trial.score
            assert score is not None
            points = [(step, value) for step, value, _ in run.points["loss"]]
            why = early_stop.look(
                played.study, number, 0, run.trial.seed, "loss", points, self_reported=True
            )
            is_good = experiment.objective.gain(score, base) >= experiment.objective.min_effect
            left = run.left("loss", after * baseline[0].points["loss"][-1][0])
            tally.count(is_good=is_good, is_ended=bool(why), left=left, seconds=run.trial.seconds)
        print(tally.line(f"after {after:g}, margin {margin:g}"))


def _curves(baseline: Sequence[Whole]) -> Callable[[int, int], dict[str, Curve]]:
    return lambda number, trial: {"loss": baseline[trial].curve("loss")}


HEAD = "| rule | bad ones ended | good ones ended | time saved |\n| --- | --- | --- | --- |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=("binpacking", "tinygpt"))
    parser.add_argument("--seeds", type=int, default=1, help="of the tinygpt edits")
    arguments = parser.parse_args()
    with TemporaryDirectory(prefix="bench-early-") as name:
        if arguments.only != "tinygpt":
            binpacking(Path(name, "binpacking"))
        if arguments.only != "binpacking":
            tinygpt(Path(name, "tinygpt"), arguments.seeds)


if __name__ == "__main__":
    main()
