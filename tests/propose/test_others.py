"""A proposer of somebody else's: an installed package with an entry point, in a real study with the real loop process."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.studies import ended
from tests.toy_study import write_experiment
from workbench import registry
from workbench.errors import UsageError
from workbench.ledger.study import Study
from workbench.records import Options
from workbench.verbs import create, loop_process

pytestmark = pytest.mark.slow

PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "counting"
version = "1.0"

[project.entry-points."workbench.proposers"]
counting = "counting:Counting"
broken = "counting:NotThere"
"""
COUNTING = """\
from workbench.program import Program
from workbench.propose.proposer import Exhausted, Proposal


class Counting:
    name = "counting"

    def __init__(self, argument, experiment, options):
        self.last = int(argument or 2)

    def propose(self, brief):
        value = 1 + len(brief.study.candidates)
        if value > self.last:
            raise Exhausted(f"counted to {self.last}")
        _, _, rest = brief.program.files["solution.py"].partition("\\n")
        return Proposal(program=Program({"solution.py": f"VALUE = {value}\\n{rest}"}), hypothesis=f"{value} is more")
"""


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the package, beside the environment's own packages."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("plugins")
    (source / "pyproject.toml").write_text(PYPROJECT)
    (source / "counting.py").write_text(COUNTING)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
    ]
    subprocess.run(
        [*pip, "--target", str(target), str(source)], check=True, capture_output=True, text=True
    )
    return target


@pytest.fixture
def _installed(plugins: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(plugins))
    monkeypatch.setenv("PYTHONPATH", str(plugins))
    importlib.invalidate_caches()
    yield
    sys.modules.pop("counting", None)


def run(root: Path, proposer: str) -> Study:
    """A study of the toy with this proposer, run by its own loop process until it stands still."""
    experiment = write_experiment(root / "toy")
    folder = create.create(
        str(experiment),
        study="s",
        root=root,
        options=Options(proposer=proposer, slots=1, candidates=9),
    )
    loop_process.spawn(folder)
    return ended(folder, 120)


@pytest.mark.usefixtures("_installed")
def test_an_entry_point_of_another_package_proposes_in_a_real_study(tmp_path: Path) -> None:
    study = run(tmp_path, "counting:4")
    assert (study.state, study.exhausted) == ("finished", "counted to 4")
    assert [history.record.author for history in study.candidates[1:]] == ["counting"] * 3
    assert [history.score for history in study.candidates] == [1.0, 2.0, 3.0, 4.0]
    assert study.kept == [0, 1, 2, 3]


@pytest.mark.usefixtures("_installed")
def test_one_that_cannot_be_loaded_pauses_the_study_with_the_reason(tmp_path: Path) -> None:
    study = run(tmp_path, "broken")
    assert (study.state, study.fault) == ("paused", True)
    assert (
        "the plug-in 'broken' (counting:NotThere) could not be loaded: module 'counting' has no attribute 'NotThere'"
        in study.reason
    )


@pytest.mark.usefixtures("_installed")
def test_an_unknown_name_is_answered_with_those_of_other_packages_too(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError,
        match="unknown proposer 'countin'; choose one of agent, broken, counting, evolve",
    ):
        registry.check("proposers", "countin")
