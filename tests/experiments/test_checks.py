"""The smoke runs of the built-in experiments: what they ship passes, and what would fail at once is told before a trial is spent."""

from collections.abc import Callable, Iterator
from threading import Event

import pytest

from workbench import experiment as experiments
from workbench.evaluate.checker import Checker
from workbench.evaluate.smoke import Finding
from workbench.program import Program

Check = Callable[[str, str, str, str], Finding]


@pytest.fixture
def check() -> Iterator[Check]:
    made: dict[str, Checker] = {}

    def run(name: str, file: str, old: str, new: str) -> Finding:
        found = experiments.read(experiments.find(name))
        if name not in made:
            made[name] = Checker(found, found.digest, found.settings, "auto")
        files = found.program().files
        assert old in files[file]
        return made[name].run(Program({**files, file: files[file].replace(old, new)}), Event())

    yield run
    for checker in made.values():
        checker.close()


def test_binpacking(check: Check) -> None:
    assert check("binpacking", "heuristic.py", "SMALL_GAP_COST = 5.0", "SMALL_GAP_COST = 6.0").problem == ""
    assert "name 'items' is not defined" in check("binpacking", "heuristic.py", "gap = bins - item", "gap = bins - items").problem
    assert "it must be" in check("binpacking", "heuristic.py", "return -gap - SMALL_GAP_COST * small", "return -gap[:1]").problem


def test_cluster_scheduling(check: Check) -> None:
    file = "scheduler.py"
    passed = check("cluster_scheduling", file, "IMBALANCE = 0.1", "IMBALANCE = 0.2")
    assert (passed.problem, passed.fault) == ("", "")
    assert "name 'left' is not defined" in check("cluster_scheduling", file, "IMBALANCE * imbalance", "IMBALANCE * left").problem
    assert "NaN" in check("cluster_scheduling", file, "return -(", "return np.nan * (").problem


def test_textclass_harness(check: Check) -> None:
    file = "harness.py"
    passed = check("textclass_harness", file, "N_EXAMPLES = 8", "N_EXAMPLES = 4")
    assert (passed.problem, passed.fault) == ("", "")
    assert "AttributeError" in check("textclass_harness", file, "self.remember(text, label)", "self.recall(text, label)").problem
    assert (
        "the evaluator expects str" in check("textclass_harness", file, "return json.dumps(self.examples)", "return self.examples").problem
    )


def test_terminal_harness(check: Check) -> None:
    file = "harness.py"
    passed = check("terminal_harness", file, "MAX_TURNS = 6", "MAX_TURNS = 4")
    assert (passed.problem, passed.fault) == ("", "")
    assert "KeyError" in check("terminal_harness", file, 'result["stdout"]', 'result["output"]').problem
    assert "what the model did not say" in check("terminal_harness", file, "run(found[1])", 'run("ls /")').problem


def test_kernel(check: Check) -> None:
    passed = check("kernel", "build.py", "TILE_N = 16", "TILE_N = 32")
    assert (passed.problem, passed.fault) == ("", "")
    assert "undeclared" in check("kernel", "kernels/matmul.c", "const float x =", "const float y =").problem
    assert "times what float32 is allowed" in check("kernel", "kernels/matmul.c", "b[p * n + j]", "b[j]").problem


def test_tinygpt(check: Check) -> None:
    passed = check("tinygpt", "train.py", "LEARNING_RATE = 1e-3", "LEARNING_RATE = 2e-3")
    assert (passed.problem, passed.fault) == ("", "")
    assert "do not sum to 1" in check("tinygpt", "train.py", "torch.log_softmax(logits.float(), dim=-1)", "logits.float()").problem
    assert "AttributeError" in check("tinygpt", "train.py", 'ACTIVATION = "gelu"', 'ACTIVATION = "no_such"').problem
