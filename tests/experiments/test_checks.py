"""The smoke runs of the built-in experiments.

What they ship passes, and what would fail at once is told before a trial is spent.
"""

from collections.abc import Callable, Iterator
from threading import Event

import pytest

from workbench.evaluate.checker import Checker
from workbench.evaluate.smoke import Finding
from workbench.program import Program
from workbench.recognise import experiments

Check = Callable[[str, str, str, str], Finding]


@pytest.fixture
def check() -> Iterator[Check]:
    made: dict[str, Checker] = {}

    def run(name: str, file: str, old: str, new: str) -> Finding:
        found = experiments.load(name)
        if name not in made:
            made[name] = Checker(found, found.digest, found.settings, "auto")
        files = found.program().files
        assert old in files[file]
        return made[name].run(Program({**files, file: files[file].replace(old, new)}), Event())

    yield run
    for checker in made.values():
        checker.close()


Change = tuple[str, str, str]  # a file, what stands there, and what takes its place
WRONG: dict[
    str, tuple[Change, dict[Change, str]]
] = {  # by experiment: a harmless change, and those that fail with what is told
    "binpacking": (
        ("heuristic.py", "SMALL_GAP_COST = 5.0", "SMALL_GAP_COST = 6.0"),
        {
            (
                "heuristic.py",
                "gap = bins - item",
                "gap = bins - items",
            ): "name 'items' is not defined",
            (
                "heuristic.py",
                "return -gap - SMALL_GAP_COST * small",
                "return -gap[:1]",
            ): "it must be",
        },
    ),
    "cluster_scheduling": (
        ("scheduler.py", "IMBALANCE = 0.1", "IMBALANCE = 0.2"),
        {
            (
                "scheduler.py",
                "IMBALANCE * imbalance",
                "IMBALANCE * left",
            ): "name 'left' is not defined",
            ("scheduler.py", "return -(", "return np.nan * ("): "NaN",
        },
    ),
    "textclass_harness": (
        ("harness.py", "N_EXAMPLES = 8", "N_EXAMPLES = 4"),
        {
            (
                "harness.py",
                "self.remember(text, label)",
                "self.recall(text, label)",
            ): "AttributeError",
            (
                "harness.py",
                "return json.dumps(self.examples)",
                "return self.examples",
            ): "the evaluator expects str",
        },
    ),
    "terminal_harness": (
        ("harness.py", "MAX_TURNS = 6", "MAX_TURNS = 4"),
        {
            ("harness.py", 'result["stdout"]', 'result["output"]'): "KeyError",
            ("harness.py", "run(block[1])", 'run("ls /")'): "what the model did not say",
        },
    ),
    "kernel": (
        ("build.py", "TILE_N = 16", "TILE_N = 32"),
        {
            ("kernels/matmul.c", "const float x =", "const float y ="): "undeclared",
            ("kernels/matmul.c", "b[p * n + j]", "b[j]"): "times what float32 is allowed",
        },
    ),
    "tinygpt": (
        ("train.py", "LEARNING_RATE = 1e-3", "LEARNING_RATE = 2e-3"),
        {
            (
                "train.py",
                "torch.log_softmax(logits.float(), dim=-1)",
                "logits.float()",
            ): "do not sum to 1",
            ("train.py", 'ACTIVATION = "gelu"', 'ACTIVATION = "no_such"'): "AttributeError",
        },
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_harmless_change_passes_and_what_would_fail_is_told(check: Check, name: str) -> None:
    harmless, wrong = WRONG[name]
    passed = check(name, *harmless)
    assert (passed.problem, passed.fault) == ("", "")
    for change, told in wrong.items():
        assert told in check(name, *change).problem
