"""A scripted server's rule in place of a model, so that one prompt is better than another: it is no model, and says nothing about one.

Where it is told to move boldly it doubles one constant of the program, then halves it, then goes on
to the next; else it changes the first by a percent.
"""

import re
from collections.abc import Mapping
from typing import Any

from tests.messages_server import Step, call_tools

BOLD = "Move one constant at a time, by a factor of two."


def reply(body: Mapping[str, Any]) -> Step:
    """The answer to a request of `evolve` or `agent` in a simulated study."""
    shown = body["messages"][0]["content"][1]["text"]
    if "tools" in body:
        return _worked(body, int(re.search(r"There are (\d+) candidates", shown)[1]) - 1)  # type: ignore[index]
    n_tried = len(
        re.findall(r"^- \d+ \(from \d+\)|^- it ", shown, re.MULTILINE)
    )  # candidates, and answers that gave none
    name, value, new = _moved(shown.rpartition("<parent ")[2], n_tried, BOLD in body["system"])
    return (
        f"HYPOTHESIS: another {name}\n\n<<<<<<< SEARCH\n"
        f"{name} = {value}\n=======\n{name} = {new}\n>>>>>>> REPLACE\n"
    )


def _worked(body: Mapping[str, Any], n_tried: int) -> Step:
    """A turn of `agent`.

    It reads the program, then changes and submits it; what is not taken, it has tried too.
    """
    file = re.search(r"Files that may change: (\S+)\.$", body["messages"][0]["content"][0]["text"])[
        1
    ]  # type: ignore[index]
    if len(body["messages"]) == 1:
        return call_tools(("read_file", {"path": f"working/{file}"}))
    text = body["messages"][2]["content"][0]["content"]
    name, value, new = _moved(
        text, n_tried + len(body["messages"]) // 2 - 1, BOLD in body["system"]
    )
    edit = {"path": file, "text": text.replace(f"{name} = {value}\n", f"{name} = {new}\n")}
    return call_tools(("edit", edit), ("submit", {"hypothesis": f"another {name}"}))


def _moved(text: str, n_tried: int, is_bold: bool) -> tuple[str, str, str]:
    """A constant of the program, its value, and the next one to try."""
    lines = re.findall(r"^\w+ = \S+$", text, re.MULTILINE)
    name, _, value = lines[n_tried // 2 % len(lines) if is_bold else 0].partition(" = ")
    factor = [2.0, 0.5][n_tried % 2] if is_bold else 1.01 + n_tried / 1000
    new = {"True": "False", "False": "True"}.get(value) or repr(
        type(_number(value))(_number(value) * factor)
    )
    return name, value, new


def _number(text: str) -> int | float:
    return float(text) if set(text) & set(".e") else int(text)
