"""A text as Python source: readable where that is possible, and in every case exactly the same text again."""

import ast

from workbench.show.visible import visible
from workbench.syntax import tree_of


def literal(target: str, text: str) -> str:
    """`target` followed by a literal of the text: raw and triple-quoted, or its lines one by one where that cannot hold it.

    Whatever is invisible or a control character is written as an escape, so that a reader sees that it is there.
    """
    if visible(text) == text:
        for quotes in ("'''", '"""'):
            source = f"{target}r{quotes}{text}{quotes}"
            if _holds(source, text):
                return source
    lines = text.split("\n")
    parts = [line + "\n" for line in lines[:-1]] + (
        [lines[-1]] if lines[-1] or len(lines) == 1 else []
    )
    return target + "(\n" + "".join(f"    {part!r}\n" for part in parts) + ")"


def _holds(source: str, text: str) -> bool:
    """Whether the cell, as IPython rewrites it before it compiles it (prompts, magics), still says the text."""
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        cell: str = TransformerManager().transform_cell(source)  # type: ignore[no-untyped-call]
        body = tree_of(cell).body
    except (SyntaxError, ValueError):
        return False
    value = body[0].value if len(body) == 1 and isinstance(body[0], ast.Assign) else None
    return isinstance(value, ast.Constant) and value.value == text
