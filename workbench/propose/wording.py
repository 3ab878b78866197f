"""Wording of `evolve`, as a value: what it tells a model and how much of the history it shows; `proposer_harness` evolves it.

What people said, what is material and no instruction, and the form of an answer are no part of it: they are always there.
"""

import tomllib
from dataclasses import dataclass, fields

from workbench.errors import UsageError

MAX_CHARS = 20_000
PLACES = ("{material}", "{form}")
MOST = {"attempts": 100, "inspirations": 10, "failures": 20, "logs": 5}
SYSTEM = """\
You improve a program, one change at a time. Each change is run and scored by an evaluator that you cannot reach; it is kept only where
it is better beyond chance. Propose the single change that you expect to gain most, given what has been tried. Prefer a change whose effect
the score can show, and simple code over clever code. Do not repeat what failed, and never try what is banned.

{material}

Answer in exactly this form:

{form}"""


@dataclass(frozen=True, kw_only=True)
class Wording:
    """What a model is told.

    Attributes:
        system: the instructions; `{material}` and `{form}`, each once, stand where `prompt` says what is no instruction, and how to answer.
        attempts: the latest candidates that are listed; a third as many of the kept ones before them.
        evidence: whether each comes with its gain, and with why it was kept or not.
        inspirations: of the programs that the strategy chose, how many are shown beside the parent.
        failures: of the latest answers that gave no program. logs: of failed candidates, the newest; the parent's is shown in any case.
        focus: whether six in ten calls are told what to look for.
    """

    system: str = SYSTEM
    attempts: int = 30
    evidence: bool = True
    inspirations: int = 10
    failures: int = 5
    logs: int = 2
    focus: bool = True

    def __post_init__(self) -> None:
        for field in fields(self):
            value, kind = getattr(self, field.name), type(field.default)
            if type(value) is not kind:
                wanted = {bool: "true or false", int: "a whole number", str: "a text"}[kind]
                raise UsageError(f"the prompt's {field.name} = {value!r:.60}; it is {wanted}")
        for name, most in MOST.items():
            if not 0 <= getattr(self, name) <= most:
                raise UsageError(f"the prompt's {name} = {getattr(self, name)}; it lies between 0 and {most}")
        for place in PLACES:
            if (times := self.system.count(place)) != 1:
                raise UsageError(f"the prompt's system has {place} {times} times; put it in once, where that part belongs")


def read(text: str) -> Wording:
    """The wording of a TOML file with the keys of `Wording`: `system`, and those that are not as by default.

    Raises:
        UsageError: it is too long, no TOML, says nothing, or has an unknown key or a value that cannot be.
    """
    if len(text) > MAX_CHARS:
        raise UsageError(f"the prompt has {len(text):,} characters; at most {MAX_CHARS:,}")
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"the prompt is no TOML: {' '.join(str(error).split())[:200]}") from None
    known = [field.name for field in fields(Wording)]
    if strangers := [key for key in table if key not in known]:
        raise UsageError(f"the prompt has no setting {strangers[0]!r:.60}; it has: {', '.join(known)}")
    if not str(table.get("system", "")).strip():
        raise UsageError("the prompt is empty: it needs a text, system, that tells the model what to do")
    return Wording(**table)


def of(text: str) -> Wording:
    """The wording that `Options.prompt` means; raises as `read` does."""
    return read(text) if text else Wording()
