"""`%autoresearch`: the verbs of the command line in a notebook, with the same parser; results are objects with rich views."""

import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from workbench import cli
from workbench import experiment as experiments
from workbench.errors import UsageError, WorkbenchError
from workbench.lab.frontend import is_live
from workbench.ledger import folder as folders
from workbench.recognise.cell import is_cell
from workbench.recognise.cell import text as cell_text
from workbench.show.visible import one_line
from workbench.verbs import dispatch, start
from workbench.verbs.dispatch import Cell, Sentence, Where

NAME = "autoresearch"
PROG = f"%{NAME}"
_NAMES_THE_STUDY = (
    "status", "attach", "edit", "guide", "ban", "pin", "set", "pause", "resume", "stop", "fork", "accept", "reject", "reproduce"
)  # fmt: skip
_LIVE: dict[str, Literal["dashboard", "review"]] = {
    "status": "dashboard",
    "attach": "dashboard",
    "review": "review",
}
_ROLES = {
    "--proposer": "proposers",
    "--strategy": "strategies",
    "--policy": "policies",
    "--executor": "executors",
}
_CHOICES = {"--review": ("off", "keeps", "all"), "--sandbox": ("auto", "bwrap", "landlock", "off")}


class Failed(Exception):
    """A verb that could not be carried out: one red line in a notebook, and a failed cell where nobody looks.

    IPython's own UsageError would print the line as well, but papermill takes a cell that raises it for a success.
    """

    def _render_traceback_(self) -> list[str]:
        return [f"\x1b[31m{NAME}: {self}\x1b[0m"]


def register(shell: Any) -> None:
    """Makes `%autoresearch` and its completion known to an IPython shell."""

    def autoresearch(line: str, cell: str | None = None) -> Any:
        return run(shell, line, cell)

    autoresearch.__doc__ = dispatch.parser(PROG).format_help()
    shell.register_magic_function(autoresearch, "line_cell", NAME)
    shell.set_hook("complete_command", complete, str_key=PROG)


def run(shell: Any, line: str, cell: str | None = None) -> Any:
    """Carries out one line of the magic; returns what a notebook shows, or with `--json` the plain value.

    Raises:
        Failed: with the one line that says what was wrong.
    """
    try:
        parsed = dispatch.read(_words(line), PROG)
        if cell is not None and parsed.verb != "start":
            raise Failed(
                f"only start takes a cell: %{PROG} start ...; for the rest write one line: {PROG} {parsed.verb} ..."
            )
        if parsed.verb == "apply" and (applied := _apply_to_cell(shell, parsed)) is not None:
            return applied
        program = None if cell is None else Cell(f"%{PROG} {line}".rstrip(), cell)
        where = Where(
            Path.cwd(),
            lambda study: cli.follow(study, sys.stdout),
            "keeps" if is_live(shell) else "off",
            PROG,
            program,
        )
        result = dispatch.run(parsed, where)
    except SystemExit:  # --help and --version have printed
        return None
    except WorkbenchError as error:
        raise Failed(one_line(str(error))) from None
    text = result.text or str(result.value)
    if result.exit_code not in (0, cli.INTERRUPTED):
        first, _, rest = text.partition("\n")
        if rest:
            print(rest)
        raise Failed(first)
    if parsed.json:
        return result.data
    if parsed.verb == "start" and (parsed.wait or not is_live(shell)):
        print(text)
    if parsed.verb in _LIVE and result.folder is not None and is_live(shell):
        from workbench.lab.widget import Live

        return Live(result.folder, _LIVE[parsed.verb], result.data)
    if result.newest and parsed.verb not in _NAMES_THE_STUDY:
        print(f"study {result.newest}, the newest here")
    return result.value


def _apply_to_cell(shell: Any, parsed: Any) -> Sentence | None:
    """Puts a cell with the new program below; the cell that the study began with stays as it is, edits and all.

    None where the study began with a folder, or another place was named.
    """
    with start.open(parsed.study, Path.cwd()) as study:
        if parsed.to is not None or not is_cell(study.folder):
            return None
        number = study.study.incumbent if parsed.candidate is None else parsed.candidate
        if number is None:
            raise UsageError(
                f"{study.name} has no kept program yet; name a candidate, or wait for its baseline"
            )
        _, new = cell_text(study.folder, study[number].program)
        if parsed.dry_run:
            return Sentence(new)
        shell.set_next_input(new, replace=False)
        return Sentence(
            f"{study.name}: candidate {number} is in a new cell below; the cell that it began with is as it was"
        )


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise Failed(
            f"{str(error).lower()} in: {line}; put a text with a quotation mark in it between the other kind of marks"
        ) from None


def complete(shell: Any, event: Any) -> list[str]:
    """Completions at the cursor, as IPython's `complete_command` hook asks for them."""
    words = event.text_until_cursor.split()[1:]
    if event.text_until_cursor[-1:].isspace():
        words.append("")
    partial = words[-1] if words else ""
    found = (word for word in _candidates(words) if word.startswith(partial))
    # IPython replaces only what follows its last delimiter.
    cut = len(partial) - len(event.symbol) if partial.endswith(event.symbol) else 0
    return sorted({word[cut:] for word in found})


def _candidates(words: list[str]) -> Iterable[str]:
    if len(words) <= 1:
        return dispatch.NAMES
    verb, before, partial = words[0], words[-2], words[-1]
    if verb not in dispatch.NAMES:
        return ()
    if before == "--study" and verb != "start":
        return _studies()
    if before in _ROLES:
        from workbench import registry

        return registry.names(_ROLES[before])
    if before in _CHOICES:
        return _CHOICES[before]
    if partial.startswith("-"):
        return dispatch.options(verb)
    if verb == "start":
        return _experiments() if len(words) == 2 else dispatch.options(verb)
    is_study = (verb in ("status", "log", "attach", "review") and len(words) == 2) or (
        verb == "show" and len(words) == 3
    )
    return _studies() if is_study else dispatch.options(verb)


def _studies() -> list[str]:
    return [study.name for study in folders.all_studies(Path.cwd())]


def _experiments() -> list[str]:
    here = Path.cwd()
    local = [
        file.parent.relative_to(here).as_posix()
        for pattern in ("*", "*/*")
        for file in here.glob(f"{pattern}/experiment.toml")
    ]
    return [*experiments.builtin_experiments(), *local]
