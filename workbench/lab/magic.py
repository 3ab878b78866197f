"""`%autoresearch`: the verbs of the command line in a notebook, with the same parser.

Results are objects with rich views. Where a person looks on, some are shown as a live screen.
"""

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench.errors import UsageError, WorkbenchError
from workbench.lab.frontend import is_live, show_live_studies
from workbench.recognise.cell import is_cell
from workbench.recognise.cell import text as cell_text
from workbench.show.visible import one_line
from workbench.verbs import command_line, start
from workbench.verbs.completion import suggest
from workbench.verbs.follow import follow
from workbench.verbs.result import INTERRUPTED, Result, Sentence
from workbench.verbs.table import VERBS
from workbench.verbs.verb import Arguments, Caller, Cell

NAME = "autoresearch"
PROG = f"%{NAME}"


class Failed(Exception):
    """A verb that could not be carried out: one red line in a notebook, and a failed cell.

    IPython's own UsageError would print the line as well, but papermill takes a cell that raises it
    for a success.
    """

    def _render_traceback_(self) -> list[str]:
        return [f"\x1b[31m{NAME}: {self}\x1b[0m"]


def register(shell: Any) -> None:
    """Makes `%autoresearch`, its completion, and the live view of studies known to a shell."""

    def autoresearch(line: str, cell: str | None = None) -> Any:
        return run(shell, line, cell)

    autoresearch.__doc__ = command_line.build_overview(PROG).format_help()
    shell.register_magic_function(autoresearch, "line_cell", NAME)
    shell.set_hook("complete_command", complete, str_key=PROG)
    show_live_studies(shell)


def run(shell: Any, line: str, cell: str | None = None) -> Any:
    """Carries out one line of the magic.

    Returns:
        What the notebook shows; with `--json`, the plain value.

    Raises:
        Failed: it was wrong, or the work failed; one line says why.
    """
    try:
        arguments = command_line.read(_split(line), PROG)
        # `start` makes a program of the cell; any other verb would silently drop the code in it.
        if cell is not None and arguments.verb != "start":
            raise Failed(
                f"only start takes a cell: %{PROG} start ...; "
                f"for the rest write one line: {PROG} {arguments.verb} ..."
            )
        if arguments.verb == "apply":
            applied = _apply_to_cell(shell, arguments)
            if applied is not None:
                return applied
        caller = Caller(
            Path.cwd(),
            follow=lambda study: follow(study, sys.stdout),
            review="keeps" if is_live(shell) else "off",
            prog=PROG,
        )
        if cell is not None:
            # The magic of a cell begins with two percent signs, which IPython has taken off.
            caller = replace(caller, cell=Cell(f"%{PROG} {line}".rstrip(), cell))
        result = command_line.run(arguments, caller)
    except SystemExit:  # --help and --version have printed
        return None
    except WorkbenchError as error:
        raise Failed(one_line(str(error))) from None
    return _show(shell, arguments, result)


def _split(line: str) -> list[str]:
    """The words of a line, split as a shell would split them."""
    try:
        return shlex.split(line)
    except ValueError as error:
        raise Failed(
            f"{str(error).lower()} in: {line}; "
            "put a text with a quotation mark in it between the other kind of marks"
        ) from None


def _show(shell: Any, arguments: Arguments, result: Result) -> Any:
    """What the notebook shows of a result.

    Raises:
        Failed: the exit code says that the work failed.
    """
    text = result.text or str(result.value)
    # A person who interrupts a cell knows it; that cell did not fail.
    if result.exit_code not in (0, INTERRUPTED):
        first, _, rest = text.partition("\n")
        if rest:
            print(rest)
        raise Failed(first)
    if arguments.json:
        return result.data
    verb = VERBS[arguments.verb]
    if verb.name == "start" and ("wait" in arguments or not is_live(shell)):
        print(text)
    if verb.live_view and result.folder is not None and is_live(shell):
        # It imports anywidget, which only a live front end needs.
        from workbench.lab.widget import Live

        return Live(result.folder, verb.live_view, result.data)
    if result.newest and not verb.answer_names_study:
        print(f"study {result.newest}, the newest here")
    return result.value


def _apply_to_cell(shell: Any, arguments: Arguments) -> Sentence | None:
    """Puts a cell with the new program below; the cell that the study began with stays as it is.

    None where the study did not begin with a cell, or the command line names a place to write to.
    """
    with start.open(arguments.study, Path.cwd()) as study:
        if arguments.to is not None or not is_cell(study.folder):
            return None
        number = arguments.candidate
        if number is None:
            number = study.study.incumbent
        if number is None:
            raise UsageError(
                f"{study.name} has no kept program yet; name a candidate, or wait for its baseline"
            )
        _, new_cell = cell_text(study.folder, study[number].program)
        if arguments.dry_run:
            return Sentence(new_cell)
        shell.set_next_input(new_cell, replace=False)
        return Sentence(
            f"{study.name}: candidate {number} is in a new cell below; "
            "the cell that it began with is as it was"
        )


def complete(shell: Any, event: Any) -> list[str]:
    """Completions at the cursor, as IPython's `complete_command` hook asks for them."""
    words = event.text_until_cursor.split()[1:]
    if event.text_until_cursor[-1:].isspace():
        words.append("")
    partial = words[-1] if words else ""
    matches = [word for word in suggest(words, Path.cwd()) if word.startswith(partial)]
    # IPython replaces only what follows its last delimiter, as the dash in `best-of-n`.
    n_kept = 0
    if partial.endswith(event.symbol):
        n_kept = len(partial) - len(event.symbol)
    return sorted({word[n_kept:] for word in matches})
