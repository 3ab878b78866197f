"""The magic in a real shell in this process, and in a real kernel through nbclient and papermill."""

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
from workbench import experiment as experiments
from workbench.lab import magic
from workbench.lab.frontend import is_live
from workbench.lab.magic import Failed
from workbench.ledger import lease
from workbench.ledger.folder import StudyFolder
from workbench.verbs import dispatch
from workbench.verbs.handle import StudyHandle

ROOT = Path(magic.__file__).parents[2]
STARTUP = ROOT / "workbench" / "lab" / "startup.py"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An IPython shell of its own, in a folder of its own, that has run the start-up file."""
    from IPython.core.interactiveshell import InteractiveShell

    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.delenv(
        "VIRTUAL_ENV", raising=False
    )  # another one than that in which the tests run makes IPython warn
    monkeypatch.chdir(tmp_path)
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    found: Any = InteractiveShell(config=config)
    found.safe_execfile(str(STARTUP), {"get_ipython": lambda: found}, raise_exceptions=True)
    yield found
    found.atexit_operations()
    atexit.unregister(found.atexit_operations)


def run(shell: Any, line: str) -> Any:
    return shell.run_line_magic("autoresearch", line)


def test_it_works_without_load_ext_and_loads_the_package_at_first_use(
    shell: Any, tmp_path: Path
) -> None:
    make_study(tmp_path)
    assert "autoresearch" in shell.magics_manager.lazy_magics
    assert run(shell, "status toy-1").data["study"] == "toy-1"


def test_the_startup_file_is_harmless_where_there_is_no_ipython() -> None:
    assert (
        subprocess.run(
            [sys.executable, "-W", "error", str(STARTUP)], capture_output=True, check=True
        ).stderr
        == b""
    )


def test_views_have_a_rich_and_a_plain_form(shell: Any, tmp_path: Path) -> None:
    make_study(tmp_path)
    for line in ("status", "log", "show 1", "list", "doctor", "diff 0 1"):
        view = run(shell, line)
        assert repr(view)
        assert "<" in view._repr_html_()


def test_json_gives_plain_values(shell: Any, tmp_path: Path) -> None:
    make_study(tmp_path)
    assert [row["candidate"] for row in run(shell, "log --json")] == [0, 1, 2, 3, 4]


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
    shell.user_ns.update(which="toy-1", number=1)
    assert shell.run_cell("found = %autoresearch show {number} $which").success
    assert shell.user_ns["found"].data["candidate"] == 1


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
    shown = capsys.readouterr().out.strip()
    assert shown.startswith("\x1b[31mautoresearch: ")
    assert message in shown
    assert "\n" not in shown


def test_help_is_the_parsers(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(shell, "start --help") is None
    assert "%autoresearch start" in capsys.readouterr().out
    text = shell.object_inspect_text("%autoresearch")
    assert all(verb in text for verb in dispatch.NAMES)


def completions(shell: Any, text: str) -> set[str]:
    """What the word at the cursor becomes, as a kernel asks for it."""
    from IPython.core.completer import provisionalcompleter

    with provisionalcompleter():
        found = list(shell.Completer.completions(text, len(text)))
    return {(text[: one.start] + one.text).split(" ")[-1] for one in found}


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
        ("%autoresearch accept 1 --hu", {"--hunks"}),
    ],
)
def test_tab_completes(shell: Any, tmp_path: Path, text: str, expected: set[str]) -> None:
    make_study(tmp_path)
    found = completions(shell, text)
    assert expected <= found
    assert len(found) < 5  # IPython may add magics of its own that look alike


@pytest.mark.parametrize("stdin", [True, False])
def test_a_front_end_is_live_where_a_cell_may_ask_for_input(stdin: bool) -> None:
    assert is_live(SimpleNamespace(kernel=SimpleNamespace(_allow_stdin=stdin))) is stdin
    assert not is_live(SimpleNamespace())


def notebook(*cells: str) -> Any:
    import nbformat

    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    made.metadata["kernelspec"] = {
        "name": "python3",
        "language": "python",
        "display_name": "Python 3",
    }
    return made


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = write_experiment(tmp_path / "quick")
    slow = SOLUTION.replace("import math", "import time").replace(
        "return 1.0", "time.sleep(0.3)\n    return 1.0"
    )
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
    import nbclient

    cells = (
        "%load_ext workbench",
        "import time\nbegan = time.monotonic()",
        "study = %autoresearch start quick --candidates 0 --study long\ntook = time.monotonic() - began",
        "print(took); study",
        "%autoresearch guide smaller steps",
    )
    made = notebook(*cells)
    nbclient.NotebookClient(
        made, timeout=120, resources={"metadata": {"path": str(quick.parent)}}
    ).execute()
    shown = made.cells[3].outputs
    assert float(shown[0].text) < 3
    assert "text/html" in shown[1].data
    assert "long: running" in shown[1].data["text/plain"]
    assert made.cells[4].outputs[0].data["text/plain"] == "long: guidance: smaller steps"
    folder = StudyFolder(quick.parent / "studies" / "long")
    assert lease.holder(folder)
    with StudyHandle(folder) as study:
        assert (
            study.study.options.review == "off"
        )  # nobody can click in a kernel that no person uses
        before = len(study)
        until(lambda: len(study) > before, 30)
        study.stop()


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning",
    "ignore::DeprecationWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)
def test_a_mistake_fails_the_cell_under_nbclient_and_papermill(quick: Path) -> None:
    import nbclient
    import nbformat

    made = notebook("%load_ext workbench", "%autoresearch status nix", "print('not reached')")
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="no study 'nix'"):
        nbclient.NotebookClient(
            made, timeout=120, resources={"metadata": {"path": str(quick.parent)}}
        ).execute()
    (error,) = made.cells[1].outputs
    assert error.output_type == "error"
    assert len(error.traceback) == 1
    source = quick.parent / "in.ipynb"
    nbformat.write(
        notebook("%load_ext workbench", "%autoresearch status nix", "print('not reached')"), source
    )
    command = [
        sys.executable,
        "-m",
        "papermill",
        str(source),
        str(source.with_name("out.ipynb")),
        "--cwd",
        str(quick.parent),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert (
        "not reached"
        not in source.with_name("out.ipynb")
        .read_text()
        .partition("outputs")[2]
        .partition("source")[0]
    )
    assert "no study 'nix'" in done.stderr


CELL = "SLOPE = 0.5\n\ndef guess(x):\n    return SLOPE * x\n\ndef score():\n    return -abs(guess(1.0) - 2.0)\n"


def test_a_cell_is_the_program_and_apply_puts_the_better_one_below(
    shell: Any, tmp_path: Path
) -> None:
    study = shell.run_cell_magic("autoresearch", "start --candidates 4 --noise none --wait", CELL)
    assert study.study.counts["kept"] > 1, study
    written: list[tuple[str, bool]] = []
    shell.set_next_input = lambda text, replace=False: written.append((text, replace))
    said = str(run(shell, "apply"))
    assert said.startswith(
        f"{study.name}: candidate {study.study.incumbent} is in a new cell below"
    )
    (text, replace) = written[0]
    assert not replace
    first, _, rest = text.partition("\n")
    assert first == "%%autoresearch start --candidates 4 --noise none --wait"
    assert rest != CELL
    assert rest.replace("\n\n\n", "\n\n").endswith(
        "def score():\n    return -abs(guess(1.0) - 2.0)\n"
    )
    files = tmp_path / "files"
    run(shell, f"apply --to {files}")
    assert (
        files / "cell.py"
    ).read_text() + "\n\ndef score():\n    return -abs(guess(1.0) - 2.0)\n" == rest


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
            "only start takes a cell: %%autoresearch start ...; for the rest write one line: %autoresearch status ...",
        ),
        (
            "start",
            "x = 1\n",
            "no function score() in the program (it has none); name another one with --score, or a printed line with --metric",
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
    study = shell.run_cell_magic(
        "autoresearch", "start --candidates 1 --noise none --time-limit 2m --wait", CELL
    )
    assert experiments.read(study.folder.experiment).limits.wall_seconds == 120.0


def test_start_without_anything_says_what_is_missing(shell: Any) -> None:
    with pytest.raises(Failed, match="which experiment"):
        run(shell, "start")
    with pytest.raises(
        Failed, match="a script becomes an experiment with: %autoresearch new FOLDER"
    ):
        run(shell, "start binpacking --metric loss")
