"""Wording: what a proposer tells a model and how much it shows, as a value.

A study of `proposer_harness` searches for a better one.

What people said, the warning that material is not an instruction, and the form of an answer are not
part of it. They are always there.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, Self

from workbench.errors import UsageError
from workbench.propose.agent.tool_specs import DESCRIPTIONS, WORKING

# The line breaks of the texts below are part of them: `evolve.toml` and `agent.toml` of
# `proposer_harness` hold the same texts. A backslash only continues a line.
MAX_CHARS = 20_000
KINDS = {str: "a text", bool: "true or false", int: "a whole number", dict: "a table"}
NEEDED_TOOLS = ("edit", "submit")


@dataclass(frozen=True, kw_only=True)
class Wording:
    """What all wordings have in common.

    A wording is checked when it is made, and read from TOML with its attributes as keys.

    Attributes:
        PLACES: names in braces that a text must contain, each once, by attribute. They stand for
            parts that are always there.
        BOUNDS: least and largest value of a number, by attribute.
        system: the instructions.
    """

    PLACES: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    BOUNDS: ClassVar[Mapping[str, tuple[int, int]]] = {}
    system: str = ""

    def __post_init__(self) -> None:
        for name, default in _defaults(type(self)).items():
            value = getattr(self, name)
            if type(value) is not type(default):
                kind = KINDS[type(default)]
                raise UsageError(f"the prompt's {name} = {value!r:.60}; it is {kind}")
        for name, (least, most) in self.BOUNDS.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise UsageError(
                    f"the prompt's {name} = {value}; it lies between {least} and {most}"
                )
        for name, places in self.PLACES.items():
            for place in places:
                count = getattr(self, name).count(place)
                if count != 1:
                    raise UsageError(
                        f"the prompt's {name} has {place} {count} times; "
                        "put it in once, where that part belongs"
                    )

    @classmethod
    def read(cls, text: str) -> Self:
        """The wording of a TOML text. It must have `system`; other keys have defaults.

        Raises:
            UsageError: the text is too long, is not TOML, is empty, or has an unknown key or a
                value that is not allowed.
        """
        if len(text) > MAX_CHARS:
            raise UsageError(f"the prompt has {len(text):,} characters; at most {MAX_CHARS:,}")
        try:
            table = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            problem = " ".join(str(error).split())[:200]
            raise UsageError(f"the prompt is not TOML: {problem}") from None
        keys = list(_defaults(cls))
        if unknown := [key for key in table if key not in keys]:
            raise UsageError(
                f"the prompt has no setting {unknown[0]!r:.60}; it has: {', '.join(keys)}"
            )
        if not str(table.get("system", "")).strip():
            raise UsageError(
                "the prompt is empty: it needs a text, system, that tells the model what to do"
            )
        return cls(**table)

    @classmethod
    def read_option(cls, text: str) -> Self:
        """The wording that `Options.prompt` means, or the default if it is empty.

        Raises as `read` does.
        """
        return cls.read(text) if text else cls()


@dataclass(frozen=True, kw_only=True)
class EvolveWording(Wording):
    """What `evolve` tells a model in its one call.

    Attributes:
        system: the instructions. `{material}` stands for the warning that material is not an
            instruction, `{form}` for how to answer.
        attempts: how many of the latest candidates are listed. A third as many earlier ones that
            were kept come before them.
        evidence: whether each comes with its gain, and with the reason for its decision.
        inspirations: how many of the programs that the strategy chose are shown beside the parent.
        failures: how many of the latest answers that gave no program are listed.
        logs: of how many of the latest failed candidates the log is shown. That of the parent
            always is.
        focus: whether six in ten calls are told what to look for.
        meta: with `evolve:meta`, the instructions for the call that writes a meta-prompt;
            `{material}` as in `system`.
    """

    PLACES: ClassVar = {"system": ("{material}", "{form}"), "meta": ("{material}",)}
    BOUNDS: ClassVar = {
        "attempts": (0, 100),
        "inspirations": (0, 10),
        "failures": (0, 20),
        "logs": (0, 5),
    }

    system: str = """\
You improve a program, one change at a time. Each change is run and scored by an evaluator that \
you cannot reach; it is kept only where
it is better beyond chance. Propose the single change that you expect to gain most, given what has \
been tried. Prefer a change whose effect
the score can show, and simple code over clever code. Do not repeat what failed, and never try \
what is banned.

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
You write an instruction for those who improve a program, one change at a time. They see the \
problem, the program and what was tried, and
your instruction. A change of theirs is kept only where it is better beyond chance. Judge from \
what was tried, and from what became of
earlier instructions: which kind of change should they look for, what is worth combining, what \
should they leave alone? Say it in
general words: no code, no numbers of candidates, nothing that is banned.

{material}

Answer with the instruction alone, in at most 100 words."""


@dataclass(frozen=True, kw_only=True)
class AgentWording(Wording):
    """What `agent` tells a model, what it shows at once, and which tools it offers.

    Attributes:
        system: the instructions. `{files}` stands for the list of the history's files, `{material}`
            for the warning that material is not an instruction.
        program: whether the program to start from is shown at once.
        rows: how many of the newest lines of `candidates.tsv` are shown at once.
        inspirations: how many of the candidates that the strategy chose are named beside the
            parent.
        turns: how many turns the model has until it must have submitted something.
        tools: name of each tool to what the model is told of it. What the tools do, and their
            arguments, are fixed. Without a sandbox for it, `shell` is left out.
    """

    PLACES: ClassVar = {"system": ("{files}", "{material}")}
    BOUNDS: ClassVar = {"rows": (0, 100), "inspirations": (0, 10), "turns": (2, 40)}

    system: str = f"""\
You improve a program, one change at a time. Each change is run and scored by an evaluator that \
you cannot reach; it is kept only where
it is better beyond chance. The history of all that was tried lies in files, which you read with \
tools:

{{files}}

{WORKING}/ holds the program that you change with edit. Look first: at what was kept and why, at \
what failed and how (logs and curves
where there are any), and at what people vetoed. Form one falsifiable hypothesis, change the \
program accordingly, read what you changed,
and submit it. Prefer a change whose effect the score can show, and simple code over clever code; \
mere changes of a parameter are
worth less than changes of mechanism. Do not repeat what failed, and never try what is banned.

{{material}}"""
    program: bool = False
    rows: int = 0
    inspirations: int = 10
    turns: int = 40
    tools: dict[str, str] = field(default_factory=DESCRIPTIONS.copy)

    def __post_init__(self) -> None:
        super().__post_init__()
        if unknown := [name for name in self.tools if name not in DESCRIPTIONS]:
            names = ", ".join(DESCRIPTIONS)
            raise UsageError(f"the prompt's tools have {unknown[0]!r:.60}; there are: {names}")
        if missing := [name for name in NEEDED_TOOLS if name not in self.tools]:
            raise UsageError(
                f"the prompt's tools lack {' and '.join(missing)}, "
                "without which nothing can be proposed"
            )
        for name, text in self.tools.items():
            if not isinstance(text, str) or not text.strip():
                raise UsageError(
                    f"the prompt's tools say nothing of {name}; "
                    "give it a text that tells the model what it does"
                )


WORDINGS: Mapping[str, type[Wording]] = {"evolve": EvolveWording, "agent": AgentWording}


def alias_from_prompt(proposer: str, argument: str, files: Mapping[str, str]) -> str | None:
    """What an alias for a program that holds a proposer's prompt means; None without that file.

    The file is `evolve.toml` or `agent.toml`, after the proposer.

    Raises:
        UsageError: the prompt cannot be used; see `Wording.read`.
    """
    prompt = files.get(f"{proposer}.toml")
    if prompt is None:
        return None
    WORDINGS[proposer].read(prompt)
    name = proposer
    if argument:
        name = f"{proposer}:{argument}"
    return f"{name}\n{prompt.strip()}"


def _defaults(kind: type[Wording]) -> dict[str, Any]:
    """The default of each field of a wording, by name."""
    defaults = {}
    for field_ in fields(kind):
        if field_.default_factory is not MISSING:
            defaults[field_.name] = field_.default_factory()
        else:
            defaults[field_.name] = field_.default
    return defaults
