"""Knobs: the literals of a program that a search may turn, and programs with some of them turned.

What counts as a knob, by the rules below, is judgement; a knob that does nothing or breaks the program is learnt by trying it.

- Taken: numbers and flags that are named (constants, fields, defaults, keyword arguments, entries of dicts, local names, entries of
  tuples and lists of at most 8), numbers in expressions, and strings whose alternatives the source itself knows: it compares
  the name with them, looks the name up in a dict, has a `Literal[...]` or a comment such as `# one of: a, b`.
- Left alone: indices, f-strings, docstrings, imports, annotations, decorators, assertions, hexadecimal and binary numbers, seeds,
  versions, vocabulary sizes, axes, devices, paths, logging, and in expressions 0, 1, -1, integers that are compared for
  equality, divided by with `//` or `%`, shifted, or passed to functions that take shapes and positions.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.program import Program
from workbench.propose.priors import prior_for
from workbench.propose.scales import Scale, Value, scale_for, write
from workbench.propose.source import Found, Source

MAX_KNOBS = 400
_ROLE_WEIGHTS = {
    "constant": 1.0,
    "entry": 0.9,
    "field": 0.9,
    "default": 0.8,
    "keyword": 0.7,
    "local": 0.7,
    "bare": 0.5,
}
_NEVER = re.compile(
    r".*(seed|version|vocab|dtype|device|path|file|folder|url|host|port|log_|_log|verbose|debug|print|every|interval|workers|threads"
    r"|timeout|encoding|ignore_index|pad_id|token_id|rank|world_size|profile|checkpoint|eval|random_state).*|__\w+__"
)
_STRUCTURAL = re.compile(
    r"dim|dims|axis|axes|ndim|start_dim|end_dim|keepdims?|inplace|requires_grad|non_blocking|pin_memory|strict|exist_ok|parents|indent|sep"
    r"|flush|reverse|maxsize|ord|copy|set_to_none|persistent|batch_first|stacklevel|weights_only|allow_pickle|enabled|mode|is_causal"
    r"|retain_graph|create_graph|fullgraph|dynamic|done|found|ok"
)
_COUNTERS = re.compile(r"i|j|t|_|it|idx|index|count|total|n|step|best|average|start|end|min|max")
_POSITIONAL = re.compile(
    r".*(seed|print|range|view|reshape|permute|transpose|unsqueeze|squeeze|size|zeros|ones|empty|full|arange|cat|stack|split|chunk"
    r"|sum|mean|max|min|argmax|argmin|softmax|log_softmax|round|getattr|open|isinstance|int|len|sleep|flatten|unflatten|cumsum|sort"
    r"|topk|gather|expand|repeat|unbind|roll|norm|std|var|any|all|enumerate|exit|divmod|randint|triu|tril|diagonal|movedim).*"
)
_COMMENT = re.compile(
    r"#.*?\b(?:one of|any of|choices|options|choose from|either)\b[^:=]*[:=]?\s*(.+)$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Knob:
    """A literal that may be turned.

    Attributes:
        id: `train.py:LEARNING_RATE`, the same in every program that differs only in values. name: what follows the colon.
        start, end: byte offsets of the literal in its file. text: as it stands there. line: its line number, from 1.
        scale: how it moves. weight: how much is expected of it before anything is known.
    """

    id: str
    path: str
    name: str
    start: int
    end: int
    text: str
    line: int
    value: Value
    scale: Scale
    weight: float


def find(program: Program) -> dict[str, Knob]:
    """The knobs of a program by id, those of most weight first; at most `MAX_KNOBS`. Takes about a second per 2000 lines."""
    from workbench.propose import (
        literals,
    )  # loads LibCST: at the first search for knobs, not before

    sources = {
        path: literals.read(text) for path, text in program.files.items() if path.endswith(".py")
    }
    alternatives = _alternatives(list(sources.values()))
    knobs: dict[str, Knob] = {}
    for path, source in sources.items():
        data = program.files[path].encode("utf-8")
        lines = data.split(b"\n")
        names: dict[str, int] = {}
        for found in source.found:
            # The number that tells equal names apart counts every literal, so that it does not hang on values.
            name = (
                ".".join((*found.scope, found.label))
                if found.label
                else ".".join((*found.scope, ""))[:-1]
            )
            names[name] = names.get(name, 0) + 1
            name = f"{name}#{names[name]}" if names[name] > 1 or not found.label else name
            number = data.count(b"\n", 0, found.start)
            choices = _choices(found, alternatives, lines[number].decode("utf-8"))
            if not _is_knob(found, choices):
                continue
            prior = prior_for(found.label)
            weight = (
                prior.weight
                * _ROLE_WEIGHTS[found.role if found.label else "bare"]
                * (0.6 if found.in_expression else 1.0)
            )
            scale = scale_for(found.value, choices, counted=prior.counted)
            knob = Knob(
                f"{path}:{name}",
                path,
                name,
                found.start,
                found.end,
                found.text,
                number + 1,
                found.value,
                scale,
                weight,
            )
            knobs[knob.id] = knob
    ranked = sorted(knobs.values(), key=lambda knob: -knob.weight)[:MAX_KNOBS]
    return {knob.id: knob for knob in ranked}


def turn(program: Program, knobs: Mapping[str, Knob], changes: Mapping[str, Value]) -> Program:
    """The program with some knobs at other values; nothing but those literals differs.

    Args:
        program: the one in which `knobs` were found.
        knobs: by id.
        changes: id to new value.
    """
    files = {path: text.encode("utf-8") for path, text in program.files.items()}
    for knob in sorted((knobs[name] for name in changes), key=lambda knob: -knob.start):
        data = files[knob.path]
        files[knob.path] = (
            data[: knob.start]
            + write(changes[knob.id], knob.text).encode("utf-8")
            + data[knob.end :]
        )
    return Program({path: data.decode("utf-8") for path, data in files.items()}, program.executable)


def _is_knob(found: Found, choices: tuple[Value, ...]) -> bool:
    name, value = found.label.split(".")[-1].split("[")[0].lower(), found.value
    if _is_plumbing(found, name):
        return False
    if isinstance(value, str):
        return len(choices) > 1 and bool(found.label) and not found.in_expression
    if isinstance(value, bool):
        named = found.role in ("constant", "field", "default", "keyword", "entry") or (
            found.role == "local" and found.label.isupper()
        )
        return named and bool(found.label) and not found.in_expression
    if found.before == "==" or re.match(r"-?0[xXbBoO]", found.text) or abs(value) >= 1e9:
        return False
    if not found.label or found.in_expression or found.role == "bare":
        return _is_free(found)
    if found.role == "local" and value in (0, 1) and isinstance(value, int):
        return False  # a counter or a flag
    if value == 0 and found.role not in ("constant", "field", "entry"):
        return False  # switched off for a reason, as `dropout=0.0` when a model is loaded
    return not 0 < abs(value) < 1e-12


def _is_plumbing(found: Found, name: str) -> bool:
    """Whether the name says that the value is not about how well the program does."""
    if not name or found.role in ("constant", "field", "entry"):
        return bool(_NEVER.fullmatch(name))
    small = isinstance(found.value, bool | str) or abs(found.value) <= 3
    if _NEVER.fullmatch(name) or (small and _STRUCTURAL.fullmatch(name)):
        return True
    return found.role in ("local", "bare") and bool(_COUNTERS.fullmatch(name))


def _is_free(found: Found) -> bool:
    """Whether a number inside an expression is more than part of its structure."""
    value = found.value
    assert isinstance(value, int | float)
    if value == 0 or (
        abs(value) == 1
        and (
            isinstance(value, int)
            or found.before in ("+", "-")
            or found.after in ("+", "-", "/", "**")
        )
    ):
        return False
    if 0 < abs(value) < 1e-5 or abs(value) >= 1e6:
        return False  # guards against division by zero, stand-ins for infinity
    if isinstance(value, int):
        if {found.before, found.after} & {
            "%",
            "//",
            "<<",
            ">>",
            "&",
            "|",
            "^",
        } or found.after == "**":
            return False
        if (abs(value) <= 3 and found.before == "<") or (value == 2 and found.after == "*"):
            return False  # `p.dim() >= 2`, `2 * n`
        if abs(value) <= 4 and found.call and "*" in (found.before, found.after):
            return False  # `Linear(n, 3 * n)`
    return not (
        found.call and _POSITIONAL.fullmatch(found.call.lower()) and found.role != "keyword"
    )


def _alternatives(sources: Sequence[Source]) -> dict[str, tuple[str, ...]]:
    """Lower-case name to the strings it is compared with or looked up by, over all files."""
    found: dict[str, tuple[str, ...]] = {}
    for source in sources:
        for name, texts in source.alternatives:
            found[name] = tuple(dict.fromkeys((*found.get(name, ()), *texts)))
    for name, texts in list(found.items()):
        tables = [
            key
            for text in texts
            if text.startswith("\0")
            for key in found.get(text[1:].split(".")[-1].lower(), ())
        ]
        found[name] = tuple(
            dict.fromkeys(text for text in (*texts, *tables) if not text.startswith("\0"))
        )
    return found


def _choices(
    found: Found, alternatives: Mapping[str, tuple[str, ...]], line: str
) -> tuple[Value, ...]:
    """What a string (or a number with a comment) may be instead, itself first; empty when that is not known."""
    if isinstance(found.value, bool) or not found.label or found.in_expression:
        return ()
    if comment := _COMMENT.search(line):
        items = [item.strip(" .'\"`)") for item in re.split(r"[,|;/]| or ", comment[1])]
        if isinstance(found.value, str):
            named: list[Value] = [item for item in items if re.fullmatch(r"[\w.\-]+", item)]
        else:
            named = [type(found.value)(item) for item in items if re.fullmatch(r"-?[\d_]+" if isinstance(found.value, int) else
                                                                           r"-?[\d_.]+(e-?\d+)?", item)]  # fmt: skip
        if found.value in named:
            return tuple(dict.fromkeys((found.value, *named)))
    if not isinstance(found.value, str):
        return ()
    name = found.label.split(".")[-1].lower()
    known = alternatives.get(name, ())
    if not known:  # handed on under another name: the one set of alternatives that holds this value
        sets = [texts for texts in alternatives.values() if found.value in texts]
        known = sets[0] if len(sets) == 1 else ()
    plain = tuple(
        text
        for text in known
        if "\\" not in text and '"' not in text and "'" not in text and "\n" not in text
    )
    return (found.value, *(text for text in plain if text != found.value)) if plain else ()
