"""AlphaEvolve's published constructions, read as data from the notebook that holds them.

Nothing of it is run.
"""

import ast
import json
import os
from pathlib import Path

import numpy as np
import pytest

VARIABLE = "WORKBENCH_ALPHAEVOLVE_RESULTS"
needs_results = pytest.mark.skipif(
    VARIABLE not in os.environ,
    reason=f"{VARIABLE} names no mathematical_results.ipynb of google-deepmind/alphaevolve_results",
)


def constructions(section: str) -> dict[str, list[np.ndarray]]:
    """The arrays of literal numbers behind each name that the section, "B.12" say, assigns."""
    found, heading = {}, ""
    for cell in json.loads(Path(os.environ[VARIABLE]).read_text())["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and text.startswith("# "):
            heading = text
        if cell["cell_type"] == "code" and heading.startswith(f"# {section}"):
            assignments = [node for node in ast.parse(text).body if isinstance(node, ast.Assign)]
            found |= {
                ast.unparse(node.targets[0]): arrays
                for node in assignments
                if (arrays := literal_arrays(node.value))
            }
    return found


def literal_arrays(value: ast.expr) -> list[np.ndarray]:
    calls = [
        node
        for node in ast.walk(value)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "np.array"
    ]
    return [np.array(ast.literal_eval(call.args[0])) for call in calls]
