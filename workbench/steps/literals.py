"""Writes texts as Python source.

Readable where possible, and always exactly the same text again.
"""

import ast
import base64

from workbench.show.visible import visible
from workbench.syntax import parse_tree


def assign_file(name: str, path: str, content: str | bytes) -> str:
    """Source that puts a file's content into the dictionary `name`."""
    if isinstance(content, str):
        return literal(f"{name}[{path!r}] = ", content)
    encoded = base64.encodebytes(content).decode()
    return f'{name}[{path!r}] = base64.b64decode("""\n{encoded}""")'


def literal(target: str, text: str) -> str:
    """`target` followed by a literal of the text.

    Raw and triple-quoted where that can hold it, else its lines one by one. Invisible and control
    characters are written as escapes, so that a reader sees them.
    """
    if visible(text) == text:
        for quotes in ("'''", '"""'):
            source = f"{target}r{quotes}{text}{quotes}"
            if _means(source, text):
                return source
    *lines, rest = text.split("\n")
    parts = [line + "\n" for line in lines]
    if rest or not lines:
        parts.append(rest)
    body = "".join(f"    {part!r}\n" for part in parts)
    return f"{target}(\n{body})"


def _means(source: str, text: str) -> bool:
    """Whether the cell still holds the text after IPython has rewritten it (prompts, magics)."""
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        cell: str = TransformerManager().transform_cell(source)  # type: ignore[no-untyped-call]
        body = parse_tree(cell).body
    except (SyntaxError, ValueError):
        return False
    match body:
        case [ast.Assign(value=ast.Constant(value=value))]:
            return bool(value == text)
    return False
