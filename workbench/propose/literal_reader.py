"""Finds the literals of a Python source and describes each one.

This is the only module that loads LibCST.

It does not decide which literals are worth turning; that is up to `knobs`.
"""

from dataclasses import dataclass, field, replace

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper

from workbench.propose.literals import FileLiterals, Role, SourceLiteral
from workbench.propose.scales import Value

MAX_NUMBERED = 8  # entries of a tuple or list that get a label each; a longer one is data
_OPERATORS = {
    cst.Power: "**", cst.Modulo: "%", cst.FloorDivide: "//", cst.Divide: "/", cst.Multiply: "*",
    cst.Add: "+", cst.Subtract: "-", cst.LeftShift: "<<", cst.RightShift: ">>", cst.BitAnd: "&",
    cst.BitOr: "|", cst.BitXor: "^",
}  # fmt: skip
_EXACT = (cst.Equal, cst.NotEqual, cst.Is, cst.IsNot, cst.In, cst.NotIn)
# Literals in these nodes are texts, types or checks, and never worth turning.
_IGNORED = (
    cst.FormattedString,
    cst.ConcatenatedString,
    cst.Annotation,
    cst.Decorator,
    cst.Assert,
    cst.Raise,
)


@dataclass(frozen=True)
class _Context:
    """What surrounds a node, as in `SourceLiteral`."""

    scope: tuple[str, ...] = ()
    label: str = ""
    role: Role = "bare"
    call: str = ""
    before: str = ""
    after: str = ""
    in_expression: bool = False

    def inner(self) -> "_Context":
        """The context of a part of this expression."""
        return replace(self, before="", after="", in_expression=bool(self.label))


def read_literals(text: str) -> FileLiterals:
    """The literals of a source.

    Empty if the source does not parse, is nested too deeply, or LibCST would not reproduce it byte
    for byte.
    """
    try:
        module = cst.parse_module(text)
    except (cst.ParserSyntaxError, RecursionError):
        return FileLiterals((), ())
    if module.code != text:
        return FileLiterals((), ())
    wrapper = MetadataWrapper(module, unsafe_skip_copy=True)
    reader = _Reader(wrapper, text.encode("utf-8"))
    try:
        reader.walk(module, _Context(role="constant"))
    except RecursionError:
        return FileLiterals((), ())
    literals = sorted(reader.literals, key=lambda literal: literal.start)
    alternatives = {
        (name, tuple(dict.fromkeys(texts))) for name, texts in reader.alternatives.items()
    }
    return FileLiterals(tuple(literals), tuple(sorted(alternatives)))


@dataclass
class _Reader:
    """Walks a syntax tree and collects literals and alternatives."""

    wrapper: MetadataWrapper
    data: bytes
    literals: list[SourceLiteral] = field(default_factory=list)
    alternatives: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.spans = self.wrapper.resolve(ByteSpanPositionProvider)

    def walk(self, node: cst.CSTNode, context: _Context) -> None:
        """Reads a node and everything below it.

        Each case reads a kind of node that says more than its parts.
        """
        if isinstance(node, _IGNORED) or _is_docstring(node):
            return
        match node:
            case cst.FunctionDef() | cst.ClassDef():
                self.read_scope(node, context)
            case cst.Assign() | cst.AnnAssign() | cst.AugAssign() | cst.NamedExpr():
                self.read_assignment(node, context)
            case cst.Param():
                self.read_parameter(node, context)
            case cst.Call():
                self.read_call(node, context)
            case cst.Dict():
                self.read_dict(node, context)
            case cst.Subscript():
                self.read_subscript(node, context)
            case cst.Comparison():
                self.read_comparison(node, context)
            case cst.Match():
                self.read_cases(node, context)
            case _:
                if not self.add_literal(node, context):
                    self.read_parts(node, context)

    def read_value(self, node: cst.BaseExpression, context: _Context) -> None:
        """Reads a value that gets a label. The entries of a short tuple are numbered."""
        if not isinstance(node, cst.Tuple | cst.List):
            self.walk(node, context)
            return
        is_numbered = bool(context.label) and len(node.elements) <= MAX_NUMBERED
        for index, element in enumerate(node.elements):
            if is_numbered:
                inner = replace(context, label=f"{context.label}[{index}]")
            else:
                inner = replace(context, label="", role="bare")
            self.walk(element.value, inner)

    def read_parts(self, node: cst.CSTNode, context: _Context) -> None:
        """Reads the children of a node that says nothing special about them."""
        if isinstance(node, cst.BinaryOperation):
            sign = _OPERATORS.get(type(node.operator), "?")
            self.walk(node.left, replace(context, before="", after=sign, in_expression=True))
            self.walk(node.right, replace(context, before=sign, after="", in_expression=True))
            return
        if isinstance(node, cst.BaseExpression):
            inner = context.inner()
        else:  # a statement: what is inside no longer belongs to the label
            inner = replace(context, label="", before="", after="", in_expression=False)
        for child in node.children:
            self.walk(child, inner)

    def read_scope(self, node: cst.FunctionDef | cst.ClassDef, context: _Context) -> None:
        role: Role = "local"
        if isinstance(node, cst.ClassDef):
            role = "field"
        inner = _Context((*context.scope, node.name.value), role=role)
        for child in node.children:
            self.walk(child, inner)

    def read_assignment(
        self, node: cst.Assign | cst.AnnAssign | cst.AugAssign | cst.NamedExpr, context: _Context
    ) -> None:
        # Of `a = b = 3` the first name counts.
        target = node.targets[0].target if isinstance(node, cst.Assign) else node.target
        label = _name(target)
        if isinstance(node, cst.AnnAssign):
            self.read_annotation(node.annotation, label)
        role: Role = "local"
        if isinstance(node, cst.AugAssign | cst.NamedExpr):
            role = "bare"
        elif context.role in ("constant", "field"):
            role = context.role
        if node.value is None:
            return
        targets = target.elements if isinstance(target, cst.Tuple) else ()
        if isinstance(node.value, cst.Tuple) and len(targets) == len(node.value.elements):
            # `a, b = 1, 2` gives each literal its own name.
            for part, element in zip(targets, node.value.elements, strict=True):
                self.read_value(element.value, replace(context, label=_name(part.value), role=role))
        else:
            self.read_value(node.value, replace(context, label=label, role=role))

    def read_parameter(self, node: cst.Param, context: _Context) -> None:
        self.read_annotation(node.annotation, node.name.value)
        if node.default is not None:
            inner = replace(context, label=node.name.value, role="default")
            self.read_value(node.default, inner)

    def read_call(self, node: cst.Call, context: _Context) -> None:
        self.walk(node.func, replace(context, label="", role="bare", before="", after=""))
        inner = replace(context.inner(), call=_name(node.func))
        for argument in node.args:
            if argument.keyword is None:
                self.walk(argument.value, inner)
            else:
                label = argument.keyword.value
                self.read_value(
                    argument.value,
                    replace(inner, label=label, role="keyword", in_expression=False),
                )

    def read_dict(self, node: cst.Dict, context: _Context) -> None:
        self.add_alternatives(context.label, _keys(node))
        for element in node.elements:
            key = _text(element.key) if isinstance(element, cst.DictElement) else None
            label = key or ""
            if key and context.label:
                label = f"{context.label}.{key}"
            role: Role = "entry" if label else "bare"
            inner = replace(context, label=label, role=role, before="", after="")
            self.read_value(element.value, inner)

    def read_subscript(self, node: cst.Subscript, context: _Context) -> None:
        """Skips the index, which is not worth turning.

        `TABLE[ACT]` says that the keys of TABLE are the alternatives for ACT.
        """
        for element in node.slice:
            if not isinstance(element.slice, cst.Index):
                continue
            name = _name(element.slice.value)
            if not name:
                continue
            if isinstance(node.value, cst.Dict):
                self.add_alternatives(name, _keys(node.value))
            elif table := _name(node.value):
                self.add_alternatives(name, [f"\0{table}"])  # `knobs` looks the keys up
        self.walk(node.value, context.inner())

    def read_comparison(self, node: cst.Comparison, context: _Context) -> None:
        """Reads the sides.

        `ACT == "relu"` and `ACT in ("relu", "gelu")` say which values ACT may have.
        """
        for target in node.comparisons:
            self.add_alternatives(_name(node.left), _texts(target.comparator))
            self.add_alternatives(_name(target.comparator), _texts(node.left))
        is_exact = any(isinstance(target.operator, _EXACT) for target in node.comparisons)
        sign = "==" if is_exact else "<"  # how the values are compared matters, not with which sign
        inner = replace(context, label="", role="bare", before=sign, after="", in_expression=True)
        for side in (node.left, *(target.comparator for target in node.comparisons)):
            self.walk(side, inner)

    def read_cases(self, node: cst.Match, context: _Context) -> None:
        name = _name(node.subject)
        for case in node.cases:
            patterns = [case.pattern]
            if isinstance(case.pattern, cst.MatchOr):
                patterns = [part.pattern for part in case.pattern.patterns]
            values = [pattern.value for pattern in patterns if isinstance(pattern, cst.MatchValue)]
            self.add_alternatives(name, _all_texts(values))
            self.walk(case.body, context)

    def read_annotation(self, node: cst.Annotation | None, name: str) -> None:
        """`ACT: Literal["relu", "gelu"]` says which values ACT may have."""
        annotation = node.annotation if node is not None else None
        if isinstance(annotation, cst.Subscript) and _name(annotation.value) == "Literal":
            indices = [part.slice for part in annotation.slice]
            values = [index.value for index in indices if isinstance(index, cst.Index)]
            self.add_alternatives(name, _all_texts(values))

    def add_alternatives(self, name: str, texts: list[str]) -> None:
        if name and texts:
            self.alternatives.setdefault(name.split(".")[-1].lower(), []).extend(texts)

    def add_literal(self, node: cst.CSTNode, context: _Context) -> bool:
        """Adds the literal that a node is; False if it is something else."""
        value = _literal_value(node)
        if value is None:
            return False
        span = self.spans[node]
        start = span.start
        end = span.start + span.length
        text = self.data[start:end].decode("utf-8")
        if text.startswith("("):  # LibCST counts parentheses around a literal as part of it
            return True
        literal = SourceLiteral(
            start, end, text, value, context.scope, context.label, context.role, context.call,
            context.before, context.after, context.in_expression,
        )  # fmt: skip
        self.literals.append(literal)
        return True


def _literal_value(node: cst.CSTNode) -> Value | None:
    """The value of a number, a flag or a string; None for any other node."""
    match node:
        case cst.UnaryOperation(
            operator=cst.Minus(), expression=cst.Integer() | cst.Float() as number
        ):
            return -number.evaluated_value
        case cst.Integer() | cst.Float():
            return node.evaluated_value
        case cst.Name(value="True" | "False"):
            return node.value == "True"
    return _text(node)


def _name(node: cst.CSTNode | None) -> str:
    """The name that a node is known by; empty if it has none.

    It is the last part of `config.act` and of `config["act"]`.
    """
    match node:
        case cst.Name():
            return node.value
        case cst.Attribute():
            return node.attr.value
        case cst.Subscript() if len(node.slice) == 1 and isinstance(node.slice[0].slice, cst.Index):
            return _text(node.slice[0].slice.value) or ""
    return ""


def _text(node: cst.CSTNode | None) -> str | None:
    """The value of a plain string; None for any other node."""
    if isinstance(node, cst.SimpleString) and isinstance(node.evaluated_value, str):
        return node.evaluated_value
    return None


def _all_texts(nodes: list[cst.BaseExpression]) -> list[str]:
    """The values of the plain strings among some nodes."""
    texts = [_text(node) for node in nodes]
    return [text for text in texts if text is not None]


def _texts(node: cst.BaseExpression) -> list[str]:
    """The plain strings in a tuple, list or set, or the one string that a node is."""
    if isinstance(node, cst.Tuple | cst.List | cst.Set):
        return _all_texts([element.value for element in node.elements])
    return _all_texts([node])


def _keys(node: cst.Dict) -> list[str]:
    """The keys of a dict that are plain strings."""
    return _all_texts([part.key for part in node.elements if isinstance(part, cst.DictElement)])


def _is_docstring(node: cst.CSTNode) -> bool:
    """True for a statement that consists of strings only."""
    strings = cst.SimpleString | cst.ConcatenatedString | cst.FormattedString
    return isinstance(node, cst.SimpleStatementLine) and all(
        isinstance(part, cst.Expr) and isinstance(part.value, strings) for part in node.body
    )
