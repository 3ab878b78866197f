r"""Reads unified diffs that people and tools write, strictly, and applies them to a program.

Understood: headers of git and of `diff`, with or without `a/` and `b/`; creation, deletion and
change of mode; CRLF; `\ No newline at end of file`. Renames, copies, binary patches and symbolic
links are refused. Context must match exactly (no fuzz). Where line numbers are off, a hunk is
applied at the only place where it fits.

Format: POSIX `diff -u`, and `git help diff`, section "generating patch text with -p".
"""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from workbench.program import Program, split_lines

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_UNSUPPORTED = (
    "rename from ",
    "rename to ",
    "copy from ",
    "copy to ",
    "GIT binary patch",
    "Binary files ",
)
_MODE_LINES = ("new file mode ", "deleted file mode ", "old mode ", "new mode ")
_BACKUPS = (".orig", ".old", ".bak")
_NOWHERE = "/dev/null"


class DiffProblem(ValueError):
    """A diff cannot be read or does not fit; the message is one line."""


@dataclass(frozen=True)
class DiffHunk:
    """One `@@` block.

    Attributes:
        start: index of the first old line, from 0; for an insertion, the number of lines before it.
        old: the lines that are replaced, with their line ends.
        new: the lines that replace them.
    """

    start: int
    old: tuple[str, ...]
    new: tuple[str, ...]


@dataclass
class FileDiff:
    """What happens to one file.

    Attributes:
        path: the file, relative to the program.
        creates: true if the diff creates the file.
        deletes: true if the diff deletes the file.
        executable: the new mode; None if the mode does not change.
        hunks: the changed blocks, from top to bottom.
    """

    path: str
    creates: bool = False
    deletes: bool = False
    executable: bool | None = None
    hunks: list[DiffHunk] = field(default_factory=list)


@dataclass(frozen=True)
class Diff:
    """A diff that was read.

    Attributes:
        lead: the text before the first header.
        files: one entry per file.
        crlf: true if the headers of the diff end in CRLF. Then its line ends say nothing about
            those of the files.
    """

    lead: str
    files: tuple[FileDiff, ...]
    crlf: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(file.path for file in self.files))

    def apply(self, program: Program) -> Program:
        """The program with every change made.

        Raises:
            DiffProblem: a hunk does not fit or fits several places, a file to create exists, or a
                file to change does not exist.
        """
        files = dict(program.files)
        executable = set(program.executable)
        for file in self.files:
            _check_existence(file, exists=file.path in files)
            text = self._apply_to_text(file, files.get(file.path, ""))
            if file.deletes:
                if text:
                    raise DiffProblem(
                        f"{file.path} is to be deleted, but has lines that the diff does not list"
                    )
                files.pop(file.path, None)  # a git header may create and delete the same file
                executable.discard(file.path)
                continue
            files[file.path] = text
            if file.executable is True:
                executable.add(file.path)
            elif file.executable is False:
                executable.discard(file.path)
        return Program(files, frozenset(executable))

    def _apply_to_text(self, file: FileDiff, text: str) -> str:
        try:
            return _apply_hunks(file, text)
        except DiffProblem:
            if not self.crlf or "\r\n" in text:
                raise
            # The whole diff was saved with CRLF, and the file has plain line ends.
            hunks = [_to_unix_hunk(hunk) for hunk in file.hunks]
            return _apply_hunks(replace(file, hunks=hunks), text)


def _check_existence(file: FileDiff, exists: bool) -> None:
    if file.creates and exists:
        raise DiffProblem(f"{file.path} is to be created, but exists already")
    if not file.creates and not exists:
        action = "deleted" if file.deletes else "changed"
        raise DiffProblem(f"{file.path} is to be {action}, but does not exist")


def parse_diff(text: str) -> Diff:
    """Reads a diff.

    Raises:
        DiffProblem: it has no change, is cut short, or has a part that is not understood; the
            message names its line.
    """
    return _Parser(text).parse()


class _Parser:
    """Reads a diff line by line.

    Attributes:
        lines: the lines of the diff, with their ends.
        at: index of the current line.
        files: what was read so far.
        in_git_header: true between a `diff --git` line and the `---` line of its file.
    """

    def __init__(self, text: str) -> None:
        self.lines = split_lines(text)
        if self.lines and not self.lines[-1].endswith("\n"):
            self.lines[-1] += "\n"
        self.at = 0
        self.files: list[FileDiff] = []
        self.in_git_header = False

    def fail(self, problem: str) -> DiffProblem:
        return DiffProblem(f"line {self.at + 1} of the diff: {problem}")

    def peek(self, ahead: int = 0) -> str:
        """A line without its end; empty after the last one."""
        index = self.at + ahead
        return self.lines[index].rstrip("\r\n") if index < len(self.lines) else ""

    def parse(self) -> Diff:
        first: int | None = None  # the first header line
        while self.at < len(self.lines):
            if first is None and self._is_header():
                first = self.at
            self._read_line(is_lead=first is None)
            self.at += 1
        if first is None or not self.files:
            raise DiffProblem("no change found: a unified diff begins with '--- ' and '+++ ' lines")
        for file in self.files:
            if not file.path:
                raise DiffProblem("a 'diff --git' line names two paths: renames are not supported")
            if not (file.hunks or file.creates or file.deletes or file.executable is not None):
                raise DiffProblem(f"nothing is said about what changes in {file.path}")
        is_crlf = self.lines[first].endswith("\r\n")
        return Diff("".join(self.lines[:first]), tuple(self.files), crlf=is_crlf)

    def _is_header(self) -> bool:
        line = self.peek()
        is_paths = line.startswith("--- ") and self.peek(1).startswith("+++ ")
        return is_paths or line.startswith("diff --git ")

    def _read_line(self, is_lead: bool) -> None:
        """Reads the header or hunk at the current line, and stops at its last line.

        Other lines are skipped.
        """
        line = self.peek()
        if line.startswith("diff --git "):
            self.read_git_header(line)
        elif self._is_header():
            self.read_path_header()
        elif _HUNK.match(line):
            self.read_hunk()
        elif line.startswith("@@") and not is_lead:
            raise self.fail(f"not a hunk header: {line!r}")
        elif line.startswith(_UNSUPPORTED) and not is_lead:
            kind = " ".join(line.split()[:2])
            raise self.fail(f"{kind}: renames, copies and binary files are not supported")
        elif self.in_git_header:
            self.read_mode(line)

    def read_git_header(self, line: str) -> None:
        # The two paths are separated by a blank, and may hold blanks themselves. Without a rename
        # they have the same length, so the blank in the middle separates them. Otherwise the lines
        # `---` and `+++` will name the path.
        rest = line.removeprefix("diff --git ")
        half = len(rest) // 2
        path = _common_path(_unquote(rest[:half]), _unquote(rest[half + 1 :]))
        self.in_git_header = True
        self.files.append(FileDiff(path or ""))

    def read_mode(self, line: str) -> None:
        mode = line.rsplit(" ", 1)[-1]
        if line.startswith(_MODE_LINES) and mode not in ("100644", "100755"):
            raise self.fail(f"mode {mode} is not that of a regular file")
        if line.startswith("new file mode "):
            self.files[-1].creates = True
            self.files[-1].executable = mode == "100755"
        elif line.startswith("deleted file mode "):
            self.files[-1].deletes = True
        elif line.startswith("new mode "):
            self.files[-1].executable = mode == "100755"

    def read_path_header(self) -> None:
        old = self._read_path(self.peek())
        new = self._read_path(self.peek(1))
        creates = old == _NOWHERE
        deletes = new == _NOWHERE
        if creates and deletes:
            path = None
        elif creates:
            path = _strip_prefix(new)
        elif deletes:
            path = _strip_prefix(old)
        else:
            path = _common_path(old, new)
        if path is None:
            raise self.fail(f"{old} becomes {new}: renames are not supported")
        file = self._continue_git_header(path)
        if file is None:
            file = FileDiff(path)
            self.files.append(file)
        file.path = path
        file.creates = file.creates or creates
        file.deletes = file.deletes or deletes
        self.in_git_header = False
        self.at += 1

    def _continue_git_header(self, path: str) -> FileDiff | None:
        """The file of the `diff --git` line above, if these `---` and `+++` lines belong to it."""
        if self.in_git_header and self.files[-1].path in ("", path) and not self.files[-1].hunks:
            return self.files[-1]
        return None

    @staticmethod
    def _read_path(line: str) -> str:
        """The path of a `---` or `+++` line, without the time stamp that follows a tab."""
        return _unquote(line[4:].split("\t")[0].rstrip())

    def read_hunk(self) -> None:
        header = _HUNK.match(self.peek())
        if header is None or not self.files or self.in_git_header:
            raise self.fail("a hunk before the '--- ' and '+++ ' lines of its file")
        n_old = _read_count(header[2])
        n_new = _read_count(header[4])
        start = int(header[1])
        if n_old:
            start -= 1  # for an insertion, `start` already is the number of lines before it
        old: list[str] = []
        new: list[str] = []
        while len(old) < n_old or len(new) < n_new:
            self.at += 1
            self._read_hunk_line(old, new, n_old, n_new)
        if len(old) > n_old or len(new) > n_new:
            raise self._too_long(header[0])
        if self.peek(1).startswith("\\"):
            self.at += 1
            self.remove_line_end(old, new)
        if self._goes_on():
            raise self._too_long(header[0])
        self.files[-1].hunks.append(DiffHunk(max(start, 0), tuple(old), tuple(new)))

    def _read_hunk_line(self, old: list[str], new: list[str], n_old: int, n_new: int) -> None:
        line = self.lines[self.at] if self.at < len(self.lines) else ""
        if line in ("\n", "\r\n"):
            line = " " + line  # an editor has removed the blank of an empty context line
        sign = line[:1]
        if sign == "\\":
            self.remove_line_end(old, new)
            return
        if sign not in (" ", "-", "+"):
            n_read = f"{len(old)} of {n_old} old and {len(new)} of {n_new} new lines"
            raise self.fail(f"the hunk ends early: it has only {n_read}")
        if sign != "+":
            old.append(line[1:])
        if sign != "-":
            new.append(line[1:])

    def _too_long(self, header: str) -> DiffProblem:
        return self.fail(f"the hunk has more lines than its header says ({header})")

    def _goes_on(self) -> bool:
        """True if the line after a complete hunk looks like another line of it."""
        line = self.peek(1)
        # `-- ` begins the signature of a mailed patch; a mail program may have removed its blank.
        is_signature = line == "--" or line.startswith("-- ")
        is_header = line.startswith("--- ")
        return line[:1] in (" ", "-", "+") and not is_signature and not is_header

    def remove_line_end(self, old: list[str], new: list[str]) -> None:
        r"""Takes the line end off the line before `\ No newline at end of file`."""
        line_end = "\r\n" if self.lines[self.at].endswith("\r\n") else "\n"
        sign = self.lines[self.at - 1][:1]
        if sign != "+" and old:
            old[-1] = old[-1].removesuffix(line_end)
        if sign != "-" and new:
            new[-1] = new[-1].removesuffix(line_end)


def _read_count(text: str | None) -> int:
    """The number of lines in a hunk header, where a missing count means 1."""
    if text is None:
        return 1
    return int(text)


def _unquote(path: str) -> str:
    """The path itself. Git writes paths with unusual characters as C strings."""
    if len(path) > 1 and path[0] == path[-1] == '"':
        try:
            return bytes(ast.literal_eval("b" + path)).decode("utf-8")
        except (SyntaxError, ValueError):
            return path
    return path


def _strip_prefix(path: str) -> str:
    """The path without `a/`, `b/` or another prefix of git."""
    return re.sub(r"\A[abciow]/", "", path)


def _common_path(old: str, new: str) -> str | None:
    """The path that both sides of a header mean; None if they differ."""
    if old == new:
        return old
    stripped_old = _strip_prefix(old)
    stripped_new = _strip_prefix(new)
    if stripped_old in [stripped_new, *(stripped_new + ending for ending in _BACKUPS)]:
        return stripped_new
    return None


def _to_unix_hunk(hunk: DiffHunk) -> DiffHunk:
    return replace(hunk, old=_to_unix_lines(hunk.old), new=_to_unix_lines(hunk.new))


def _to_unix_lines(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(re.sub(r"\r\n\Z", "\n", line) for line in lines)


def _apply_hunks(file: FileDiff, text: str) -> str:
    lines = split_lines(text)
    result: list[str] = []
    n_copied = 0  # lines of the old text that are in the result, changed or not
    for number, hunk in enumerate(file.hunks, 1):
        index = _find_place(file.path, lines, hunk, number, n_copied)
        result += [*lines[n_copied:index], *hunk.new]
        n_copied = index + len(hunk.old)
    result += lines[n_copied:]
    for number, line in enumerate(result[:-1], 1):
        if not line.endswith("\n"):
            raise DiffProblem(
                f"line {number} of {file.path} would have no line end, but is not the last one"
            )
    return "".join(result)


def _find_place(path: str, lines: Sequence[str], hunk: DiffHunk, number: int, first: int) -> int:
    """Index at which a hunk fits: where it says, or else the only other place.

    Args:
        path: the file, for messages.
        lines: the old text.
        hunk: the hunk.
        number: its number in the file, from 1, for messages.
        first: the first line after the hunks before it.
    """

    def fits(index: int) -> bool:
        return tuple(lines[index : index + len(hunk.old)]) == hunk.old

    if first <= hunk.start <= len(lines) and fits(hunk.start):
        return hunk.start
    misfit = f"hunk {number} does not fit {path}"
    if not hunk.old:
        raise DiffProblem(
            f"{misfit} (it inserts after line {hunk.start}, the file has {len(lines)} lines)"
        )
    places = [index for index in range(first, len(lines) - len(hunk.old) + 1) if fits(index)]
    if len(places) == 1:
        return places[0]
    if places:
        numbers = ", ".join(str(index + 1) for index in places[:4])
        raise DiffProblem(
            f"hunk {number} fits {path} in {len(places)} places (lines {numbers}); "
            "give it more context or correct line numbers"
        )
    for index, expected in enumerate(hunk.old, hunk.start):
        actual = lines[index] if index < len(lines) else None
        if actual != expected:
            difference = _describe_difference(index + 1, actual, expected, len(lines))
            raise DiffProblem(f"{misfit} ({difference})")
    raise DiffProblem(f"{misfit} (it overlaps the hunk before it)")


def _describe_difference(line: int, actual: str | None, expected: str, n_lines: int) -> str:
    text = _quote(expected)
    if actual is None:
        return f"the file ends at line {n_lines}, the diff expects {text} in line {line}"
    if actual.rstrip("\r\n") == expected.rstrip("\r\n"):
        return f"line {line} has another line end than the diff expects"
    return f"line {line} reads {_quote(actual)}, the diff expects {text}"


def _quote(line: str) -> str:
    """A line in quotes, cut where it is long."""
    line = line.rstrip("\r\n")
    return repr(line if len(line) <= 60 else line[:57] + "...")
