"""Apply: writes a program of a study back to the folder that the experiment came from, never over other work."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import UsageError, WorkbenchError
from workbench.ledger.folder import StudyFolder
from workbench.program import Patch, Program


@dataclass(frozen=True)
class WrittenBack:
    """What was written (or, after a dry run, would be): paths of changed files, and the diff against the baseline."""

    folder: Path
    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    patch: Patch
    dry_run: bool = False

    def __str__(self) -> str:
        if self.dry_run:
            return self.patch.unified() or f"nothing to change in {self.folder}"
        if not self.written:
            return f"{self.folder} has this program already"
        return f"wrote {', '.join(self.written)} in {self.folder} (+{self.patch.added} -{self.patch.removed} lines against the baseline)"


def write_back(
    study: StudyFolder,
    source: Path,
    baseline: Program,
    program: Program,
    to: Path | None = None,
    dry_run: bool = False,
) -> WrittenBack:
    """Writes `program` over the experiment's own files, or into another folder; all checks come before the first write.

    Args:
        source: the folder that the study's experiment was read from. baseline: the program as it was then.
        to: another folder instead; where it is missing or empty it becomes a whole copy of the experiment.

    Raises:
        UsageError: a file is neither the baseline's nor already the new one, or the folder is not for writing.
        WorkbenchError: writing failed; each file is either whole as before or whole as it should be.
    """
    target = (to or source).resolve()
    is_new = to is not None and (
        not target.exists() or (target.is_dir() and not any(target.iterdir()))
    )
    _check_folder(target, is_new)
    changes = {} if is_new else _changes(target, baseline, program)
    patch = Patch.between(baseline, program)
    written = tuple(sorted(program.files)) if is_new else tuple(sorted(changes))
    unchanged = tuple(path for path in sorted(program.files) if path not in written)
    result = WrittenBack(target, written, unchanged, patch, dry_run)
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
            f"cannot write in {target}: {error.strerror}; `autoresearch apply` again goes on where this stopped"
        ) from None
    return result


def _check_folder(target: Path, is_new: bool) -> None:
    remedy = "write a copy with --to FOLDER, or a notebook with: autoresearch export N"
    if {"site-packages", "dist-packages"} & set(target.parts):
        raise UsageError(f"{target} belongs to the installed package; {remedy}")
    if is_new:
        return
    if target.exists() and not target.is_dir():
        raise UsageError(f"{target} is no folder; {remedy}")
    if not target.is_dir():
        raise UsageError(f"the experiment's folder {target} is not there any more; {remedy}")
    if not os.access(target, os.W_OK):
        raise UsageError(f"{target} may not be written; {remedy}")


def _changes(target: Path, baseline: Program, program: Program) -> dict[str, str | None]:
    """Path to new text (None: the file goes) of the files that are to change.

    Raises:
        UsageError: one of them holds something else than the study began with.
    """
    changes: dict[str, str | None] = {}
    for path in sorted({*baseline.files, *program.files}):
        old, new = baseline.files.get(path), program.files.get(path)
        flag_changes = (path in baseline.executable) != (path in program.executable)
        now = _text(target, path)
        if now == _bytes(new) and not flag_changes:
            continue
        if now not in (_bytes(old), _bytes(new)):
            raise UsageError(
                f"{target / path} has changed since the study began; commit or move that work, or write a copy with --to FOLDER"
            )
        changes[path] = new
    return changes


def _text(target: Path, path: str) -> bytes | None:
    file = target / path
    if not file.resolve().is_relative_to(target):
        raise UsageError(f"{file} leads out of {target}; nothing was written")
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from None


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8")


def _replace(file: Path, text: str | None, executable: bool) -> None:
    """Replaces one file at once: a reader sees the old or the new one, whole."""
    file = file.resolve()  # a link inside the folder stays a link
    if text is None:
        file.unlink(missing_ok=True)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o644
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
