"""Launch: makes a study, starts its loop as a process of its own, and hands requests to it.

The loop shares a directory with its starter, not code: nothing here imports `workbench.loop`.
"""

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import workbench
from workbench import experiment as experiments
from workbench.errors import ExperimentError, StudyError
from workbench.experiment import Experiment
from workbench.ledger import folder as folders
from workbench.ledger import imported
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal, write_new
from workbench.ledger.study import Study
from workbench.machine import environment
from workbench.program import Program
from workbench.records import Candidate, Options, StudyOpened
from workbench.verbs import settings_files, starters
from workbench.verbs.study_options import checked

BASELINE = "baseline"
NOT_COPIED = ("__pycache__", folders.STUDIES, "node_modules")


def create(
    experiment: str,
    *,
    study: str | None = None,
    root: Path | None = None,
    options: Options | None = None,
    settings: Mapping[str, str] | None = None,
    source: Path | None = None,
    also: Sequence[str] = (),
    key: str = "",
) -> StudyFolder:
    """Makes a study whole or not at all: a frozen copy of the experiment, and a journal with the baseline as candidate 0.

    Args:
        experiment: a folder, or the name of a built-in experiment.
        study: its name; by default the experiment's with a number.
        root: the folder in which `studies/` lies; the current one by default.
        source: where the program came from, and `apply` writes it to; the experiment's folder by default.
        also: programs beside the baseline that are tried first, as in `starters.read`. key: as in `StudyOpened`.

    Raises:
        UsageError: the experiment, an option or a setting cannot be; the name is taken.
        SandboxUnavailable: no acceptable sandbox works here.
    """
    root = (root or Path.cwd()).resolve()
    found, files = settings_files.taken(
        experiments.read(experiments.find(experiment, root)), settings or {}, root
    )
    program, options = found.program(), checked(options or Options(), root)
    if study is not None and (root / folders.STUDIES / study).exists():
        raise StudyError(
            f"a study {study!r} is there already; {_go_on(root, study)}choose another name"
        )
    others = starters.read(found, program, also, root)
    _check_sandbox(options.sandbox)

    def fill(name: str) -> StudyFolder:
        return folders.create(
            root,
            name,
            lambda draft: _fill(draft, name, found, program, others, options, files, source, key),
        )

    if study is not None:
        return fill(study)
    stem = re.sub(r"[^\w.-]+", "-", found.name).strip("-.") or "study"
    for _ in range(20):
        name = folders.free_name(root, stem)
        try:
            return fill(name)
        except StudyError:
            if not (
                root / folders.STUDIES / name
            ).exists():  # not a start at the same time that took the name
                raise
    raise StudyError(
        f"found no free name for a study of {found.name}; choose one with --study NAME"
    )


def _go_on(root: Path, study: str) -> str:
    try:
        with Journal(folders.find(study, root)) as journal:
            is_imported = imported.is_imported(Study().fold(journal.entries()))
    except StudyError:
        is_imported = False
    return (
        "it is imported and read-only; "
        if is_imported
        else f"go on with it: autoresearch resume --study {study}, or "
    )


def _check_sandbox(policy: str) -> None:
    from workbench.evaluate.sandbox import levels

    levels.choose(policy)


def _fill(
    draft: StudyFolder,
    name: str,
    experiment: Experiment,
    program: Program,
    others: Mapping[Program, str],
    options: Options,
    files: Mapping[str, bytes],
    source: Path | None,
    key: str,
) -> None:
    freeze(experiment, program, draft.experiment)
    for place, data in files.items():
        copy = draft.experiment / place
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(data)
    opened = StudyOpened(
        name=name,
        experiment=experiment.name,
        source=str(source or experiment.folder),
        experiment_digest=replace(experiment, folder=draft.experiment).digest,
        objective=experiment.objective,
        options=options,
        shape=experiment.shape,
        settings=dict(experiment.settings),
        audit=dict(experiment.audit),
        environment=environment(),
        version=workbench.__version__,
        also={other.digest: hypothesis for other, hypothesis in others.items()},
        key=key,
    )
    baseline = Candidate(
        candidate=0,
        parent=None,
        program=program.digest,
        author=BASELINE,
        hypothesis="the experiment as it is",
    )
    write_new(draft, [opened, baseline], [program, *others])


def freeze(experiment: Experiment, program: Program, target: Path) -> None:
    """Copies the experiment's files, with the program as its editable ones; links, hidden files and caches stay behind.

    Raises:
        ExperimentError: the evaluator is a link, which would not be part of the copy.
    """
    for folder, names, files in os.walk(experiment.folder):
        names[:] = [name for name in names if not name.startswith(".") and name not in NOT_COPIED]
        here = Path(folder)
        for name in files:
            source = here / name
            if name.startswith(".") or source.is_symlink() or not source.is_file():
                continue
            copy = target / source.relative_to(experiment.folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
            copy.chmod(0o755 if source.stat().st_mode & 0o100 else 0o644)
    program.write(target)
    if not (target / "experiment.toml").exists():  # a checkout that was recognised without one
        (target / "experiment.toml").write_text(experiments.as_toml(experiment), encoding="utf-8")
    if experiment.evaluator and not (target / experiment.evaluator).is_file():
        raise ExperimentError(
            f"{experiment.folder / experiment.evaluator} is a link or hidden; a study freezes plain files only"
        )
