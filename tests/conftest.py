"""Marks what starts real sandboxes, studies, kernels or browsers as slow: `-m "not slow"` is the part for every save.

With workers (`-n 2`) the tests of one file stay together, as they share servers and browsers; the
longest file comes first.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench import cli

Run = Callable[..., tuple[int, str, str]]
HERE = Path(__file__).parent
LONGEST = HERE / "test_notebooks.py"
os.environ["COLUMNS"] = (
    "118"  # tables are as wide as the terminal, and no test depends on whose terminal that is
)
SLOW = (
    "browser",
    "evaluate",
    "experiments",
    "drills",
    "lab/live/test_scale.py",
    "steps/test_export.py",
    "lab/server/test_handlers.py",
    "lab/test_magic.py",
    "lab/test_widget.py",
    "loop/test_ended_early.py",
    "test_cli.py",
    "test_notebooks.py",
    "test_packaging.py",
    "verbs/test_examine.py",
    "verbs/test_new.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path != LONGEST)
    for item in items:
        if any(item.path.is_relative_to(HERE / part) for part in SLOW):
            item.add_marker("slow")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs one command line in a folder of its own; returns exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        return (cli.main(list(words)), *capsys.readouterr())

    return call
