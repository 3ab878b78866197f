"""What the workbench itself costs per candidate: a trivial evaluator, no-op candidates, a real sandbox, every process counted.

    python tests/benchmarks/bench_overhead.py [--candidates 2000] [--sandbox bwrap|landlock]

Prints CPU milliseconds per candidate of loop, trial process, sandbox and the candidate's own Python
together, for each tenth of the study, and the ratio of the last tenth to the first. The naive way
stands beside it in the same run: a fresh `python -c pass` per candidate, unsandboxed and with no
record.
"""

import argparse
import itertools
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.records import Options
from workbench.verbs.create import create

EXPERIMENT = """\
editable = ["solution.py"]
[objective]
name = "value"
goal = "maximize"
noise = "none"
[limits]
wall_seconds = 30
"""
EVALUATE = """\
def evaluate(trial):
    with trial.start("solution.py") as process:
        return {"value": process.call("answer", returns=float)}
"""
SOLUTION = "def answer():\n    return 1.0\n"
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_of_tree(pid: int) -> float:
    """CPU seconds of a process, its living children, and all that they have waited for."""
    try:
        after = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(map(int, after[11:15])) / TICKS + sum(cpu_of_tree(child) for child in children)


def naive(n: int = 40) -> float:
    """CPU milliseconds of a bare Python process that does nothing."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(n):
        subprocess.run([sys.executable, "-c", "pass"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / n


def measure(folder: StudyFolder, candidates: int) -> list[float]:
    """Runs the study.

    CPU seconds spent when each tenth of the candidates was decided, from 0 to 10 tenths.
    """
    loop = subprocess.Popen([sys.executable, "-m", "workbench.loop", str(folder.path)])
    marks: list[float] = []
    with Journal(folder) as journal:
        study = Study()
        while len(marks) <= 10:
            study.fold(journal.read_entries(study.last_id))
            decided = len(study.candidates) - 1 - len(study.open - {0})
            cpu = cpu_of_tree(loop.pid)
            while (
                len(marks) <= 10
                and study.incumbent is not None
                and decided >= len(marks) * candidates // 10
            ):
                marks.append(cpu)
            if loop.poll() is not None:
                break
            time.sleep(0.01)
    loop.wait()
    if study.state != "finished" or len(marks) < 11:
        raise SystemExit(f"the study ended {study.state}: {study.reason} ({len(marks)} marks)")
    return marks


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--candidates", type=int, default=2000)
    parser.add_argument("--sandbox", default="auto")
    parser.add_argument(
        "--check", action="store_true", help="exit 1 above 60 ms per candidate or a ratio above 1.2"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        source = Path(root, "trivial")
        source.mkdir()
        for name, text in {
            "experiment.toml": EXPERIMENT,
            "evaluate.py": EVALUATE,
            "solution.py": SOLUTION,
        }.items():
            (source / name).write_text(text)
        chosen = Options(
            proposer="null", candidates=options.candidates, slots=1, sandbox=options.sandbox
        )
        folder = create(str(source), root=Path(root), options=chosen, settings={})
        marks = measure(folder, options.candidates)
        with Journal(folder) as journal:
            study = Study().fold(journal.read_entries())
        size = (
            sum(file.stat().st_size for file in folder.path.rglob("*") if file.is_file())
            / options.candidates
        )
        level = study.loop.sandbox if study.loop else "?"
    tenths = [1000 * (b - a) / (options.candidates / 10) for a, b in itertools.pairwise(marks)]
    mean, ratio = sum(tenths) / 10, tenths[-1] / tenths[0]
    print(
        f"{options.candidates} candidates, sandbox {level}: {mean:.1f} ms CPU per candidate, "
        f"{size / 1000:.1f} kB on disk per candidate"
    )
    print(
        "by tenth (ms):",
        " ".join(f"{value:.1f}" for value in tenths),
        f"| last over first {ratio:.2f}",
    )
    print(f"beside it: a bare `python -c pass` {naive():.1f} ms CPU")
    if options.check and (mean > 60 or ratio > 1.2):
        sys.exit(1)


if __name__ == "__main__":
    main()
