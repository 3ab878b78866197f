"""Reads a candidate's files as a person has changed them, from a folder or from an editor."""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from workbench.errors import UsageError
from workbench.program import Program


def read_edited_files(program: Program, source: str | None) -> dict[str, str]:
    """Path to text of the files that differ from the program's.

    Args:
        program: the candidate's program.
        source: a folder with the edited files; None opens them in the editor that `$VISUAL` or
            `$EDITOR` names.

    Raises:
        UsageError: all files are as they were, a file is not text, or an editor cannot be opened.
    """
    if source is not None:
        return _read_changed(program, Path(source).expanduser())
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor or not sys.stdin.isatty():
        raise UsageError(
            "no editor to open ($EDITOR is not set, or this is not a terminal); "
            "write the edited files to a folder: --from FOLDER"
        )
    with tempfile.TemporaryDirectory(prefix="workbench-edit-") as name:
        folder = Path(name)
        program.write(folder)
        paths = [str(folder / path) for path in program.files]
        try:
            subprocess.run([*shlex.split(editor), *paths], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise UsageError(f"{editor} failed ({error}); nothing was changed") from None
        return _read_changed(program, folder)


def _read_changed(program: Program, folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise UsageError(f"no such folder: {folder}")
    paths = [path for path in program.files if (folder / path).is_file()]
    if not paths:
        raise UsageError(f"{folder} has none of the program's files ({', '.join(program.files)})")
    edited = Program.read(folder, paths).files
    changed = {path: text for path, text in edited.items() if text != program.files[path]}
    if not changed:
        raise UsageError("nothing was changed")
    return changed
