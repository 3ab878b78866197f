"""What a Python source holds that may be turned: values only, so that nothing has to be loaded to talk of them."""

from dataclasses import dataclass
from typing import Literal

from workbench.propose.scales import Value

Role = Literal["constant", "field", "default", "keyword", "entry", "local", "bare"]


@dataclass(frozen=True)
class Found:
    """One literal.

    Attributes:
        start, end: byte offsets in the UTF-8 source; a minus sign before a number is part of it.
        scope: classes and functions around it. label: the name that it is given, as in `LEARNING_RATE` or `betas[1]`; may be empty.
        role: `constant` (module level), `field` (class level), `default`, `keyword` (argument), `entry` (of a dict), `local`, `bare`.
        call: the function that it is an argument of. before, after: the operator of which it is the right, the left side.
        in_expression: it is only part of the value that the label is given.
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
class Source:
    """What a file holds: literals in their order, and sets of strings that stand as alternatives, with the name they are for."""

    found: tuple[Found, ...]
    alternatives: tuple[tuple[str, tuple[str, ...]], ...]
