"""Edit: a candidate's files as a person has changed them, in a folder or in an editor."""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from workbench.errors import UsageError
from workbench.program import Program


def edited_files(program: Program, source: str | None) -> dict[str, str]:
    """Path to text of the files that differ from the program's, read from a folder, or after `$EDITOR` has had them.

    Raises:
        UsageError: nothing differs, a file is no text, or there is no editor or no terminal for one.
    """
    if source is not None:
        return _changed(program, Path(source).expanduser())
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor or not sys.stdin.isatty():
        raise UsageError(
            "no editor to open ($EDITOR is not set, or this is no terminal); write the edited files to a folder: --from FOLDER"
        )
    with tempfile.TemporaryDirectory(prefix="workbench-edit-") as name:
        program.write(Path(name))
        try:
            subprocess.run(
                [*shlex.split(editor), *(str(Path(name, path)) for path in program.files)],
                check=True,
            )
        except (OSError, subprocess.CalledProcessError) as error:
            raise UsageError(f"{editor} failed ({error}); nothing was changed") from None
        return _changed(program, Path(name))


def _changed(program: Program, folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise UsageError(f"no such folder: {folder}")
    there = [path for path in program.files if (folder / path).is_file()]
    if not there:
        raise UsageError(f"{folder} has none of the program's files ({', '.join(program.files)})")
    edited = Program.read(folder, there).files
    changed = {path: text for path, text in edited.items() if text != program.files[path]}
    if not changed:
        raise UsageError("nothing was changed")
    return changed
