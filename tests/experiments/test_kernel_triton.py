"""The Triton kernels under Triton's interpreter, for correctness only.

Skipped where Triton is not installed.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "experiments" / "kernel"
needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None,
    reason="Triton is not installed (pip install triton): its interpreter checks the kernels",
)
CHECK = """
import sys

sys.path.insert(0, "evaluator")
import numpy as np
from driver_triton import begin, memory, run
from kernel import Kernel, Request
from tasks import TASKS

task = TASKS[sys.argv[1]]
begin(task.name)


class Here(Kernel):
    def __init__(self):
        self.task, self.role, self.error, self._process = task, "mine", 0.0, self

    def call(self, name, *arguments, **options):
        return globals()[name](*arguments)


rng, kernel = np.random.default_rng(), Here()
for dims in task.edges[:3]:
    for n_calls in (1, 2):
        request = Request.draw(rng, task, dims, n_calls)
        found = run(request.inputs, list(dims), list(task.output(dims)), request.calls, False)
        kernel.inspect(request)
        kernel.judge(request, found)
        print(dims, kernel.error)
"""


@needs_triton
@pytest.mark.parametrize("task", ["matmul", "softmax", "rmsnorm", "attention"])
def test_the_shipped_triton_kernels_are_right_on_edge_shapes(task: str, tmp_path: Path) -> None:
    shutil.copytree(FOLDER / "kernels", tmp_path / "kernels")
    for name in ("build.py", "driver_triton.py", "layout.py"):
        shutil.copy(FOLDER / name, tmp_path)
    (tmp_path / "evaluator").mkdir()
    for name in ("kernel.py", "tasks.py"):
        shutil.copy(FOLDER / name, tmp_path / "evaluator")
    (tmp_path / "check.py").write_text(CHECK)
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    done = subprocess.run(
        [sys.executable, "check.py", task],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(done.stdout.splitlines()) == 6
