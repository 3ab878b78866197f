"""Marks what starts real sandboxes, studies, kernels or browsers as slow: `-m "not slow"` is the part for every save."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent
SLOW = (
    "browser",
    "evaluate",
    "experiments",
    "drills",
    "lab/live/test_scale.py",
    "lab/test_export.py",
    "lab/server/test_handlers.py",
    "lab/test_magic.py",
    "lab/test_widget.py",
    "test_cli.py",
    "test_notebooks.py",
    "test_packaging.py",
    "verbs/test_examination.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(item.path.is_relative_to(HERE / part) for part in SLOW):
            item.add_marker("slow")
