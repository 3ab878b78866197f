"""A proposer of another package, found by its entry point, in a real study with the real loop."""

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
from workbench.ledger.folder import StudyFolder
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
        self.last = int(argument)

    @classmethod
    def check(cls, argument, options, root):
        return str(int(argument or 2))

    def propose(self, brief):
        value = 1 + len(brief.study.candidates)
        if value > self.last:
            raise Exhausted(f"counted to {self.last}")
        _, _, rest = brief.program.files["solution.py"].partition("\\n")
        program = Program({"solution.py": f"VALUE = {value}\\n{rest}"})
        return Proposal(program=program, hypothesis=f"{value} is more")
"""


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the package; the environment itself is left alone."""
    source = tmp_path_factory.mktemp("source")
    target = tmp_path_factory.mktemp("plugins")
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
def _add_to_path(plugins: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(plugins))
    monkeypatch.setenv("PYTHONPATH", str(plugins))
    importlib.invalidate_caches()
    yield
    sys.modules.pop("counting", None)


def make_study(root: Path, proposer: str) -> StudyFolder:
    """A study of the toy with this proposer; its loop is not started."""
    experiment = write_experiment(root / "toy")
    options = Options(proposer=proposer, slots=1, candidates=9)
    return create.create(str(experiment), study="s", root=root, options=options)


@pytest.mark.usefixtures("_add_to_path")
def test_an_entry_point_of_another_package_proposes_in_a_real_study(tmp_path: Path) -> None:
    folder = make_study(tmp_path, "counting:4")
    loop_process.spawn(folder)
    study = ended(folder, 120)
    assert study.options.proposer == "counting:4"
    assert (study.state, study.proposals.exhausted) == ("finished", "counted to 4")
    assert [history.record.author for history in study.candidates[1:]] == ["counting"] * 3
    assert [history.score for history in study.candidates] == [1.0, 2.0, 3.0, 4.0]
    assert study.kept == [0, 1, 2, 3]


@pytest.mark.usefixtures("_add_to_path")
def test_it_is_asked_about_its_argument_before_a_study_exists(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--proposer counting:many: invalid literal for int"):
        make_study(tmp_path, "counting:many")
    assert not (tmp_path / "studies").exists()


@pytest.mark.usefixtures("_add_to_path")
def test_one_that_cannot_be_loaded_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        make_study(tmp_path, "broken")
    assert str(raised.value) == (
        "the plug-in 'broken' (counting:NotThere) could not be loaded: "
        "module 'counting' has no attribute 'NotThere'"
    )


@pytest.mark.usefixtures("_add_to_path")
def test_one_that_is_gone_when_the_loop_begins_pauses_the_study_with_the_reason(
    tmp_path: Path, plugins: Path
) -> None:
    folder = make_study(tmp_path, "counting")
    (plugins / "counting.py").rename(plugins / "counting.bak")
    try:
        loop_process.spawn(folder)
        study = ended(folder, 120)
    finally:
        (plugins / "counting.bak").rename(plugins / "counting.py")
    assert study.state == "paused"
    assert "the plug-in 'counting' (counting:Counting) could not be loaded" in study.reason


@pytest.mark.usefixtures("_add_to_path")
def test_an_unknown_name_is_answered_with_those_of_other_packages_too(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError,
        match="unknown proposer 'countin'; choose one of agent, broken, counting, evolve",
    ):
        registry.check_name("proposers", "countin")
