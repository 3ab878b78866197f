"""Seeds: does a change touch nothing but the seeds of randomness? Then a better score is a better draw, not a better program."""

import ast
import re
from collections.abc import Iterator

from workbench.program import Program
from workbench.syntax import tree_of

SEED_ONLY = "seed-only"
_SEED = re.compile(r"(^|_)seeds?(_(value|offset|base|all|everything))?$|(^|_)random_state$")
_COUNT = re.compile(r"^(n|num|number|count|max|min)_")
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
_TRANSPARENT = {
    "int",
    "str",
    "hash",
    "abs",
    "get",
    "getenv",
}  # calls that only pass a seed on, as in int(environ.get("SEED", 1))
_IGNORED = {"kind", "type_comment"}


def changes_only_seeds(old: Program, new: Program) -> bool:
    """True when every token that differs is a number, a text or None that seeds randomness.

    That is a literal (also one in a sum, a tuple, or an `int(...)`) which is given to a name that ends in `seed` or `random_state`
    (a variable, attribute, key, argument, default or command-line option), or to a function that seeds or makes a generator,
    such as `manual_seed`, `default_rng` or `PRNGKey`. Judged on the syntax trees of Python files, so that comments and layout do
    not matter; false for any other file that differs, for text that does not parse, and where nothing differs but comments. It
    knows names and not values: a seed by another name goes unseen, and so does one that is drawn in a loop.
    """
    if old.files.keys() != new.files.keys() or old.executable != new.executable:
        return False
    changed = [path for path, text in old.files.items() if text != new.files[path]]
    if not all(path.endswith(".py") for path in changed):
        return False
    try:
        found = [
            is_seed for path in changed for is_seed in _changed(old.files[path], new.files[path])
        ]
    except (SyntaxError, ValueError, RecursionError):
        return False
    return bool(found) and all(found)


def flags(old: Program, new: Program) -> tuple[str, ...]:
    """What is odd about a change, as it is recorded with the candidate, whoever made it."""
    return (SEED_ONLY,) if changes_only_seeds(old, new) else ()


def _changed(old: str, new: str) -> Iterator[bool]:
    """For every difference between two sources, whether it is one of seeds."""
    before, after = tree_of(old), tree_of(new)
    places = {
        id(value) for node in ast.walk(before) for name, value in _given(node) if _is_seed(name)
    }
    return _compared(before, after, places, False)


def _compared(old: object, new: object, places: set[int], seeding: bool) -> Iterator[bool]:
    seeding = seeding or id(old) in places
    if _is_literal(old) and _is_literal(new):
        if _literal(old) != _literal(new):
            yield seeding
    elif type(old) is not type(new):
        yield False
    elif isinstance(old, ast.AST):
        passes = isinstance(old, ast.BinOp | ast.UnaryOp | ast.Tuple | ast.List)
        passes = passes or (isinstance(old, ast.Call) and _called(old.func) in _TRANSPARENT)
        for name in {*old._fields} - _IGNORED:
            yield from _compared(getattr(old, name), getattr(new, name), places, seeding and passes)
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            yield False
        for mine, theirs in zip(old, new, strict=False):
            yield from _compared(mine, theirs, places, seeding)
    elif old != new:
        yield False


def _given(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """The names, of variables, keys, arguments or functions, that a node gives a value to."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _bound(target, value)
        case (
            ast.AnnAssign(target=target, value=ast.expr() as value)
            | ast.AugAssign(target=target, value=value)
        ):
            yield from _bound(target, value)
        case ast.NamedExpr(target=target, value=value):
            yield from _bound(target, value)
        case ast.keyword(arg=str() as name, value=value):
            yield name, value
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if key is not None:
                    yield _text(key), value
        case ast.arguments():
            names = [*node.posonlyargs, *node.args]
            yield from (
                (name.arg, value)
                for name, value in zip(
                    names[len(names) - len(node.defaults) :], node.defaults, strict=True
                )
            )
            optional = zip(node.kwonlyargs, node.kw_defaults, strict=True)
            yield from ((name.arg, value) for name, value in optional if value is not None)
        case ast.Call(func=func, args=args, keywords=keywords):
            yield from ((_called(func), value) for value in args)
            options = [
                _text(value).lstrip("-").replace("-", "_") for value in args
            ]  # add_argument("-s", "--seed", default=1)
            if any(_is_seed(option) for option in options):
                yield from (
                    ("seed", keyword.value) for keyword in keywords if keyword.arg == "default"
                )


def _bound(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    match target, value:
        case (
            (ast.Tuple(elts=targets) | ast.List(elts=targets)),
            (ast.Tuple(elts=values) | ast.List(elts=values)),
        ):
            for mine, given in zip(targets, values, strict=False):
                yield from _bound(mine, given)
        case ast.Subscript(slice=key), _:
            yield _text(key), value
        case _:
            yield _called(target), value


def _called(node: ast.expr) -> str:
    """The last name of a dotted one; of `random.key`, which is too short to tell, both."""
    if isinstance(node, ast.Attribute):
        return f"{_called(node.value)}_key" if node.attr == "key" else node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _is_seed(name: str) -> bool:
    plain = name.lower()
    return name in _GENERATORS or (_SEED.search(plain) is not None and _COUNT.search(plain) is None)


def _is_literal(node: object) -> bool:
    """A number, with or without a sign, a text or None."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        return isinstance(node.operand, ast.Constant) and type(node.operand.value) in (int, float)
    return isinstance(node, ast.Constant) and type(node.value) in (
        int,
        float,
        str,
        bytes,
        type(None),
    )


def _literal(node: object) -> tuple[type, object]:
    assert isinstance(node, ast.expr)
    value = ast.literal_eval(node)
    return type(value), value
