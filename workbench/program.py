"""Program, Hunk, Patch: the editable files as a value, and what changed between two of them.

Pure values, standard library only. Patches are computed from two programs, never parsed from a model's text, so that every
subset of the hunks of a patch applies.
"""

import difflib
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Literal

from workbench.errors import UsageError

CONTEXT_LINES = 3
HunkKind = Literal["edit", "create", "delete", "mode"]


def lines_of(text: str) -> list[str]:
    r"""Splits at "\n" only (not at form feeds or U+2028), keeping the ends, so that joining gives the text back."""
    lines = text.split("\n")
    return [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _checked(path: str) -> str:
    pure = PurePosixPath(path)
    if (
        not path
        or pure.is_absolute()
        or ".." in pure.parts
        or str(pure) != path
        or "\\" in path
        or "\0" in path
    ):
        raise UsageError(f"not a relative path inside the program: {path!r}")
    return path


@dataclass(frozen=True)
class Program:
    """The editable files: path (relative, with `/`) to text, and which of them are executable."""

    files: Mapping[str, str]
    executable: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        ordered = {_checked(path): self.files[path] for path in sorted(self.files)}
        object.__setattr__(self, "files", MappingProxyType(ordered))
        object.__setattr__(self, "executable", frozenset(self.executable))
        if strangers := self.executable - set(ordered):
            raise UsageError(f"executable but not in the program: {', '.join(sorted(strangers))}")

    @classmethod
    def read(cls, folder: Path, paths: Iterable[str]) -> "Program":
        """The files of a folder as they are on disk, line ends included.

        Raises:
            UsageError: a file is missing, is a symbolic link that leaves the folder, or is not UTF-8.
        """
        files, executable, root = {}, set(), folder.resolve()
        for path in paths:
            file = folder / _checked(path)
            if not file.resolve().is_relative_to(root):
                raise UsageError(f"{file} leads out of {folder}")
            try:
                files[path] = file.read_bytes().decode("utf-8")
            except FileNotFoundError:
                raise UsageError(f"no such file: {file}") from None
            except UnicodeDecodeError as error:
                raise UsageError(f"{file} is not UTF-8 text (byte {error.start})") from None
            except OSError as error:
                raise UsageError(f"cannot read {file}: {error.strerror}") from None
            if file.stat().st_mode & 0o100:
                executable.add(path)
        return cls(files, frozenset(executable))

    def write(self, folder: Path) -> None:
        """Writes every file below `folder`, byte for byte."""
        for path, text in self.files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode("utf-8"))
            file.chmod(0o755 if path in self.executable else 0o644)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over paths, modes and texts, as hexadecimal."""
        state = hashlib.sha256()
        for path, text in self.files.items():
            data = text.encode("utf-8")
            state.update(f"{path}\0{int(path in self.executable)}\0{len(data)}\0".encode())
            state.update(data)
        return state.hexdigest()

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Program) and self.digest == other.digest


@dataclass(frozen=True)
class Hunk:
    """One run of changed lines in one file, or the creation, deletion or change of mode of one file.

    Attributes:
        id: 1, 2, ... in the order of the patch.
        start: index of the first old line that is replaced (0-based).
        old, new: the lines taken out and put in, ends included.
        before, after: up to three unchanged lines around it, for reading only.
        new_start: index of the first new line when the whole patch is applied (0-based).
        executable: the mode afterwards, for `create` and `mode`; the mode it had, for `delete`.
    """

    id: int
    path: str
    kind: HunkKind
    start: int = 0
    old: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    new_start: int = 0
    executable: bool = False

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits over what the hunk does; equal changes of equal lines have equal digests."""
        parts = (
            self.path,
            self.kind,
            str(self.start),
            "".join(self.old),
            "".join(self.new),
            str(self.executable),
        )
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]

    @property
    def header(self) -> str:
        if self.kind == "mode":
            return (
                f"{self.path}: {'made executable' if self.executable else 'no longer executable'}"
            )
        if self.kind != "edit":
            return f"{self.path}: {'created' if self.kind == 'create' else 'deleted'}"
        old, new = self.start - len(self.before), self.new_start - len(self.before)
        around = len(self.before) + len(self.after)
        return f"{self.path} @@ -{_range(old, len(self.old) + around)} +{_range(new, len(self.new) + around)} @@"

    @property
    def text(self) -> str:
        """The hunk as lines of a unified diff, without its header."""
        marked = [
            *_mark(" ", self.before),
            *_mark("-", self.old),
            *_mark("+", self.new),
            *_mark(" ", self.after),
        ]
        return "".join(marked)


def _range(start: int, count: int) -> str:
    """A line range as unified diffs write it: an empty range names the line before it."""
    first = start + 1 if count else start
    return f"{first}" if count == 1 else f"{first},{count}"


def _mark(sign: str, lines: Sequence[str]) -> list[str]:
    return [
        sign + line if line.endswith("\n") else f"{sign}{line}\n\\ No newline at end of file\n"
        for line in lines
    ]


@dataclass(frozen=True)
class Patch:
    """What turns one program into another; any subset of its hunks applies to the first."""

    hunks: tuple[Hunk, ...] = ()

    @classmethod
    def between(cls, old: Program, new: Program) -> "Patch":
        hunks: list[Hunk] = []
        for path in sorted({*old.files, *new.files}):
            first, flag = len(hunks) + 1, path in new.executable
            if path not in old.files:
                hunks.append(
                    Hunk(
                        first, path, "create", new=tuple(lines_of(new.files[path])), executable=flag
                    )
                )
            elif path not in new.files:
                had = path in old.executable
                hunks.append(
                    Hunk(
                        first, path, "delete", old=tuple(lines_of(old.files[path])), executable=had
                    )
                )
            else:
                hunks += _edits(path, lines_of(old.files[path]), lines_of(new.files[path]), first)
                if flag != (path in old.executable):
                    hunks.append(Hunk(len(hunks) + 1, path, "mode", executable=flag))
        return cls(tuple(hunks))

    def apply(self, program: Program, only: Collection[int] | None = None) -> Program:
        """The program with these hunks (all of them by default) applied.

        Raises:
            UsageError: a hunk id is not in the patch, or the program is not the one the patch was made from.
        """
        chosen = {hunk.id for hunk in self.hunks} if only is None else set(only)
        if unknown := chosen - {hunk.id for hunk in self.hunks}:
            raise UsageError(
                f"no hunk {', '.join(map(str, sorted(unknown)))}; this patch has hunks 1 to {len(self.hunks)}"
            )
        files, executable = dict(program.files), set(program.executable)
        for hunk in sorted(
            self.hunks, key=lambda hunk: -hunk.id
        ):  # from the end, so that line numbers stay true
            if hunk.id not in chosen:
                continue
            if hunk.kind == "delete":
                _expect("".join(hunk.old) == files.pop(hunk.path, None), hunk)
                executable.discard(hunk.path)
                continue
            if hunk.kind == "create":
                _expect(hunk.path not in files, hunk)
                files[hunk.path] = "".join(hunk.new)
            _expect(hunk.path in files, hunk)
            if hunk.kind == "edit":
                lines = lines_of(files[hunk.path])
                _expect(tuple(lines[hunk.start : hunk.start + len(hunk.old)]) == hunk.old, hunk)
                lines[hunk.start : hunk.start + len(hunk.old)] = _closed(hunk, lines)
                files[hunk.path] = "".join(lines)
            elif hunk.executable:
                executable.add(hunk.path)
            else:
                executable.discard(hunk.path)
        return Program(files, frozenset(executable))

    @property
    def added(self) -> int:
        return sum(len(hunk.new) for hunk in self.hunks)

    @property
    def removed(self) -> int:
        return sum(len(hunk.old) for hunk in self.hunks)

    def unified(self) -> str:
        """The whole patch as one unified diff that `git apply` reads."""
        parts: list[str] = []
        for path in dict.fromkeys(hunk.path for hunk in self.hunks):
            parts += _unified_file(path, [hunk for hunk in self.hunks if hunk.path == path])
        return "".join(parts)


def revert(program: Program, old: Program, new: Program) -> Program:
    """`program`, made from `new` by later changes, without what turned `old` into `new`.

    A three-way merge over `new`: the later edits and the undoing ones apply together where no line belongs to both. Lines next to
    each other may come from either side.

    Raises:
        UsageError: later changes touch the same lines or the same file; the message names the hunk.
    """
    later = Patch.between(new, program)
    undone, files, executable = (
        Patch.between(old, new),
        dict(program.files),
        set(program.executable),
    )
    for hunk in undone.hunks:
        path = hunk.path
        if hunk.kind == "create":
            if files.pop(path, None) not in (None, new.files[path]):
                raise _entangled(hunk)
            executable.discard(path)
        elif hunk.kind == "delete":
            if files.setdefault(path, old.files[path]) != old.files[path]:
                raise _entangled(hunk)
            executable |= {path} & old.executable
        elif path not in files:
            raise _entangled(hunk)
        elif hunk.kind == "mode":
            executable = executable - {path} | {path} & old.executable
    for path in dict.fromkeys(hunk.path for hunk in undone.hunks if hunk.kind == "edit"):
        mine = [hunk for hunk in undone.hunks if hunk.path == path and hunk.kind == "edit"]
        files[path] = _merged(
            new.files[path],
            mine,
            [hunk for hunk in later.hunks if hunk.path == path and hunk.kind == "edit"],
        )
    return Program(files, frozenset(executable))


def _merged(text: str, undone: Sequence[Hunk], later: Sequence[Hunk]) -> str:
    """`text` with the hunks that led to it taken back and later ones applied; all their places are lines of `text`."""
    lines = lines_of(text)
    edits = {(hunk.start, hunk.start + len(hunk.old), hunk.new) for hunk in later}
    for hunk in undone:
        own = (hunk.new_start, hunk.new_start + len(hunk.new), hunk.old)
        if own not in edits and any(_overlap(own[:2], (start, end)) for start, end, _ in edits):
            raise _entangled(hunk)
        edits.add(own)
    for start, end, replacement in sorted(edits, reverse=True):
        lines[start:end] = replacement
    return "".join(
        line if line.endswith("\n") or number == len(lines) else line + "\n"
        for number, line in enumerate(lines, 1)
    )


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two ranges of lines share a line, or one is an insertion inside the other or at the place of another insertion."""
    (a, b), (c, d) = one, other
    return (
        max(a, c) < min(b, d)
        or (a == b and c < a < d)
        or (c == d and a < c < b)
        or a == b == c == d
    )


def _entangled(hunk: Hunk) -> UsageError:
    return UsageError(f"later changes touch the same lines: {hunk.header}")


def _expect(holds: bool, hunk: Hunk) -> None:
    if not holds:
        raise UsageError(
            f"hunk {hunk.id} ({hunk.header}) does not fit this program; it was made from another one"
        )


def _closed(hunk: Hunk, lines: Sequence[str]) -> list[str]:
    """The hunk's new lines; one without a line end gets one where other lines follow it."""
    new = list(hunk.new)
    if new and not new[-1].endswith("\n") and hunk.start + len(hunk.old) < len(lines):
        new[-1] += "\n"
    return new


def _edits(path: str, old: list[str], new: list[str], first: int) -> list[Hunk]:
    # Equal ends are cut off first: the matcher is quadratic, and most patches are small.
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    matcher = difflib.SequenceMatcher(
        None, old[head : len(old) - tail], new[head : len(new) - tail], autojunk=False
    )
    hunks: list[Hunk] = []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            continue
        i1, i2, j1, j2 = i1 + head, i2 + head, j1 + head, j2 + head
        hunks.append(
            Hunk(
                first + len(hunks),
                path,
                "edit",
                start=i1,
                old=tuple(old[i1:i2]),
                new=tuple(new[j1:j2]),
                before=tuple(old[max(0, i1 - CONTEXT_LINES) : i1]),
                after=tuple(old[i2 : i2 + CONTEXT_LINES]),
                new_start=j1,
            )
        )
    return hunks


def _unified_file(path: str, hunks: Sequence[Hunk]) -> list[str]:
    first, modes = hunks[0], [hunk for hunk in hunks if hunk.kind == "mode"]
    parts = [f"diff --git a/{path} b/{path}\n"]
    if first.kind == "create":
        parts.append(f"new file mode {'100755' if first.executable else '100644'}\n")
    elif first.kind == "delete":
        parts.append(f"deleted file mode {'100755' if first.executable else '100644'}\n")
    for mode in modes:
        numbers = ("100644", "100755") if mode.executable else ("100755", "100644")
        parts.append(f"old mode {numbers[0]}\nnew mode {numbers[1]}\n")
    edits = [hunk for hunk in hunks if hunk.kind != "mode" and (hunk.old or hunk.new)]
    if not edits:
        return parts
    parts.append(f"--- {'/dev/null' if first.kind == 'create' else 'a/' + path}\n")
    parts.append(f"+++ {'/dev/null' if first.kind == 'delete' else 'b/' + path}\n")
    for group in _groups(edits):
        parts += _group(group)
    return parts


def _groups(edits: Sequence[Hunk]) -> list[list[Hunk]]:
    """Hunks whose contexts touch belong under one `@@` header."""
    groups: list[list[Hunk]] = []
    for hunk in edits:
        if (
            groups
            and hunk.start - (groups[-1][-1].start + len(groups[-1][-1].old)) <= 2 * CONTEXT_LINES
        ):
            groups[-1].append(hunk)
        else:
            groups.append([hunk])
    return groups


def _group(group: Sequence[Hunk]) -> list[str]:
    marked = _mark(" ", group[0].before)
    for hunk, following in zip(group, [*group[1:], None], strict=True):
        marked += _mark("-", hunk.old) + _mark("+", hunk.new)
        if following is None:
            marked += _mark(" ", hunk.after)
        else:
            gap = following.start - (hunk.start + len(hunk.old))
            between = [
                *hunk.after,
                *following.before[max(0, len(following.before) + len(hunk.after) - gap) :],
            ]
            marked += _mark(" ", between[:gap])
    counted = [line for line in "".join(marked).split("\n") if line[:1] in (" ", "-", "+")]
    n_old = sum(line[0] != "+" for line in counted)
    n_new = sum(line[0] != "-" for line in counted)
    start, new_start = (
        group[0].start - len(group[0].before),
        group[0].new_start - len(group[0].before),
    )
    return [f"@@ -{_range(start, n_old)} +{_range(new_start, n_new)} @@\n", *marked]
