"""What an experiment's trusted `evaluate.py` is given.

`evaluate(trial)` starts the candidate, calls its functions, and returns the metrics.
"""

import math
import os
import stat
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from workbench.evaluate.answers import Cancelled, CandidateFailed, Question, Returns, TimedOut
from workbench.evaluate.executor import Task
from workbench.evaluate.output import Output
from workbench.evaluate.sandbox.cgroup import Group
from workbench.evaluate.sandbox.slot_resources import SlotResources
from workbench.evaluate.sandbox.supervisor import Supervisor
from workbench.evaluate.stages import Stages
from workbench.evaluate.units import Units
from workbench.experiment import Experiment
from workbench.program import Program

# Called with series, step, value, and whether the candidate reported the value itself.
Report = Callable[[str, float, float, bool], None]
MAX_QUESTIONS = 1000
MAX_SERIES_NAME = 64  # characters
MAX_FILE_BYTES = 64 << 20


class Process:
    """A candidate in its sandbox, to be used as a context.

    At the end of the context every process of the candidate is dead.
    """

    def __init__(self, trial: "Evaluation", supervisor: Supervisor, group: Group | None) -> None:
        self._trial = trial
        self._supervisor = supervisor
        self._group = group
        self._is_open = True
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
        """Calls a function of the candidate's module and returns its checked answer.

        Args:
            name: the function.
            args: plain data: numbers, text, bytes, lists, dicts with text keys, numpy arrays.
            kwargs: plain data.
            returns: form that the answer must have exactly: float (an int is converted), int, str,
                bool, list, dict, bytes, None, Array(dtype, shape), or object for any plain data.
                Numbers must be finite.
            timeout: seconds, after which the candidate is killed. The time that its questions took
                to be answered does not count. The trial's own deadline holds in any case.
            questions: what the function may ask before it answers, by name. The candidate's
                `workbench_evaluator.ask(name, question)` returns what the `Question` answers.
            max_questions: in this call; one more is the candidate's failure.

        Raises:
            CandidateFailed: it raised an error, its answer has another form, it asked what is not
                offered, it exceeded a limit, or it has ended.
            RuntimeError: it waits for the answer to a question.
        """
        return self._supervisor.call(name, args, kwargs, returns, timeout, questions, max_questions)

    def read_file(self, path: str, max_bytes: int = MAX_FILE_BYTES) -> bytes:
        """Returns a file that the candidate wrote into its folder.

        A link, a missing file or a larger one is the candidate's failure.
        """
        return self._supervisor.read_file(path, max_bytes)

    def run(self, *argv: str) -> int:
        """Runs a command in the candidate's folder, a Python script as `__main__`.

        Returns:
            Its exit status.
        """
        return self._supervisor.run(argv)

    def data_path(self, name: str) -> str:
        """Returns where the candidate finds a data file; hand it over as an argument."""
        return self._supervisor.data_path(name)

    def seal(self) -> None:
        """Forbids the candidate new processes and threads until its sandbox ends.

        Call it before any code of the candidate runs.
        """
        self._supervisor.seal()

    def cpu_clock(self) -> float:
        """Returns the CPU seconds so far of all its processes, to a nanosecond.

        No candidate can set this clock, and waiting does not move it. Read it when every process
        waits. Without a control group, `seal` the candidate: the time of a process that began and
        ended between two readings would be missing.

        Raises:
            CandidateFailed: a process does not stop working, or one ended and no control group
                counts what it had used.
        """
        return self._supervisor.read_cpu_clock()

    @property
    def seconds(self) -> float:
        """Wall time so far, or until the end of the context."""
        return time.monotonic() - self._began if self._is_open else self._supervisor.seconds

    @property
    def cpu_seconds(self) -> float:
        """CPU time of all its processes, known at the end of the context."""
        return self._supervisor.cpu_seconds

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._supervisor.close()
            self._trial._add_up(self, self._supervisor, self._group)


class Evaluation:
    """One trial as its evaluator sees it.

    Attributes:
        seed: the evaluator's.
        settings: after `--set`.
        data: folder with what `prepare` made.
        program: the candidate's files.
        incumbent: the program that the candidate has to beat, to be started beside it where that is
            worth a metric. It is candidate code too. None where there is none, as in an audit or
            where a step is run again, so the score must not depend on it.
        folder: for artifacts.
        device: `cpu` or `cuda`.
        exact: whether the same seed gives the same score again; an evaluator may set it.
        incumbent_number: number of the incumbent, once it was started; None before that.
    """

    def __init__(
        self,
        task: Task,
        experiment: Experiment,
        resources: SlotResources,
        level: str,
        report: Report,
    ) -> None:
        self.task = task
        self.experiment = experiment
        self.resources = resources
        self.level = level
        self.seed = task.seed
        self.settings = task.settings
        self.program = task.program
        self.data = task.data
        self.folder = task.folder
        self.device = resources.device
        self.incumbent = task.incumbent.program if task.incumbent else None
        self.incumbent_number: int | None = None
        self.exact = experiment.objective.noise in ("none", "seed")
        self.output = Output(lambda series, step, value: report(series, step, value, True))
        self.stages = Stages(experiment, task.stages)
        self.observations = Units(experiment.objective)
        self.deadline = time.monotonic() + resources.limits.wall_seconds
        # Of all sandboxes of the trial that have ended.
        self.cpu_seconds = 0.0
        self.peak_mb = 0.0
        self.memory_limit = ""
        self.cancelled: str | None = None
        self._report = report
        self._processes: list[Process] = []
        # The lock protects `_processes` and `cancelled`, which another thread sets.
        self._lock = threading.Lock()
        # Several sandboxes may print at a time, each in the thread of its reaper.
        self._output_lock = threading.Lock()

    def report(self, series: str, step: float, value: float) -> None:
        """Shows a measured point of a curve while the trial runs; leaves out what is not finite."""
        if math.isfinite(step) and math.isfinite(value):
            self._report(str(series)[:MAX_SERIES_NAME], float(step), float(value), False)

    def stage(self, name: str, value: float) -> None:
        """Hands over the result of a cheap part of the evaluation.

        It returns if the result is good enough to go on. Call it at the end of each part but the
        last, the cheapest part first: after one of ten instances, or a tenth of the steps.

        `[cascade]` in `experiment.toml` says by how much a candidate may be worse there than the
        incumbent, in the objective's direction. That applies to a candidate's first trial. Its
        trials on fresh seeds, which measure, and audits run whole. The value is recorded as a
        metric in any case.

        Raises:
            CandidateFailed: the result is too much worse. Do not catch it; the trial is over.
            ValueError: `[cascade]` has no such stage, the stage was handed over before, or the
                value is not finite.

        Source: AlphaEvolve (arXiv 2506.13131), section 2.4, evaluation cascade. The paper does not
        say whether its thresholds are relative.
        """
        self.stages.take(name, value)

    def units(self, values: Iterable[float]) -> None:
        """Hands over the observations whose mean is the score.

        They are, for instance, items of a benchmark or timing pairs. This is for an objective with
        noise `units`, which compares two programs unit by unit under one seed. So unit i has to be
        the same item for every program, and there have to be equally many.

        More than 256 are recorded as the means of at most 256 blocks of consecutive units, as equal
        in size as possible, so that the journal stays small.

        Args:
            values: `(n,)` finite numbers in units of the score, n at least 2. A second call
                replaces the first.

        Raises:
            ValueError: there are fewer, one is not finite, or the objective has another noise.
        """
        self.observations.take(values)

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
        """Starts the candidate in a new sandbox and imports one module of it.

        Args:
            module: path of the module to import, such as `train.py`; empty for none.
            files: path to contents of further files in the candidate's folder; text, bytes, or a
                path to copy from.
            data: name to file or folder that the candidate may read, at `process.data_path(name)`.
            threads: for numerical libraries.
            program: started instead of the candidate, such as `trial.incumbent`. The sandbox then
                has no file of the candidate.
            home: the value of HOME, for a program that looks for files below it.

        Raises:
            CandidateFailed: the import failed.
        """
        if program is None:
            program = self.program
        contents = {path: text.encode() for path, text in program.files.items()}
        contents |= {path: _read_bytes(source) for path, source in (files or {}).items()}
        data_paths = {name: Path(path).resolve(strict=True) for name, path in (data or {}).items()}
        for path in data_paths.values():
            _make_readable(path)
        if self.cancelled is not None:
            raise Cancelled(self.cancelled)
        supervisor, group = self.resources.start_sandbox(
            self.level, self.deadline, self._take_output, data_paths, threads, home
        )
        process = Process(self, supervisor, group)
        if self.task.incumbent is not None and program is self.incumbent:
            self.incumbent_number = self.task.incumbent.candidate
        with self._lock:
            self._processes.append(process)
        # Again, because `cancel` did not know this process if it came in between.
        if self.cancelled is not None:
            supervisor.end("killed", self.cancelled)
        try:
            supervisor.start(module, contents, sorted(program.executable))
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
        """Raises what ended the trial, if it has ended.

        An evaluator may have caught it, or may work where no call into a sandbox would raise it.
        """
        if self.cancelled is not None:
            raise Cancelled(self.cancelled)
        if time.monotonic() > self.deadline:
            seconds = self.resources.limits.wall_seconds
            raise TimedOut(f"the trial took longer than {seconds:g} s (limits.wall_seconds)")

    def _take_output(self, data: bytes) -> None:
        with self._output_lock:
            self.output.feed(data)

    def _add_up(self, process: Process, supervisor: Supervisor, group: Group | None) -> None:
        """Adds what a process used that has ended."""
        with self._lock:
            self._processes.remove(process)
        self.cpu_seconds += supervisor.cpu_seconds
        self.peak_mb = max(self.peak_mb, supervisor.peak_mb)
        # A trial can claim only the weakest limit that held in any of its sandboxes.
        if self.memory_limit != "watchdog":
            self.memory_limit = supervisor.memory_limit
        self.resources.release_group(group)


def evaluate_claim(trial: Evaluation) -> dict[str, float]:
    """The built-in evaluator of the shape `claimed`.

    It runs the experiment's command and believes the last numbers that the command prints.

    Raises:
        CandidateFailed: the command failed, or printed no line with the objective's metric, or one
            whose number is not finite.
    """
    experiment = trial.experiment
    # Paths below `~` are readable at their own place, so HOME has to point there.
    below_home = any(path.startswith("~") for path in experiment.read_only)
    home = os.path.expanduser("~") if below_home else ""
    files: dict[str, bytes | str | Path] = {**experiment.read_protected()}
    with trial.start("", files=files, threads=os.cpu_count() or 1, home=home) as process:
        status = process.run(*experiment.command)
    trial.output.finish()
    name = experiment.objective.name
    output = trial.output
    if status:
        command = " ".join(experiment.command)
        raise CandidateFailed(f"{command} exited with status {status}")
    if name in output.not_finite:
        raise CandidateFailed(f"{name} was {output.not_finite[name]}; only finite numbers count")
    if name not in output.claims:
        names = ", ".join(output.claims) or "none"
        raise CandidateFailed(
            f"the output has no line '{name}: NUMBER' after its last line '---', if it has one "
            f"(found: {names})"
        )
    return dict(output.claims)


def _read_bytes(source: bytes | str | Path) -> bytes:
    if isinstance(source, Path):
        return source.read_bytes()
    return source.encode() if isinstance(source, str) else bytes(source)


def _make_readable(path: Path) -> None:
    """Lets every user read the data, where we are root and the candidate is another user."""
    if os.geteuid() != 0:
        return
    for file in (path, *path.rglob("*")) if path.is_dir() else (path,):
        # Not `stat`: a link among the data may lead to a secret, which must not be opened up.
        mode = file.lstat().st_mode
        if stat.S_ISLNK(mode):
            continue
        readable = mode | stat.S_IROTH
        if stat.S_ISDIR(mode):
            readable |= stat.S_IXOTH
        if readable != mode:
            file.chmod(stat.S_IMODE(readable))
