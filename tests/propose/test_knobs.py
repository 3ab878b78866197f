import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.program import Program
from workbench.propose import knobs

TRICKY = '''"""A docstring with LR = 3e-4 in it."""
import math
from typing import Literal

LR = 1e-3  # "quoted" # LR = 2
VOCAB = 50_304
TOTAL_TOKENS = 50_304
FLAGS = 0x10
BETAS = (0.9, 0.95)
USE_BIAS, SCALE = True, -0.5
ACT = "gelu"
NORM: Literal["rms", "layer"] = "rms"
CLIP = 1.0  # one of: 0.5, 1.0, 2.0
SEED = 42
__version__ = "1.2"
CONFIG = {"depth": 6, "rate": 2.5e-4}
TABLE = {"cos": 1, "linear": 2}
SCHEDULE = "cos"
TOTAL = 2**19
Ünicode = "ä"; WIDTH = 64
NAME = f"run {LR:.2f} {f'{BETAS[0]:>10}'} {3 * 4}"
TEXT = "no one knows what else this could be"
ZERO = 0.0


class Config:
    layers: int = 12
    tie = False

    def area(self, x, p: float = 0.25, *, q=7):
        """Multiplies by 0.75."""
        y = x[0] * 0.75 - (0.125) + x[-1:3]
        assert q != 9
        if ACT == "relu" or ACT in ("silu", "gelu"):
            y += 1
        for i in range(5):
            y = torch.zeros(3, 4).view(-1, 8)
        return self.opt(y, lr=0.02, dim=1) + TABLE[SCHEDULE] / 2.0
'''


def find(text):
    return {knob.name: knob for knob in knobs.find_knobs(Program({"a.py": text})).values()}


def test_the_knobs_of_a_tricky_source_are_these():
    by_name = find(TRICKY)
    values = {name: knob.value for name, knob in by_name.items()}
    named = {name: value for name, value in values.items() if "#" not in name}
    assert named == {
        "LR": 1e-3, "TOTAL_TOKENS": 50_304, "BETAS[0]": 0.9, "BETAS[1]": 0.95, "USE_BIAS": True,
        "SCALE": -0.5, "ACT": "gelu", "NORM": "rms", "CLIP": 1.0, "CONFIG.depth": 6,
        "CONFIG.rate": 2.5e-4, "TABLE.cos": 1, "TABLE.linear": 2, "SCHEDULE": "cos", "WIDTH": 64,
        "ZERO": 0.0, "Config.layers": 12, "Config.tie": False, "Config.area.p": 0.25,
        "Config.area.q": 7, "Config.area.lr": 0.02, "Config.area.y": 0.75,
    }  # fmt: skip
    assert by_name["LR"].line == 5
    assert set(by_name["ACT"].scale.values) == {"gelu", "relu", "silu"}
    assert set(by_name["NORM"].scale.values) == {"rms", "layer"}
    assert by_name["CLIP"].scale.values == (0.5, 1.0, 2.0)
    assert set(by_name["SCHEDULE"].scale.values) == {"cos", "linear"}
    assert by_name["Config.layers"].scale.kind == "count"
    assert (values["TOTAL#2"], "TOTAL" in values) == (19, False)


def test_a_heuristic_without_names_has_knobs_too():
    by_name = find(
        "def priority(item, bins):\n"
        "    gap = bins - item\n"
        "    return -(gap**2) * 0.5 + 1.5 / (gap + 0.1) - 3 * (gap < 0.2)\n"
    )
    assert sorted(abs(knob.value) for knob in by_name.values()) == [0.1, 0.2, 0.5, 1.5, 2, 3]
    assert [name for name in by_name if "#" not in name] == []


def test_a_value_handed_on_under_another_name_has_the_alternatives_of_that_name():
    by_name = find(
        'ACTIVATION = "gelu"\n'
        "def act(name):\n"
        '    if name == "gelu":\n        return 1\n'
        '    elif name == "relu":\n        return 2\n'
    )
    assert set(by_name["ACTIVATION"].scale.values) == {"gelu", "relu"}


def test_match_cases_and_a_dict_that_is_looked_up_are_alternatives():
    by_name = find(
        'A = "x"\nB = "p"\n'
        'match A:\n    case "x" | "y": pass\n    case "z": pass\n'
        'f = {"p": 1, "q": 2}[B]\n'
    )
    assert set(by_name["A"].scale.values) == {"x", "y", "z"}
    assert set(by_name["B"].scale.values) == {"p", "q"}


def test_turning_a_knob_changes_that_literal_and_no_other_byte():
    program = Program({"a.py": TRICKY})
    by_name = knobs.find_knobs(program)
    for knob in by_name.values():
        data = TRICKY.encode()
        x = knob.scale.at(knob.value)
        steps = [knob.scale.value(x + step) for step in (1, -1)]
        new = next(value for value in steps if value != knob.value)
        turned = knobs.turn_knobs(program, by_name, {knob.id: new}).files["a.py"].encode()
        tail = len(data) - knob.end
        assert turned[: knob.start] == data[: knob.start]
        assert turned[len(turned) - tail :] == data[knob.end :]
        again = knobs.find_knobs(Program({"a.py": turned.decode()}))
        assert again[knob.id].value == new
        assert set(again) == set(by_name)


def test_several_knobs_turn_together_whatever_their_lengths():
    program = Program({"a.py": "A = 1e-3\nB = (0.9, 0.95)\n", "b.py": "C = 8\n"})
    by_name = knobs.find_knobs(program)
    turned = knobs.turn_knobs(
        program, by_name, {"a.py:A": 0.0125, "a.py:B[1]": 0.9, "b.py:C": 16, "a.py:B[0]": 0.85}
    )
    assert dict(turned.files) == {"a.py": "A = 1.25e-2\nB = (0.85, 0.9)\n", "b.py": "C = 16\n"}


@pytest.mark.parametrize(
    "text",
    [
        "A = 0.5\r\nB = 2.0\r\n",
        "A = 0.5",
        "\ufeffA = 0.5\n",
        "A = 0.5\n\x0cB = 3\n",
        "\tA = 0.5\n",
        "A = (\n",
    ],
)
def test_unusual_files_are_read_correctly_or_not_at_all(text):
    program = Program({"a.py": text})
    by_name = knobs.find_knobs(program)
    for knob in by_name.values():
        assert text.encode()[knob.start : knob.end].decode() == knob.text
        assert knobs.turn_knobs(program, by_name, {knob.id: knob.value}) == program


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(st.integers(-9999, 9999), st.floats(1e-6, 1e6), st.booleans()),
        min_size=1,
        max_size=6,
    )
)
def test_any_turned_knob_parses_to_its_value(values):
    text = "".join(f"KNOB{index} = {value!r}\n" for index, value in enumerate(values))
    program = Program({"a.py": text})
    by_name = knobs.find_knobs(program)
    for knob in by_name.values():
        new = knob.scale.value(knob.scale.at(knob.value) + 1)
        space = {}
        exec(knobs.turn_knobs(program, by_name, {knob.id: new}).files["a.py"], space)
        assert space[knob.name] == new
        assert type(space[knob.name]) is type(knob.value)


def test_neither_libcst_nor_optuna_is_loaded_before_it_is_needed():
    code = (
        "import sys, workbench.propose.tuner, workbench.propose.patches; "
        "print([name for name in ('libcst', 'optuna') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
