"""An exported step runs alone, tells the truth about itself, and says by how much it missed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest

from workbench import experiment_file
from workbench.errors import UsageError
from workbench.evaluate.single_trial import run_trial
from workbench.experiment import Experiment
from workbench.ledger.curves import LivePoint
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Pen
from workbench.ledger.lease import Lease
from workbench.program import Patch, Program
from workbench.records import Candidate, Decision, Evidence
from workbench.steps import record, step
from workbench.steps.export import export
from workbench.steps.literals import literal
from workbench.steps.reproduce import reproduce, result
from workbench.verbs import create

ROOT = Path(__file__).parents[2]
TOML = """
name = "toy"
editable = ["solve.py"]
shape = "call"

[objective]
name = "loss"
goal = "minimize"
noise = "seed"

[limits]
wall_seconds = 60

[settings]
target = 1.0
"""
CLAIMED = """
shape = "claimed"
editable = ["train.py"]
command = ["python", "train.py"]

[objective]
name = "val_bpb"
goal = "minimize"
noise = "run"
"""
EVALUATE = '''
"""Scores how far the answer is from the target, with a little noise that the seed fixes."""
import random


def prepare(folder, settings):
    (folder / "table.txt").write_text("1 2 3")


def evaluate(trial):
    noise = random.Random(trial.seed).gauss(0, 0.01)
    with trial.start("solve.py") as process:
        answer = process.call("answer", 3.0, returns=float)
    for step in range(5):
        trial.report("distance", step, abs(answer - trial.settings["target"]) * (6 - step))
    return {"loss": 1 + abs(answer - trial.settings["target"]) + noise}
'''
SOLVE = '"""Answers."""\n\nRATE = 0.9\n\n\ndef answer(x):\n    return RATE * x\n'
BETTER = SOLVE.replace("RATE = 0.9", "RATE = 0.5  # it's \"quoted\" \\\\ back, '''")
BROKEN = SOLVE.replace("return RATE * x", "raise RuntimeError('no such luck')")
HYPOTHESIS = "smaller <img src=x onerror=alert(1)> rate \u202e ![x](http://evil.example/p.png)"


def make_study(root: Path) -> StudyFolder:
    """A study of four candidates with real trials.

    Baseline, a keep, a failure, one without a trial.
    """
    source = root / "toy"
    source.mkdir(parents=True)
    (source / "experiment.toml").write_text(TOML)
    (source / "evaluate.py").write_text(EVALUATE)
    (source / "solve.py").write_text(SOLVE)
    (source / "program.md").write_text(
        "# Make it smaller\n>>> a prompt at the second line\n%magic\n"
    )
    (source / "table.bin").write_bytes(bytes(range(256)))
    folder = create.create(str(source), study="toy-1", root=root, settings={"target": "1.5"})
    experiment = experiment_file.read(folder.experiment).with_settings({"target": "1.5"})
    base = Program({"solve.py": SOLVE})
    texts = {1: BETTER, 2: BROKEN, 3: SOLVE + "\n"}
    with Lease(folder) as lease, Pen(folder, lease) as pen:
        run_trials(pen, experiment, base, 0, [11, 12, 13])
        pen.append(Decision(candidate=0, verdict="keep", by="tested", why="the baseline"))
        for number, text in texts.items():
            program = Program({"solve.py": text})
            patch = Patch.between(base, program)
            record = Candidate(
                candidate=number,
                parent=0,
                program=program.digest,
                author="tuner",
                hypothesis=HYPOTHESIS,
                added=patch.added,
                removed=patch.removed,
            )
            pen.append(record, programs=[program])
        run_trials(pen, experiment, Program({"solve.py": BETTER}), 1, [11, 12])
        pen.append(
            Decision(
                candidate=1,
                verdict="keep",
                by="tested",
                why="better",
                evidence=Evidence(against=0, effect=1.2, low=1.1, high=1.3, trials=2),
            )
        )
        run_trials(pen, experiment, Program({"solve.py": BROKEN}), 2, [11])
        pen.append(Decision(candidate=2, verdict="discard", by="tested", why="it failed"))
    return folder


def run_trials(
    pen: Pen, experiment: Experiment, program: Program, number: int, seeds: list[int]
) -> None:
    for index, seed in enumerate(seeds):
        trial = replace(run_trial(experiment, program, seed), candidate=number, trial=index)
        pen.add_points(
            [LivePoint(number, index, "distance", float(at), 6.0 - at, False) for at in range(5)]
        )
        pen.end_trial(trial, number, index)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    return make_study(tmp_path_factory.mktemp("toy"))


@pytest.fixture
def notebook(study: StudyFolder, tmp_path: Path) -> Path:
    return export(study, 1, tmp_path / "step.ipynb")


def papermill(source: Path, folder: Path, *more: str) -> tuple[int, str, dict[str, Any] | None]:
    """Runs a notebook in an empty folder: exit status, what was said on stderr, and the result."""
    empty = folder / "empty"
    empty.mkdir(exist_ok=True)
    out = folder / "out.ipynb"
    command = [sys.executable, "-m", "papermill", str(source), str(out), "--no-progress-bar", *more]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        command, cwd=empty, env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert list(empty.iterdir()) == []
    return run.returncode, run.stderr, result(out) if out.exists() else None


def edited(source: Path, cell: str, change: Callable[[str], str]) -> Path:
    book = nbformat.read(source, 4)
    found = next(one for one in book.cells if one.id == cell)
    assert change(found.source) != found.source
    found.source = change(found.source)
    nbformat.write(book, source)
    return source


def cells(source: Path) -> dict[str, str]:
    return {cell.id: cell.source for cell in nbformat.read(source, 4).cells}


def recorded(source: Path) -> dict[str, Any]:
    values: dict[str, Any] = {}
    exec(cells(source)["recorded"].rpartition("\nstep = ")[0], values)
    found: dict[str, Any] = values["recorded"]
    return found


# What is written


def test_the_same_step_gives_the_same_bytes_and_they_are_few(
    study: StudyFolder, tmp_path: Path
) -> None:
    first, second = export(study, 1, tmp_path / "a.ipynb"), export(study, 1, tmp_path / "b.ipynb")
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_size < 20_000
    nbformat.validate(nbformat.read(first, 4))


def test_every_embedded_file_is_there_byte_for_byte(study: StudyFolder, notebook: Path) -> None:
    values: dict[str, Any] = {}
    for name, source in cells(notebook).items():
        if name == "files" or name == "parent" or name.startswith(("program-", "experiment-")):
            exec(source, values)
    assert values["program"] == {"solve.py": BETTER}
    assert values["parent"] == {"solve.py": SOLVE}
    frozen = {
        **experiment_file.read(study.experiment).read_protected(),
        "solve.py": SOLVE.encode(),
    }  # with the baseline
    assert {
        path: text.encode() if isinstance(text, str) else text
        for path, text in values["experiment"].items()
    } == frozen


AWKWARD = [
    *(
        "",
        "\n",
        "plain\n",
        "no end",
        "'''",
        '"""',
        "'''\"\"\"",
        "ends with '",
        "back\\",
        "a\r\nb\r\n",
        "tab\there",
    ),
    *(
        "\u202e",
        "\u2028x",
        "\x0c",
        "\x00",
        "a\n>>> b\n... c\n",
        "%%bash\n%ls\n!ls\n?help\n",
        "    indented\n",
    ),
    *("é漢\U0001f600\n", "x" * 5000 + "\n"),
]


@pytest.mark.parametrize("text", AWKWARD)
def test_a_literal_gives_the_text_back_through_ipython(text: str) -> None:
    from IPython.core.inputtransformer2 import TransformerManager

    values: dict[str, Any] = {"files": {}}
    exec(TransformerManager().transform_cell(literal("files['a'] = ", text)), values)
    assert values["files"]["a"] == text


def test_what_a_model_wrote_stays_text_in_the_heading(notebook: Path) -> None:
    about = cells(notebook)["about"]
    assert "<img" not in about
    assert "![" not in about
    assert "\u202e" not in about
    assert "U+202E" in about
    assert "```diff" in about
    assert "+RATE = 0.5" in about
    assert "**Decision: keep** by tested: better." in about


def test_a_candidate_without_a_trial_cannot_be_exported(study: StudyFolder, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to run again"):
        export(study, 3, tmp_path / "three.ipynb")


def test_exporting_again_takes_the_place_of_the_export_and_of_nothing_that_somebody_wrote(
    study: StudyFolder, notebook: Path, tmp_path: Path
) -> None:
    assert export(study, 1, tmp_path) == export(study, 1, tmp_path) == tmp_path / "toy-1-1.ipynb"
    assert export(study, 0, notebook) == export(study, 1, notebook)  # another step, and back
    book = nbformat.read(notebook, 4)
    book.cells.append(nbformat.v4.new_code_cell("attempt.trials"))
    nbformat.write(book, notebook)
    mine = notebook.read_bytes()
    with pytest.raises(UsageError, match=r"step\.ipynb was edited since it was exported"):
        export(study, 1, notebook)
    assert notebook.read_bytes() == mine
    with pytest.raises(UsageError, match=r"the folder .* does not exist"):
        export(study, 1, tmp_path / "no" / "such" / "step.ipynb")
    assert not (tmp_path / "no").exists()


def test_few_trials_are_said_and_whose_spread_helps_out(study: StudyFolder, tmp_path: Path) -> None:
    book = export(study, 1, tmp_path / "one.ipynb")
    assert "Its 2 trials hardly tell its noise: " in cells(book)["about"]
    assert "comes from candidate 0 as well." in cells(book)["about"]
    assert recorded(book)["spread"]["degrees"] == 2  # the baseline's three trials, not its own two
    assert (
        recorded(export(study, 0, tmp_path / "zero.ipynb"))["spread"] is None
    )  # candidate 1 has one trial after its first


# What happens when it runs


def test_an_exported_step_runs_alone_and_reproduces_exactly(
    study: StudyFolder, notebook: Path, tmp_path: Path
) -> None:
    code, said, found = papermill(notebook, tmp_path)
    assert code == 0, said
    assert found is not None
    assert (found["mode"], found["reproduced"], found["got"]) == (
        "exact",
        True,
        recorded(notebook)["trials"][0]["score"],
    )
    outputs = json.dumps(json.loads((tmp_path / "out.ipynb").read_text()))
    assert "image/svg+xml" in outputs
    assert len(outputs) < 150_000
    executed = tmp_path / "out.ipynb"
    assert (
        export(study, 1, executed).read_bytes() == notebook.read_bytes()
    )  # an executed one is nobody's work


def test_a_changed_metric_fails_and_says_by_how_much(notebook: Path, tmp_path: Path) -> None:
    score = recorded(notebook)["trials"][0]["score"]
    edited(notebook, "recorded", lambda source: source.replace(repr(score), repr(score * 1.1), 1))
    code, said, found = papermill(notebook, tmp_path)
    assert code != 0
    assert "loss did not reproduce: got" in said.strip().splitlines()[-1]
    assert "off by" in said
    assert "(9.1 %)" in said
    assert found is not None
    assert not found["reproduced"]


def test_another_seed_is_judged_within_the_recorded_spread(
    study: StudyFolder, notebook: Path, tmp_path: Path
) -> None:
    code, said, found = papermill(notebook, tmp_path, "-p", "seed", "5")
    assert code == 0, said
    assert found is not None
    assert found["mode"] == "spread"
    assert [trial["seed"] for trial in found["trials"]] == [5]
    assert found["tolerance"] > 0
    assert export(
        study, 1, tmp_path / "out.ipynb"
    )  # papermill's parameters are nobody's work either


def test_other_data_are_judged_by_the_effect_over_the_parent(
    notebook: Path, tmp_path: Path
) -> None:
    data = recorded(notebook)["trials"][0]["data"]
    edited(notebook, "recorded", lambda source: source.replace(data, "0" * len(data)))
    code, said, found = papermill(notebook, tmp_path)
    assert code == 0, said
    assert found is not None
    assert found["mode"] == "effect"
    assert len(found["parent_trials"]) == 1
    assert found["got"] == pytest.approx(1.2)
    assert found["differences"][0].startswith("data: recorded 0000")


@pytest.mark.parametrize(
    ("cell", "old", "new", "named"),
    [
        ("program-0", "RATE * x", "RATE * x * 1", "program/solve.py"),
        ("parent", "RATE = 0.9", "RATE = 0.8", "parent/solve.py"),
        ("experiment-0", "return {", "return  {", "experiment/evaluate.py"),
        ("experiment-4", "RATE = 0.9", "RATE = 0.8", "experiment/solve.py"),
    ],
)
def test_an_edited_source_is_noticed_before_anything_runs(
    notebook: Path, tmp_path: Path, cell: str, old: str, new: str, named: str
) -> None:
    edited(notebook, cell, lambda source: source.replace(old, new))
    code, said, found = papermill(notebook, tmp_path)
    assert code != 0
    assert f"not as exported: {named};" in said
    assert found is None


def test_a_recorded_failure_reproduces_when_it_fails_again(study: StudyFolder) -> None:
    record = reproduce(study, 2)
    assert record.reproduced
    assert "no such luck" in record.why


def test_reproduce_gives_the_verdict_and_keeps_the_notebook(
    study: StudyFolder, tmp_path: Path
) -> None:
    (tmp_path / "kept").mkdir()
    record = reproduce(study, 1, trials=2, keep=tmp_path / "kept" / "run.ipynb")
    assert record.reproduced
    assert record.got == record.recorded
    assert record.environment["python"]
    assert result(tmp_path / "kept" / "run.ipynb") is not None


def test_reproduce_says_before_it_runs_that_the_notebook_cannot_be_kept(
    study: StudyFolder, tmp_path: Path
) -> None:
    notes = tmp_path / "notes.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), notes)
    for place, said in (
        (notes, "not an exported step"),
        (tmp_path / "no" / "run.ipynb", "does not exist"),
    ):
        with pytest.raises(UsageError, match=said):
            reproduce(study, 1, keep=place)


AGAINST_THE_BASELINE = """
def evaluate(trial):
    found = []
    for program in (trial.program, trial.experiment.program()):
        with trial.start("solve.py", program=program) as process:
            found.append(process.call("answer", 3.0))
    return {"loss": found[0] - found[1]}
"""


def test_a_score_against_the_baseline_reproduces_and_so_does_a_notebook_from_before_that_was_embedded(
    tmp_path: Path,
) -> None:
    source = tmp_path / "against"
    source.mkdir()
    (source / "experiment.toml").write_text(TOML)
    (source / "evaluate.py").write_text(AGAINST_THE_BASELINE)
    (source / "solve.py").write_text(SOLVE)
    folder = create.create(str(source), study="against-1", root=tmp_path)
    base, better = Program({"solve.py": SOLVE}), Program({"solve.py": BETTER})
    with Lease(folder) as lease, Pen(folder, lease) as pen:
        run_trials(pen, experiment_file.read(folder.experiment), base, 0, [1])
        pen.append(
            Candidate(candidate=1, parent=0, program=better.digest, author="tuner"),
            programs=[better],
        )
        run_trials(pen, experiment_file.read(folder.experiment), better, 1, [1])
    record = reproduce(folder, 1)
    assert record.reproduced, record.why
    assert (record.got, record.recorded) == (pytest.approx(-1.2), pytest.approx(-1.2))
    assert reproduce(folder, 0).got == 0.0  # a score like any other
    earlier = step.Step(
        recorded(export(folder, 1, tmp_path / "one.ipynb")),
        better.files,
        base.files,
        {"experiment.toml": TOML, "evaluate.py": EVALUATE},
    )
    assert [trial.status for trial in earlier.run(seed=11).trials] == ["ok"]


def test_what_a_program_claims_stays_marked_as_its_own_word(tmp_path: Path) -> None:
    source = tmp_path / "claims"
    source.mkdir()
    (source / "experiment.toml").write_text(CLAIMED)
    (source / "train.py").write_text("print('---')\nprint('val_bpb: 0.75')\n")
    folder = create.create(str(source), study="claims-1", root=tmp_path)
    with Lease(folder) as lease, Pen(folder, lease) as pen:
        run_trials(
            pen,
            experiment_file.read(folder.experiment),
            Program({"train.py": (source / "train.py").read_text()}),
            0,
            [1, 2],
        )
    record = reproduce(folder, 0, keep=tmp_path / "kept.ipynb")
    assert record.reproduced
    assert record.why.startswith("val_bpb (self-reported) reproduced: got 0.750000")
    assert "(self-reported)" in cells(tmp_path / "kept.ipynb")["about"]


def test_files_edited_says_which(notebook: Path) -> None:
    known = recorded(notebook)
    one = step.Step(known, {"solve.py": BETTER + "#"}, {"solve.py": SOLVE}, {})
    with pytest.raises(step.FilesEdited, match=r"program/solve\.py"):
        one.check_files(record.digests({"solve.py": BETTER}, {"solve.py": SOLVE}, {}))
