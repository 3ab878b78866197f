"""Tools: what the model of `agent` can do: look through the history, change the working program, submit it. They change nothing else.

What a tool says is data for the model; what the model says is data for a tool: checked, bounded, and answered with a problem in words.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from workbench.errors import UsageError
from workbench.ledger.candidate import N_STATUSES, CandidateHistory
from workbench.program import Patch, Program
from workbench.propose import blocks, smoke
from workbench.propose.agent.described import ALL, MAX_ROWS, TOLD, WORKING, ToolProblem
from workbench.propose.agent.history import History
from workbench.propose.agent.matching import Hit, matches
from workbench.propose.blocks import AnswerProblem, Block
from workbench.propose.proposer import Brief, Shown

RESULT_CHARS = 20_000  # of one answer of a tool
MAX_NAMES, MAX_HITS, MAX_READ = 400, 60, 200
MAX_COMMAND = 200  # characters of a command, where it is recorded
SEARCH_CHARS, SEARCH_SECONDS = 64 << 20, 10.0  # what one search looks through, and how long


@dataclass(frozen=True)
class Taken:
    """A program that was submitted and taken. `read`: what was shown until then. `origin`: what else is to be recorded of it."""

    program: Program
    hypothesis: str
    read: tuple[str, ...]
    origin: Mapping[str, Any]


class Tools:
    """The tools of one round. `told`: those that the model has, each with what it is told of it.

    Attributes:
        program: the working program. taken: what was submitted and taken, in order.
        refused: why programs were not taken since then. read: the files that were shown, whole or in part, in order.
    """

    def __init__(self, brief: Brief, history: History, told: Mapping[str, str] = TOLD) -> None:
        self._brief, self._history, self._told = brief, history, told
        self.program = brief.program
        self.taken: list[Taken] = []
        self.refused: list[str] = []
        self.read: dict[str, None] = {}
        self._do: Mapping[str, Callable[..., str]] = {
            "list_files": self._list, "read_file": self._read, "search": self._search, "query": self._query, "edit": self._edit,
            "shell": self._shell, "submit": self._submit,
        }  # fmt: skip

    @property
    def is_done(self) -> bool:
        """Whether as many programs were taken as are wanted."""
        return len(self.taken) >= self._brief.wanted

    @property
    def names(self) -> list[str]:
        """The tools that there are here: of those in `told`, no shell where there is no sandbox for it."""
        return [
            name
            for name in ALL
            if name in self._told and (name != "shell" or self._brief.workspace.has_shell)
        ]

    @property
    def wire(self) -> list[dict[str, Any]]:
        """They, as the Messages API describes tools."""
        return [replace(ALL[name], what=self._told[name]).wire for name in self.names]

    def call(self, name: str, given: object) -> str:
        """The answer of a tool, of bounded length.

        Raises:
            ToolProblem: there is no such tool, or this call came to nothing.
        """
        if name not in self.names:
            raise ToolProblem(f"there is no tool {name[:40]!r}; there are {', '.join(self.names)}")
        try:
            arguments = ALL[name].checked(given)
            self._brief.show(Shown("tool", _in_a_line(name, arguments)))
            return self._do[name](**arguments)
        except (LookupError, AnswerProblem, UsageError) as problem:
            raise ToolProblem(str(problem.args[0])) from None
        except OSError as problem:  # no sandbox, no child process, a full disk
            raise ToolProblem(f"{name} could not be done here: {problem}") from None

    def _list(self, folder: str = "", start: int = 0) -> str:
        path = _inside(folder)
        names = self._working(path) if _is_working(path) else self._history.children(path)
        names = [*names, f"{WORKING}/"] if not path else names
        start = max(0, start)
        shown, n_left = names[start : start + MAX_NAMES], len(names) - start - MAX_NAMES
        return (
            "\n".join(
                [
                    *shown,
                    *(
                        [f"({n_left} more; start={start + MAX_NAMES} goes on)"]
                        if n_left > 0
                        else []
                    ),
                ]
            )
            or "(nothing)"
        )

    def _working(self, folder: str) -> list[str]:
        inside = folder.removeprefix(WORKING).lstrip("/")
        return [path for path in self.program.files if not inside or path.startswith(f"{inside}/")]

    def _text(self, path: str) -> str:
        if not _is_working(path):
            return self._history.read(path)
        name = path.partition("/")[2]
        if name not in self.program.files:
            raise LookupError(
                f"there is no {path}; the working program has {', '.join(self.program.files)}"
            )
        return self.program.files[name]

    def _read(self, path: str, offset: int = 0, limit: int = RESULT_CHARS) -> str:
        path = _inside(path)
        text = self._text(path)
        self._note(path)
        begin, end = max(0, offset), max(0, offset) + min(max(1, limit), RESULT_CHARS)
        if begin == 0 and end >= len(text):
            return text or "(empty)"
        return f"({path}: characters {begin} to {min(end, len(text))} of {len(text)})\n{text[begin:end]}"

    def _search(self, pattern: str, path: str = "") -> str:
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise ToolProblem(f"{pattern[:80]!r} is no regular expression: {error}") from None
        texts, end = self._texts(_inside(path))
        found = matches(pattern, texts, MAX_HITS + 1, SEARCH_SECONDS, self._brief.cancelled)
        if found is None:
            raise ToolProblem(
                f"the search was ended after {SEARCH_SECONDS:g} s; use a simpler expression, or name a path"
            )
        for hit in found[:MAX_HITS]:
            self._note(hit.path)
        more = [f"(only the first {MAX_HITS}; narrow it down)"] if len(found) > MAX_HITS else []
        return (
            "\n".join([*map(_hit, found[:MAX_HITS]), *more, *([end] if end else [])])
            or "(no line matches)"
        )

    def _texts(self, path: str) -> tuple[list[tuple[str, str]], str]:
        """What is searched, and a word where that is not all of it."""
        texts, size = list[tuple[str, str]](), 0
        for file in self._files(path):
            texts.append((file, self._text(file)))
            size += len(texts[-1][1])
            if size > SEARCH_CHARS or self._brief.cancelled.is_set():
                return texts, f"(searched up to {file}; name a path for what lies beyond)"
        return texts, ""

    def _files(self, path: str) -> Iterator[str]:
        try:
            if not _is_working(path):
                yield from self._history.paths(path)
            if not path or path == WORKING:
                yield from (f"{WORKING}/{name}" for name in self.program.files)
            elif _is_working(path):
                yield path
        except LookupError:
            self._history.read(path)  # a file; raises where it is none either
            yield path

    def _query(self, limit: int = 30, sort: str = "newest", **wanted: Any) -> str:
        if sort not in ("newest", "best") or wanted.get("status") not in (None, *N_STATUSES):
            raise ToolProblem(f"sort is newest or best, and status one of {', '.join(N_STATUSES)}")
        found = [
            history
            for history in reversed(self._history.candidates)
            if self._fits(history, **wanted)
        ]
        if sort == "best":
            sign = 1 if self._brief.experiment.objective.goal == "minimize" else -1
            found = sorted(
                (history for history in found if history.score is not None),
                key=lambda history: sign * (history.score or 0.0),
            )
        shown = found[: min(max(1, limit), MAX_ROWS)]
        head = f"({len(found)} candidates; {len(shown)} shown)"
        return _cut("\n".join([head, self._history.columns, *map(self._history.row, shown)]))

    def _fits(
        self,
        history: CandidateHistory,
        status: str = "",
        author: str = "",
        text: str = "",
        min_score: float | None = None,
        max_score: float | None = None,
    ) -> bool:
        score = history.score
        if (min_score is not None and (score is None or score < min_score)) or (
            max_score is not None and (score is None or score > max_score)
        ):
            return False
        if (status and history.status != status) or (
            author and history.record.author.partition(":")[0] != author
        ):
            return False
        return not text or text.lower() in self._history.row(history).lower()

    def _edit(self, path: str, text: str, search: str | None = None) -> str:
        name = _inside(path).removeprefix(f"{WORKING}/")
        editable = self._brief.experiment.editable
        if name not in editable:
            raise ToolProblem(f"{path[:80]} may not be changed; editable: {', '.join(editable)}")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ToolProblem(
                "the text has half a surrogate pair in it, which no file can hold"
            ) from None
        block = Block(
            name, None if search is None else _line(search), text if search is None else _line(text)
        )
        new = blocks.replaced(block, self.program.files.get(name, ""), 1)
        old, self.program = (
            self.program,
            Program({**self.program.files, name: new}, self.program.executable),
        )
        self._brief.show(Shown("diff", Patch.between(old, self.program).unified()))
        return f"{WORKING}/{name} now has {new.count(chr(10))} lines"

    def _shell(self, command: str) -> str:
        self._note(f"$ {command[:MAX_COMMAND]}")
        files = ((path, self._text(path)) for path in self._history.paths())
        ran = self._brief.workspace.run(self.program, files, command, self._brief.cancelled)
        output = ran.output[-RESULT_CHARS:]
        left_out = len(ran.output) - len(output)
        return (
            f"({ran.ending})\n"
            + (f"({left_out} characters left out)\n" if left_out else "")
            + output
        )

    def _submit(self, hypothesis: str) -> str:
        try:
            self._check(hypothesis)
            checked = smoke.check(self._brief, self.program)
        except AnswerProblem as problem:
            self.refused.append(str(problem))
            raise ToolProblem(f"not taken: {problem.told}. Mend it, and submit again") from None
        origin = {**checked, **({"repaired": self.refused[-1]} if self.refused else {})}
        self.taken.append(
            Taken(self.program, " ".join(hypothesis.split()), tuple(self.read), origin)
        )
        self.program, self.refused = self._brief.program, []
        n_left = self._brief.wanted - len(self.taken)
        again = f"{WORKING}/ is as it was at the beginning; {n_left} more can be submitted, or end by a turn without a call"
        return f"taken; {again}" if n_left else "taken"

    def _check(self, hypothesis: str) -> None:
        """Raises AnswerProblem where a trial would be wasted on the working program."""
        if not hypothesis.strip():
            raise AnswerProblem("the hypothesis is empty")
        blocks.check(self._brief.program, self.program)
        if (twin := self._brief.study.by_program.get(self.program.digest)) is not None:
            raise AnswerProblem(f"it is the same program as candidate {twin}")
        if any(taken.program.digest == self.program.digest for taken in self.taken):
            raise AnswerProblem(
                "it is the same program as one that was submitted in this conversation"
            )
        if repeated := self._brief.workspace.repeats(self.program):
            raise AnswerProblem(repeated)

    def _note(self, path: str) -> None:
        if len(self.read) < MAX_READ:
            self.read[path] = None


def _inside(path: str) -> str:
    """A path of the history or the working program, plain; raises ToolProblem where it would lead out of them."""
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\0" in path or "\\" in path:
        raise ToolProblem(
            f"{path[:80]!r} leads out of the history; there is nothing else to be read. Begin with list_files"
        )
    return "" if str(pure) == "." else str(pure)


def _is_working(path: str) -> bool:
    return path.split("/")[0] == WORKING


def _in_a_line(name: str, arguments: Mapping[str, Any]) -> str:
    """A call as people read it: of the arguments the first, which says what it is about."""
    first = " ".join(str(next(iter(arguments.values()), "")).split())
    return f"{name} {first[:MAX_COMMAND]}".rstrip()


def _hit(hit: Hit) -> str:
    return f"{hit.path}@{hit.offset}: {hit.line}"


def _line(text: str) -> str:
    """A text that ends its last line, as those of files do."""
    return text if not text or text.endswith("\n") else text + "\n"


def _cut(text: str) -> str:
    return text if len(text) <= RESULT_CHARS else text[:RESULT_CHARS] + "\n(cut here)"
