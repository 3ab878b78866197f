"""What an experiment's trusted `evaluate.py` is given: `evaluate(trial)` starts the candidate, calls it, and returns the metrics."""

import itertools
import math
import os
import stat
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from workbench.errors import EvaluatorFault
from workbench.evaluate.answers import CandidateFailed, Question, Returns, TimedOut
from workbench.evaluate.executor import Task
from workbench.evaluate.output import Output
from workbench.evaluate.sandbox.bench import Bench
from workbench.evaluate.sandbox.cgroup import Group
from workbench.evaluate.sandbox.supervisor import Cancelled, Supervisor
from workbench.evaluate.stages import Stages
from workbench.experiment import Experiment
from workbench.program import Program

Report = Callable[[str, float, float, bool], None]
MAX_QUESTIONS = 1000
MAX_UNITS = 256
UNIT_DIGITS = 6
TOLERANCE = 1e-6  # of the largest unit: how far the score may lie from the mean of the units


class Process:
    """A candidate in its sandbox; use it as a context, at whose end every process of it is dead.

    Attributes:
        seconds, cpu_seconds: wall and CPU time, known at the end of the context; `seconds` runs until then.
    """

    def __init__(self, trial: "Evaluation", supervisor: Supervisor, group: Group | None) -> None:
        self._trial, self._supervisor, self._group, self._open = trial, supervisor, group, True
        self._began = time.monotonic()

    def call(
        self,
        name: str,
        *args: Any,
        returns: Returns = float,
        timeout: float | None = None,
        questions: Mapping[str, Question] = MappingProxyType({}),
        max_questions: int = MAX_QUESTIONS,
        **kwargs: Any,
    ) -> Any:
        """Calls a function of the candidate's module; its answer is checked to be exactly of the form `returns`.

        Args:
            args, kwargs: plain data: numbers, text, bytes, lists, dicts with text keys, numpy arrays.
            returns: float (an int is converted), int, str, bool, list, dict, bytes, None, Array(dtype, shape), or object for any plain
                data. Numbers are finite.
            timeout: seconds; the candidate is killed past it, without the time that its questions took to be answered. The trial's own
                deadline holds in any case.
            questions: what the function may ask before it answers, by name: the candidate's `workbench_evaluator.ask(name, question)`
                returns what the `Question` answers. max_questions: in this call; one more is the candidate's failure.

        Raises:
            CandidateFailed: it raised, answered another form, asked what is not offered, broke a limit, or is gone.
            RuntimeError: called while it waits for the answer to a question.
        """
        return self._supervisor.call(name, args, kwargs, returns, timeout, questions, max_questions)

    def read_file(self, path: str, max_bytes: int = 64 << 20) -> bytes:
        """A file that the candidate wrote into its box; a link, a missing or a larger one is the candidate's failure."""
        return self._supervisor.read_file(path, max_bytes)

    def run(self, *argv: str) -> int:
        """Runs a command in the box, a Python script as `__main__`; returns its exit status."""
        return self._supervisor.run(argv)

    def data_path(self, name: str) -> str:
        """Where the candidate finds a data file: tell it as an argument."""
        return self._supervisor.data_path(name)

    def seal(self) -> None:
        """Forbids new processes and threads in it for good; call it before any code of the candidate runs there."""
        self._supervisor.seal()

    def cpu_clock(self) -> float:
        """CPU seconds so far of all its processes, in nanoseconds' steps: no candidate can set it, and waiting does not move it.

        Read when every process waits. Where no control group counts, `seal` it: what a process used that began and ended
        between two readings would be missing.

        Raises:
            CandidateFailed: a process does not stop working, or ended where no control group counts what it had used.
        """
        return self._supervisor.cpu_clock()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began if self._open else self._supervisor.seconds

    @property
    def cpu_seconds(self) -> float:
        return self._supervisor.cpu_seconds

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._open:
            self._open = False
            self._supervisor.close()
            self._trial._closed(self, self._supervisor, self._group)


class Evaluation:
    """One trial as its evaluator sees it.

    Attributes:
        seed: the evaluator's. settings: `--set` applied. data: what `prepare` made. program: the candidate's files.
        incumbent: the program that the candidate has to beat, to be started beside it where that is worth a metric; None where there
            is none, as in an audit or where a step is run again. So the score must not need it. It is candidate code too.
        folder: for artifacts. device: `cpu` or `cuda`. exact: the same seed gives the same score again; may be set.
        beside: the number of the incumbent, once it was started.
    """

    def __init__(
        self, task: Task, experiment: Experiment, bench: Bench, level: str, report: Report
    ) -> None:
        self.seed, self.settings, self.program = task.seed, task.settings, task.program
        self.data, self.folder, self.device = task.data, task.folder, bench.device
        self.incumbent = task.incumbent.program if task.incumbent else None
        self.beside: int | None = None
        self.exact = experiment.objective.noise in ("none", "seed")
        self.task, self.level, self.bench, self.experiment = task, level, bench, experiment
        self.output = Output(lambda series, step, value: report(series, step, value, True))
        self.deadline = time.monotonic() + bench.limits.wall_seconds
        self.cpu_seconds = self.peak_mb = 0.0
        self.memory_limit = ""
        self.cancelled: str | None = None
        self.stages = Stages(experiment, task.stages)
        self._report, self._lock, self._printing = report, threading.Lock(), threading.Lock()
        self._processes: list[Process] = []
        self._units: tuple[float, ...] = ()

    def report(self, series: str, step: float, value: float) -> None:
        """Shows a measured point of a curve while the trial runs; one that is not finite is left out."""
        if math.isfinite(step) and math.isfinite(value):
            self._report(str(series)[:64], float(step), float(value), False)

    def stage(self, name: str, value: float) -> None:
        """Hands over what a cheap part of the evaluation gave, and returns where that is good enough to go on.

        Call it at the end of each part but the last, the cheapest part first: after one of ten instances, a tenth of the steps.
        `[cascade]` in `experiment.toml` says by how much a candidate may be worse than the incumbent there, in the objective's
        direction. A candidate's first trial is held to that; its trials on fresh seeds, which measure, and audits run whole. The
        value is recorded as a metric in any case.

        Raises:
            CandidateFailed: it is worse; let this pass, the trial is over.
            ValueError: `[cascade]` has no such stage, it was handed over before, or the value is not finite.

        Source: AlphaEvolve (arXiv 2506.13131), section 2.4, evaluation cascade; its thresholds are not said to be relative.
        """
        self.stages.take(name, value)

    def units(self, values: Iterable[float]) -> None:
        """Hands over the observations whose mean is the score, such as items of a benchmark or timing pairs.

        For an objective with noise `units`, which compares two programs unit by unit under one seed: unit i of every program must
        be the same item, and there must be equally many. More than 256 are recorded as the means of at most 256 consecutive
        blocks, as equal in size as can be, so that the journal stays small.

        Args:
            values: `(n,)` finite numbers, n at least 2, in units of the score; a second call replaces the first.

        Raises:
            ValueError: there are fewer, one is not finite, or the objective's noise is something else.
        """
        if self.experiment.objective.noise != "units":
            raise ValueError(
                'trial.units was called; say objective.noise = "units" in experiment.toml'
            )
        units = tuple(float(value) for value in values)
        if len(units) < 2 or not all(map(math.isfinite, units)):
            raise ValueError(
                f"trial.units needs two finite numbers or more, not {len(units)} with {units[:3]} first"
            )
        self._units = units

    def units_of(self, score: float) -> tuple[float, ...]:
        """The observations behind a score, as they are recorded; none where the objective needs none.

        Raises:
            EvaluatorFault: they are missing, or their mean is not the score.
        """
        if self.experiment.objective.noise != "units":
            return ()
        if not self._units:
            raise EvaluatorFault(
                'objective.noise = "units", and evaluate called no trial.units(values)'
            )
        mean = math.fsum(self._units) / len(self._units)
        if abs(mean - score) > TOLERANCE * max(map(abs, self._units)):
            raise EvaluatorFault(
                f"the mean of trial.units is {mean:.9g}, and the score {score:.9g}; they must be equal"
            )
        return folded(self._units)

    def start(
        self,
        module: str,
        files: Mapping[str, bytes | str | Path] | None = None,
        data: Mapping[str, Path] | None = None,
        threads: int = 1,
        *,
        program: Program | None = None,
        home: str = "",
    ) -> Process:
        """Starts the candidate in a new sandbox and imports one module of it; returns when that is done.

        Args:
            module: path of the module to import, such as `train.py`; empty for none.
            files: further files of the box, by path; text and bytes, or a path to copy from.
            data: name to file or folder that the candidate may read, at `process.data_path(name)`.
            threads: for numerical libraries.
            program: what to start in the candidate's place, such as `trial.incumbent`; of the candidate nothing is in that sandbox then.
            home: what HOME says, where a program looks for files below it.

        Raises:
            CandidateFailed: the import failed.
        """
        started = self.program if program is None else program
        contents = {path: text.encode() for path, text in started.files.items()}
        contents |= {path: _bytes(source) for path, source in (files or {}).items()}
        shown = {name: Path(path).resolve(strict=True) for name, path in (data or {}).items()}
        for path in shown.values():
            _let_read(path)
        if self.cancelled is not None:
            raise Cancelled(self.cancelled)
        supervisor, group = self.bench.sandbox(
            self.level, self.deadline, self._print, shown, threads, home
        )
        process = Process(self, supervisor, group)
        if self.task.incumbent is not None and started is self.incumbent:
            self.beside = self.task.incumbent.candidate
        with self._lock:
            self._processes.append(process)
        if self.cancelled is not None:
            supervisor.end("killed", self.cancelled)
        try:
            supervisor.start(module, contents, sorted(started.executable))
        except BaseException:
            process.close()
            raise
        return process

    def cancel(self, reason: str) -> None:
        """Ends every sandbox of the trial; from another thread."""
        with self._lock:
            self.cancelled = reason
            for process in self._processes:
                process._supervisor.end("killed", reason)

    def close(self) -> None:
        """Ends what the evaluator left running."""
        for process in list(self._processes):
            process.close()
        self.output.finish()

    def check(self) -> None:
        """Raises what ended the trial, should the evaluator have swallowed it."""
        if self.cancelled is not None:
            raise Cancelled(self.cancelled)
        if time.monotonic() > self.deadline:
            raise TimedOut(
                f"the trial took longer than {self.bench.limits.wall_seconds:g} s (limits.wall_seconds)"
            )

    def _print(self, data: bytes) -> None:
        with self._printing:
            self.output.feed(data)

    def _closed(self, process: Process, supervisor: Supervisor, group: Group | None) -> None:
        with self._lock:
            self._processes.remove(process)
        self.cpu_seconds += supervisor.cpu_seconds
        self.peak_mb = max(self.peak_mb, supervisor.peak_mb)
        # The weakest that held in any sandbox of the trial is what the trial can claim.
        self.memory_limit = (
            "watchdog" if "watchdog" in (self.memory_limit, supervisor.memory_limit) else "cgroup"
        )
        self.bench.release(group)


def folded(units: Sequence[float]) -> tuple[float, ...]:
    """`(n,)` observations as `(m,)` means of consecutive blocks, m at most 256, whose sizes differ by one at most; to six digits."""
    blocks = math.ceil(len(units) / math.ceil(len(units) / MAX_UNITS))
    edges = [len(units) * block // blocks for block in range(blocks + 1)]
    parts = (units[start:end] for start, end in itertools.pairwise(edges))
    return tuple(float(f"{math.fsum(part) / len(part):.{UNIT_DIGITS}g}") for part in parts)


def claimed(trial: Evaluation) -> dict[str, float]:
    """The built-in evaluator of the shape `claimed`: runs the experiment's command and believes the last numbers that it prints.

    Raises:
        CandidateFailed: the command failed, or printed no line with the objective's metric, or one whose number is not finite.
    """
    experiment = trial.experiment
    below_home = any(path.startswith("~") for path in experiment.read_only)
    home = os.path.expanduser("~") if below_home else ""
    files: dict[str, bytes | str | Path] = {**experiment.protected()}
    with trial.start("", files=files, threads=os.cpu_count() or 1, home=home) as process:
        status = process.run(*experiment.command)
    trial.output.finish()
    name = experiment.objective.name
    if status:
        raise CandidateFailed(f"{' '.join(experiment.command)} exited with status {status}")
    if name in trial.output.not_finite:
        raise CandidateFailed(
            f"{name} was {trial.output.not_finite[name]}; only finite numbers count"
        )
    if name not in trial.output.claims:
        found = ", ".join(trial.output.claims) or "none"
        raise CandidateFailed(
            f"the output has no line '{name}: NUMBER' after its last line '---', if it has one (found: {found})"
        )
    return dict(trial.output.claims)


def _bytes(source: bytes | str | Path) -> bytes:
    if isinstance(source, Path):
        return source.read_bytes()
    return source.encode() if isinstance(source, str) else bytes(source)


def _let_read(path: Path) -> None:
    """As root the candidate is another user, to whom the data it is given must be readable."""
    if os.geteuid() == 0:
        for file in (path, *path.rglob("*")) if path.is_dir() else (path,):
            mode = file.lstat().st_mode
            if stat.S_ISLNK(mode):  # it may lead anywhere
                continue
            wanted = mode | stat.S_IROTH | (stat.S_IXOTH if stat.S_ISDIR(mode) else 0)
            if wanted != mode:
                file.chmod(stat.S_IMODE(wanted))
