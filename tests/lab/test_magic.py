"""The magic in a real shell of this process, and in a kernel through nbclient and papermill."""

import atexit
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.by_hand import SOLUTION, make_study, write_experiment
from tests.studies import end_loops
from tests.waiting import until
from workbench import experiment_file
from workbench.lab import magic
from workbench.lab.frontend import is_live
from workbench.lab.magic import Failed
from workbench.ledger import lease
from workbench.ledger.folder import StudyFolder
from workbench.verbs.handle import StudyHandle
from workbench.verbs.table import NAMES

ROOT = Path(magic.__file__).parents[2]
STARTUP = ROOT / "workbench" / "lab" / "startup.py"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A new IPython shell in a temporary folder, which has run the start-up file."""
    from IPython.core.interactiveshell import InteractiveShell

    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    # IPython warns where this is not the environment in which the tests run.
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.chdir(tmp_path)
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    instance: Any = InteractiveShell(config=config)
    instance.safe_execfile(str(STARTUP), {"get_ipython": lambda: instance}, raise_exceptions=True)
    yield instance
    instance.atexit_operations()
    atexit.unregister(instance.atexit_operations)


def run(shell: Any, line: str) -> Any:
    return shell.run_line_magic("autoresearch", line)


def test_it_works_without_load_ext_and_loads_the_package_at_first_use(
    shell: Any, tmp_path: Path
) -> None:
    make_study(tmp_path)
    assert "autoresearch" in shell.magics_manager.lazy_magics
    assert run(shell, "status toy-1").data["study"] == "toy-1"


def test_the_startup_file_is_harmless_where_there_is_no_ipython() -> None:
    command = [sys.executable, "-W", "error", str(STARTUP)]
    assert subprocess.run(command, capture_output=True, check=True).stderr == b""


def test_views_have_a_rich_and_a_plain_form(shell: Any, tmp_path: Path) -> None:
    make_study(tmp_path)
    for line in ("status", "log", "show 1", "list", "doctor", "diff 0 1"):
        view = run(shell, line)
        assert repr(view)
        assert "<" in view._repr_html_()


@pytest.mark.parametrize("line", ["log --json", "log toy-1 --json", "log --json toy-1"])
def test_json_gives_plain_values(shell: Any, tmp_path: Path, line: str) -> None:
    make_study(tmp_path)
    assert [row["candidate"] for row in run(shell, line)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "line",
    [
        "export 1 step.ipynb --study toy-1",
        "export 1 --study toy-1 step.ipynb",
        "export --study toy-1 1 step.ipynb",
    ],
)
def test_options_and_words_may_stand_in_any_order(shell: Any, tmp_path: Path, line: str) -> None:
    make_study(tmp_path)
    run(shell, line)
    assert (tmp_path / "step.ipynb").is_file()


def test_sentences_are_shown_without_quotes(shell: Any, tmp_path: Path) -> None:
    make_study(tmp_path)
    assert repr(run(shell, "results --tsv")).startswith("commit\tloss")


def test_the_study_that_was_meant_is_named(
    shell: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_study(tmp_path)
    run(shell, "log")
    assert capsys.readouterr().out == "study toy-1, the newest here\n"
    run(shell, "log toy-1")
    assert capsys.readouterr().out == ""


def test_variables_are_expanded(shell: Any, tmp_path: Path) -> None:
    make_study(tmp_path)
    shell.user_ns.update(name="toy-1", number=1)
    assert shell.run_cell("view = %autoresearch show {number} $name").success
    assert shell.user_ns["view"].data["candidate"] == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "which verb"),
        ("fly", "no verb 'fly'"),
        ("status nix", "no study 'nix'"),
        ("show 77", "no candidate 77"),
        ("start nowhere", "no experiment 'nowhere'"),
        ("guide don't", "no closing quotation in: guide don't"),
        ("status --colour", "see %autoresearch status --help"),
    ],
)
def test_mistakes_are_one_red_line(
    shell: Any, tmp_path: Path, line: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make_study(tmp_path)
    result = shell.run_cell(f"%autoresearch {line}")
    assert isinstance(result.error_in_exec, Failed)
    out = capsys.readouterr().out.strip()
    assert out.startswith("\x1b[31mautoresearch: ")
    assert message in out
    assert "\n" not in out


def test_help_is_the_parsers(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(shell, "start --help") is None
    assert "%autoresearch start" in capsys.readouterr().out
    text = shell.object_inspect_text("%autoresearch")
    assert [verb for verb in NAMES if verb not in text] == []


def list_completions(shell: Any, text: str) -> set[str]:
    """What the word at the cursor becomes, as a kernel asks for it."""
    from IPython.core.completer import provisionalcompleter

    with provisionalcompleter():
        completions = list(shell.Completer.completions(text, len(text)))
    return {(text[: match.start] + match.text).split(" ")[-1] for match in completions}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%autoresearch sta", {"start", "status"}),
        ("%autoresearch log to", {"toy-1"}),
        ("%autoresearch show 1 to", {"toy-1"}),
        ("%autoresearch accept 1 --study t", {"toy-1"}),
        ("%autoresearch start to", {"toy"}),
        ("%autoresearch start bin", {"binpacking"}),
        ("%autoresearch start toy --prop", {"--proposer"}),
        ("%autoresearch start toy --proposer tu", {"tuner"}),
        ("%autoresearch start toy --review k", {"keeps"}),
        ("%autoresearch start toy --strategy best", {"best-of-n"}),
        ("%autoresearch start toy --strategy best-of", {"best-of-n"}),
        ("%autoresearch accept 1 --hu", {"--hunks"}),
    ],
)
def test_tab_completes(shell: Any, tmp_path: Path, text: str, expected: set[str]) -> None:
    make_study(tmp_path)
    offered = list_completions(shell, text)
    assert expected - offered == set()
    assert len(offered) < 5  # IPython may add its own magics that look alike


@pytest.mark.parametrize("stdin", [True, False])
def test_a_front_end_is_live_where_a_cell_may_ask_for_input(stdin: bool) -> None:
    assert is_live(SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=stdin))) is stdin
    assert not is_live(SimpleNamespace())


def make_notebook(*cells: str) -> Any:
    import nbformat

    code_cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    document = nbformat.v4.new_notebook(cells=code_cells)
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    document.metadata["kernelspec"] = kernel
    return document


def execute(document: Any, folder: Path) -> None:
    import nbclient

    resources = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(document, timeout=120, resources=resources).execute()


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = write_experiment(tmp_path / "quick")
    slow = SOLUTION.replace("import math", "import time")
    slow = slow.replace("return 1.0", "time.sleep(0.3)\n    return 1.0")
    (folder / "solution.py").write_text(slow)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    yield folder
    end_loops(tmp_path)


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning",
    "ignore::DeprecationWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)
def test_in_a_kernel_start_returns_at_once_and_the_study_outlives_the_kernel(quick: Path) -> None:
    document = make_notebook(
        "%load_ext workbench",
        "import time\nbegan = time.monotonic()",
        "study = %autoresearch start quick --candidates 0 --study long\n"
        "seconds = time.monotonic() - began",
        "print(seconds); study",
        "%autoresearch guide smaller steps",
    )
    execute(document, quick.parent)
    printed, displayed = document.cells[3].outputs
    assert float(printed.text) < 3
    assert "text/html" in displayed.data
    assert "long: running" in displayed.data["text/plain"]
    assert document.cells[4].outputs[0].data["text/plain"] == "long: guidance: smaller steps"
    folder = StudyFolder(quick.parent / "studies" / "long")
    assert lease.find_holder(folder)
    with StudyHandle(folder) as study:
        # No person can click in a kernel that nbclient runs.
        assert study.study.options.review == "off"
        n_candidates = len(study)
        until(lambda: len(study) > n_candidates, 30)
        study.stop()


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning",
    "ignore::DeprecationWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)
def test_a_mistake_fails_the_cell_under_nbclient_and_papermill(quick: Path) -> None:
    import nbclient
    import nbformat

    cells = ("%load_ext workbench", "%autoresearch status nix", "print('not reached')")
    document = make_notebook(*cells)
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="no study 'nix'"):
        execute(document, quick.parent)
    (error,) = document.cells[1].outputs
    assert error.output_type == "error"
    assert len(error.traceback) == 1
    source = quick.parent / "in.ipynb"
    target = quick.parent / "out.ipynb"
    nbformat.write(make_notebook(*cells), source)
    command = [sys.executable, "-m", "papermill", str(source), str(target)]
    command += ["--cwd", str(quick.parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "no study 'nix'" in done.stderr
    assert nbformat.read(target, as_version=4).cells[-1].outputs == []


SCORE = "def score():\n    return -abs(guess(1.0) - 2.0)\n"
CELL = f"SLOPE = 0.5\n\ndef guess(x):\n    return SLOPE * x\n\n{SCORE}"


def test_a_cell_is_the_program_and_apply_puts_the_better_one_below(
    shell: Any, tmp_path: Path
) -> None:
    line = "start --candidates 4 --noise none --wait"
    study = shell.run_cell_magic("autoresearch", line, CELL)
    assert study.study.counts["kept"] > 1, study
    new_cells: list[tuple[str, bool]] = []
    shell.set_next_input = lambda text, replace=False: new_cells.append((text, replace))
    answer = str(run(shell, "apply"))
    number = study.study.incumbent
    assert answer.startswith(f"{study.name}: candidate {number} is in a new cell below")
    ((text, replace),) = new_cells
    assert not replace
    first, _, program = text.partition("\n")
    assert first == f"%%autoresearch {line}"
    assert program != CELL
    assert program.endswith(SCORE)
    run(shell, f"apply --to {tmp_path / 'files'}")
    assert f"{(tmp_path / 'files' / 'cell.py').read_text()}\n\n{SCORE}" == program


@pytest.mark.parametrize(
    ("line", "cell", "message"),
    [
        (
            "start tinygpt",
            CELL,
            "the cell is the program; leave tinygpt out, or start it without a cell",
        ),
        (
            "status",
            CELL,
            "only start takes a cell: %%autoresearch start ...; "
            "for the rest write one line: %autoresearch status ...",
        ),
        (
            "start",
            "x = 1\n",
            "no function score() in the program (it has none); "
            "name another one with --score, or a printed line with --metric",
        ),
        (
            "start --metric loss",
            "!ls\n",
            "line 1 is for IPython (!ls); a program is plain Python, put that line in another cell",
        ),
    ],
)
def test_a_cell_that_cannot_be_a_program_gets_one_line(
    shell: Any, line: str, cell: str, message: str
) -> None:
    with pytest.raises(Failed) as raised:
        shell.run_cell_magic("autoresearch", line, cell)
    assert str(raised.value).startswith(message)


def test_a_cell_may_say_how_long_its_trials_may_take(shell: Any) -> None:
    line = "start --candidates 1 --noise none --time-limit 2m --wait"
    study = shell.run_cell_magic("autoresearch", line, CELL)
    assert experiment_file.read(study.folder.experiment).limits.wall_seconds == 120.0


def test_start_without_anything_says_what_is_missing(shell: Any) -> None:
    with pytest.raises(Failed, match="which experiment"):
        run(shell, "start")
    with pytest.raises(Failed, match="a script becomes an experiment with: autoresearch new FOLD"):
        run(shell, "start binpacking --metric loss")
