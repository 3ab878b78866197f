"""Knobs: the literals of a program that a search may turn, and programs with some of them turned.

Which literals are knobs is a judgement, made by the rules below. A knob that does nothing, or that
breaks the program, is only discovered by trying it.

- Knobs are numbers and flags with a name (constants, fields, defaults, keyword arguments, entries
  of dicts, local names, entries of tuples and lists of at most 8), and numbers in expressions. A
  string is a knob if the source itself says what else it may be: it compares the name with other
  strings, looks the name up in a dict, has a `Literal[...]`, or a comment such as `# one of: a, b`.
- Never knobs are indices, f-strings, docstrings, imports, annotations, decorators, assertions,
  hexadecimal and binary numbers, seeds, versions, vocabulary sizes, axes, devices, paths and
  logging. In expressions, neither are 0, 1, -1, nor integers that are compared for equality,
  shifted, divided by with `//` or `%`, or passed to functions that take shapes and positions.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from workbench.program import Program
from workbench.propose.literals import FileLiterals, SourceLiteral
from workbench.propose.priors import Prior, find_prior
from workbench.propose.scales import Scale, Value, choose_scale, format_literal

MAX_KNOBS = 400
# How much a knob is expected to matter, by the place where its value is given.
_ROLE_WEIGHTS = {
    "constant": 1.0,
    "entry": 0.9,
    "field": 0.9,
    "default": 0.8,
    "keyword": 0.7,
    "local": 0.7,
    "bare": 0.5,
}
_PART_WEIGHT = 0.6  # of a literal that is only a part of the value that its name gets
# Names of values that do not influence how well the program does.
_NEVER = re.compile(
    r".*(seed|version|vocab|dtype|device|path|file|folder|url|host|port|log_|_log|verbose|debug"
    r"|print|every|interval|workers|threads|timeout|encoding|ignore_index|pad_id|token_id|rank"
    r"|world_size|profile|checkpoint|eval|random_state).*|__\w+__"
)
# Names of arguments whose values are part of the program's structure.
_STRUCTURAL = re.compile(
    r"dim|dims|axis|axes|ndim|start_dim|end_dim|keepdims?|inplace|requires_grad|non_blocking"
    r"|pin_memory|strict|exist_ok|parents|indent|sep|flush|reverse|maxsize|ord|copy|set_to_none"
    r"|persistent|batch_first|stacklevel|weights_only|allow_pickle|enabled|mode|is_causal"
    r"|retain_graph|create_graph|fullgraph|dynamic|done|found|ok"
)
_COUNTERS = re.compile(r"i|j|t|_|it|idx|index|count|total|n|step|best|average|start|end|min|max")
# Functions whose unnamed arguments are shapes, positions and the like.
_POSITIONAL = re.compile(
    r".*(seed|print|range|view|reshape|permute|transpose|unsqueeze|squeeze|size|zeros|ones|empty"
    r"|full|arange|cat|stack|split|chunk|sum|mean|max|min|argmax|argmin|softmax|log_softmax|round"
    r"|getattr|open|isinstance|int|len|sleep|flatten|unflatten|cumsum|sort|topk|gather|expand"
    r"|repeat|unbind|roll|norm|std|var|any|all|enumerate|exit|divmod|randint|triu|tril|diagonal"
    r"|movedim).*"
)
_COMMENT = re.compile(
    r"#.*?\b(?:one of|any of|choices|options|choose from|either)\b[^:=]*[:=]?\s*(.+)$",
    re.IGNORECASE,
)
_INTEGER_OPERATORS = {"%", "//", "<<", ">>", "&", "|", "^"}


@dataclass(frozen=True)
class Knob:
    """A literal that may be turned.

    Attributes:
        id: such as `train.py:LEARNING_RATE`; the same in every program that differs in values only.
        path: its file.
        name: the part of `id` after the colon.
        start: byte offset of the literal in its file.
        end: byte offset after the literal.
        text: the literal as it is written.
        line: its line number, from 1.
        value: its value.
        scale: how the value may move.
        weight: how much it is expected to matter before anything was measured; a typical knob has
            1.
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


def find_knobs(program: Program) -> dict[str, Knob]:
    """The knobs of a program by id, those with the most weight first; at most `MAX_KNOBS`.

    Takes about a second per 2000 lines.
    """
    from workbench.propose import literal_reader  # loads LibCST, so only when knobs are needed

    files = {
        path: literal_reader.read_literals(text)
        for path, text in program.files.items()
        if path.endswith(".py")
    }
    alternatives = _merge_alternatives(files.values())
    knobs: list[Knob] = []
    for path, file in files.items():
        knobs += _find_in_file(path, program.files[path], file, alternatives)
    knobs.sort(key=lambda knob: -knob.weight)
    return {knob.id: knob for knob in knobs[:MAX_KNOBS]}


def _find_in_file(
    path: str, text: str, file: FileLiterals, alternatives: Mapping[str, tuple[str, ...]]
) -> list[Knob]:
    data = text.encode("utf-8")
    lines = data.split(b"\n")
    knobs = []
    # Every literal gets a name, even if it is not a knob. Otherwise the number that tells equal
    # names apart would depend on the values, and a knob would change its id when another one is
    # turned.
    for name, literal in _with_names(file.literals):
        line = data.count(b"\n", 0, literal.start)
        choices = _find_choices(literal, alternatives, lines[line].decode("utf-8"))
        if not _is_knob(literal, choices):
            continue
        prior = find_prior(literal.label)
        knob = Knob(
            id=f"{path}:{name}",
            path=path,
            name=name,
            start=literal.start,
            end=literal.end,
            text=literal.text,
            line=line + 1,
            value=literal.value,
            scale=choose_scale(literal.value, choices, is_count=prior.is_count),
            weight=_weigh(literal, prior),
        )
        knobs.append(knob)
    return knobs


def _with_names(literals: Iterable[SourceLiteral]) -> Iterable[tuple[str, SourceLiteral]]:
    """Each literal with its name: its scope and its label.

    A number is added if it has no label, or if the name came before.
    """
    counts: dict[str, int] = {}
    for literal in literals:
        parts = [*literal.scope, literal.label] if literal.label else literal.scope
        name = ".".join(parts)
        counts[name] = counts.get(name, 0) + 1
        if counts[name] > 1 or not literal.label:
            name = f"{name}#{counts[name]}"
        yield name, literal


def _weigh(literal: SourceLiteral, prior: Prior) -> float:
    weight = prior.weight * _ROLE_WEIGHTS[literal.role if literal.label else "bare"]
    if literal.in_expression:
        weight *= _PART_WEIGHT
    return weight


def turn_knobs(
    program: Program, knobs: Mapping[str, Knob], changes: Mapping[str, Value]
) -> Program:
    """The program with some knobs at other values; nothing but those literals differs.

    Args:
        program: the program in which `knobs` were found.
        knobs: the knobs by id.
        changes: id to new value.
    """
    files = {path: text.encode("utf-8") for path, text in program.files.items()}
    # From the end to the beginning, so that the offsets of the other knobs stay right.
    for knob in sorted((knobs[name] for name in changes), key=lambda knob: -knob.start):
        data = files[knob.path]
        literal = format_literal(changes[knob.id], knob.text).encode("utf-8")
        files[knob.path] = data[: knob.start] + literal + data[knob.end :]
    return Program({path: data.decode("utf-8") for path, data in files.items()}, program.executable)


def _is_knob(literal: SourceLiteral, choices: tuple[Value, ...]) -> bool:
    value = literal.value
    has_name = bool(literal.label) and not literal.in_expression
    if _is_plumbing(literal):
        return False
    if isinstance(value, str):
        return has_name and len(choices) > 1
    if isinstance(value, bool):
        is_local_constant = literal.role == "local" and literal.label.isupper()
        is_setting = literal.role in ("constant", "field", "default", "keyword", "entry")
        return has_name and (is_setting or is_local_constant)
    is_hexadecimal = re.match(r"-?0[xXbBoO]", literal.text) is not None
    if literal.before == "==" or is_hexadecimal or abs(value) >= 1e9:
        return False
    if not has_name or literal.role == "bare":
        return _is_free(literal)
    if literal.role == "local" and value in (0, 1) and isinstance(value, int):
        return False  # a counter or a flag
    if value == 0 and literal.role not in ("constant", "field", "entry"):
        return False  # switched off for a reason, as `dropout=0.0` when a model is loaded
    return not 0 < abs(value) < 1e-12


def _is_plumbing(literal: SourceLiteral) -> bool:
    """True if the name says that the value does not influence how well the program does."""
    name = literal.label.split(".")[-1].split("[")[0].lower()
    if _NEVER.fullmatch(name):
        return True
    if not name or literal.role in ("constant", "field", "entry"):
        return False  # a name that a person chose for a setting, even if it is called `mode` or `n`
    is_small = isinstance(literal.value, bool | str) or abs(literal.value) <= 3
    if is_small and _STRUCTURAL.fullmatch(name):
        return True
    return literal.role in ("local", "bare") and bool(_COUNTERS.fullmatch(name))


def _is_free(literal: SourceLiteral) -> bool:
    """True if a number inside of an expression is more than a part of its structure."""
    value = literal.value
    assert isinstance(value, int | float)
    size = abs(value)
    if size == 0:
        return False
    is_offset = literal.before in ("+", "-") or literal.after in ("+", "-", "/", "**")
    if size == 1 and (isinstance(value, int) or is_offset):
        return False  # `n + 1`, `1.0 - beta`, `1.0 / n`
    if size < 1e-5 or size >= 1e6:
        return False  # guards against division by zero, stand-ins for infinity
    if isinstance(value, int) and _is_structural_integer(literal, value):
        return False
    is_position = bool(literal.call) and bool(_POSITIONAL.fullmatch(literal.call.lower()))
    return not is_position or literal.role == "keyword"


def _is_structural_integer(literal: SourceLiteral, value: int) -> bool:
    operators = {literal.before, literal.after}
    if operators & _INTEGER_OPERATORS or literal.after == "**":
        return True
    if abs(value) <= 3 and literal.before == "<":
        return True  # `p.dim() >= 2`
    if value == 2 and literal.after == "*":
        return True  # `2 * n`
    return abs(value) <= 4 and bool(literal.call) and "*" in operators  # `Linear(n, 3 * n)`


def _merge_alternatives(files: Iterable[FileLiterals]) -> dict[str, tuple[str, ...]]:
    """Lower-case name to the strings that it is compared with or looked up by, over all files."""
    merged: dict[str, tuple[str, ...]] = {}
    for file in files:
        for name, texts in file.alternatives:
            merged[name] = tuple(dict.fromkeys((*merged.get(name, ()), *texts)))
    for name, texts in list(merged.items()):
        merged[name] = _resolve_tables(texts, merged)
    return merged


def _resolve_tables(
    texts: Sequence[str], alternatives: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """The texts, with the keys of a dict in place of each reference to it (see `FileLiterals`)."""
    plain = [text for text in texts if not text.startswith("\0")]
    for text in texts:
        if text.startswith("\0"):
            table = text[1:].split(".")[-1].lower()
            plain += [key for key in alternatives.get(table, ()) if not key.startswith("\0")]
    return tuple(dict.fromkeys(plain))


def _find_choices(
    literal: SourceLiteral, alternatives: Mapping[str, tuple[str, ...]], line: str
) -> tuple[Value, ...]:
    """What a value may be instead, itself first; empty if that is not known.

    The source only says so for strings, and for numbers with a comment.
    """
    value = literal.value
    if isinstance(value, bool) or not literal.label or literal.in_expression:
        return ()
    if comment := _COMMENT.search(line):
        choices = _read_comment(comment[1], value)
        if value in choices:
            return tuple(dict.fromkeys((value, *choices)))
    if not isinstance(value, str):
        return ()
    texts = alternatives.get(literal.label.split(".")[-1].lower(), ())
    if not texts:
        # The value was handed on under another name. If only one set of alternatives has it, it is
        # that one.
        candidates = [others for others in alternatives.values() if value in others]
        if len(candidates) == 1:
            texts = candidates[0]
    # A text that would need escapes is not offered, since it is written between quotes as it is.
    plain = [text for text in texts if not re.search(r"[\\\"'\n]", text)]
    if not plain:
        return ()
    return tuple(dict.fromkeys((value, *plain)))


def _read_comment(text: str, value: Value) -> list[Value]:
    """The alternatives that a comment lists for a value, such as `a, b or c`."""
    items = [item.strip(" .'\"`)") for item in re.split(r"[,|;/]| or ", text)]
    if isinstance(value, str):
        return [item for item in items if re.fullmatch(r"[\w.\-]+", item)]
    if isinstance(value, int):
        return [int(item) for item in items if re.fullmatch(r"-?[\d_]+", item)]
    return [float(item) for item in items if re.fullmatch(r"-?[\d_.]+(e-?\d+)?", item)]
