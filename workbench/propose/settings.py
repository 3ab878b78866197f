"""Settings of the tuner, as a value and as a text.

The text is what follows the colon in `--proposer tuner:reach=3,company=0.9`. A study of
`proposer_harness` searches for better settings.
"""

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

from workbench.errors import UsageError
from workbench.syntax import parse_tree

MAX_SETTING = 100
_LEAST = {"n_best": 1, "new_together": 1, "reach": 0.01, "length": 0.01}


@dataclass(frozen=True, kw_only=True)
class TunerSettings:
    """How the tuner searches. A unit is a natural step of a knob, often a factor of two.

    Attributes:
        reach: units from the parent that TPE may suggest; several proposals may lead further.
        n_best: single moves that are combined, two or three at a time.
        company: worth of a move for each change beyond the first, relative to a single change,
            which is easier to read and to learn from.
        repetition: units within which two points count as the same.
        tried: attempts at a knob before TPE is asked for its value.
        new_together: knobs that one move may turn for the first time.
        shadowed: factor for the weight of a knob that has the name of a constant, and most likely
            gets its value.
        elsewhere: factor for the weight of a knob whose name says that it is for another kind of
            machine.
        length: units over which a knob's curve stays similar.
        linear: variance of the trend, relative to a knob's curve.
        together: variance of the term in which all knobs act together, relative to a knob's curve.
        lean: how far the prior mean leans to the direction that a name suggests.
        flatten: how much the prior mean falls far from the baseline.
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
            kind = type(getattr(type(self), name))
            if isinstance(value, bool) or not isinstance(value, int | kind):
                expected = "a whole number" if kind is int else "a number"
                raise UsageError(f"the tuner's {name} = {value!r}; it is {expected}")
            least = _LEAST.get(name, 0)
            if not least <= value <= MAX_SETTING:
                raise UsageError(
                    f"the tuner's {name} = {value}; it lies between {least} and {MAX_SETTING}"
                )

    def values(self) -> dict[str, float]:
        """All settings by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def text(self) -> str:
        """The settings that differ from the defaults, as `parse_settings` reads them."""
        return ",".join(
            f"{name}={value!r}"
            for name, value in self.values().items()
            if value != getattr(type(self), name)
        )


def parse_settings(text: str) -> TunerSettings:
    """The settings in a text such as `reach=3,company=0.9`.

    Those that are left out have their defaults.

    Raises:
        UsageError: an unknown setting, or a value that it cannot have.
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
    return make_settings(values)


def make_settings(values: Mapping[str, object]) -> TunerSettings:
    """The settings with these values.

    Raises:
        UsageError: an unknown setting, or a value that it cannot have.
    """
    names = [field.name for field in fields(TunerSettings)]
    for name, value in values.items():
        if name not in names:
            raise UsageError(f"the tuner has no setting {name!r}; it has: {', '.join(names)}")
        if isinstance(value, float) and not math.isfinite(value):
            raise UsageError(f"the tuner's {name} = {value}; it is a finite number")
    return TunerSettings(**values)  # type: ignore[arg-type]  # __post_init__ checks them


def parse_source(source: str) -> TunerSettings:
    """The settings in a Python source with lines such as `REACH = 2.0`. The source is not run.

    Raises:
        UsageError: the source does anything else, so that its settings are only known by running
            it.
    """
    values = {}
    for node in parse_tree(source).body:
        match node:
            case ast.Expr(ast.Constant()):  # a docstring
                continue
            case ast.Assign([ast.Name(name)], ast.Constant(value)):
                values[name.lower()] = value
            case _:
                raise UsageError(
                    f"line {node.lineno} is not a setting; "
                    "only lines such as REACH = 2.0 can be installed"
                )
    return make_settings(values)


# Studies of older versions contain experiments that import it by this name.
made = make_settings
