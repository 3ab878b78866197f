"""A study and an exported notebook of the first version, as commit d1fcd6d wrote them, still open, go on and run.

`tests/fixtures/first_version/` holds both, and `expected.json`: what that version's `--json` said.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import workbench
from tests.conftest import Run
from tests.studies import end_loops

FIXTURES = Path(__file__).parent / "fixtures" / "first_version"
EXPECTED: dict[str, Any] = json.loads((FIXTURES / "expected.json").read_text())


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Path]:
    """A copy of the old study, below a folder of its own."""
    folder = tmp_path / "studies" / "old"
    shutil.copytree(FIXTURES / "study", folder)
    yield folder
    end_loops(tmp_path)


def differences(old: Any, new: Any, place: str = "") -> list[str]:
    """Where `new` lacks or changes something of `old`.

    Fields that only the new version has are fine.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        missing = [f"{place}.{name} is missing" for name in old.keys() - new.keys()]
        shared = sorted(old.keys() & new.keys())
        return missing + [
            line for name in shared for line in differences(old[name], new[name], f"{place}.{name}")
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return [line for index, (a, b) in pairs for line in differences(a, b, f"{place}[{index}]")]
    return [] if old == new else [f"{place}: {old!r} became {new!r}"]


@pytest.mark.parametrize("command", sorted(EXPECTED))
def test_every_view_says_what_the_first_version_said(study: Path, run: Run, command: str) -> None:
    exit_code, out, err = run(*command.split(), "--study", "old", "--json")
    assert exit_code == 0, err
    assert differences(EXPECTED[command], json.loads(out)) == []


def test_what_people_said_of_it_is_still_known(study: Path) -> None:
    with workbench.open(study) as handle:
        assert handle.study.candidates[4].pinned
        assert handle.study.candidates[8].record.author == "person"


@pytest.mark.slow
def test_it_goes_on_where_it_stood(study: Path) -> None:
    with workbench.open(study) as handle:
        n_before = len(handle)
        handle.set("candidates", 5)
        assert handle.wait(timeout=120) == "finished"
        assert len(handle) == n_before + 1
        handle.accept(13, reason="still good")
        assert handle[13].status == "kept"


@pytest.mark.slow
def test_its_exported_notebook_runs_and_reproduces(tmp_path: Path) -> None:
    shutil.copy(FIXTURES / "step.ipynb", tmp_path)
    command = [sys.executable, "-m", "papermill", "step.ipynb", "out.ipynb"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
