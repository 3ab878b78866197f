r"""Reads unified diffs that people and tools write, strictly, and applies them to a program.

Understood: git's and diff's headers with or without `a/` `b/`, creation, deletion, change of mode, CRLF, and
`\ No newline at end of file`. Not understood, and refused: renames, copies, binary patches, symbolic links. Context is matched
exactly (no fuzz); where line numbers are off, a hunk goes to the only place that it fits.

Format: POSIX `diff -u`, and `git help diff`, section "generating patch text with -p".
"""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from workbench.program import Program, lines_of

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_FOREIGN = (
    "rename from ",
    "rename to ",
    "copy from ",
    "copy to ",
    "GIT binary patch",
    "Binary files ",
)
_BACKUPS = (".orig", ".old", ".bak")


class DiffProblem(ValueError):
    """A diff cannot be read or does not fit; the message is one line."""


@dataclass(frozen=True)
class DiffHunk:
    """One `@@` block: `start` is the 0-based index of the first old line (for an insertion, the lines before it)."""

    start: int
    old: tuple[str, ...]
    new: tuple[str, ...]


@dataclass
class FileDiff:
    """What happens to one file; `executable` is None where its mode stays."""

    path: str
    creates: bool = False
    deletes: bool = False
    executable: bool | None = None
    hunks: list[DiffHunk] = field(default_factory=list)


@dataclass(frozen=True)
class Diff:
    """A diff, read.

    Attributes:
        lead: the text before the first header. crlf: its own headers end in CRLF, so line ends say nothing about the files.
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
            DiffProblem: a hunk does not fit, or fits several places; a file to create exists, one to change does not.
        """
        files, executable = dict(program.files), set(program.executable)
        for file in self.files:
            text = files.get(file.path)
            if file.creates and text is not None:
                raise DiffProblem(f"{file.path} is to be created, but exists already")
            if not file.creates and text is None:
                raise DiffProblem(
                    f"{file.path} is to be {'deleted' if file.deletes else 'changed'}, but does not exist"
                )
            changed = self._changed(file, text or "")
            if file.deletes:
                if changed:
                    raise DiffProblem(
                        f"{file.path} is to be deleted, but has lines that the diff does not list"
                    )
                del files[file.path]
                executable.discard(file.path)
                continue
            files[file.path] = changed
            if file.executable is not None:
                (executable.add if file.executable else executable.discard)(file.path)
        return Program(files, frozenset(executable))

    def _changed(self, file: FileDiff, text: str) -> str:
        try:
            return _patched(file, text)
        except DiffProblem:
            if not self.crlf or "\r\n" in text:
                raise
            hunks = [replace(hunk, old=_unix(hunk.old), new=_unix(hunk.new)) for hunk in file.hunks]
            return _patched(replace(file, hunks=hunks), text)


def parse(text: str) -> Diff:
    """Reads a diff.

    Raises:
        DiffProblem: it has no change, is cut short, or holds what is not understood; the message names its line.
    """
    return _Parser(text).diff()


class _Parser:
    def __init__(self, text: str) -> None:
        self.lines = lines_of(text)
        if self.lines and not self.lines[-1].endswith("\n"):
            self.lines[-1] += "\n"
        self.at = 0
        self.files: list[FileDiff] = []
        self.git = False  # inside the extended header of a `diff --git`

    def fail(self, problem: str) -> DiffProblem:
        return DiffProblem(f"line {self.at + 1} of the diff: {problem}")

    def peek(self, ahead: int = 0) -> str:
        index = self.at + ahead
        return self.lines[index].rstrip("\r\n") if index < len(self.lines) else ""

    def diff(self) -> Diff:
        first = None
        while self.at < len(self.lines):
            line = self.peek()
            if line.startswith("diff --git "):
                first = self.at if first is None else first
                self.header_git(line)
            elif line.startswith("--- ") and self.peek(1).startswith("+++ "):
                first = self.at if first is None else first
                self.header_paths()
            elif _HUNK.match(line):
                self.hunk()
            elif line.startswith("@@") and first is not None:
                raise self.fail(f"not a hunk header: {line!r}")
            elif first is not None and line.startswith(_FOREIGN):
                raise self.fail(
                    f"{' '.join(line.split()[:2])}: renames, copies and binary files are not supported"
                )
            elif self.git:
                self.header_mode(line)
            self.at += 1
        if first is None or not self.files:
            raise DiffProblem("no change found: a unified diff begins with '--- ' and '+++ ' lines")
        for file in self.files:
            if not file.path:
                raise DiffProblem("a 'diff --git' line names two paths: renames are not supported")
            if not (file.hunks or file.creates or file.deletes or file.executable is not None):
                raise DiffProblem(f"nothing is said about what changes in {file.path}")
        return Diff(
            "".join(self.lines[:first]), tuple(self.files), crlf=self.lines[first].endswith("\r\n")
        )

    def header_git(self, line: str) -> None:
        rest = line.removeprefix("diff --git ")
        half = len(rest) // 2
        old, new = _unquoted(rest[:half]), _unquoted(rest[half + 1 :])
        self.git = True
        # Without a rename both halves are the same path; otherwise wait for the lines `---` and `+++`.
        path = _common(old, new)
        self.files.append(FileDiff(path if path is not None else ""))

    def header_mode(self, line: str) -> None:
        mode = line.rsplit(" ", 1)[-1]
        for start in ("new file mode ", "deleted file mode ", "old mode ", "new mode "):
            if line.startswith(start) and mode not in ("100644", "100755"):
                raise self.fail(f"mode {mode} is no regular file")
        if line.startswith("new file mode "):
            self.files[-1].creates, self.files[-1].executable = True, mode == "100755"
        elif line.startswith("deleted file mode "):
            self.files[-1].deletes = True
        elif line.startswith("new mode "):
            self.files[-1].executable = mode == "100755"

    def header_paths(self) -> None:
        old, new = (_unquoted(self.peek(ahead)[4:].split("\t")[0].rstrip()) for ahead in (0, 1))
        creates, deletes = old == "/dev/null", new == "/dev/null"
        path = _stripped(new) if creates else _stripped(old) if deletes else _common(old, new)
        if path is None or (creates and deletes):
            raise self.fail(f"{old} becomes {new}: renames are not supported")
        if self.git and self.files[-1].path in ("", path) and not self.files[-1].hunks:
            file = self.files[-1]
            file.path = path
        else:
            file = FileDiff(path)
            self.files.append(file)
        file.creates, file.deletes = file.creates or creates, file.deletes or deletes
        self.git = False
        self.at += 1

    def hunk(self) -> None:
        header = _HUNK.match(self.peek())
        if header is None or not self.files or self.git:
            raise self.fail("a hunk before the '--- ' and '+++ ' lines of its file")
        start, (n_old, n_new) = (
            int(header[1]),
            (1 if header[i] is None else int(header[i]) for i in (2, 4)),
        )
        if header[2] is None or n_old:
            start -= 1
        old: list[str] = []
        new: list[str] = []
        while len(old) < n_old or len(new) < n_new:
            self.at += 1
            line = self.lines[self.at] if self.at < len(self.lines) else ""
            if line in ("\n", "\r\n"):  # an editor took away the blank of an empty context line
                line = " " + line
            sign, body = line[:1], line[1:]
            if sign == "\\":
                self.unended(old, new)
                continue
            if sign not in (" ", "-", "+") or not sign:
                raise self.fail(
                    f"the hunk ends early: {len(old)} of {n_old} old and {len(new)} of {n_new} new lines are there"
                )
            if sign != "+":
                old.append(body)
            if sign != "-":
                new.append(body)
        if len(old) > n_old or len(new) > n_new:
            raise self.fail(f"the hunk has more lines than its header says ({header[0]})")
        if self.peek(1).startswith("\\"):
            self.at += 1
            self.unended(old, new)
        following = self.peek(1)
        if (
            following[:1] in (" ", "+", "-")
            and following
            and not following.startswith(("--- ", "-- "))
            and following != "--"
        ):
            raise self.fail(f"the hunk has more lines than its header says ({header[0]})")
        self.files[-1].hunks.append(DiffHunk(max(start, 0), tuple(old), tuple(new)))

    def unended(self, old: list[str], new: list[str]) -> None:
        r"""Takes the line end off the line before `\ No newline at end of file`."""
        sign, ends = (
            self.lines[self.at - 1][:1],
            "\r\n" if self.lines[self.at].endswith("\r\n") else "\n",
        )
        for lines in [old] if sign == "-" else [new] if sign == "+" else [old, new]:
            if lines:
                lines[-1] = lines[-1].removesuffix(ends)


def _unquoted(path: str) -> str:
    """Git writes paths with unusual characters as C strings."""
    if len(path) > 1 and path[0] == path[-1] == '"':
        try:
            return bytes(ast.literal_eval("b" + path)).decode("utf-8")
        except (SyntaxError, ValueError):
            return path
    return path


def _stripped(path: str) -> str:
    return path[2:] if re.match(r"[abciow]/", path) else path


def _common(old: str, new: str) -> str | None:
    """The one path that both sides of a header mean; None when they differ."""
    if old == new:
        return old
    if _stripped(old) == _stripped(new):
        return _stripped(new)
    return (
        _stripped(new) if any(_stripped(old) == _stripped(new) + end for end in _BACKUPS) else None
    )


def _unix(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(line[:-2] + "\n" if line.endswith("\r\n") else line for line in lines)


def _patched(file: FileDiff, text: str) -> str:
    lines, out, done = lines_of(text), list[str](), 0
    for number, hunk in enumerate(file.hunks, 1):
        place = _place(file.path, lines, hunk, number, done)
        out += [*lines[done:place], *hunk.new]
        done = place + len(hunk.old)
    out += lines[done:]
    for number, line in enumerate(out[:-1], 1):
        if not line.endswith("\n"):
            raise DiffProblem(
                f"line {number} of {file.path} would have no line end, but is not the last one"
            )
    return "".join(out)


def _place(path: str, lines: Sequence[str], hunk: DiffHunk, number: int, done: int) -> int:
    """Index at which the hunk fits: where it says, else the only other place after the hunks before it."""
    size = len(hunk.old)
    if (
        hunk.start >= done
        and tuple(lines[hunk.start : hunk.start + size]) == hunk.old
        and hunk.start <= len(lines)
    ):
        return hunk.start
    if not size:
        raise DiffProblem(
            f"hunk {number} does not fit {path} (it inserts after line {hunk.start}, the file has {len(lines)} lines)"
        )
    fits = [
        index
        for index in range(done, len(lines) - size + 1)
        if tuple(lines[index : index + size]) == hunk.old
    ]
    if len(fits) == 1:
        return fits[0]
    if fits:
        where = ", ".join(str(index + 1) for index in fits[:4])
        raise DiffProblem(
            f"hunk {number} fits {path} in {len(fits)} places (lines {where}); give it more context or right line numbers"
        )
    for index, wanted in enumerate(hunk.old, hunk.start):
        got = lines[index] if index < len(lines) else None
        if got != wanted:
            raise DiffProblem(
                f"hunk {number} does not fit {path} ({_difference(index + 1, got, wanted, len(lines))})"
            )
    raise DiffProblem(f"hunk {number} does not fit {path} (it overlaps the hunk before it)")


def _difference(line: int, got: str | None, wanted: str, n_lines: int) -> str:
    text = _short(wanted)
    if got is None:
        return f"the file ends at line {n_lines}, the diff expects {text} in line {line}"
    if got.rstrip("\r\n") == wanted.rstrip("\r\n"):
        return f"line {line} has another line end than the diff expects"
    return f"line {line} reads {_short(got)}, the diff expects {text}"


def _short(line: str) -> str:
    line = line.rstrip("\r\n")
    return repr(line if len(line) <= 60 else line[:57] + "...")
