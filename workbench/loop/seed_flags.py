"""Recognises a change that touches nothing but the seeds of randomness.

If such a candidate scores better, it drew better numbers; the program is no better.
"""

import ast
import re
from collections.abc import Iterator

from workbench.program import Program
from workbench.syntax import parse_tree

SEED_ONLY = "seed-only"

_SEED_NAME = re.compile(r"(^|_)seeds?(_(value|offset|base|all|everything))?$|(^|_)random_state$")
_COUNT_NAME = re.compile(r"^(n|num|number|count|max|min)_")  # n_seeds is a count and not a seed
_GENERATORS = {
    "default_rng",
    "Random",
    "RandomState",
    "SeedSequence",
    "PCG64",
    "MT19937",
    "Philox",
    "SFC64",
    "PRNGKey",
    "random_key",
}
# Calls that only pass a seed on, as in int(environ.get("SEED", 1)).
_TRANSPARENT = {"int", "str", "hash", "abs", "get", "getenv"}
_IGNORED_FIELDS = {"kind", "type_comment"}
_LITERAL_TYPES = (int, float, str, bytes, type(None))

NamedValue = tuple[str, ast.expr]


def changes_only_seeds(old: Program, new: Program) -> bool:
    """True if every token that differs is a number, a text or None that seeds randomness.

    A literal counts as a seed (also within a sum, a tuple or an `int(...)`) if it is given to a
    name that
    ends in `seed` or `random_state`: a variable, attribute, key, argument, default or command-line
        option.
    It also counts if it is passed to a function that seeds or makes a generator, such as
    `manual_seed`, `default_rng` or `PRNGKey`.

    The syntax trees of Python files are compared, so comments and layout do not matter. False if
    any other file differs, if a file does not parse, or if nothing but comments differs. Names are
    known and values
    are not: a seed under another name, or one drawn in a loop, goes unnoticed.
    """
    if old.files.keys() != new.files.keys() or old.executable != new.executable:
        return False
    changed = [path for path, text in old.files.items() if text != new.files[path]]
    if not all(path.endswith(".py") for path in changed):
        return False
    differences: list[bool] = []
    try:
        for path in changed:
            differences += _differences(old.files[path], new.files[path])
    except (SyntaxError, ValueError, RecursionError):
        return False
    return bool(differences) and all(differences)


def flags(old: Program, new: Program) -> tuple[str, ...]:
    """What is odd about a change, as recorded with the candidate, whoever made it."""
    return (SEED_ONLY,) if changes_only_seeds(old, new) else ()


def _differences(old: str, new: str) -> Iterator[bool]:
    """For every difference between two sources: whether it is a difference of seeds."""
    old_tree = parse_tree(old)
    new_tree = parse_tree(new)
    seeds: set[int] = set()  # ids of the old tree's nodes that seed randomness
    for node in ast.walk(old_tree):
        for name, value in _named_values(node):
            if _is_seed_name(name):
                seeds.add(id(value))
    yield from _compare(old_tree, new_tree, seeds, in_seed=False)


def _compare(old: object, new: object, seeds: set[int], in_seed: bool) -> Iterator[bool]:
    """Walks both trees side by side; `in_seed` says whether the nodes are part of a seed."""
    in_seed = in_seed or id(old) in seeds
    if _is_literal(old) and _is_literal(new):
        if _literal(old) != _literal(new):
            yield in_seed
    elif type(old) is not type(new):
        yield False
    elif isinstance(old, ast.AST):
        # Inside a sum or an int(...) a literal is still a seed; inside any other call it is not.
        stays_in_seed = in_seed and _passes_seed_on(old)
        for field in {*old._fields} - _IGNORED_FIELDS:
            yield from _compare(getattr(old, field), getattr(new, field), seeds, stays_in_seed)
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            yield False
        for old_item, new_item in zip(old, new, strict=False):
            yield from _compare(old_item, new_item, seeds, in_seed)
    elif old != new:
        yield False


def _passes_seed_on(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return _last_name(node.func) in _TRANSPARENT
    return isinstance(node, ast.BinOp | ast.UnaryOp | ast.Tuple | ast.List)


def _named_values(node: ast.AST) -> Iterator[NamedValue]:
    """The values that a node gives to names: of variables, keys, arguments or functions."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _bindings(target, value)
        case (
            ast.AnnAssign(target=target, value=ast.expr() as value)
            | ast.AugAssign(target=target, value=value)
            | ast.NamedExpr(target=target, value=value)
        ):
            yield from _bindings(target, value)
        case ast.keyword(arg=str() as name, value=value):
            yield name, value
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if key is not None:
                    yield _text(key), value
        case ast.arguments():
            yield from _default_values(node)
        case ast.Call():
            yield from _call_values(node)


def _bindings(target: ast.expr, value: ast.expr) -> Iterator[NamedValue]:
    """The names that an assignment binds, those of an unpacking one by one."""
    match target, value:
        case (
            (ast.Tuple(elts=targets) | ast.List(elts=targets)),
            (ast.Tuple(elts=values) | ast.List(elts=values)),
        ):
            for inner_target, inner_value in zip(targets, values, strict=False):
                yield from _bindings(inner_target, inner_value)
        case ast.Subscript(slice=key), _:
            yield _text(key), value
        case _:
            yield _last_name(target), value


def _default_values(node: ast.arguments) -> Iterator[NamedValue]:
    """The defaults of a function's arguments."""
    positional = [*node.posonlyargs, *node.args]
    with_default = positional[len(positional) - len(node.defaults) :]
    for argument, default in zip(with_default, node.defaults, strict=True):
        yield argument.arg, default
    for argument, optional in zip(node.kwonlyargs, node.kw_defaults, strict=True):
        if optional is not None:
            yield argument.arg, optional


def _call_values(node: ast.Call) -> Iterator[NamedValue]:
    """A call's positional arguments under the function's name, and argparse's default of a seed."""
    for argument in node.args:
        yield _last_name(node.func), argument
    # As in add_argument("-s", "--seed", default=1).
    options = [_text(argument).lstrip("-").replace("-", "_") for argument in node.args]
    if any(_is_seed_name(option) for option in options):
        for keyword in node.keywords:
            if keyword.arg == "default":
                yield "seed", keyword.value


def _last_name(node: ast.expr) -> str:
    """The last part of a dotted name.

    Both parts of `random.key`, since `key` alone says too little.
    """
    if isinstance(node, ast.Attribute):
        return f"{_last_name(node.value)}_key" if node.attr == "key" else node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _text(node: ast.expr) -> str:
    """A literal text; empty for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return ""


def _is_seed_name(name: str) -> bool:
    if name in _GENERATORS:
        return True
    lower = name.lower()
    return _SEED_NAME.search(lower) is not None and _COUNT_NAME.search(lower) is None


def _is_literal(node: object) -> bool:
    """A number with or without a sign, a text, or None."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        return isinstance(node.operand, ast.Constant) and type(node.operand.value) in (int, float)
    return isinstance(node, ast.Constant) and type(node.value) in _LITERAL_TYPES


def _literal(node: object) -> tuple[type, object]:
    """Type and value, so that 1 and 1.0 and True differ."""
    assert isinstance(node, ast.expr)
    value = ast.literal_eval(node)
    return type(value), value
