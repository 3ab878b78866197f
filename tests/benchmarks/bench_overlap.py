"""Candidates per minute where replies of a model and trials take as long, with proposals made ahead and without, and what that costs us.

    python -m tests.benchmarks.bench_overlap [--candidates 60] [--reply 2] [--trial 2] [--ahead 2 0]
    python -m tests.benchmarks.bench_overlap --tuner [--seeds 12]

`evolve` asks a scripted server that answers after `--reply` seconds; an evaluator sleeps `--trial`
seconds and calls the candidate once, on one slot. `--ahead 0` is the sequential way, beside the
other in the same run. Rates are over the time from the end of candidate 1 to the end of the last
one; the spread is that of the intervals between ends. CPU seconds per candidate are counted over
the same time: the loop's own thread; the threads that ask (SDK, prompt, answer); the rest of the
loop's process (the executor's threads); trial process, sandbox and the candidate's Python together.
The server is not in them.

`--tuner` shows what the tuner loses by being asked before it knows the last score: the gain after
30 candidates on made-up losses.
"""

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.benchmarks.bench_overhead import EVALUATE, EXPERIMENT, TICKS, cpu_of_tree
from tests.loop.toy import Toy
from tests.messages_server import Answer, MessagesServer, Step
from tests.propose.simulated import Surrogate, source
from workbench import experiment_file
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.loop import loop as loops
from workbench.loop.proposers import Worker
from workbench.program import Program
from workbench.propose.tuner import Tuner
from workbench.records import Options
from workbench.verbs.create import create

SLOW = EVALUATE.replace(
    "def evaluate(trial):\n", "import time\n\n\ndef evaluate(trial):\n    time.sleep(SECONDS)\n"
)
SOLUTION = "VALUE = 0\n\n\ndef answer():\n    return 1.0\n"
PARTS = ("loop", "asking", "executor", "trials")


def run_loop(folder: Path) -> None:
    """The loop, with its asking threads marked so that another process can tell them apart."""
    work = Worker.run

    def marked(worker: Worker) -> None:
        Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text("asking")
        work(worker)

    Worker.run = marked  # type: ignore[method-assign]
    loops.run(StudyFolder(folder))


def cpu(pid: int) -> dict[str, float]:
    """CPU seconds so far of a loop's parts."""
    named = [seconds_of(task) for task in Path(f"/proc/{pid}/task").iterdir()]
    asking = sum(seconds for name, seconds in named if name == "asking")
    _, main = seconds_of(Path(f"/proc/{pid}/task/{pid}"))
    _, process = seconds_of(Path(f"/proc/{pid}"))
    parts = (main, asking, process - main - asking, cpu_of_tree(pid) - process)
    return dict(zip(PARTS, parts, strict=True))


def seconds_of(task: Path) -> tuple[str, float]:
    """The name of a thread or process and its own CPU seconds; nothing of one that has ended."""
    try:
        head, _, after = (task / "stat").read_text().rpartition(")")
    except (FileNotFoundError, ProcessLookupError):
        return "", 0.0
    return head.partition("(")[2], sum(map(int, after.split()[11:13])) / TICKS


def measure(
    root: Path, candidates: int, reply: float, trial: float, ahead: int
) -> tuple[list[float], dict[str, float]]:
    """When each candidate was decided, and CPU seconds per candidate of the parts."""
    values = itertools.count(1)

    def script(body: Any) -> Step:
        time.sleep(reply)
        prompt = body["messages"][0]["content"][-1]["text"]
        old = [line for line in prompt.splitlines() if line.startswith("VALUE =")][-1]
        return Answer(
            f"HYPOTHESIS: x\n<<<<<<< SEARCH\n{old}\n=======\nVALUE = {next(values)}\n>>>>>>> "
            "REPLACE\n"
        )

    toy = root / f"sleeps-{ahead}"
    toy.mkdir()
    files = {
        "experiment.toml": EXPERIMENT,
        "evaluate.py": SLOW.replace("SECONDS", str(trial)),
        "solution.py": SOLUTION,
    }
    for name, text in files.items():
        (toy / name).write_text(text)
    with MessagesServer(script) as server:
        options = Options(
            proposer="evolve",
            model="a-model",
            base_url=server.url,
            candidates=candidates,
            slots=1,
            ahead=ahead,
        )
        folder = create(str(toy), root=root, options=options, settings={})
        loop = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.bench_overlap", "--loop", str(folder.path)]
        )
        ends: list[float] = []
        study, before, after = Study(), dict[str, float](), dict[str, float]()
        with Journal(folder) as journal:
            while len(ends) < candidates:
                for entry in journal.read_entries(study.last_id):
                    n_before = len(study.open - {0})
                    study.fold([entry])
                    if study.incumbent is not None and len(study.open) < n_before:
                        ends.append(entry.at)
                if loop.poll() is not None and len(ends) < candidates:
                    raise SystemExit(
                        f"the study ended {study.state} after {len(ends)} candidates: "
                        f"{study.reason}"
                    )
                if ends and len(ends) < candidates:
                    after = cpu(loop.pid)
                    before = before or after
                time.sleep(0.02)
        loop.wait()
    return ends, {part: (after[part] - before[part]) / (candidates - 2) for part in PARTS}


def overlap(options: argparse.Namespace) -> None:
    load = os.getloadavg()[0]
    print(
        f"replies {options.reply:g} s, trials {options.trial:g} s, one slot, "
        f"{options.candidates} candidates, load {load:.1f}"
    )
    for ahead in options.ahead:
        with tempfile.TemporaryDirectory() as root:
            ends, parts = measure(
                Path(root), options.candidates, options.reply, options.trial, ahead
            )
        gaps = [later - earlier for earlier, later in itertools.pairwise(ends)]
        low, middle, high = statistics.quantiles(gaps, n=4)
        spread = (
            f"n = {len(gaps)}; quartiles of the seconds "
            f"between them {low:.2f} {middle:.2f} {high:.2f}"
        )
        pace = f"{60 * len(gaps) / sum(gaps):.1f} candidates a minute ({spread})"
        shares = ", ".join(f"{part} {1000 * seconds:.0f}" for part, seconds in parts.items())
        print(
            f"--ahead {ahead}: {pace}; CPU ms per candidate {1000 * sum(parts.values()):.0f} "
            f"({shares})",
            flush=True,
        )


def tuned(seed: int, ahead: int, candidates: int) -> float:
    """The incumbent's gain, without noise, in a study by the real loop with scores that are there at once."""
    text = source(named=False)
    loss = Surrogate(text, seed)
    with tempfile.TemporaryDirectory() as root, pytest.MonkeyPatch.context() as patch:
        toy = Toy(Path(root), patch)
        toy.program = Program({"train.py": text})
        toy.score = loss
        made: list[Tuner] = []

        def propose(brief: Any) -> Any:
            made.extend(
                []
                if made
                else [Tuner("", experiment_file.read(toy.folder.experiment), toy.study().options)]
            )
            return made[0].propose(brief)

        toy.propose = propose
        toy.create(noise="seed", candidates=candidates, ahead=ahead, seed=seed)
        study = toy.run()
        with Journal(toy.folder) as journal:
            programs = [
                journal.read_program(study.candidates[number].record.program)
                for number in (0, study.incumbent or 0)
            ]
    return loss.exact(programs[0]) - loss.exact(programs[1])


def tuner(seeds: int, candidates: int = 30) -> None:
    gains = {
        ahead: np.array([tuned(seed, ahead, candidates) for seed in range(seeds)])
        for ahead in (0, 1, 2)
    }
    for ahead, gain in gains.items():
        less = gains[0] - gain
        lost = f"less than with 0 by {less.mean():.3f} +- {less.std(ddof=1) / len(less) ** 0.5:.3f}"
        print(
            f"tuner --ahead {ahead}, {candidates} candidates, n = {seeds}: gain "
            f"{gain.mean():.3f} (sd {gain.std(ddof=1):.3f}); {lost}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--candidates", type=int, default=60)
    parser.add_argument("--reply", type=float, default=2.0)
    parser.add_argument("--trial", type=float, default=2.0)
    parser.add_argument("--ahead", type=int, nargs="+", default=[2, 0])
    parser.add_argument("--tuner", action="store_true")
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--loop", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.loop:
        run_loop(options.loop)
    elif options.tuner:
        tuner(options.seeds)
    else:
        overlap(options)


if __name__ == "__main__":
    main()
