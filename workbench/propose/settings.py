"""Settings of the tuner, as a value: what `--proposer tuner:reach=3,company=0.9` says, and what a study of `proposer_harness` evolves."""

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

from workbench.errors import UsageError
from workbench.syntax import tree_of


@dataclass(frozen=True, kw_only=True)
class TunerSettings:
    """How the tuner searches. A unit is a natural step of a knob, often a factor of two.

    Attributes:
        reach: units from the parent that TPE may suggest; further in several proposals.
        n_best: single moves that are combined, two or three at a time.
        company: worth of a move for each change beyond the first, relative to a single one, which is easier to read and to learn from.
        repetition: units within which two points count as one.
        tried: attempts at a knob before TPE is asked for its value.
        new_together: knobs that one move may turn for the first time.
        shadowed, elsewhere: weight of a knob with the name of a constant, and of one whose name says that it is for another machine.
        length: units over which a knob's curve stays similar.
        linear, together: variance of the trend and of the joint term, relative to a knob's curve.
        lean, flatten: prior mean: towards the direction that a name suggests, and down far from the baseline.
    """

    reach: float = 2.0
    n_best: int = 14
    company: float = 0.88
    repetition: float = 0.2
    tried: int = 2
    new_together: int = 1
    shadowed: float = 0.3
    elsewhere: float = 0.05
    length: float = 1.5
    linear: float = 0.15
    together: float = 0.3
    lean: float = 0.3
    flatten: float = 0.04

    def __post_init__(self) -> None:
        for name, value in self.values().items():
            wanted = type(getattr(type(self), name))
            if isinstance(value, bool) or not isinstance(value, int | wanted):
                raise UsageError(
                    f"the tuner's {name} = {value!r}; it is {'a whole number' if wanted is int else 'a number'}"
                )
            least = 1 if name in ("n_best", "new_together") else 0
            if not least <= value <= 100 or (name in ("reach", "length") and value < 0.01):
                raise UsageError(
                    f"the tuner's {name} = {value}; it lies between {0.01 if name in ('reach', 'length') else least} and 100"
                )

    def values(self) -> dict[str, float]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def text(self) -> str:
        """As `read` takes it: what differs from the defaults."""
        return ",".join(
            f"{name}={value!r}"
            for name, value in self.values().items()
            if value != getattr(type(self), name)
        )


def read(text: str) -> TunerSettings:
    """The settings of `reach=3,company=0.9`; those that are left out have their defaults.

    Raises:
        UsageError: no such setting, or a value that it cannot have.
    """
    values = {}
    for part in filter(None, text.split(",")):
        name, _, number = part.partition("=")
        try:
            values[name.strip()] = ast.literal_eval(number.strip())
        except (ValueError, SyntaxError):
            raise UsageError(
                f"not a setting of the tuner: {part!r}; write tuner:NAME=NUMBER,NAME=NUMBER"
            ) from None
    return made(values)


def made(values: Mapping[str, object]) -> TunerSettings:
    """Settings by name.

    Raises:
        UsageError: no such setting, or a value that it cannot have.
    """
    known = [field.name for field in fields(TunerSettings)]
    for name, value in values.items():
        if name not in known:
            raise UsageError(f"the tuner has no setting {name!r}; it has: {', '.join(known)}")
        if isinstance(value, float) and not math.isfinite(value):
            raise UsageError(f"the tuner's {name} = {value}; it is a finite number")
    return TunerSettings(**values)  # type: ignore[arg-type]  # __post_init__ checks them


def written(source: str) -> TunerSettings:
    """The settings in a program whose lines are `REACH = 2.0` and the like; nothing of it is run.

    Raises:
        UsageError: it does something else as well, so that its settings are not known without it.
    """
    values = {}
    for node in tree_of(source).body:
        match node:
            case ast.Expr(ast.Constant()):  # a docstring
                continue
            case ast.Assign([ast.Name(name)], ast.Constant(value)):
                values[name.lower()] = value
            case _:
                raise UsageError(
                    f"line {node.lineno} is no setting; only lines as in REACH = 2.0 can be installed"
                )
    return made(values)
