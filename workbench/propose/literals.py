"""The literals of a Python source, each with its place and what surrounds it. The one place that loads LibCST.

Finds and describes; which of them are knobs is decided in `knobs`.
"""

from dataclasses import dataclass, field, replace

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper

from workbench.propose.scales import Value
from workbench.propose.source import Found, Role, Source

_OPERATORS = {
    cst.Power: "**", cst.Modulo: "%", cst.FloorDivide: "//", cst.Divide: "/", cst.Multiply: "*", cst.Add: "+", cst.Subtract: "-",
    cst.LeftShift: "<<", cst.RightShift: ">>", cst.BitAnd: "&", cst.BitOr: "|", cst.BitXor: "^",
}  # fmt: skip


@dataclass(frozen=True)
class _Around:
    scope: tuple[str, ...] = ()
    label: str = ""
    role: Role = "bare"
    call: str = ""
    before: str = ""
    after: str = ""
    in_expression: bool = False


def read(text: str) -> Source:
    """The literals of a source that parses; none when it does not, or would not come back byte for byte."""
    try:
        module = cst.parse_module(text)
    except (cst.ParserSyntaxError, RecursionError):
        return Source((), ())
    if module.code != text:
        return Source((), ())
    wrapper = MetadataWrapper(module, unsafe_skip_copy=True)
    reader = _Reader(wrapper, text.encode("utf-8"))
    try:
        reader.walk(module, _Around(role="constant"))
    except RecursionError:
        return Source((), ())
    grouped = {(name, tuple(dict.fromkeys(values))) for name, values in reader.alternatives.items()}
    return Source(
        tuple(sorted(reader.found, key=lambda found: found.start)), tuple(sorted(grouped))
    )


@dataclass
class _Reader:
    wrapper: MetadataWrapper
    data: bytes
    found: list[Found] = field(default_factory=list)
    alternatives: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.spans = self.wrapper.resolve(ByteSpanPositionProvider)

    def walk(self, node: cst.CSTNode, around: _Around) -> None:
        match node:
            case (
                cst.FormattedString()
                | cst.ConcatenatedString()
                | cst.Annotation()
                | cst.Decorator()
                | cst.Assert()
                | cst.Raise()
            ):
                return
            case cst.FunctionDef() | cst.ClassDef():
                inside = _Around(
                    (*around.scope, node.name.value),
                    role="field" if isinstance(node, cst.ClassDef) else "local",
                )
                for child in node.children:
                    self.walk(child, inside)
                return
            case cst.SimpleStatementLine() if all(
                isinstance(part, cst.Expr) and _is_text(part.value) for part in node.body
            ):
                return  # a docstring
            case cst.Assign() | cst.AnnAssign() | cst.AugAssign() | cst.NamedExpr():
                self.assignment(node, around)
                return
            case cst.Param():
                self.note_alternatives(node.annotation, node.name.value)
                if node.default is not None:
                    self.value(node.default, replace(around, label=node.name.value, role="default"))
                return
            case cst.Call():
                self.call(node, around)
                return
            case cst.Dict():
                self.dictionary(node, around)
                return
            case cst.Subscript():
                self.subscript(node, around)
                return
            case cst.Comparison():
                self.comparison(node, around)
                return
            case cst.Match():
                self.cases(node, around)
                return
        if not self.literal(node, around):
            self.expression(node, around)

    def value(self, node: cst.BaseExpression, around: _Around) -> None:
        """A value that is given a label: the literal itself, the entries of a short tuple, or an expression of literals."""
        if isinstance(node, cst.Tuple | cst.List):
            for index, element in enumerate(node.elements):
                name = (
                    f"{around.label}[{index}]" if around.label and len(node.elements) <= 8 else ""
                )
                self.walk(
                    element.value, replace(around, label=name, role=around.role if name else "bare")
                )
        else:
            self.walk(node, around)

    def expression(self, node: cst.CSTNode, around: _Around) -> None:
        if isinstance(node, cst.BinaryOperation):
            sign = _OPERATORS.get(type(node.operator), "?")
            self.walk(node.left, replace(around, before="", after=sign, in_expression=True))
            self.walk(node.right, replace(around, before=sign, after="", in_expression=True))
            return
        if isinstance(node, cst.BaseExpression):
            inner = replace(around, before="", after="", in_expression=bool(around.label))
        else:
            inner = replace(around, label="", before="", after="", in_expression=False)
        for child in node.children:
            self.walk(child, inner)

    def assignment(
        self, node: cst.Assign | cst.AnnAssign | cst.AugAssign | cst.NamedExpr, around: _Around
    ) -> None:
        targets = (
            [target.target for target in node.targets]
            if isinstance(node, cst.Assign)
            else [node.target]
        )
        label = _name(targets[0])
        if isinstance(node, cst.AnnAssign):
            self.note_alternatives(node.annotation, label)
        role: Role = around.role if around.role in ("constant", "field", "local") else "local"
        if isinstance(node, cst.AugAssign | cst.NamedExpr):
            role = "bare"
        names = targets[0].elements if isinstance(targets[0], cst.Tuple) else ()
        if isinstance(node.value, cst.Tuple) and len(names) == len(node.value.elements):
            for target, element in zip(names, node.value.elements, strict=True):
                self.value(element.value, replace(around, label=_name(target.value), role=role))
        elif node.value is not None:
            self.value(node.value, replace(around, label=label, role=role))

    def call(self, node: cst.Call, around: _Around) -> None:
        name = _name(node.func)
        self.walk(node.func, replace(around, label="", role="bare", before="", after=""))
        for argument in node.args:
            if argument.keyword is not None:
                place = replace(
                    around,
                    label=argument.keyword.value,
                    role="keyword",
                    call=name,
                    before="",
                    after="",
                    in_expression=False,
                )
                self.value(argument.value, place)
            else:
                inner = replace(
                    around, call=name, before="", after="", in_expression=bool(around.label)
                )
                self.walk(argument.value, inner)

    def dictionary(self, node: cst.Dict, around: _Around) -> None:
        keys = [
            _text(element.key) for element in node.elements if isinstance(element, cst.DictElement)
        ]
        self.note(around.label, [key for key in keys if key is not None])
        for element in node.elements:
            key = _text(element.key) if isinstance(element, cst.DictElement) else None
            label = f"{around.label}.{key}" if key and around.label else key or ""
            self.value(
                element.value,
                replace(
                    around, label=label, role="entry" if label else "bare", before="", after=""
                ),
            )

    def subscript(self, node: cst.Subscript, around: _Around) -> None:
        """Indices are no knobs. `TABLE[ACT]` says that the keys of TABLE are the alternatives for ACT."""
        for element in node.slice:
            if isinstance(element.slice, cst.Index) and (name := _name(element.slice.value)):
                if isinstance(node.value, cst.Dict):
                    keys = [
                        _text(item.key)
                        for item in node.value.elements
                        if isinstance(item, cst.DictElement)
                    ]
                    self.note(name, [key for key in keys if key is not None])
                elif table := _name(node.value):
                    self.note(name, [f"\0{table}"])
        self.walk(
            node.value, replace(around, before="", after="", in_expression=bool(around.label))
        )

    def comparison(self, node: cst.Comparison, around: _Around) -> None:
        for target in node.comparisons:
            sides = (node.left, target.comparator)
            for one, other in (sides, sides[::-1]):
                inner = (
                    [item.value for item in other.elements]
                    if isinstance(other, cst.Tuple | cst.List | cst.Set)
                    else [other]
                )
                texts = [_text(item) for item in inner]
                self.note(_name(one), [text for text in texts if text is not None])
        is_exact = any(isinstance(target.operator, cst.Equal | cst.NotEqual | cst.Is | cst.IsNot | cst.In | cst.NotIn)
                       for target in node.comparisons)  # fmt: skip
        beside = replace(
            around,
            label="",
            role="bare",
            before="==" if is_exact else "<",
            after="",
            in_expression=True,
        )
        for side in (node.left, *(target.comparator for target in node.comparisons)):
            self.walk(side, beside)

    def cases(self, node: cst.Match, around: _Around) -> None:
        name = _name(node.subject)
        for case in node.cases:
            options = (
                [item.pattern for item in case.pattern.patterns]
                if isinstance(case.pattern, cst.MatchOr)
                else [case.pattern]
            )
            texts = [
                _text(option.value) for option in options if isinstance(option, cst.MatchValue)
            ]
            self.note(name, [text for text in texts if text is not None])
            self.walk(case.body, around)

    def note_alternatives(self, node: cst.Annotation | None, name: str) -> None:
        inner = node.annotation if node is not None else None
        if isinstance(inner, cst.Subscript) and _name(inner.value) == "Literal":
            texts = [
                _text(item.slice.value) for item in inner.slice if isinstance(item.slice, cst.Index)
            ]
            self.note(name, [text for text in texts if text is not None])

    def note(self, name: str, texts: list[str]) -> None:
        if name and texts:
            self.alternatives.setdefault(name.split(".")[-1].lower(), []).extend(texts)

    def literal(self, node: cst.CSTNode, around: _Around) -> bool:
        """Records a literal; False when the node is something else."""
        inner = node
        if isinstance(node, cst.UnaryOperation) and isinstance(node.operator, cst.Minus):
            inner = node.expression
        value: Value | None = None
        if isinstance(inner, cst.Integer | cst.Float):
            value = inner.evaluated_value
        elif inner is node and isinstance(node, cst.Name) and node.value in ("True", "False"):
            value = node.value == "True"
        elif inner is node and (text := _text(node)) is not None:
            value = text
        if value is None:
            return False
        span = self.spans[node]
        start, end = span.start, span.start + span.length
        text = self.data[start:end].decode("utf-8")
        if not text.startswith("("):  # LibCST counts parentheses around a literal as part of it
            shown = -value if inner is not node and isinstance(value, int | float) else value
            self.found.append(Found(start, end, text, shown, around.scope, around.label, around.role, around.call,
                                    around.before, around.after, around.in_expression))  # fmt: skip
        return True


def _name(node: cst.CSTNode | None) -> str:
    match node:
        case cst.Name():
            return node.value
        case cst.Attribute():
            return node.attr.value
        case cst.Subscript() if len(node.slice) == 1 and isinstance(node.slice[0].slice, cst.Index):
            return _text(node.slice[0].slice.value) or ""  # config["act"]
    return ""


def _text(node: cst.CSTNode | None) -> str | None:
    if isinstance(node, cst.SimpleString) and isinstance(node.evaluated_value, str):
        return node.evaluated_value
    return None


def _is_text(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.SimpleString | cst.ConcatenatedString | cst.FormattedString)
