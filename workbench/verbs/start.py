"""Begins, opens and lists studies: the Python side of the verbs that need no study yet."""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from workbench import options
from workbench.errors import StudyError, UsageError
from workbench.experiment import Goal
from workbench.ledger import folder as folders
from workbench.ledger.folder import StudyFolder
from workbench.options import StartOptions
from workbench.recognise.logs import Reading
from workbench.recognise.scaffold import Scoring
from workbench.show import views
from workbench.verbs import create, log_import, loop_process, new
from workbench.verbs.handle import StudyHandle
from workbench.verbs.keywords import with_options

KEY_BYTES = 16  # of the secret that the seeds of trials derive from


@with_options(options.START)
def start(
    experiment: str | Path, *, root: str | Path | None = None, **chosen: Unpack[StartOptions]
) -> StudyHandle:
    """Makes a study of an experiment and starts its loop, a process that outlives this one.

    Args:
        experiment: a folder, the name of a built-in experiment, or a script, of which an experiment
            is made for this study.
        root: the folder that holds `studies/`; the current one by default.
        chosen: the options below.

    Raises:
        UsageError: an option or the experiment cannot be used; one line says why.
        SandboxUnavailable: no acceptable sandbox works here.
        WorkbenchError: the loop did not start.
    """
    place = Path(root or Path.cwd())
    script = place / Path(experiment).expanduser()
    values: dict[str, Any] = dict(chosen)
    scoring_options = {name: values[name] for name in options.SCORING if name in values}
    time_limit = scoring_options.pop("time_limit", None)
    scoring = Scoring(**scoring_options)

    def create_from_script(experiment_folder: Path) -> StudyFolder:
        return _create(experiment_folder, script.resolve(), place, chosen)

    if new.is_script(script):
        folder = new.begin_with_script(script, scoring, time_limit, create_from_script)
    elif scoring != Scoring() or time_limit is not None:
        raise UsageError(
            f"{experiment} says in its experiment.toml how it is scored, and how long a trial may "
            "take ([limits] wall_seconds); "
            "a script becomes an experiment with: autoresearch new FOLDER"
        )
    else:
        folder = _create(experiment, None, place, chosen)
    loop_process.spawn(folder)
    study = StudyHandle(folder)
    if chosen.get("wait"):
        study.wait()
    return study


def _create(
    experiment: str | Path, source: Path | None, root: Path, chosen: StartOptions
) -> StudyFolder:
    """Makes the study, without its loop.

    Args:
        experiment: the folder or the name of the experiment.
        source: the script that it was made of, if it was.
        root: the folder that holds `studies/`.
        chosen: options of `start`.
    """
    # Whoever chooses the seed wants to repeat the study. All others get secret seeds, so that no
    # candidate can prepare for its trials.
    key = secrets.token_hex(KEY_BYTES) if chosen.get("seed") is None else ""
    settings = chosen.get("settings") or {}
    return create.create(
        str(experiment),
        study=chosen.get("study"),
        root=root,
        options=options.to_record(chosen),
        settings={name: str(value) for name, value in settings.items()},
        source=source,
        also=[str(path) for path in chosen.get("also", ())],
        key=key,
    )


def import_log(
    path: str | Path,
    *,
    study: str | None = None,
    root: str | Path | None = None,
    goal: Goal | None = None,
    metric: str | None = None,
    columns: Sequence[str] = (),
    statuses: Mapping[str, str] | None = None,
    segment: int | None = None,
) -> StudyHandle:
    """Makes a read-only study of a `results.tsv`, or of pi's `autoresearch.jsonl`.

    Args:
        path: the log.
        study: name of the study; by default the log's or its folder's, with a number.
        root: the folder that holds `studies/`; the current one by default.
        goal: whether a low or a high score is better, where the log does not say.
        metric: which column, or which named metric, is the score.
        columns: names of the columns, for a log without a header or in place of its header.
        statuses: what words of the log mean: `keep`, `discard` or `crash`.
        segment: which segment of a pi log; by default the last one with runs.

    Raises:
        UsageError: the log cannot be read like this, or the name is taken. No study was made.
    """
    reading = Reading(
        metric=metric,
        goal=goal,
        columns=tuple(columns),
        statuses=statuses or {},
        segment=segment,
    )
    place = Path(root or Path.cwd())
    return StudyHandle(log_import.import_log(path, reading, study=study, root=place).folder)


def open(name: str | Path | None = None, root: str | Path | None = None) -> StudyHandle:
    """A study by name or path; without a name, the newest below `root`.

    Args:
        name: name of the study, or path of its folder.
        root: the folder that holds `studies/`; the current one by default.
    """
    text = None if name is None else str(name)
    return StudyHandle(folders.find(text, Path(root or Path.cwd())))


def studies(root: str | Path | None = None) -> list[StudyHandle]:
    """The readable studies below a folder (the current one by default), newest first."""
    handles = []
    for folder in folders.list_studies(Path(root or Path.cwd())):
        try:
            handles.append(StudyHandle(folder))
        except StudyError:
            continue  # damaged, or of a newer version; `autoresearch list` names it and says why
    return handles


def read_statuses(root: Path) -> list[views.View]:
    """The status of every study below a folder, newest first.

    A study that cannot be read has the state `unreadable`, and a reason.
    """
    rows = []
    for folder in folders.list_studies(root):
        try:
            with StudyHandle(folder) as study:
                rows.append(views.status(study.study, folder))
        except StudyError as error:
            rows.append({"study": folder.name, "state": "unreadable", "reason": str(error)})
    return rows
