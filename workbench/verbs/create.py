"""Creates a study, whole or not at all.

A new study is written in a hidden folder, which is given its name at the very end. So a study that
can be seen is complete, whatever stops its creation. Nothing here starts a loop.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import workbench
from workbench import machine
from workbench.errors import StudyError
from workbench.experiment import Experiment
from workbench.ledger import folder as folders
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal, create_journal
from workbench.ledger.study import Study
from workbench.program import Program
from workbench.recognise import experiments
from workbench.records import Candidate, Options, Record, StudyOpened
from workbench.verbs import settings_files, starters
from workbench.verbs.freeze import freeze
from workbench.verbs.study_options import check_options

BASELINE = "baseline"  # the author of candidate 0
MAX_TRIES = 20


@dataclass(frozen=True, kw_only=True)
class _NewStudy:
    """What a study begins with; all of it has been checked.

    Attributes:
        experiment: the experiment, with the values of `--set`.
        settings_files: contents of the files that `--set` named, by their path in the frozen copy.
        baseline: the program that the experiment holds.
        starters: programs to try before the proposer is asked, each with its hypothesis.
        options: how it is searched.
        source: the folder or script that the program came from.
        key: what the seeds of trials are derived from, as in `StudyOpened`.
    """

    experiment: Experiment
    settings_files: Mapping[str, bytes]
    baseline: Program
    starters: Mapping[Program, str]
    options: Options
    source: Path
    key: str


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
    """Creates a study: a frozen copy of the experiment, and a journal with candidate 0.

    Args:
        experiment: a folder, or the name of a built-in experiment.
        study: its name; by default the experiment's with a number.
        root: the folder that holds `studies/`; the current one by default.
        options: how it is searched.
        settings: values of the experiment's settings, as texts.
        source: where the program came from, which is where `apply` writes it; the experiment's
            folder by default.
        also: programs to try before the proposer is asked, as `starters.read` takes them.
        key: what the seeds of trials are derived from, as in `StudyOpened`.

    Raises:
        UsageError: the experiment, an option or a setting cannot be used, or the name is taken.
        SandboxUnavailable: no acceptable sandbox works here.
    """
    root = (root or Path.cwd()).resolve()
    # Everything is checked before anything is written, the cheap checks first.
    configured, contents = settings_files.apply_settings(
        experiments.load(experiment, root), settings or {}, root
    )
    baseline = configured.program()
    checked_options = check_options(options or Options(), root)
    if study is not None:
        _require_free_name(study, root)
    new_study = _NewStudy(
        experiment=configured,
        settings_files=contents,
        baseline=baseline,
        starters=starters.read(configured, baseline, also, root),
        options=checked_options,
        source=source or configured.folder,
        key=key,
    )
    # Last, since it starts processes.
    _check_sandbox(checked_options.sandbox)
    if study is not None:
        return _write(new_study, study, root)
    return _write_under_free_name(new_study, root)


def _require_free_name(study: str, root: Path) -> None:
    """Raises StudyError, with what to do, where a study has the name already."""
    if not (root / folders.STUDIES / study).exists():
        return
    if _is_imported(study, root):
        remedy = "it is imported and read-only; choose another name"
    else:
        remedy = f"go on with it: autoresearch resume --study {study}, or choose another name"
    raise StudyError(f"study {study!r} already exists; {remedy}")


def _is_imported(study: str, root: Path) -> bool:
    try:
        with Journal(folders.find(study, root)) as journal:
            return Study().fold(journal.read_entries()).kind.is_read_only
    except StudyError:  # something else has that name, or the study is damaged
        return False


def _check_sandbox(level: str) -> None:
    # Only creating a study needs the sandbox; the other verbs that import this module do not.
    from workbench.evaluate.sandbox import probe

    probe.choose_level(level)


def _write_under_free_name(new_study: _NewStudy, root: Path) -> StudyFolder:
    """Writes the study under the experiment's name with the first number that is free."""
    stem = re.sub(r"[^\w.-]+", "-", new_study.experiment.name).strip("-.") or "study"
    for _ in range(MAX_TRIES):
        name = folders.find_free_name(root, stem)
        try:
            return _write(new_study, name, root)
        except StudyError:
            # Another start may have taken the name in the meantime: then the next number is free.
            if not (root / folders.STUDIES / name).exists():
                raise
    raise StudyError(
        f"found no free name for a study of {new_study.experiment.name} in {MAX_TRIES} tries; "
        "choose one with --study NAME"
    )


def _write(new_study: _NewStudy, name: str, root: Path) -> StudyFolder:
    def fill(draft: StudyFolder) -> None:
        freeze(new_study.experiment, new_study.baseline, draft.experiment, new_study.settings_files)
        frozen = replace(new_study.experiment, folder=draft.experiment)
        records = _first_records(new_study, name, frozen.digest)
        create_journal(draft, records, [new_study.baseline, *new_study.starters])

    return folders.create(root, name, fill)


def _first_records(new_study: _NewStudy, name: str, experiment_digest: str) -> list[Record]:
    """The study itself and its baseline. The loop makes the starters candidates when it begins."""
    experiment = new_study.experiment
    opened = StudyOpened(
        name=name,
        experiment=experiment.name,
        source=str(new_study.source),
        experiment_digest=experiment_digest,
        objective=experiment.objective,
        options=new_study.options,
        shape=experiment.shape,
        settings=dict(experiment.settings),
        audit=dict(experiment.audit),
        environment=machine.describe_environment(),
        version=workbench.__version__,
        also={program.digest: hypothesis for program, hypothesis in new_study.starters.items()},
        key=new_study.key,
    )
    baseline = Candidate(
        candidate=0,
        parent=None,
        program=new_study.baseline.digest,
        author=BASELINE,
        hypothesis="the experiment as it is",
    )
    return [opened, baseline]
