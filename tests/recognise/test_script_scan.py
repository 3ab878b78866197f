"""What a script says about itself, without being run."""

from pathlib import Path

import pytest

from workbench.errors import UsageError
from workbench.recognise.script_scan import infer_goal, scan

SCRIPT = """import argparse
import random
import time
from urllib.request import urlopen

import numpy as np
from helper.parts import part
from nowhere_to_be_found import thing

parser = argparse.ArgumentParser()
parser.add_argument("corpus")
parser.add_argument("--out", required=True)
parser.add_argument("--steps", type=int, default=3)

random.seed(1)
began = time.monotonic()
elapsed = time.monotonic() - began
if elapsed < 3:
    urlopen("https://example.org")
TABLE = "table.csv"
ELSEWHERE = "../elsewhere.csv"

def score(seed):
    return part(seed)

def evaluate():
    return 1.0

def needs(x):
    return x

def says():
    print("nothing")

for epoch in range(2):
    print(f"epoch {epoch} train_loss: {0.5}")
print(f"val_loss: {0.5:.3f}")
print("accuracy =", 0.5)
print("a: %.3f\\nbleu: {}".format(1))
print("mse = %.3f" % 0.5)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A script with a package and data beside it, and data elsewhere."""
    root = tmp_path / "project"
    (root / "helper").mkdir(parents=True)
    (root / "helper" / "__init__.py").write_text("")
    (root / "helper" / "parts.py").write_text(
        "from .deep import depth\n\ndef part(seed):\n    return depth\n"
    )
    (root / "helper" / "deep.py").write_text("depth = 1\nprint(f'depth: {depth}')\n")
    (root / "unused.py").write_text("x = (\n")
    (root / "table.csv").write_text("1")
    (tmp_path / "elsewhere.csv").write_text("1")
    (root / "train.py").write_text(SCRIPT)
    return root


def test_everything_is_found_in_the_source(folder: Path) -> None:
    found = scan(folder / "train.py")
    assert found.functions == ("score", "evaluate")
    assert found.seeded == ("score",)
    assert {name: place for name, (_, place) in found.prints.items()} == {
        "val_loss": "train.py line 37",
        "accuracy": "train.py line 38",
        "bleu": "train.py line 39",
        "mse": "train.py line 40",
        "depth": "helper/deep.py line 2",
    }
    assert found.arguments == ("corpus", "--out")
    assert (found.packages, found.missing) == (("numpy",), ("nowhere_to_be_found",))
    assert found.along == ("helper/__init__.py", "helper/deep.py", "helper/parts.py", "table.csv")
    assert found.outside == (str(folder.parent / "elsewhere.csv"),)
    assert found.seeds == ("train.py line 15",)
    assert found.clocks == ("train.py line 18",)
    assert found.downloads == ("train.py line 19",)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def (", "train.py does not parse: line 1: invalid syntax"),
        (
            "x = 1\n%timeit x\n",
            "train.py: line 2 is for IPython (%timeit x); a program is plain Python, take that "
            "line out",
        ),
    ],
)
def test_what_is_no_script_is_said_in_one_line(tmp_path: Path, code: str, message: str) -> None:
    (tmp_path / "train.py").write_text(code)
    with pytest.raises(UsageError) as raised:
        scan(tmp_path / "train.py")
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("name", "goal"),
    [
        ("val_loss", "minimize"),
        ("test/accuracy", "maximize"),
        ("Val-BPB", "minimize"),
        ("closeness", None),
        ("loss_score", None),
    ],
)
def test_a_name_says_which_way_is_better_where_its_words_do(name: str, goal: str | None) -> None:
    assert infer_goal(name) == goal
