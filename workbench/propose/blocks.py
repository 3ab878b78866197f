"""Blocks: reads a model's answer and applies it to a program.

An answer is a hypothesis with SEARCH/REPLACE blocks or whole files.

The text is data: it is matched exactly, never guessed at.

Format: AlphaEvolve (Novikov et al. 2025, arXiv 2506.13131, section 2.3), with a line that names the
file, and a form for a whole file. If a program has the markers EVOLVE-BLOCK-START and
EVOLVE-BLOCK-END (section 2.1 there), only the lines between them may change.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.program import Program, split_lines
from workbench.syntax import find_syntax_problem

# Models are shown this text, so a change of it changes what a study asks.
FORMAT = """\
HYPOTHESIS: one sentence that names the change, why it should help, and what result would show \
that it does not.

FILE: path/of/the/file
<<<<<<< SEARCH
lines that stand in the file exactly so, and in one place only
=======
lines that take their place
>>>>>>> REPLACE

As many blocks as you need, in the order of their use. To write a whole file anew:

FILE: path/of/the/file
<<<<<<< REWRITE
the whole new text of the file
>>>>>>> REWRITE"""
# Models decorate these lines with Markdown, as in `**HYPOTHESIS:** ...`; the decoration is ignored.
_TAG = re.compile(r"^[\s*#>_`]*(HYPOTHESIS|FILE)[*_`]*:[\s*`]*(.*?)[\s*`]*$")
_SEARCH = "<<<<<<< SEARCH"
_REWRITE = "<<<<<<< REWRITE"
_ENDS = {_SEARCH: ">>>>>>> REPLACE", _REWRITE: ">>>>>>> REWRITE"}
_MIDDLE = "======="
_START = "EVOLVE-BLOCK-START"
_END = "EVOLVE-BLOCK-END"
_LINE_CHARS = 80  # of a line in a message


class AnswerProblem(ValueError):
    """An answer gives no program, or a program that is not worth a trial; the message is one line.

    Attributes:
        printed: what the program printed in its smoke run; empty if it was not run.
    """

    def __init__(self, problem: str, printed: str = "") -> None:
        super().__init__(problem)
        self.printed = printed

    @property
    def text_for_model(self) -> str:
        """The problem with what the program printed."""
        if not self.printed:
            return str(self)
        return f"{self}. The end of what it printed:\n{self.printed}\n"


@dataclass(frozen=True)
class Block:
    """A change of one file.

    Attributes:
        path: the file.
        search: the lines to replace; None if `text` is the whole file.
        text: the new lines.
    """

    path: str
    search: str | None
    text: str


@dataclass(frozen=True)
class Answer:
    """A model's answer: its hypothesis, and its blocks in their order."""

    hypothesis: str
    blocks: tuple[Block, ...]


def read_answer(text: str, paths: Sequence[str]) -> Answer:
    """Reads an answer about a program with these files.

    If there is only one file, the answer need not name it.

    Raises:
        AnswerProblem: the hypothesis is missing, there is not a single block, or a block has no end
            or no file.
    """
    tags = {"HYPOTHESIS": "", "FILE": paths[0] if len(paths) == 1 else ""}
    blocks: list[Block] = []
    lines = split_lines(text.replace("\r\n", "\n"))
    index = 0
    while index < len(lines):
        opening = lines[index].strip()
        if opening in _ENDS:
            number = len(blocks) + 1
            end = _find_line(lines, _ENDS[opening], index + 1)
            if end is None:
                raise AnswerProblem(f"block {number} has no line {_ENDS[opening]!r}")
            if not tags["FILE"]:
                names = ", ".join(paths)
                raise AnswerProblem(
                    f"block {number} names no file: write FILE: and one of {names} before it"
                )
            blocks.append(_read_block(tags["FILE"], opening, lines[index + 1 : end], number))
            index = end
        elif tag := _TAG.match(lines[index]):
            tags[tag[1]] = tag[2]
        index += 1
    if not tags["HYPOTHESIS"]:
        raise AnswerProblem("no line begins with HYPOTHESIS:")
    if not blocks:
        raise AnswerProblem("the answer has no SEARCH/REPLACE block and no REWRITE block")
    return Answer(tags["HYPOTHESIS"], tuple(blocks))


def _read_block(path: str, opening: str, lines: Sequence[str], number: int) -> Block:
    """The block of the lines between its opening and its end."""
    if opening == _REWRITE:
        # Many models put a file into a code fence of Markdown, which is not part of it.
        is_fenced = len(lines) > 1 and lines[0].startswith("```") and lines[-1].strip() == "```"
        if is_fenced:
            lines = lines[1:-1]
        return Block(path, None, "".join(lines))
    middle = _find_line(lines, _MIDDLE)
    if middle is None:
        raise AnswerProblem(f"block {number} has no line {_MIDDLE!r} between SEARCH and REPLACE")
    return Block(path, "".join(lines[:middle]), "".join(lines[middle + 1 :]))


def _find_line(lines: Sequence[str], text: str, start: int = 0) -> int | None:
    """Index of the first line that reads `text`, from `start` on; None if there is none."""
    for index in range(start, len(lines)):
        if lines[index].strip() == text:
            return index
    return None


def apply_answer(answer: Answer, program: Program, editable: Sequence[str]) -> Program:
    """The program after the changes of an answer.

    Raises:
        AnswerProblem: a file may not be changed, a SEARCH text does not occur or occurs several
            times, or the change is one that `check_change` refuses.
    """
    files = dict(program.files)
    for number, block in enumerate(answer.blocks, 1):
        if block.path not in editable:
            path = block.path[:_LINE_CHARS]
            raise AnswerProblem(f"{path} may not be changed; editable: {', '.join(editable)}")
        files[block.path] = apply_block(block, files.get(block.path, ""), number)
    new = Program(files, program.executable)
    check_change(program, new)
    return new


def check_change(old: Program, new: Program) -> None:
    """Checks that a change is worth a trial.

    Raises:
        AnswerProblem: text outside of the markers changed, a changed file does not parse, or
            nothing changed.
    """
    _check_markers(old, new)
    for path, text in new.files.items():
        if not path.endswith(".py") or text == old.files.get(path):
            continue
        if problem := find_syntax_problem(text):
            raise AnswerProblem(f"{path} does not parse: {problem}")
    if new.digest == old.digest:
        raise AnswerProblem("it changes nothing")


def apply_block(block: Block, text: str, number: int) -> str:
    """The text of a file after block `number`.

    Raises:
        AnswerProblem: the SEARCH text is empty, does not occur in the file, or occurs several
            times.
    """
    # Models answer with plain line ends. A file with CRLF throughout keeps them.
    line_end = "\r\n" if 0 < text.count("\n") == text.count("\r\n") else "\n"
    new = block.text.replace("\n", line_end)
    if block.search is None:
        return new
    search = block.search.replace("\n", line_end)
    if not search.strip():
        raise AnswerProblem(
            f"the SEARCH text of block {number} is empty; "
            "repeat the line beside which something is to be put in"
        )
    # The SEARCH text always ends its last line. Without this, the last line of a file that does not
    # would never match.
    lacks_line_end = bool(text) and not text.endswith("\n")
    if lacks_line_end:
        text += line_end
    lines = split_lines(text)
    searched = split_lines(search)
    index = _find_only_place(lines, searched, f"block {number}", block.path)
    changed = "".join([*lines[:index], new, *lines[index + len(searched) :]])
    return changed.removesuffix(line_end) if lacks_line_end else changed


def _find_only_place(lines: list[str], searched: list[str], block: str, path: str) -> int:
    """Index at which the searched lines occur; raises AnswerProblem unless there is exactly one."""
    n = len(searched)
    places = [i for i in range(len(lines) - n + 1) if lines[i : i + n] == searched]
    if not places:
        file_lines = set(lines)
        missing = [line for line in searched if line not in file_lines]
        reason = "its lines occur in it, but not one after another"
        if missing:
            reason = f"no line reads {_quote(missing[0])}"
        raise AnswerProblem(f"the SEARCH text of {block} is not in {path} ({reason})")
    if len(places) > 1:
        numbers = ", ".join(str(place + 1) for place in places[:4])
        raise AnswerProblem(
            f"the SEARCH text of {block} occurs in {path} {len(places)} times (lines {numbers}); "
            "add lines around it"
        )
    return places[0]


def _check_markers(old: Program, new: Program) -> None:
    """Raises AnswerProblem if text outside of the markers changed.

    A program without markers may change everywhere.
    """
    if not any(_START in text for text in old.files.values()):
        return
    for path in sorted({*old.files, *new.files}):
        before = _list_fixed_lines(old.files.get(path, ""))
        after = _list_fixed_lines(new.files.get(path, ""))
        if before == after:
            continue
        # The empty line at the end stands for a line that was added or removed there.
        pairs = zip([*before, ""], [*after, ""], strict=False)
        line = next(
            (old_line or new_line for old_line, new_line in pairs if old_line != new_line), ""
        )
        raise AnswerProblem(f"{path} changes outside of {_START} and {_END}: {_quote(line)}")


def _list_fixed_lines(text: str) -> list[str]:
    """The lines that may not change: all that are not between markers, and the markers."""
    fixed: list[str] = []
    is_inside = False
    for line in split_lines(text):
        if not is_inside or _END in line:
            fixed.append(line)
        is_inside = _START in line or (is_inside and _END not in line)
    return fixed


def _quote(line: str) -> str:
    """A line in quotes, cut where it is long."""
    line = line.rstrip("\r\n")
    return repr(line if len(line) <= _LINE_CHARS else line[: _LINE_CHARS - 3] + "...")
