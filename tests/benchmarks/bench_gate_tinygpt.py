"""False keeps and power on real training: tinygpt, its own evaluator and sandbox, the policy `tested` with tinygpt's defaults.

    python -m tests.benchmarks.bench_gate_tinygpt [--folder DIR] [--no-ops 40] [--repeats 2]
    [--slots 1] [--quick]

Two kinds of studies run through the real loop, with the proposer `patches` (changes:
`tinygpt_changes.py`):

- *no-ops*: candidates that draw other random numbers and are otherwise the baseline, and five
  comments, which must give the baseline's score to the last digit. Any keep is false.
- *edits*: changes whose true gain is measured apart: mean difference to the baseline over 8 seeds
  that no study uses, trained and scored as the evaluator does, without sandbox and audit; first it
  must repeat a study's score to the last digit. Each repeat is a study with another seed and
  another order.

Every candidate is judged against the baseline: with `review = keeps`, what `tested` would keep
waits for a person who never comes, so it never becomes the parent, yet it counts as a discovery
(LORD++) as a keep does. `greedy` stands beside it on the same trials: its rule is applied to each
candidate's first trial, in the order of the study and along its own chain of keeps for the no-ops,
against the baseline for the edits.

With `--folder` it goes on where it was ended: studies lie in `DIR/studies` (`autoresearch log`
shows them under way), measured gains in `DIR/measured.jsonl`, and what is finished is not run
again. A trial takes about 10 CPU seconds, all of it about 30 CPU minutes; gains are measured while
the first study of edits runs. `--quick` shows that everything works, with little training: its
figures mean nothing.
"""

import argparse
import contextlib
import json
import math
import random
import statistics
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch  # noqa: F401  so that the processes that measure, forks of this one, need not import it each

import workbench
from tests.benchmarks.bench_tuner import isolated
from tests.benchmarks.tinygpt_changes import EDITS, Change, comments, no_ops
from workbench.experiment import Experiment
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.folder import STUDIES
from workbench.ledger.study import Study
from workbench.program import Program
from workbench.recognise import experiments
from workbench.show import results
from workbench.verbs.handle import StudyHandle

N_COMMENTS = 5
TRUE_SEEDS = range(910_000, 910_008)


@dataclass(frozen=True)
class Judged:
    """A change in one study.

    What `tested` would do, on how many trials, and whether its first trial beat the baseline's.
    """

    change: Change
    history: CandidateHistory
    baseline: float  # under the seed of the first trial
    first: float

    @property
    def kept(self) -> bool:
        return self.history.status == "waiting"

    @property
    def gain(self) -> float:
        return self.baseline - self.first


@dataclass(frozen=True)
class Truth:
    """Gains over the baseline under seeds of their own."""

    gains: tuple[float, ...]

    @property
    def mean(self) -> float:
        return statistics.mean(self.gains)

    @property
    def error(self) -> float:
        return statistics.stdev(self.gains) / math.sqrt(len(self.gains))


@dataclass(frozen=True)
class Bench:
    """Where studies and measurements lie, and how they are run."""

    folder: Path
    experiment: Experiment
    slots: int
    prefix: str

    def begin(self, name: str, changes: Sequence[Change], seed: int) -> StudyHandle:
        """The study of these changes, begun or gone on with, or finished long ago."""
        name = f"{self.prefix}{name}"
        if (self.folder / STUDIES / name / "study.db").exists():
            study = workbench.open(self.folder / STUDIES / name)
            if study.wait(timeout=0) not in ("running", "finished"):
                study.resume()
            return study
        patches = self.folder / "patches" / name
        for number, change in enumerate(changes):
            entry = patches / f"{number:03d}"
            change.apply(self.experiment.program()).write(entry)
            (entry / "hypothesis.txt").write_text(change.name)
        study = workbench.start(
            "tinygpt",
            study=name,
            root=self.folder,
            proposer=f"patches:{patches}",
            policy="tested",
            review="keeps",
            candidates=len(changes),
            slots=self.slots,
            seed=seed,
            settings={"steps": self.experiment.settings["steps"]},
        )
        study.set("max_waiting", len(changes))
        return study

    def finish(self, study: StudyHandle, changes: Sequence[Change]) -> list[Judged]:
        """Waits for a study; its candidates, in their order.

        Raises:
            SystemExit: it did not end well, or a candidate has no score.
        """
        state = study.wait()
        folded = study.study
        if (
            state != "finished"
            or folded.proposals.n_failed
            or len(folded.candidates) != len(changes) + 1
        ):
            raise SystemExit(
                f"{study.name} is {state}: {folded.reason} {folded.proposals.last_failure}; see "
                f"{study.folder.loop_log}"
            )
        seed = folded.seed(0)
        baseline = first_score(folded.candidates[0], seed)
        histories = folded.candidates[1:]
        named = [changes[int(history.record.origin["entry"])] for history in histories]
        return [
            Judged(change, history, baseline, first_score(history, seed))
            for change, history in zip(named, histories, strict=True)
        ]

    def truths(
        self, study: StudyHandle, changes: Iterable[Change], seeds: Sequence[int]
    ) -> dict[str, Truth]:
        """True gains by the name of the change, on the data of a study; what was measured before is read, not run again.

        Raises:
            SystemExit: a score is not what the evaluator gave.
        """
        file = self.folder / f"{self.prefix}measured.jsonl"
        lines = (
            [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        )
        known = {(line["program"], line["seed"]): line["score"] for line in lines}
        windows = hidden_windows(study.folder.data, self.experiment)

        def score(program: Program, seed: int) -> float:
            if (program.digest, seed) not in known:
                settings = self.experiment.settings
                found = isolated(
                    program,
                    study.folder.data,
                    windows,
                    int(settings["steps"]),
                    seed,
                    float(settings["cpu_cap"]),
                )
                if found is None:
                    raise SystemExit(
                        f"no score under seed {seed}; try it alone: autoresearch start tinygpt"
                    )
                known[program.digest, seed] = found
                with file.open("a") as stream:
                    stream.write(
                        json.dumps({"program": program.digest, "seed": seed, "score": found}) + "\n"
                    )
            return known[program.digest, seed]

        baseline, seed = self.experiment.program(), study.study.seed(0)
        if not math.isclose(
            mine := score(baseline, seed),
            theirs := first_score(study.study.candidates[0], seed),
            abs_tol=1e-6,
        ):
            raise SystemExit(
                f"measured apart, the baseline has {mine:.6f} under seed {seed}, by the "
                f"evaluator {theirs:.6f}"
            )
        return {
            change.name: Truth(
                tuple(score(baseline, seed) - score(change.apply(baseline), seed) for seed in seeds)
            )
            for change in changes
        }


def first_score(history: CandidateHistory, seed: int) -> float:
    trial = history.find_trial(seed)
    if trial is None or trial.score is None:
        raise SystemExit(
            f"candidate {history.number} has no score under its first seed: "
            f"{history.failure or history.decision}"
        )
    return trial.score


def hidden_windows(data: Path, experiment: Experiment) -> np.ndarray:
    """`(windows, context + 1)` bytes as the evaluator cuts them."""
    text, count = np.fromfile(data / "val.bin", dtype=np.uint8), int(experiment.settings["windows"])
    starts = np.arange(count) * (len(text) // count)
    windows: np.ndarray = text[
        starts[:, None] + np.arange(int(experiment.settings["context"]) + 1)
    ].astype(np.int64)
    return windows


def greedy_keeps(judged: Iterable[Judged], baseline: float) -> int:
    """How many `greedy` keeps along its own chain.

    Each keep is what the next candidate has to beat.
    """
    best, kept = baseline, 0
    for one in judged:
        if one.first < best:
            best, kept = one.first, kept + 1
    return kept


def report_no_ops(study: Study, judged: Sequence[Judged]) -> None:
    """What the no-ops and the comments are, and one row per policy."""
    loud, silent = judged[:-N_COMMENTS], judged[-N_COMMENTS:]
    firsts, baseline = (
        [one.first for one in loud],
        [trial.score for trial in study.candidates[0].trials if trial.score is not None],
    )
    print(
        f"{len(set(firsts))} different first scores of {len(loud)} no-ops: {described(firsts)}. "
        f"The baseline: {described(baseline)}."
    )
    lucky = sum(one.gain > 0 for one in loud)
    print(
        f"The baseline's first trial is beaten by {lucky} no-ops, of which greedy's chain, over "
        "all their orders, keeps ",
        end="",
    )
    print(f"{sum(1 / place for place in range(1, lucky + 1)):.1f} on average;")
    print(
        f"it is repeated to the last digit by {count(one.gain == 0 for one in silent)} comments.\n"
    )
    header = (
        "policy",
        "false keeps, no-ops",
        "comments",
        "candidates tested",
        "trials per candidate",
        "CPU seconds",
    )
    tested = (
        count(one.kept for one in loud),
        count(one.kept for one in silent),
        str(study.noise.n_tests),
    )
    greedy = (
        f"{greedy_keeps(loud, judged[0].baseline)} of {len(loud)}",
        count(one.gain > 0 for one in silent),
        "-",
    )
    print(
        results.format_aligned(
            header,
            [
                ("tested", *tested, *cost_tested([study])),
                ("greedy", *greedy, *cost_greedy([study])),
            ],
        ),
        flush=True,
    )


def report_edits(
    studies: Sequence[Study], judged: Sequence[Judged], truths: dict[str, Truth]
) -> None:
    """One row per edit, the worst first, then one per policy."""
    sd = math.sqrt(
        statistics.mean(
            study.noise.repeats.spread**2
            for study in studies
            if study.noise.repeats.spread is not None
        )
    )
    n = len(next(iter(truths.values())).gains)
    print(
        f"\nTrue gain ± standard error (differences under {n} seeds), the same in sd of one "
        f"trial ({sd:.3f}, pooled over the studies);"
    )
    print(
        "kept by `tested`, with the gain in its decision, its interval and n trials; kept by "
        "`greedy`, with the first trial's gain.\n"
    )
    rows = []
    for name, truth in sorted(truths.items(), key=lambda item: item[1].mean):
        mine = [one for one in judged if one.change.name == name]
        tested = f"{count(one.kept for one in mine)}: {'; '.join(map(evidence, mine))}"
        greedy = (
            f"{count(one.gain > 0 for one in mine)}: "
            f"{', '.join(f'{one.gain:+.3f}' for one in mine)}"
        )
        rows.append(
            (
                name,
                f"{truth.mean:+.3f} ± {truth.error:.3f}",
                f"{truth.mean / sd:+.1f}",
                tested,
                greedy,
            )
        )
    print(results.format_aligned(("edit", "true gain", "in sd", "tested", "greedy"), rows))

    smallest = studies[0].opened.objective.min_effect
    worth = [one for one in judged if truths[one.change.name].mean >= smallest]
    worse = [one for one in judged if truths[one.change.name].mean < 0]
    header = (
        "policy",
        f"kept, better by {smallest:g} or more",
        "kept, worse (sign errors)",
        "trials per candidate",
        "CPU seconds",
    )
    kept = count(one.kept for one in worth), count(one.kept for one in worse)
    lucky = count(one.gain > 0 for one in worth), count(one.gain > 0 for one in worse)
    print(
        "\n"
        + results.format_aligned(
            header,
            [("tested", *kept, *cost_tested(studies)), ("greedy", *lucky, *cost_greedy(studies))],
        )
    )


def count(flags: Iterable[bool]) -> str:
    values = list(flags)
    return f"{sum(values)} of {len(values)}"


def cost_tested(studies: Sequence[Study]) -> tuple[str, str]:
    """Trials per candidate, the baseline's counted, and CPU seconds of all trials."""
    candidates = sum(len(study.candidates) - 1 for study in studies)
    return (
        f"{sum(study.costs.n_trials for study in studies) / candidates:.2f}",
        f"{sum(study.costs.cpu_seconds for study in studies):.0f}",
    )


def cost_greedy(studies: Sequence[Study]) -> tuple[str, str]:
    """The same if every candidate, and the baseline, had had its first trial only."""
    firsts = [history.trials[0] for study in studies for history in study.candidates]
    return (
        f"{len(firsts) / (len(firsts) - len(studies)):.2f}",
        f"{sum(trial.cpu_seconds for trial in firsts):.0f}",
    )


def described(values: Sequence[float]) -> str:
    return (
        f"mean {statistics.mean(values):.3f}, sd {statistics.stdev(values):.3f}, n = {len(values)}"
    )


def evidence(one: Judged) -> str:
    """Of the decision: gain, interval, trials of the candidate that were used."""
    found = one.history.decisions[-1].evidence
    return f"{found.effect:+.3f} [{found.low:+.3f}, {found.high:+.3f}] n={found.trials}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--folder",
        type=Path,
        help="where studies and measurements stay; a temporary one by default",
    )
    parser.add_argument("--no-ops", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=2, help="studies of the edits")
    parser.add_argument("--slots", type=int, default=1)
    parser.add_argument(
        "--quick", action="store_true", help="5 no-ops, 3 edits, 20 steps of training"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        run(arguments.folder or Path(temporary), arguments)


def run(folder: Path, arguments: argparse.Namespace) -> None:
    began, quick = time.monotonic(), arguments.quick
    experiment = experiments.load("tinygpt").with_settings({"steps": "20"} if quick else {})
    bench = Bench(folder.resolve(), experiment, arguments.slots, "quick-" if quick else "")
    null = [*no_ops(5 if quick else arguments.no_ops), *comments(N_COMMENTS)]
    edits = list(EDITS[-3:] if quick else EDITS)
    seeds = TRUE_SEEDS[:2] if quick else TRUE_SEEDS

    orders = {
        seed: random.Random(seed).sample(edits, len(edits))
        for seed in range(1, arguments.repeats + 1)
    }
    judged, studies = [], []
    with contextlib.ExitStack() as stack:
        unchanged = stack.enter_context(bench.begin(f"no-ops-{len(null)}", null, seed=0))
        report_no_ops(unchanged.study, bench.finish(unchanged, null))
        for seed, order in orders.items():
            study = stack.enter_context(bench.begin(f"edits-{len(edits)}-{seed}", order, seed=seed))
            truths = bench.truths(unchanged, edits, seeds)
            judged += bench.finish(study, order)
            studies.append(study.study)
        report_edits(studies, judged, truths)
    objective = experiment.objective
    print(
        f"\nerror_rate {objective.error_rate:g}, max_trials {objective.max_trials}, min_effect "
        f"{objective.min_effect:g}; ",
        end="",
    )
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
