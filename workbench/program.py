"""Program, Patch, Hunk: the editable files as a value, and what changed between two of them.

Pure values. Patches are computed from two programs and never parsed from a model's text, so that
every subset of the hunks of a patch applies.
"""

import difflib
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Literal, NamedTuple

from workbench.errors import UsageError

CONTEXT_LINES = 3
HunkKind = Literal["edit", "create", "delete", "mode"]
# Modes as git writes them into a diff.
_EXECUTABLE_MODE = "100755"
_PLAIN_MODE = "100644"


def split_lines(text: str) -> list[str]:
    r"""Splits a text at "\n" only, keeping the ends, so that joining the lines gives it back.

    `str.splitlines` would also split at form feeds and U+2028, which are part of a line here.
    """
    *lines, rest = text.split("\n")
    lines = [line + "\n" for line in lines]
    if rest:
        lines.append(rest)
    return lines


def _check_path(path: str) -> None:
    """Raises UsageError unless the path is relative, normalised and inside the program."""
    pure = PurePosixPath(path)
    is_inside = bool(path) and not pure.is_absolute() and ".." not in pure.parts
    is_plain = str(pure) == path and "\\" not in path and "\0" not in path
    if not is_inside or not is_plain:
        raise UsageError(f"not a relative path inside the program: {path!r}")


@dataclass(frozen=True)
class Program:
    """The editable files: path (relative, with `/`) to text, and which of them are executable."""

    files: Mapping[str, str]
    executable: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for path in self.files:
            _check_path(path)
        ordered = {path: self.files[path] for path in sorted(self.files)}
        object.__setattr__(self, "files", MappingProxyType(ordered))
        object.__setattr__(self, "executable", frozenset(self.executable))
        missing = sorted(self.executable - set(ordered))
        if missing:
            raise UsageError(f"executable but not in the program: {', '.join(missing)}")

    @classmethod
    def read(cls, folder: Path, paths: Iterable[str]) -> "Program":
        """The files of a folder as they are on disk, line ends included.

        Raises:
            UsageError: a file is missing, is a symbolic link that leaves the folder, or is not
                UTF-8.
        """
        files: dict[str, str] = {}
        executable: set[str] = set()
        root = folder.resolve()
        for path in paths:
            _check_path(path)
            file = folder / path
            if not file.resolve().is_relative_to(root):
                raise UsageError(f"{file} leads out of {folder}")
            files[path] = _read_text(file)
            if file.stat().st_mode & 0o100:
                executable.add(path)
        return cls(files, frozenset(executable))

    def write(self, folder: Path) -> None:
        """Writes every file below `folder`, byte for byte."""
        for path, text in self.files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            # Bytes, since writing text may change the line ends.
            file.write_bytes(text.encode("utf-8"))
            file.chmod(0o755 if path in self.executable else 0o644)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over paths, modes and texts, as hexadecimal."""
        state = hashlib.sha256()
        for path, text in self.files.items():
            data = text.encode("utf-8")
            # The length keeps one text from running into the next path.
            state.update(f"{path}\0{int(path in self.executable)}\0{len(data)}\0".encode())
            state.update(data)
        return state.hexdigest()

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Program) and self.digest == other.digest


def _read_text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise UsageError(f"no such file: {file}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from None


@dataclass(frozen=True)
class Hunk:
    """One run of changed lines in one file, or the creation, deletion or new mode of one file.

    Attributes:
        id: 1, 2, ... in the order of the patch.
        path: the file.
        kind: `edit`, `create`, `delete` or `mode`.
        start: index of the first old line that is replaced (0-based).
        old: the lines that are taken out, ends included.
        new: the lines that are put in, ends included.
        before: up to three unchanged lines before it, for reading only.
        after: up to three unchanged lines after it, for reading only.
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
    def end(self) -> int:
        """Index of the first old line after the ones that are replaced (0-based)."""
        return self.start + len(self.old)

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits over what the hunk does.

        Equal changes of equal lines have equal digests.
        """
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
        """One line that says which change this is, and where."""
        if self.kind == "mode":
            mode = "made executable" if self.executable else "no longer executable"
            return f"{self.path}: {mode}"
        if self.kind == "create":
            return f"{self.path}: created"
        if self.kind == "delete":
            return f"{self.path}: deleted"
        n_context = len(self.before) + len(self.after)
        old = _format_range(self.start - len(self.before), len(self.old) + n_context)
        new = _format_range(self.new_start - len(self.before), len(self.new) + n_context)
        return f"{self.path} @@ -{old} +{new} @@"

    @property
    def text(self) -> str:
        """The hunk as lines of a unified diff, without its header."""
        lines = [
            *_mark(" ", self.before),
            *_mark("-", self.old),
            *_mark("+", self.new),
            *_mark(" ", self.after),
        ]
        return "".join(lines)


@dataclass(frozen=True)
class Patch:
    """What turns one program into another; any subset of its hunks applies to the first."""

    hunks: tuple[Hunk, ...] = ()

    @classmethod
    def between(cls, old: Program, new: Program) -> "Patch":
        """The patch that turns `old` into `new`."""
        hunks: list[Hunk] = []
        for path in sorted({*old.files, *new.files}):
            hunks += _compare_file(path, old, new, first_id=len(hunks) + 1)
        return cls(tuple(hunks))

    def apply(self, program: Program, only: Collection[int] | None = None) -> Program:
        """The program with these hunks (all of them by default) applied.

        Raises:
            UsageError: a hunk id is not in the patch, or the program is not the one that the patch
                was made from.
        """
        ids = {hunk.id for hunk in self.hunks}
        chosen = ids if only is None else set(only)
        unknown = sorted(chosen - ids)
        if unknown:
            raise UsageError(
                f"no hunk {', '.join(map(str, unknown))}; "
                f"this patch has hunks 1 to {len(self.hunks)}"
            )
        files = dict(program.files)
        executable = set(program.executable)
        # From the end of each file, so that the line numbers of the other hunks stay true.
        for hunk in sorted(self.hunks, key=lambda hunk: -hunk.id):
            if hunk.id in chosen:
                _apply_hunk(hunk, files, executable)
        return Program(files, frozenset(executable))

    @property
    def added(self) -> int:
        """How many lines it adds."""
        return sum(len(hunk.new) for hunk in self.hunks)

    @property
    def removed(self) -> int:
        """How many lines it removes."""
        return sum(len(hunk.old) for hunk in self.hunks)

    def to_unified_diff(self) -> str:
        """The whole patch as one unified diff that `git apply` reads."""
        parts: list[str] = []
        for path in dict.fromkeys(hunk.path for hunk in self.hunks):
            parts += _format_file(path, [hunk for hunk in self.hunks if hunk.path == path])
        return "".join(parts)


def _compare_file(path: str, old: Program, new: Program, first_id: int) -> list[Hunk]:
    """The hunks of one file."""
    is_executable = path in new.executable
    was_executable = path in old.executable
    if path not in old.files:
        lines = tuple(split_lines(new.files[path]))
        return [Hunk(first_id, path, "create", new=lines, executable=is_executable)]
    if path not in new.files:
        lines = tuple(split_lines(old.files[path]))
        return [Hunk(first_id, path, "delete", old=lines, executable=was_executable)]
    old_lines = split_lines(old.files[path])
    hunks = _find_edits(path, old_lines, split_lines(new.files[path]), first_id)
    if is_executable != was_executable:
        hunks.append(Hunk(first_id + len(hunks), path, "mode", executable=is_executable))
    return hunks


def _find_edits(path: str, old: list[str], new: list[str], first_id: int) -> list[Hunk]:
    # Equal ends are cut off first: the matcher takes quadratic time, and most patches are small.
    shortest = min(len(old), len(new))
    head = 0
    while head < shortest and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < shortest - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    matcher = difflib.SequenceMatcher(
        None, old[head : len(old) - tail], new[head : len(new) - tail], autojunk=False
    )
    hunks: list[Hunk] = []
    for tag, *bounds in matcher.get_opcodes():
        if tag == "equal":
            continue
        start, end, new_start, new_end = (bound + head for bound in bounds)
        hunks.append(
            Hunk(
                first_id + len(hunks),
                path,
                "edit",
                start=start,
                old=tuple(old[start:end]),
                new=tuple(new[new_start:new_end]),
                before=tuple(old[max(0, start - CONTEXT_LINES) : start]),
                after=tuple(old[end : end + CONTEXT_LINES]),
                new_start=new_start,
            )
        )
    return hunks


def _apply_hunk(hunk: Hunk, files: dict[str, str], executable: set[str]) -> None:
    """Changes `files` and `executable` as the hunk says."""
    if hunk.kind == "delete":
        _require_fit("".join(hunk.old) == files.pop(hunk.path, None), hunk)
        executable.discard(hunk.path)
        return
    if hunk.kind == "create":
        _require_fit(hunk.path not in files, hunk)
        files[hunk.path] = "".join(hunk.new)
    _require_fit(hunk.path in files, hunk)
    if hunk.kind == "edit":
        lines = split_lines(files[hunk.path])
        _require_fit(tuple(lines[hunk.start : hunk.end]) == hunk.old, hunk)
        lines[hunk.start : hunk.end] = _new_lines(hunk, is_at_end=hunk.end >= len(lines))
        files[hunk.path] = "".join(lines)
    elif hunk.executable:
        executable.add(hunk.path)
    else:
        executable.discard(hunk.path)


def _require_fit(holds: bool, hunk: Hunk) -> None:
    if not holds:
        raise UsageError(
            f"hunk {hunk.id} ({hunk.header}) does not fit this program; "
            "it was made from another one"
        )


def _new_lines(hunk: Hunk, is_at_end: bool) -> list[str]:
    """The hunk's new lines; the last one gets a line end if other lines follow it.

    A hunk that removes the end of a file may leave its last line without a line end. Applied
    without the hunk that removes what follows, that line would run into the next one.
    """
    lines = list(hunk.new)
    if lines and not is_at_end:
        lines[-1] = _end_line(lines[-1])
    return lines


def _end_line(line: str) -> str:
    return line if line.endswith("\n") else line + "\n"


def revert(program: Program, old: Program, new: Program) -> Program:
    """`program`, made from `new` by later changes, without what turned `old` into `new`.

    A three-way merge over `new`: the later edits and the ones that undo the change apply together
    as long as no line belongs to both. Lines next to each other may come from either side.

    Raises:
        UsageError: later changes touch the same lines or the same file; the message names the hunk.
    """
    files = dict(program.files)
    executable = set(program.executable)
    change = Patch.between(old, new)
    for hunk in change.hunks:
        path = hunk.path
        if hunk.kind == "create":
            if files.pop(path, None) not in (None, new.files[path]):
                raise _overlap_error(hunk)
            executable.discard(path)
        elif hunk.kind == "delete":
            if files.setdefault(path, old.files[path]) != old.files[path]:
                raise _overlap_error(hunk)
            executable |= {path} & old.executable
        elif path not in files:
            raise _overlap_error(hunk)
        elif hunk.kind == "mode":
            executable.discard(path)
            executable |= {path} & old.executable
    later_edits = _edits_by_path(Patch.between(new, program))
    for path, edits in _edits_by_path(change).items():
        files[path] = _revert_edits(new.files[path], edits, later_edits.get(path, []))
    return Program(files, frozenset(executable))


def _edits_by_path(patch: Patch) -> dict[str, list[Hunk]]:
    edits: dict[str, list[Hunk]] = {}
    for hunk in patch.hunks:
        if hunk.kind == "edit":
            edits.setdefault(hunk.path, []).append(hunk)
    return edits


class _Replacement(NamedTuple):
    """Lines `start` to `end` (exclusive) of a text, and what comes in their place."""

    start: int
    end: int
    lines: tuple[str, ...]


def _revert_edits(text: str, change: Sequence[Hunk], later: Sequence[Hunk]) -> str:
    """`text`, with the hunks that led to it taken back and later ones applied."""
    lines = split_lines(text)
    replacements = {_Replacement(hunk.start, hunk.end, hunk.new) for hunk in later}
    for hunk in change:
        # Where the change put its new lines, the old ones come back.
        undo = _Replacement(hunk.new_start, hunk.new_start + len(hunk.new), hunk.old)
        # A later change may have undone exactly this already.
        if undo not in replacements and any(_overlap(undo, other) for other in replacements):
            raise _overlap_error(hunk)
        replacements.add(undo)
    for start, end, new_lines in sorted(replacements, reverse=True):
        lines[start:end] = new_lines
    ended = [_end_line(line) for line in lines[:-1]]
    return "".join(ended + lines[-1:])


def _overlap(first: _Replacement, second: _Replacement) -> bool:
    """True if both replace one line, or one inserts lines at or inside the other's place."""
    shares_line = max(first.start, second.start) < min(first.end, second.end)
    return shares_line or _inserts_inside(first, second) or _inserts_inside(second, first)


def _inserts_inside(insertion: _Replacement, other: _Replacement) -> bool:
    """True if an insertion lies inside the other range, or at the place of another insertion."""
    if insertion.start != insertion.end:
        return False
    if other.start == other.end:
        return insertion.start == other.start
    return other.start < insertion.start < other.end


def _overlap_error(hunk: Hunk) -> UsageError:
    return UsageError(f"later changes touch the same lines: {hunk.header}")


def _format_range(start: int, count: int) -> str:
    """A line range as unified diffs write it: an empty range names the line before it."""
    first = start + 1 if count else start
    if count == 1:
        return f"{first}"
    return f"{first},{count}"


def _mark(sign: str, lines: Sequence[str]) -> list[str]:
    """The lines as a diff shows them; one without a line end is followed by a note about that."""
    marked: list[str] = []
    for line in lines:
        if line.endswith("\n"):
            marked.append(sign + line)
        else:
            marked.append(f"{sign}{line}\n\\ No newline at end of file\n")
    return marked


def _format_file(path: str, hunks: Sequence[Hunk]) -> list[str]:
    """The part of a unified diff that is about one file."""
    kind = hunks[0].kind
    parts = [f"diff --git a/{path} b/{path}\n", *_format_modes(hunks)]
    edits = [hunk for hunk in hunks if hunk.kind != "mode" and (hunk.old or hunk.new)]
    if not edits:
        return parts
    old_name = "/dev/null" if kind == "create" else f"a/{path}"
    new_name = "/dev/null" if kind == "delete" else f"b/{path}"
    parts.append(f"--- {old_name}\n")
    parts.append(f"+++ {new_name}\n")
    for group in _group_neighbours(edits):
        parts += _format_group(group)
    return parts


def _format_modes(hunks: Sequence[Hunk]) -> list[str]:
    lines: list[str] = []
    for hunk in hunks:
        mode = _EXECUTABLE_MODE if hunk.executable else _PLAIN_MODE
        if hunk.kind == "create":
            lines.append(f"new file mode {mode}\n")
        elif hunk.kind == "delete":
            lines.append(f"deleted file mode {mode}\n")
        elif hunk.kind == "mode":
            old_mode = _PLAIN_MODE if hunk.executable else _EXECUTABLE_MODE
            lines.append(f"old mode {old_mode}\nnew mode {mode}\n")
    return lines


def _group_neighbours(edits: Sequence[Hunk]) -> list[list[Hunk]]:
    """The edits in groups whose contexts touch: each group gets one `@@` header."""
    groups = [[edits[0]]]
    for previous, hunk in pairwise(edits):
        if hunk.start - previous.end <= 2 * CONTEXT_LINES:
            groups[-1].append(hunk)
        else:
            groups.append([hunk])
    return groups


def _format_group(group: Sequence[Hunk]) -> list[str]:
    first = group[0]
    lines = _mark(" ", first.before)
    for hunk, following in pairwise([*group, None]):
        assert hunk is not None
        lines += _mark("-", hunk.old) + _mark("+", hunk.new)
        context = hunk.after if following is None else _lines_between(hunk, following)
        lines += _mark(" ", context)
    # The note about a missing line end does not count as a line.
    signs = [line[0] for line in "".join(lines).split("\n") if line[:1] in (" ", "-", "+")]
    old = _format_range(first.start - len(first.before), len(signs) - signs.count("+"))
    new = _format_range(first.new_start - len(first.before), len(signs) - signs.count("-"))
    return [f"@@ -{old} +{new} @@\n", *lines]


def _lines_between(hunk: Hunk, following: Hunk) -> list[str]:
    """The unchanged lines between two neighbours, put together from the contexts of both."""
    gap = following.start - hunk.end
    # The contexts overlap where the gap is shorter than both together.
    n_shared = max(0, len(hunk.after) + len(following.before) - gap)
    return [*hunk.after, *following.before[n_shared:]][:gap]
