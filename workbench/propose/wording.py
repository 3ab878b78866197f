"""Wording of a proposer that asks a model, as a value: what it tells the model, and what it shows; `proposer_harness` evolves it.

What people said, what is material and no instruction, and the form of an answer are no part of it: they are always there.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, Self

from workbench.errors import UsageError
from workbench.propose.agent.described import TOLD, WORKING

MAX_CHARS = 20_000
KINDS = {str: "a text", bool: "true or false", int: "a whole number", dict: "a table"}
NEEDED_TOOLS = ("edit", "submit")


@dataclass(frozen=True, kw_only=True)
class Wording:
    """What the wordings have in common: checked when they are made, and read from TOML with their attributes as keys.

    Attributes:
        system: the instructions, in which names in braces stand for parts that are always there.
        PLACES: of a text, those names; each stands in it once. BOUNDS: of a number, the least and the most.
    """

    PLACES: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    BOUNDS: ClassVar[Mapping[str, tuple[int, int]]] = {}
    system: str = ""

    def __post_init__(self) -> None:
        for name, default in _defaults(type(self)).items():
            if type(value := getattr(self, name)) is not type(default):
                raise UsageError(
                    f"the prompt's {name} = {value!r:.60}; it is {KINDS[type(default)]}"
                )
        for name, (least, most) in self.BOUNDS.items():
            if not least <= getattr(self, name) <= most:
                raise UsageError(
                    f"the prompt's {name} = {getattr(self, name)}; it lies between {least} and {most}"
                )
        for name, places in self.PLACES.items():
            for place in places:
                if (times := getattr(self, name).count(place)) != 1:
                    raise UsageError(
                        f"the prompt's {name} has {place} {times} times; put it in once, where that part belongs"
                    )

    @classmethod
    def read(cls, text: str) -> Self:
        """The wording of a TOML text with `system`, and those of the other keys that are not as by default.

        Raises:
            UsageError: it is too long, no TOML, says nothing, or has an unknown key or a value that cannot be.
        """
        if len(text) > MAX_CHARS:
            raise UsageError(f"the prompt has {len(text):,} characters; at most {MAX_CHARS:,}")
        try:
            table = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise UsageError(
                f"the prompt is no TOML: {' '.join(str(error).split())[:200]}"
            ) from None
        known = list(_defaults(cls))
        if strangers := [key for key in table if key not in known]:
            raise UsageError(
                f"the prompt has no setting {strangers[0]!r:.60}; it has: {', '.join(known)}"
            )
        if not str(table.get("system", "")).strip():
            raise UsageError(
                "the prompt is empty: it needs a text, system, that tells the model what to do"
            )
        return cls(**table)

    @classmethod
    def of(cls, text: str) -> Self:
        """The wording that `Options.prompt` means: the default where it is empty; raises as `read` does."""
        return cls.read(text) if text else cls()


@dataclass(frozen=True, kw_only=True)
class EvolveWording(Wording):
    """What `evolve` tells a model in its one call.

    Attributes:
        system: `{material}` stands where `prompt` says what is no instruction, `{form}` for how to answer.
        attempts: the latest candidates that are listed; a third as many of the kept ones before them.
        evidence: whether each comes with its gain, and with why it was kept or not.
        inspirations: of the programs that the strategy chose, how many are shown beside the parent.
        failures: of the latest answers that gave no program. logs: of failed candidates, the newest; the parent's is shown in any case.
        focus: whether six in ten calls are told what to look for.
        meta: with `evolve:meta`, the instructions for the call that writes a meta-prompt; `{material}` as in `system`.
    """

    PLACES: ClassVar = {"system": ("{material}", "{form}"), "meta": ("{material}",)}
    BOUNDS: ClassVar = {
        "attempts": (0, 100),
        "inspirations": (0, 10),
        "failures": (0, 20),
        "logs": (0, 5),
    }

    system: str = """\
You improve a program, one change at a time. Each change is run and scored by an evaluator that you cannot reach; it is kept only where
it is better beyond chance. Propose the single change that you expect to gain most, given what has been tried. Prefer a change whose effect
the score can show, and simple code over clever code. Do not repeat what failed, and never try what is banned.

{material}

Answer in exactly this form:

{form}"""
    attempts: int = 30
    evidence: bool = True
    inspirations: int = 10
    failures: int = 5
    logs: int = 2
    focus: bool = True
    meta: str = """\
You write an instruction for those who improve a program, one change at a time. They see the problem, the program and what was tried, and
your instruction. A change of theirs is kept only where it is better beyond chance. Judge from what was tried, and from what became of
earlier instructions: which kind of change should they look for, what is worth combining, what should they leave alone? Say it in
general words: no code, no numbers of candidates, nothing that is banned.

{material}

Answer with the instruction alone, in at most 100 words."""


@dataclass(frozen=True, kw_only=True)
class AgentWording(Wording):
    """What `agent` tells a model, what it shows before the model looks for itself, and with which tools that is.

    Attributes:
        system: `{files}` stands for the list of the history's files, `{material}` where it is said what is no instruction.
        program: whether the program to start from is shown at once. rows: so many of the newest lines of `candidates.tsv`, too.
        inspirations: of the candidates that the strategy chose, how many are named beside the parent.
        turns: of the model, until it has submitted something.
        tools: those that it has, each with what it is told of it; what they do, and their arguments, stay. Without a sandbox for it,
            there is no `shell` in any case.
    """

    PLACES: ClassVar = {"system": ("{files}", "{material}")}
    BOUNDS: ClassVar = {"rows": (0, 100), "inspirations": (0, 10), "turns": (2, 40)}

    system: str = f"""\
You improve a program, one change at a time. Each change is run and scored by an evaluator that you cannot reach; it is kept only where
it is better beyond chance. The history of all that was tried lies in files, which you read with tools:

{{files}}

{WORKING}/ holds the program that you change with edit. Look first: at what was kept and why, at what failed and how (logs and curves
where there are any), and at what people vetoed. Form one falsifiable hypothesis, change the program accordingly, read what you changed,
and submit it. Prefer a change whose effect the score can show, and simple code over clever code; mere changes of a parameter are
worth less than changes of mechanism. Do not repeat what failed, and never try what is banned.

{{material}}"""
    program: bool = False
    rows: int = 0
    inspirations: int = 10
    turns: int = 40
    tools: dict[str, str] = field(default_factory=TOLD.copy)

    def __post_init__(self) -> None:
        super().__post_init__()
        if strangers := [name for name in self.tools if name not in TOLD]:
            raise UsageError(
                f"the prompt's tools have {strangers[0]!r:.60}; there are: {', '.join(TOLD)}"
            )
        if missing := [name for name in NEEDED_TOOLS if name not in self.tools]:
            raise UsageError(
                f"the prompt's tools lack {' and '.join(missing)}, without which nothing can be proposed"
            )
        if silent := [
            name
            for name, what in self.tools.items()
            if not isinstance(what, str) or not what.strip()
        ]:
            raise UsageError(
                f"the prompt's tools say nothing of {silent[0]}; give it a text that tells the model what it does"
            )


WORDINGS: Mapping[str, type[Wording]] = {"evolve": EvolveWording, "agent": AgentWording}


def _defaults(kind: type[Wording]) -> dict[str, Any]:
    made = {
        each.name: each.default_factory()
        for each in fields(kind)
        if each.default_factory is not MISSING
    }
    return {each.name: made.get(each.name, each.default) for each in fields(kind)}
