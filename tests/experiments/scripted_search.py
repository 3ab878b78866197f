"""A scripted server's rule in place of a model, so that one prompt is better than another: it is no model, and says nothing about one.

Where it is told to move boldly it doubles one constant of the program, then halves it, then goes on to the next; else it changes the
first by a percent.
"""

import re
from collections.abc import Mapping
from typing import Any

BOLD = "Move one constant at a time, by a factor of two."


def reply(body: Mapping[str, Any]) -> str:
    """The answer to a request of `evolve` in a simulated study."""
    shown = body["messages"][0]["content"][1]["text"]
    lines = re.findall(r"^\w+ = \S+$", shown.rpartition("<parent ")[2], re.MULTILINE)
    n_tried = len(re.findall(r"^- \d+ \(from \d+\)|^- it ", shown, re.MULTILINE))  # candidates, and answers that gave none
    is_bold = BOLD in body["system"]
    name, _, value = lines[n_tried // 2 % len(lines) if is_bold else 0].partition(" = ")
    factor = [2.0, 0.5][n_tried % 2] if is_bold else 1.01 + n_tried / 1000
    new = {"True": "False", "False": "True"}.get(value) or repr(type(_number(value))(_number(value) * factor))
    return f"HYPOTHESIS: another {name}\n\n<<<<<<< SEARCH\n{name} = {value}\n=======\n{name} = {new}\n>>>>>>> REPLACE\n"


def _number(text: str) -> int | float:
    return float(text) if set(text) & set(".e") else int(text)
