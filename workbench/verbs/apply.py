"""Writes a program of a study back to the folder that the experiment came from.

Work that was done there since is never overwritten.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import UsageError, WorkbenchError
from workbench.ledger.folder import StudyFolder
from workbench.ledger.study import Study
from workbench.program import Patch, Program
from workbench.recognise.cell import is_cell
from workbench.verbs import new


@dataclass(frozen=True)
class WrittenBack:
    """What was written, or would be where `dry_run` is true.

    Attributes:
        folder: where the files are.
        written: paths of the changed files.
        unchanged: paths of the program's other files.
        patch: what turns the baseline into the program.
        dry_run: whether nothing was written.
    """

    folder: Path
    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    patch: Patch
    dry_run: bool = False

    def __str__(self) -> str:
        if self.dry_run:
            return self.patch.to_unified_diff() or f"nothing to change in {self.folder}"
        if not self.written:
            return f"{self.folder} has this program already"
        paths = ", ".join(self.written)
        lines = f"+{self.patch.added} -{self.patch.removed} lines against the baseline"
        return f"wrote {paths} in {self.folder} ({lines})"


def apply_candidate(
    folder: StudyFolder,
    study: Study,
    program_of: Callable[[int], Program],
    candidate: int | None,
    to: Path | None,
    dry_run: bool,
) -> WrittenBack:
    """Writes the program of a candidate to where the study began, or into another folder.

    Args:
        folder: the study's folder.
        study: the study.
        program_of: gives the program of a candidate by its number.
        candidate: its number; None where the study has no incumbent.
        to: another folder.
        dry_run: whether to write nothing.

    Raises:
        UsageError: `candidate` or the folder to write to is missing, or `write_back` refuses.
    """
    if to is None and is_cell(folder):
        raise UsageError(
            f"{folder.name} began with a notebook cell: %autoresearch apply there, "
            "or write its files with --to FOLDER"
        )
    if candidate is None:
        raise UsageError(
            f"{folder.name} has no kept program yet; name a candidate, or wait for its baseline"
        )
    source = Path(study.opened.source)
    baseline = program_of(0)
    program = program_of(candidate)
    if to is None and new.is_script(source):
        # A study of a script holds the script without the function that scores it.
        function = study.opened.objective.name
        baseline = new.restore_script(folder, source.name, function, baseline)
        program = new.restore_script(folder, source.name, function, program)
        source = source.parent
    return write_back(folder, source, baseline, program, to, dry_run)


def write_back(
    study: StudyFolder,
    source: Path,
    baseline: Program,
    program: Program,
    to: Path | None = None,
    dry_run: bool = False,
) -> WrittenBack:
    """Writes `program` over the experiment's own files, or into another folder.

    All checks come before the first write.

    Args:
        study: the study's folder.
        source: the folder that the study's experiment was read from.
        baseline: the program as it was then.
        program: what to write.
        to: another folder; where it is missing or empty it becomes a whole copy of the experiment.
        dry_run: whether to write nothing.

    Raises:
        UsageError: a file is neither the baseline's nor the new one already, or the folder may not
            be written.
        WorkbenchError: writing failed; each file is whole, either as before or as it should be.
    """
    target = (to or source).resolve()
    is_new = to is not None and _is_missing_or_empty(target)
    _check_folder(target, is_new)
    changes = {} if is_new else _find_changes(target, baseline, program)
    written = sorted(program.files if is_new else changes)
    unchanged = sorted(set(program.files).difference(written))
    patch = Patch.between(baseline, program)
    result = WrittenBack(target, tuple(written), tuple(unchanged), patch, dry_run)
    if dry_run:
        return result
    try:
        if is_new:
            shutil.copytree(study.experiment, target, dirs_exist_ok=True)
            program.write(target)
        for path, text in changes.items():
            _replace(target / path, text, path in program.executable)
    except OSError as error:
        raise WorkbenchError(
            f"cannot write in {target}: {error.strerror}; "
            "`autoresearch apply` again goes on where this stopped"
        ) from None
    return result


def _is_missing_or_empty(folder: Path) -> bool:
    if not folder.exists():
        return True
    return folder.is_dir() and not any(folder.iterdir())


def _check_folder(target: Path, is_new: bool) -> None:
    """Raises UsageError where the folder may not be written to."""
    remedy = "write a copy with --to FOLDER, or a notebook with: autoresearch export N"
    if {"site-packages", "dist-packages"}.intersection(target.parts):
        raise UsageError(f"{target} belongs to the installed package; {remedy}")
    if is_new:
        return
    if target.exists() and not target.is_dir():
        raise UsageError(f"{target} is not a folder; {remedy}")
    if not target.is_dir():
        raise UsageError(f"the experiment's folder {target} is not there any more; {remedy}")
    if not os.access(target, os.W_OK):
        raise UsageError(f"{target} may not be written; {remedy}")


def _find_changes(target: Path, baseline: Program, program: Program) -> dict[str, str | None]:
    """Path to new text of the files that are to change; None where the file goes.

    Raises:
        UsageError: one of them holds something else than the study began with.
    """
    changes: dict[str, str | None] = {}
    for path in sorted({*baseline.files, *program.files}):
        old = baseline.files.get(path)
        new_text = program.files.get(path)
        mode_changes = (path in baseline.executable) != (path in program.executable)
        current = _read_bytes(target, path)
        if current == _encode(new_text) and not mode_changes:
            continue
        if current not in (_encode(old), _encode(new_text)):
            raise UsageError(
                f"{target / path} has changed since the study began; "
                "commit or move that work, or write a copy with --to FOLDER"
            )
        changes[path] = new_text
    return changes


def _read_bytes(target: Path, path: str) -> bytes | None:
    """What a file of the folder holds; None where it is missing."""
    file = target / path
    if not file.resolve().is_relative_to(target):
        raise UsageError(f"{file} leads out of {target}; nothing was written")
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from None


def _encode(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8")


def _replace(file: Path, text: str | None, executable: bool) -> None:
    """Replaces one file at once: a reader sees the old or the new one, whole."""
    file = file.resolve()  # a link inside the folder stays a link
    if text is None:
        file.unlink(missing_ok=True)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    mode = 0o644
    if file.exists():
        mode = file.stat().st_mode & 0o777
    # A rename within a folder is atomic, so the text is written beside the file first.
    descriptor, draft = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text.encode("utf-8"))
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(draft, mode | 0o111 if executable else mode & ~0o111)
        os.replace(draft, file)
    finally:
        Path(draft).unlink(missing_ok=True)
