"""Literals of a Python file that may be changed.

They are plain values, so that they can be handled without loading a parser.
"""

from dataclasses import dataclass
from typing import Literal

from workbench.propose.scales import Value

Role = Literal["constant", "field", "default", "keyword", "entry", "local", "bare"]


@dataclass(frozen=True)
class SourceLiteral:
    """One literal, with its place in the source and what is known of its meaning.

    Attributes:
        start: byte offset in the UTF-8 source; a minus sign before a number belongs to the literal.
        end: byte offset after the literal.
        text: the literal as it is written.
        value: its value.
        scope: names of the classes and functions around it, from the outside in.
        label: the name that the value gets, such as `LEARNING_RATE` or `betas[1]`; may be empty.
        role: where the value is given. `constant`: at module level. `field`: at class level.
            `default`: of a parameter. `keyword`: as a keyword argument. `entry`: in a dict.
            `local`: in a function. `bare`: anywhere else.
        call: the function that it is an argument of; empty if there is none.
        before: the operator on its left; empty if there is none.
        after: the operator on its right; empty if there is none.
        in_expression: true if it is only a part of the value that the label gets.
    """

    start: int
    end: int
    text: str
    value: Value
    scope: tuple[str, ...]
    label: str
    role: Role
    call: str = ""
    before: str = ""
    after: str = ""
    in_expression: bool = False


@dataclass(frozen=True)
class FileLiterals:
    """The literals of a file.

    Attributes:
        literals: in the order of the source.
        alternatives: pairs of a lower-case name and the strings that the source treats as
            alternatives for it. A text that begins with "\\0" names a dict whose keys are the
            alternatives.
    """

    literals: tuple[SourceLiteral, ...]
    alternatives: tuple[tuple[str, tuple[str, ...]], ...]
