"""Makes an experiment of a script or a package, and runs its baseline.

What the script says about itself is read in `recognise`; nothing of it is imported here.
"""

import math
import shlex
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, Unpack

from workbench import experiment_file, options
from workbench.errors import UsageError
from workbench.experiment import Experiment
from workbench.ledger.folder import StudyFolder
from workbench.ledger.repeats import standard_deviation
from workbench.options import Sandbox, ScoringOptions
from workbench.program import Program
from workbench.recognise import lint, scaffold, script_scan
from workbench.recognise.scaffold import Scoring
from workbench.recognise.script_scan import Scan
from workbench.recognise.setup import Ask, Description, complete, limits_for
from workbench.records import Trial
from workbench.verbs.keywords import with_options

# In the frozen experiment of a study of a script: the script as it was, with the scoring function
# that the program itself must not have.
ORIGINAL_SCRIPT = "script.txt"
ENTRIES = ("main.py", "train.py", "run.py", "__main__.py")
N_RUNS = 2
TIME_FACTOR = 5.0  # a trial may take so many times as long as the baseline took
MIN_SECONDS = 60.0
Say = Callable[[str], None]
Answer = TypeVar("Answer")


@dataclass(frozen=True, repr=False)
class NewExperiment:
    """An experiment that was made, what its baseline scored, and what is weak about its score.

    Attributes:
        folder: where it lies.
        files: what was written there.
        experiment: the experiment itself.
        trials: those of the baseline; none where it was not run.
        weak: what makes its score worth less than it looks, one sentence each.
    """

    folder: Path
    files: tuple[str, ...]
    experiment: Experiment
    trials: tuple[Trial, ...]
    weak: tuple[str, ...]

    @property
    def scores(self) -> list[float]:
        return [trial.score for trial in self.trials if trial.score is not None]

    @property
    def works(self) -> bool:
        """Whether no trial of the baseline failed."""
        return len(self.scores) == len(self.trials)

    def data(self) -> dict[str, Any]:
        """As plain values, for `--json`."""
        objective = self.experiment.objective
        trials = [
            {
                "status": trial.status,
                "score": trial.score,
                "seconds": trial.seconds,
                "reason": trial.reason,
            }
            for trial in self.trials
        ]
        return {
            "folder": str(self.folder),
            "files": list(self.files),
            "editable": list(self.experiment.editable),
            "command": list(self.experiment.command),
            "objective": {
                "name": objective.name,
                "goal": objective.goal,
                "noise": objective.noise,
                "min_effect": objective.min_effect,
            },
            "packages": list(self.experiment.packages),
            "trials": trials,
            "spread": standard_deviation(self.scores),
            "weak": list(self.weak),
        }

    def __repr__(self) -> str:
        objective = self.experiment.objective
        command = shlex.join(self.experiment.command)
        source = f"{command}, the line"
        if self.experiment.evaluator:
            source = "its function"
        lines = [
            self._describe_outcome(),
            f"score     {objective.name} ({objective.goal}), {source}; noise {objective.noise}",
            f"editable  {', '.join(self.experiment.editable)}",
        ]
        if self.scores and self.works:
            scores = ", ".join(f"{score:.6g}" for score in self.scores)
            spread = f"{standard_deviation(self.scores):.3g}"
            seconds = max(trial.seconds for trial in self.trials)
            lines.append(f"baseline  {scores} (spread {spread}), {seconds:.1f} s a trial")
        lines += [f"weak      {sentence}" for sentence in self.weak]
        file = self.folder / "experiment.toml"
        lines.append(f"next      look at {file}, then: autoresearch start {self.folder}")
        return "\n".join(lines)

    def _describe_outcome(self) -> str:
        """Which files were written, and first of all whether the baseline failed."""
        text = f"wrote {', '.join(self.files)} in {self.folder}"
        for trial in self.trials:
            if trial.score is None:
                return f"the baseline {trial.status}: {trial.reason}; {text}"
        return text


def make_experiment(
    folder: Path,
    script: Path | None,
    description: Description,
    *,
    run: bool = True,
    sandbox: str = "auto",
    ask: Ask | None = None,
    say: Say | None = None,
) -> NewExperiment:
    """Writes an experiment of a script, or of the package that already lies in `folder`.

    Args:
        folder: the new folder; or one with a package, which becomes the experiment.
        script: what runs. It is copied, with what it imports and names, unless it lies in `folder`.
        description: what a person said about the experiment.
        run: whether to run the baseline, twice.
        sandbox: how the baseline is isolated.
        ask: takes a question and what Enter means, and returns the answer. Without it nothing is
            asked.
        say: takes a line of progress.

    Raises:
        UsageError: something is missing that only a person can say, or cannot be used. Nothing was
            written.
    """
    is_in_place = _is_in_place(folder, script)
    script = script or _find_entry(folder)
    scan = script_scan.scan(script, folder if is_in_place else None)
    scoring, setup = complete(scan, description, ask)
    if is_in_place:
        if scoring.score:
            raise UsageError(
                f"--score takes {scoring.score}() out of {scan.script} into the evaluator; "
                "leave your folder as it is and write a new one: "
                f"autoresearch new NEW_FOLDER --script {script} --score {scoring.score}"
            )
        setup = replace(setup, root=None)  # the files are where they belong
    name = folder.resolve().name
    try:
        written = scaffold.write(scan.code, folder, name, scoring, scan.script, setup)
    except OSError as error:
        raise UsageError(f"cannot write {folder}: {error.strerror}") from None
    experiment = experiment_file.read(folder)
    trials: tuple[Trial, ...] = ()
    if run:
        trials = run_baseline(experiment, sandbox, say or (lambda line: None))
    experiment = _fit_to_baseline(experiment, description, scan, trials)
    toml = experiment_file.format_toml(experiment)
    (folder / "experiment.toml").write_text(toml, encoding="utf-8")
    scores = [trial.score for trial in trials if trial.score is not None]
    weak = tuple(lint.warnings(scan, experiment, scores))
    return NewExperiment(folder, tuple(written), experiment, trials, weak)


def _is_in_place(folder: Path, script: Path | None) -> bool:
    """Whether a folder that already holds files becomes the experiment as it lies there.

    Raises:
        UsageError: the folder exists, and cannot become this experiment.
    """
    is_empty = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    if is_empty:
        return False
    if script is not None and not script.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"{folder} is there already; name a new folder")
    if (folder / "experiment.toml").exists():
        raise UsageError(
            f"{folder} is an experiment already; start a study of it: autoresearch start {folder}"
        )
    return True


@with_options(options.SCORING)
def new(
    folder: str | Path,
    *,
    script: str | Path | None = None,
    editable: Sequence[str] = (),
    command: str = "",
    sandbox: Sandbox = "auto",
    run: bool = True,
    **scoring_options: Unpack[ScoringOptions],
) -> NewExperiment:
    """Makes an experiment of a script, or of the package in `folder`, and runs its baseline.

    Args:
        folder: the new folder; or one with a package, which becomes the experiment.
        script: what runs; a scoring function in it becomes the evaluator.
        editable: patterns of the files that may change, below the script's folder; by default the
            script.
        command: how it runs, where it prints its score; by default `python SCRIPT`.
        sandbox: how the baseline is isolated.
        run: whether to run the baseline, twice.
        scoring_options: the options below. What is left out is found in the script, or by its
            baseline.

    Raises:
        UsageError: as of `make_experiment`.
    """
    values: dict[str, Any] = dict(scoring_options)
    time_limit = values.pop("time_limit", None)
    description = Description(
        scoring=Scoring(**values),
        editable=tuple(editable),
        command=command,
        time_limit=time_limit,
    )
    path = None if script is None else Path(script).expanduser()
    return make_experiment(Path(folder).expanduser(), path, description, run=run, sandbox=sandbox)


def begin_with_script(
    script: Path, scoring: Scoring, time_limit: str | float | None, start: Callable[[Path], Answer]
) -> Answer:
    """Makes a temporary experiment of a script, and starts a study of it, which keeps a copy.

    The script's own folder stays as it is.

    Args:
        script: the script.
        scoring: how it is scored.
        time_limit: how long a trial may take.
        start: starts the study of the experiment in a folder; its answer is returned.

    Raises:
        UsageError: as of `make_experiment`; nothing is asked.
    """
    scan = script_scan.scan(script)
    scoring, setup = complete(scan, Description(scoring=scoring, time_limit=time_limit), None)
    with tempfile.TemporaryDirectory(prefix="workbench-script-") as root:
        folder = Path(root) / script.stem
        scaffold.write(scan.code, folder, script.stem, scoring, scan.script, setup)
        if scoring.score:
            (folder / ORIGINAL_SCRIPT).write_text(scan.code, encoding="utf-8")
        return start(folder)


def is_script(source: Path) -> bool:
    """Whether the place that a study was started from is a script."""
    return source.suffix == ".py"


def restore_script(study: StudyFolder, script: str, function: str, program: Program) -> Program:
    """A program of a study of a script, with the scoring function back where it stood.

    Args:
        study: the study.
        script: name of the script.
        function: name of the scoring function.
        program: the program without it.
    """
    original = study.experiment / ORIGINAL_SCRIPT
    if not original.is_file():
        return program
    text = scaffold.rejoin(original.read_text(encoding="utf-8"), program.files[script], function)
    return Program({**program.files, script: text}, program.executable)


def run_baseline(experiment: Experiment, sandbox: str, say: Say) -> tuple[Trial, ...]:
    """Runs the program as it is, twice under two seeds; one that fails is not run again."""
    from workbench.evaluate.single_trial import run_trial

    trials: list[Trial] = []
    for seed in range(1, N_RUNS + 1):
        say(f"baseline, trial {seed} of {N_RUNS} ...")
        trial = run_trial(experiment, experiment.program(), seed, sandbox=sandbox)
        trials.append(trial)
        if trial.score is None:
            break
        say(f"baseline, trial {seed} of {N_RUNS}: {trial.score:.6g} in {trial.seconds:.1f} s")
    return tuple(trials)


def _fit_to_baseline(
    experiment: Experiment, description: Description, scan: Scan, trials: Sequence[Trial]
) -> Experiment:
    """The experiment with the noise and the time limit that its baseline showed.

    What a person said about either stays.
    """
    scores = [trial.score for trial in trials if trial.score is not None]
    objective = experiment.objective
    trial_limits = experiment.limits
    if description.scoring.noise is None:
        if objective.name in scan.seeded and experiment.evaluator:
            objective = replace(objective, noise="seed")
        elif len(scores) == N_RUNS and len(set(scores)) == 1:
            objective = replace(objective, noise="none")
        else:
            objective = replace(objective, noise="run")
    if description.time_limit is None and len(scores) == N_RUNS:
        slowest = max(trial.seconds for trial in trials)
        trial_limits = limits_for(float(math.ceil(max(MIN_SECONDS, TIME_FACTOR * slowest))))
    return replace(experiment, objective=objective, limits=trial_limits)


def _find_entry(folder: Path) -> Path:
    """The file of a package that runs.

    Raises:
        UsageError: the folder does not exist yet, or several files could be it.
    """
    if not folder.is_dir():
        raise UsageError(
            f"--script is missing: {folder} does not exist yet; say which script it is made of"
        )
    files = sorted(folder.glob("*.py"))
    usual = [folder / name for name in ENTRIES if (folder / name).is_file()]
    if usual:
        return usual[0]
    if len(files) == 1:
        return files[0]
    names = ", ".join(file.name for file in files[:10]) or "no Python file"
    raise UsageError(f"--script is missing: {folder} has {names}; say which of them runs")
