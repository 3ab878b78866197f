"""Blocks: reads a model's answer (a hypothesis, SEARCH/REPLACE blocks or whole files) and makes the program that it describes.

The text is data: it is matched exactly, never guessed at. Format: AlphaEvolve (Novikov et al. 2025, arXiv 2506.13131, section 2.3), with a
line that names the file, and a form for a whole file. Lines between the markers EVOLVE-BLOCK-START and EVOLVE-BLOCK-END
(section 2.1 there) may change; where a program has such markers, nothing else may.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.program import Program, lines_of
from workbench.syntax import syntax_problem

FORMAT = """\
HYPOTHESIS: one sentence that names the change, why it should help, and what result would show that it does not.

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
_TAG = re.compile(r"^[\s*#>_`]*(HYPOTHESIS|FILE)[*_`]*:[\s*`]*(.*?)[\s*`]*$")
_OPEN = {"<<<<<<< SEARCH": ">>>>>>> REPLACE", "<<<<<<< REWRITE": ">>>>>>> REWRITE"}
_MIDDLE = "======="
_START, _END = "EVOLVE-BLOCK-START", "EVOLVE-BLOCK-END"
_SHOWN = 80  # characters of a line in a message


class AnswerProblem(ValueError):
    """An answer gives no program, or one not worth a trial; the message is one line. `printed`: what that program printed, run a moment."""

    def __init__(self, problem: str, printed: str = "") -> None:
        super().__init__(problem)
        self.printed = printed

    @property
    def told(self) -> str:
        """The whole of it, for the model."""
        return (
            f"{self}. The end of what it printed:\n{self.printed}\n" if self.printed else str(self)
        )


@dataclass(frozen=True)
class Block:
    """What to change in one file: `search` is replaced by `text`; None where `text` is the whole file."""

    path: str
    search: str | None
    text: str


@dataclass(frozen=True)
class Answer:
    """An answer, read."""

    hypothesis: str
    blocks: tuple[Block, ...]


def read(text: str, paths: Sequence[str]) -> Answer:
    """Reads an answer about a program with these files; where there is only one, it need not be named.

    Raises:
        AnswerProblem: no hypothesis, no block, a block without an end or without a file.
    """
    told = {"HYPOTHESIS": "", "FILE": paths[0] if len(paths) == 1 else ""}
    blocks: list[Block] = []
    lines = lines_of(text.replace("\r\n", "\n"))
    at = 0
    while at < len(lines):
        line = lines[at].strip()
        if line in _OPEN:
            end = next(
                (n for n in range(at + 1, len(lines)) if lines[n].strip() == _OPEN[line]), None
            )
            if end is None:
                raise AnswerProblem(f"block {len(blocks) + 1} has no line {_OPEN[line]!r}")
            if not told["FILE"]:
                raise AnswerProblem(
                    f"block {len(blocks) + 1} names no file: write FILE: and one of {', '.join(paths)} before it"
                )
            blocks.append(
                _block(
                    told["FILE"], lines[at + 1 : end], line == "<<<<<<< REWRITE", len(blocks) + 1
                )
            )
            at = end
        elif found := _TAG.match(lines[at]):
            told[found[1]] = found[2]
        at += 1
    if not told["HYPOTHESIS"]:
        raise AnswerProblem("no line begins with HYPOTHESIS:")
    if not blocks:
        raise AnswerProblem("there is no SEARCH/REPLACE block and no REWRITE block")
    return Answer(told["HYPOTHESIS"], tuple(blocks))


def _block(path: str, lines: Sequence[str], is_whole: bool, number: int) -> Block:
    if is_whole:
        is_fenced = len(lines) > 1 and lines[0].startswith("```") and lines[-1].strip() == "```"
        return Block(path, None, "".join(lines[1:-1] if is_fenced else lines))
    middle = next((n for n, line in enumerate(lines) if line.strip() == _MIDDLE), None)
    if middle is None:
        raise AnswerProblem(f"block {number} has no line {_MIDDLE!r} between SEARCH and REPLACE")
    return Block(path, "".join(lines[:middle]), "".join(lines[middle + 1 :]))


def made(answer: Answer, program: Program, editable: Sequence[str]) -> Program:
    """The program that an answer makes of another one.

    Raises:
        AnswerProblem: a file may not be changed; a SEARCH text is not there, or in several places; text outside of the markers
            changes; a file does not parse; nothing changes.
    """
    files = dict(program.files)
    for number, block in enumerate(answer.blocks, 1):
        if block.path not in editable:
            raise AnswerProblem(
                f"{block.path[:_SHOWN]} may not be changed; editable: {', '.join(editable)}"
            )
        files[block.path] = replaced(block, files.get(block.path, ""), number)
    new = Program(files, program.executable)
    check(program, new)
    return new


def check(old: Program, new: Program) -> None:
    """Raises AnswerProblem where text outside of the markers changed, a changed file does not parse, or nothing changed."""
    _check_markers(old, new)
    for path, text in new.files.items():
        if (
            path.endswith(".py")
            and text != old.files.get(path)
            and (problem := syntax_problem(text))
        ):
            raise AnswerProblem(f"{path} does not parse: {problem}")
    if new.digest == old.digest:
        raise AnswerProblem("it changes nothing")


def replaced(block: Block, text: str, number: int) -> str:
    """The text of a file after block `number`; raises AnswerProblem where its SEARCH text is not there, or in several places."""
    end = "\r\n" if 0 < text.count("\n") == text.count("\r\n") else "\n"
    new = block.text.replace("\n", end)
    if block.search is None:
        return new
    search = block.search.replace("\n", end)
    if not search.strip():
        raise AnswerProblem(
            f"the SEARCH text of block {number} is empty; repeat the line beside which something is to be put in"
        )
    is_open = bool(text) and not text.endswith("\n")
    lines, wanted = lines_of(text + end if is_open else text), lines_of(search)
    places = [
        n for n in range(len(lines) - len(wanted) + 1) if lines[n : n + len(wanted)] == wanted
    ]
    if not places:
        there = set(lines)
        missing = next((line for line in wanted if line not in there), "")
        which = (
            f"no line reads {_short(missing)}"
            if missing
            else "its lines stand there, but not one after another"
        )
        raise AnswerProblem(f"the SEARCH text of block {number} is not in {block.path} ({which})")
    if len(places) > 1:
        where = ", ".join(str(place + 1) for place in places[:4])
        times = f"{len(places)} times (lines {where})"
        raise AnswerProblem(
            f"the SEARCH text of block {number} stands in {block.path} {times}; add lines around it"
        )
    changed = "".join([*lines[: places[0]], new, *lines[places[0] + len(wanted) :]])
    return changed.removesuffix(end) if is_open else changed


def _check_markers(old: Program, new: Program) -> None:
    """Raises AnswerProblem where text outside of the markers changed; a program without markers may change everywhere."""
    if not any(_START in text for text in old.files.values()):
        return
    for path in sorted({*old.files, *new.files}):
        before, after = _skeleton(old.files.get(path, "")), _skeleton(new.files.get(path, ""))
        if before != after:
            pairs = zip([*before, ""], [*after, ""], strict=False)
            line = next((was or now for was, now in pairs if was != now), "")
            raise AnswerProblem(f"{path} changes outside of {_START} and {_END}: {_short(line)}")


def _skeleton(text: str) -> list[str]:
    """The lines outside of all blocks, markers included."""
    kept, inside = list[str](), False
    for line in lines_of(text):
        if not inside or _END in line:
            kept.append(line)
        inside = _START in line or (inside and _END not in line)
    return kept


def _short(line: str) -> str:
    line = line.rstrip("\r\n")
    return repr(line if len(line) <= _SHOWN else line[: _SHOWN - 3] + "...")
