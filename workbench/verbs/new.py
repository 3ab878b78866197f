"""New: an experiment of a script or a package, from what its source says and what a person answers; and its baseline, run twice."""

import math
import shlex
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from workbench import experiment as experiments
from workbench.errors import UsageError
from workbench.experiment import Experiment, Goal, Noise
from workbench.ledger.folder import StudyFolder
from workbench.program import Program
from workbench.recognise import lint, scaffold, script_scan
from workbench.recognise.scaffold import Scoring
from workbench.recognise.script_scan import Look
from workbench.recognise.setup import Ask, Wanted, limits, settle
from workbench.records import Trial

WHOLE = "script.txt"  # in the frozen experiment of a study of a script: the script as it was, its scoring function included
ENTRIES = ("main.py", "train.py", "run.py", "__main__.py")
RUNS = 2
SLACK, LEAST_SECONDS = 5.0, 60.0
Say = Callable[[str], None]
Began = TypeVar("Began")


@dataclass(frozen=True, repr=False)
class Made:
    """An experiment that was made, what its baseline scored, and what is weak about its evaluation.

    Attributes:
        folder: where it lies. files: what was written there. trials: of the baseline; none where it was not run.
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
            "trials": [
                {
                    "status": one.status,
                    "score": one.score,
                    "seconds": one.seconds,
                    "reason": one.reason,
                }
                for one in self.trials
            ],
            "spread": lint.spread(self.scores),
            "weak": list(self.weak),
        }

    def __repr__(self) -> str:
        objective, scores = self.experiment.objective, self.scores
        failed = next((one for one in self.trials if one.score is None), None)
        first = f"wrote {', '.join(self.files)} in {self.folder}"
        lines = [f"the baseline {failed.status}: {failed.reason}; {first}" if failed else first]
        evaluated = (
            "its function"
            if self.experiment.evaluator
            else f"{shlex.join(self.experiment.command)}, the line"
        )
        lines.append(
            f"score     {objective.name} ({objective.goal}), {evaluated}; noise {objective.noise}"
        )
        lines.append(f"editable  {', '.join(self.experiment.editable)}")
        if scores and not failed:
            told = ", ".join(f"{score:.6g}" for score in scores)
            lines.append(
                f"baseline  {told} (spread {lint.spread(scores):.3g}), {max(one.seconds for one in self.trials):.1f} s a trial"
            )
        lines += [f"weak      {sentence}" for sentence in self.weak]
        return "\n".join(
            [
                *lines,
                f"next      look at {self.folder / 'experiment.toml'}, then: autoresearch start {self.folder}",
            ]
        )


def make(
    folder: Path,
    script: Path | None,
    wanted: Wanted,
    *,
    run: bool = True,
    sandbox: str = "auto",
    ask: Ask | None = None,
    say: Say | None = None,
) -> Made:
    """Writes an experiment of a script, or of the package that already lies in `folder`, and runs its baseline twice.

    Args:
        script: what runs; it is copied, with what it imports and names beside it. In `folder` itself: that folder becomes the experiment.
        ask: takes a question and what Enter means, and returns the answer; without it nothing is asked.
        say: takes a line of progress.

    Raises:
        UsageError: something is missing that only a person can say, or cannot be; nothing was written.
    """
    is_there = folder.exists() and any(folder.iterdir() if folder.is_dir() else [folder])
    in_place = is_there and (script is None or script.resolve().is_relative_to(folder.resolve()))
    if is_there and not in_place:
        raise UsageError(f"{folder} is there already; name a new folder")
    if (folder / "experiment.toml").exists():
        raise UsageError(
            f"{folder} is an experiment already; start a study of it: autoresearch start {folder}"
        )
    script = script or _entry(folder)
    look = script_scan.look(script, folder if in_place else None)
    scoring, setup = settle(look, wanted, ask)
    if in_place and scoring.score:
        raise UsageError(
            f"--score takes {scoring.score}() out of {look.script} into the evaluator; leave your folder as it is and write a new one: "
            f"autoresearch new NEW_FOLDER --script {script} --score {scoring.score}"
        )
    try:
        written = scaffold.write(
            look.code,
            folder,
            folder.resolve().name,
            scoring,
            look.script,
            replace(setup, root=None) if in_place else setup,
        )
    except OSError as error:
        raise UsageError(f"cannot write {folder}: {error.strerror}") from None
    experiment = experiments.read(folder)
    trials = baseline(experiment, sandbox, say or (lambda line: None)) if run else ()
    experiment = _fitted(experiment, wanted, look, trials)
    (folder / "experiment.toml").write_text(experiments.as_toml(experiment), encoding="utf-8")
    weak = lint.found(look, experiment, [one.score for one in trials if one.score is not None])
    return Made(folder, tuple(written), experiment, trials, tuple(weak))


def new(
    folder: str | Path,
    *,
    script: str | Path | None = None,
    editable: Sequence[str] = (),
    command: str = "",
    score: str | None = None,
    metric: str | None = None,
    goal: Goal | None = None,
    noise: Noise | None = None,
    min_effect: float = 0.0,
    time_limit: str | float | None = None,
    sandbox: str = "auto",
    run: bool = True,
) -> Made:
    """Makes an experiment of a script, or of the package in `folder`; the words are those of `Wanted`, `Scoring` and `make`."""
    scoring = Scoring(score=score, metric=metric, goal=goal, noise=noise, min_effect=min_effect)
    wanted = Wanted(
        scoring=scoring, editable=tuple(editable), command=command, time_limit=time_limit
    )
    return make(
        Path(folder).expanduser(),
        None if script is None else Path(script).expanduser(),
        wanted,
        run=run,
        sandbox=sandbox,
    )


def begin(
    script: Path, scoring: Scoring, time_limit: str | float | None, start: Callable[[Path], Began]
) -> Began:
    """Makes an experiment of a script and starts on it; the study keeps it, and the script's folder stays as it is.

    Raises:
        UsageError: as `make`, and nothing is asked.
    """
    look = script_scan.look(script)
    scoring, setup = settle(look, Wanted(scoring=scoring, time_limit=time_limit), None)
    with tempfile.TemporaryDirectory(prefix="workbench-script-") as root:
        folder = Path(root) / script.stem
        scaffold.write(look.code, folder, script.stem, scoring, look.script, setup)
        if scoring.score:
            (folder / WHOLE).write_text(look.code, encoding="utf-8")
        return start(folder)


def is_script(study: Path) -> bool:
    """Whether the place that a study was started from is a script."""
    return study.suffix == ".py"


def whole(study: StudyFolder, script: str, function: str, program: Program) -> Program:
    """A program of a study of a script as the script reads with it: the scoring function stands where it stood."""
    if not (study.experiment / WHOLE).is_file():
        return program
    text = scaffold.rejoined(
        (study.experiment / WHOLE).read_text(encoding="utf-8"), program.files[script], function
    )
    return Program({**program.files, script: text}, program.executable)


def baseline(experiment: Experiment, sandbox: str, say: Say) -> tuple[Trial, ...]:
    """The program as it is, run twice under two seeds, as in a study; one that fails is not run again."""
    from workbench.evaluate.once import run_once

    trials: list[Trial] = []
    for seed in range(1, RUNS + 1):
        say(f"baseline, trial {seed} of {RUNS} ...")
        trial = run_once(experiment, experiment.program(), seed, sandbox=sandbox)
        trials.append(trial)
        if trial.score is None:
            break
        say(f"baseline, trial {seed} of {RUNS}: {trial.score:.6g} in {trial.seconds:.1f} s")
    return tuple(trials)


def _fitted(
    experiment: Experiment, wanted: Wanted, look: Look, trials: Sequence[Trial]
) -> Experiment:
    """The experiment with the noise and the time limit that its baseline showed, where nobody said them."""
    scores = [one.score for one in trials if one.score is not None]
    objective, limited = experiment.objective, experiment.limits
    if wanted.scoring.noise is None:
        is_same = len(scores) == RUNS and len(set(scores)) == 1
        takes_seed = objective.name in look.seeded and bool(experiment.evaluator)
        objective = replace(objective, noise="seed" if takes_seed else "none" if is_same else "run")
    if wanted.time_limit is None and len(scores) == RUNS:
        limited = limits(
            float(math.ceil(max(LEAST_SECONDS, SLACK * max(one.seconds for one in trials))))
        )
    return replace(experiment, objective=objective, limits=limited)


def _entry(folder: Path) -> Path:
    """The file of a package that runs."""
    if not folder.is_dir():
        raise UsageError(
            f"--script is missing: {folder} is no folder yet; say which script it is made of"
        )
    files = sorted(folder.glob("*.py"))
    known = [folder / name for name in ENTRIES if (folder / name).is_file()]
    if not known and len(files) != 1:
        found = ", ".join(file.name for file in files[:10]) or "no Python file"
        raise UsageError(f"--script is missing: {folder} has {found}; say which of them runs")
    return (known or files)[0]
