"""Tools: what the model of `agent` can do.

It can read the history, change the working program, and submit it. Nothing else changes.

The answer of a tool is data for the model. The arguments of a call are data for a tool: they are
checked and bounded, and a problem is answered in words.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from workbench.errors import UsageError
from workbench.ledger.candidate import STATUSES
from workbench.program import Patch, Program
from workbench.propose import blocks, smoke_check
from workbench.propose.agent.candidate_query import CandidateQuery, sort_by_score
from workbench.propose.agent.history_files import HistoryFiles
from workbench.propose.agent.text_search import Hit, search_texts
from workbench.propose.agent.tool_specs import DESCRIPTIONS, MAX_ROWS, TOOLS, WORKING, ToolProblem
from workbench.propose.blocks import AnswerProblem, Block
from workbench.propose.proposer import Brief, Glimpse

RESULT_CHARS = 20_000  # of one answer of a tool
MAX_NAMES = 400  # of one listing
MAX_HITS = 60  # of one search
MAX_FILES_READ = 200  # that are recorded with a candidate
MAX_COMMAND_CHARS = 200  # of a command in the record
SEARCH_CHARS = 64 << 20  # that one search looks through
SEARCH_SECONDS = 10.0


@dataclass(frozen=True)
class Submission:
    """A program that was submitted and accepted.

    Attributes:
        program: the program.
        hypothesis: the model's reason for it, as one line.
        files_read: the files and commands that the model had seen by then.
        origin: what else is recorded with the candidate.
    """

    program: Program
    hypothesis: str
    files_read: tuple[str, ...]
    origin: Mapping[str, Any]


class Tools:
    """The tools of one round.

    Args:
        brief: the question.
        history: the files that the model may read.
        descriptions: the tools that the model has, by name, each with what it is told about it.

    Attributes:
        program: the working program.
        submissions: what was submitted and accepted, in order.
        refusals: why programs were refused since the last one that was accepted.
        files_read: the files that the model has seen, whole or in part, in order.
    """

    def __init__(
        self, brief: Brief, history: HistoryFiles, descriptions: Mapping[str, str] = DESCRIPTIONS
    ) -> None:
        self._brief = brief
        self._history = history
        self._descriptions = descriptions
        self.program = brief.program
        self.submissions: list[Submission] = []
        self.refusals: list[str] = []
        self.files_read: dict[str, None] = {}  # a set that keeps its order
        self._actions: Mapping[str, Callable[..., str]] = {
            "list_files": self._list_files,
            "read_file": self._read_file,
            "search": self._search,
            "query": self._query,
            "edit": self._edit,
            "shell": self._shell,
            "submit": self._submit,
        }

    @property
    def is_done(self) -> bool:
        """True if as many programs were accepted as the brief allows."""
        return len(self.submissions) >= self._brief.max_proposals

    @property
    def names(self) -> list[str]:
        """The tools that the model has here.

        Those are the tools with a description; a shell only if there is a sandbox for it.
        """
        names = [name for name in TOOLS if name in self._descriptions]
        if not self._brief.workspace.has_shell and "shell" in names:
            names.remove("shell")
        return names

    @property
    def api_descriptions(self) -> list[dict[str, Any]]:
        """The tools as the Messages API describes them."""
        specs = [replace(TOOLS[name], description=self._descriptions[name]) for name in self.names]
        return [spec.api_description for spec in specs]

    def call(self, name: str, arguments: object) -> str:
        """The answer of a tool, of bounded length.

        Raises:
            ToolProblem: the tool is unknown, or the call did not work.
        """
        if name not in self.names:
            names = ", ".join(self.names)
            raise ToolProblem(f"no tool has the name {name[:40]!r}; the tools are {names}")
        try:
            checked = TOOLS[name].check_arguments(arguments)
            self._brief.show(Glimpse("tool", _describe_call(name, checked)))
            return self._actions[name](**checked)
        except (LookupError, AnswerProblem, UsageError) as problem:
            raise ToolProblem(str(problem.args[0])) from None
        except OSError as problem:  # no sandbox, no child process, a full disk
            raise ToolProblem(f"{name} could not be done here: {problem}") from None

    def _list_files(self, folder: str = "", start: int = 0) -> str:
        path = _check_path(folder)
        names = self._list_folder(path)
        if not path:
            names = [*names, f"{WORKING}/"]
        start = max(0, start)
        end = start + MAX_NAMES
        lines = names[start:end]
        n_left = len(names) - end
        if n_left > 0:
            lines.append(f"({n_left} more; start={end} goes on)")
        return "\n".join(lines) or "(nothing)"

    def _list_folder(self, folder: str) -> list[str]:
        if not _is_working(folder):
            return self._history.list_folder(folder)
        inside = folder.removeprefix(WORKING).lstrip("/")
        return [path for path in self.program.files if not inside or path.startswith(f"{inside}/")]

    def _read_text(self, path: str) -> str:
        if not _is_working(path):
            return self._history.read(path)
        name = path.partition("/")[2]
        if name not in self.program.files:
            names = ", ".join(self.program.files)
            raise LookupError(f"there is no {path}; the working program has {names}")
        return self.program.files[name]

    def _read_file(self, path: str, offset: int = 0, limit: int = RESULT_CHARS) -> str:
        path = _check_path(path)
        text = self._read_text(path)
        self._record(path)
        begin = max(0, offset)
        end = begin + min(max(1, limit), RESULT_CHARS)
        if begin == 0 and end >= len(text):
            return text or "(empty)"
        last = min(end, len(text))
        return f"({path}: characters {begin} to {last} of {len(text)})\n{text[begin:end]}"

    def _search(self, pattern: str, path: str = "") -> str:
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            text = repr(pattern[:80])
            raise ToolProblem(f"{text} is not a regular expression: {error}") from None
        texts, note = self._collect_texts(_check_path(path))
        hits = search_texts(pattern, texts, MAX_HITS + 1, SEARCH_SECONDS, self._brief.cancelled)
        if hits is None:
            raise ToolProblem(
                f"the search was ended after {SEARCH_SECONDS:g} s; "
                "use a simpler expression, or name a path"
            )
        for hit in hits[:MAX_HITS]:
            self._record(hit.path)
        lines = [_format_hit(hit) for hit in hits[:MAX_HITS]]
        if len(hits) > MAX_HITS:
            lines.append(f"(only the first {MAX_HITS}; narrow it down)")
        if note:
            lines.append(note)
        return "\n".join(lines) or "(no line matches)"

    def _collect_texts(self, path: str) -> tuple[list[tuple[str, str]], str]:
        """What is searched, as (path, text), and a note if that is not all of it."""
        texts: list[tuple[str, str]] = []
        size = 0
        for file in self._walk(path):
            text = self._read_text(file)
            texts.append((file, text))
            size += len(text)
            if size > SEARCH_CHARS or self._brief.cancelled.is_set():
                return texts, f"(searched up to {file}; name a path for what lies beyond)"
        return texts, ""

    def _walk(self, path: str) -> Iterator[str]:
        """The files below a path, or the file that it names.

        Raises LookupError if it names nothing.
        """
        try:
            if not _is_working(path):
                yield from self._history.list_paths(path)
            if not path or path == WORKING:
                yield from (f"{WORKING}/{name}" for name in self.program.files)
            elif _is_working(path):
                yield path
        except LookupError:
            self._history.read(path)  # not a folder; raises if it is not a file either
            yield path

    def _query(self, limit: int = 30, sort: str = "newest", **conditions: Any) -> str:
        if sort not in ("newest", "best") or conditions.get("status") not in (None, *STATUSES):
            statuses = ", ".join(STATUSES)
            raise ToolProblem(f"sort is newest or best, and status one of {statuses}")
        matching = CandidateQuery(**conditions).select(self._history)
        if sort == "best":
            matching = sort_by_score(matching, self._brief.experiment.objective.goal)
        listed = matching[: min(max(1, limit), MAX_ROWS)]
        head = f"({len(matching)} candidates; {len(listed)} shown)"
        rows = [self._history.write_row(history) for history in listed]
        return _cut("\n".join([head, self._history.columns, *rows]))

    def _edit(self, path: str, text: str, search: str | None = None) -> str:
        name = _check_path(path).removeprefix(f"{WORKING}/")
        editable = self._brief.experiment.editable
        if name not in editable:
            names = ", ".join(editable)
            raise ToolProblem(f"{path[:80]} may not be changed; editable: {names}")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ToolProblem(
                "the text has half a surrogate pair in it, which no file can hold"
            ) from None
        block = Block(name, None, text)
        if search is not None:
            block = Block(name, _end_line(search), _end_line(text))
        old = self.program
        new_text = blocks.apply_block(block, old.files.get(name, ""), 1)
        self.program = Program({**old.files, name: new_text}, old.executable)
        diff = Patch.between(old, self.program).to_unified_diff()
        self._brief.show(Glimpse("diff", diff))
        n_lines = new_text.count("\n")
        return f"{WORKING}/{name} now has {n_lines} lines"

    def _shell(self, command: str) -> str:
        self._record(f"$ {command[:MAX_COMMAND_CHARS]}")
        files = ((path, self._read_text(path)) for path in self._history.list_paths())
        result = self._brief.workspace.run(self.program, files, command, self._brief.cancelled)
        output = result.output[-RESULT_CHARS:]
        head = f"({result.ending})\n"
        n_left_out = len(result.output) - len(output)
        if n_left_out:
            head += f"({n_left_out} characters left out)\n"
        return head + output

    def _submit(self, hypothesis: str) -> str:
        try:
            self._check_submission(hypothesis)
            origin = smoke_check.check_program(self._brief, self.program)
        except AnswerProblem as problem:
            self.refusals.append(str(problem))
            text = problem.text_for_model
            raise ToolProblem(f"not taken: {text}. Mend it, and submit again") from None
        if self.refusals:
            origin = {**origin, "repaired": self.refusals[-1]}
        line = " ".join(hypothesis.split())
        self.submissions.append(Submission(self.program, line, tuple(self.files_read), origin))
        self.program = self._brief.program
        self.refusals = []
        n_left = self._brief.max_proposals - len(self.submissions)
        if not n_left:
            return "taken"
        return (
            f"taken; {WORKING}/ is as it was at the beginning; {n_left} more can be submitted, "
            "or end by a turn without a call"
        )

    def _check_submission(self, hypothesis: str) -> None:
        """Raises AnswerProblem if a trial of the working program would be wasted."""
        if not hypothesis.strip():
            raise AnswerProblem("the hypothesis is empty")
        blocks.check_change(self._brief.program, self.program)
        twin = self._brief.study.by_program.get(self.program.digest)
        if twin is not None:
            raise AnswerProblem(f"it is the same program as candidate {twin}")
        if self.program.digest in [each.program.digest for each in self.submissions]:
            raise AnswerProblem(
                "it is the same program as one that was submitted in this conversation"
            )
        if repeated := self._brief.workspace.repeats(self.program):
            raise AnswerProblem(repeated)

    def _record(self, path: str) -> None:
        if len(self.files_read) < MAX_FILES_READ:
            self.files_read[path] = None


def _check_path(path: str) -> str:
    """A path of the history or the working program, in plain form.

    Raises ToolProblem if it would lead out of them.
    """
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\0" in path or "\\" in path:
        text = repr(path[:80])
        raise ToolProblem(
            f"{text} leads out of the history; there is nothing else to be read. "
            "Begin with list_files"
        )
    return "" if str(pure) == "." else str(pure)


def _is_working(path: str) -> bool:
    return path.split("/")[0] == WORKING


def _describe_call(name: str, arguments: Mapping[str, Any]) -> str:
    """A call as people read it: with the first argument, which says what it is about."""
    first = " ".join(str(next(iter(arguments.values()), "")).split())
    return f"{name} {first[:MAX_COMMAND_CHARS]}".rstrip()


def _format_hit(hit: Hit) -> str:
    return f"{hit.path}@{hit.offset}: {hit.line}"


def _end_line(text: str) -> str:
    """A text whose last line has an end, like the lines of a file."""
    if text and not text.endswith("\n"):
        text += "\n"
    return text


def _cut(text: str) -> str:
    if len(text) <= RESULT_CHARS:
        return text
    return text[:RESULT_CHARS] + "\n(cut here)"
