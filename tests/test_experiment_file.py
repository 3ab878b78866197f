"""What an `experiment.toml` may say, and the one line that refuses everything else."""

from pathlib import Path

import pytest

from workbench import experiment_file
from workbench.errors import ExperimentError
from workbench.experiment import EarlyStop, Search

GOOD = """\
name = "toy"
editable = ["train.py"]

[objective]
name = "loss"
goal = "minimize"

[limits]
wall_seconds = 10

[settings]
steps = 3
fast = true
"""


def make(folder: Path, toml: str = GOOD, program: str = "x = 1\n") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "train.py").write_text(program)
    (folder / "evaluate.py").write_text("")
    (folder / "experiment.toml").write_text(toml)
    return folder


def test_a_good_experiment_is_read(tmp_path: Path) -> None:
    experiment = experiment_file.read(make(tmp_path))
    assert experiment.name == "toy"
    assert experiment.editable == ("train.py",)
    assert experiment.objective.goal == "minimize"
    assert experiment.limits.wall_seconds == 10.0
    assert experiment.program().files == {"train.py": "x = 1\n"}
    assert set(experiment.read_protected()) == {"evaluate.py", "experiment.toml"}


def test_simplicity_is_a_setting_of_the_objective(tmp_path: Path) -> None:
    assert experiment_file.read(make(tmp_path)).objective.simplicity
    toml = GOOD.replace('goal = "minimize"', 'goal = "minimize"\nsimplicity = false')
    assert not experiment_file.read(make(tmp_path, toml)).objective.simplicity


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (
            ('goal = "minimize"', 'goal = "smallest"'),
            6,
            "objective.goal = 'smallest'; choose one of minimize, maximize",
        ),
        (
            ("wall_seconds = 10", "wall_second = 10"),
            9,
            "unknown key limits.wall_second; known: cpu_seconds",
        ),
        (
            ("wall_seconds = 10", 'wall_seconds = "ten"'),
            9,
            "limits.wall_seconds = 'ten'; it must be a number",
        ),
        (("wall_seconds = 10", "wall_seconds = -1"), 9, "it must be above 0"),
        (
            ('goal = "minimize"', 'goal = "minimize"\nmin_effect = inf'),
            7,
            "objective.min_effect = inf; it is a size, at least 0",
        ),
        (("steps = 3", "steps = nan"), 12, "settings.steps = nan; it must be a finite number"),
        (
            ("fast = true", "fast = true\n[audit]\nsteps = -inf"),
            15,
            "audit.steps = -inf; it must be a finite number",
        ),
        (
            ('["train.py"]', '["train.py", "./evaluate.py"]'),
            2,
            "editable names evaluate.py, the evaluator; what a candidate",
        ),
        (
            ('goal = "minimize"', 'goal = "minimize"\nsimplicity = 1'),
            7,
            "objective.simplicity = 1; it must be true or false",
        ),
        (
            ('goal = "minimize"', 'goal = "minimize"\nerror_rate = true'),
            7,
            "objective.error_rate = True; it must be a number",
        ),
        (
            ('editable = ["train.py"]', 'editable = "train.py"'),
            2,
            "editable must be a list of strings",
        ),
        (
            ("fast = true", "fast = [1]"),
            13,
            "settings.fast must be a number, a text, true or false",
        ),
        (('name = "loss"', 'metric = "loss"'), 5, "unknown key objective.metric"),
        (("[limits]", "[limit]"), 8, "unknown key limit; known:"),
        (
            ("[limits]", "[search]\nislands = 0\n[limits]"),
            9,
            "search.islands = 0; it must be at least 1",
        ),
        (
            ("[limits]", "[search]\nplateau = -1\n[limits]"),
            9,
            "search.plateau = -1; it is a number of candidates, 0 for never",
        ),
        (
            ("[limits]", '[search]\nfeatures = ["length", "length"]\n[limits]'),
            9,
            "search.features names one feature twice",
        ),
        (
            ("[limits]", '[search]\nfeatures = "length"\n[limits]'),
            9,
            "search.features must be a list of strings",
        ),
        (
            ("[limits]", '[search]\nmetrics = ["loss"]\n[limits]'),
            9,
            'write it as in { accuracy = "maximize", tokens = "minimize" }',
        ),
        (
            ("[limits]", '[search]\nmetrics = { loss = "down" }\n[limits]'),
            9,
            "search.metrics.loss = 'down'; choose one of minimize",
        ),
        (
            ("[limits]", "[search]\nisland = 3\n[limits]"),
            9,
            "unknown key search.island; known: bins, features, islands, metrics",
        ),
    ],
)
def test_a_wrong_value_names_file_line_and_key(
    tmp_path: Path, change: tuple[str, str], line: int, words: str
) -> None:
    with pytest.raises(ExperimentError) as caught:
        experiment_file.read(make(tmp_path, GOOD.replace(*change, 1)))
    assert f"experiment.toml, line {line}: " in str(caught.value)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_metric_that_no_printed_line_can_name_is_refused(tmp_path: Path) -> None:
    claimed = GOOD.replace('name = "toy"', 'shape = "claimed"\ncommand = ["python", "train.py"]')
    assert experiment_file.read(make(tmp_path, claimed)).self_reported
    with pytest.raises(
        ExperimentError,
        match=r"line 6: objective\.name = 'val loss' cannot be read from .*: .*val_loss",
    ):
        experiment_file.read(make(tmp_path, claimed.replace('"loss"', '"val loss"')))
    assert (
        experiment_file.read(make(tmp_path, GOOD.replace('"loss"', '"val loss"'))).objective.name
        == "val loss"
    ), "an evaluator may name its metric as it likes"


def test_a_syntax_error_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="line 3"):
        experiment_file.read(make(tmp_path, 'name = "toy"\neditable = [\n[objective]\n'))


def test_a_missing_objective_or_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=r"\[objective\] with name and goal is missing"):
        experiment_file.read(make(tmp_path / "a", 'editable = ["train.py"]\n'))
    with pytest.raises(ExperimentError, match=r"no such file: model\.py"):
        experiment_file.read(make(tmp_path / "b", GOOD.replace("train.py", "model.py")))


SEARCH = """
[search]
islands = 6
features = ["length", "tokens"]
metrics = { loss = "minimize", "tokens per s" = "maximize" }
plateau = 0
"""


def test_how_to_search_is_read_written_back_and_part_of_the_digest(tmp_path: Path) -> None:
    assert experiment_file.read(make(tmp_path / "plain")).search == Search()
    experiment = experiment_file.read(make(tmp_path / "a", GOOD + SEARCH))
    assert experiment.search.islands == 6
    assert experiment.search.features == ("length", "tokens")
    assert experiment.search.plateau == 0
    assert experiment.search.bins == 9
    assert dict(experiment.search.metrics) == {"loss": "minimize", "tokens per s": "maximize"}
    again = experiment_file.read(make(tmp_path / "b", experiment_file.format_toml(experiment)))
    assert again.search == experiment.search
    assert experiment.digest != experiment_file.read(make(tmp_path / "plain")).digest


AUDIT = (
    GOOD
    + """
[audit]
steps = 9
"""
)


def test_the_settings_of_an_audit_are_read_and_written_back(tmp_path: Path) -> None:
    experiment = experiment_file.read(make(tmp_path / "a", AUDIT))
    assert dict(experiment.audit) == {"steps": 9}
    again = experiment_file.read(make(tmp_path / "b", experiment_file.format_toml(experiment)))
    assert (again.audit, again.settings) == (experiment.audit, experiment.settings)
    assert again.objective == experiment.objective
    first = experiment.digest
    changed = AUDIT.replace("steps = 9", "steps = 8")
    assert first != experiment_file.read(make(tmp_path / "a", changed)).digest


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("speed = 1", r"line 16: audit\.speed is not a setting; \[settings\] has: fast, steps"),
        ('steps = "many"', r"line 16: audit\.steps = 'many'; it must be a whole number"),
        ("fast = 1", r"line 16: audit\.fast = 1; it must be true or false"),
    ],
)
def test_what_an_audit_cannot_set_is_named_with_its_line(
    tmp_path: Path, line: str, message: str
) -> None:
    with pytest.raises(ExperimentError, match=message):
        experiment_file.read(make(tmp_path / "toy", AUDIT.replace("steps = 9", line)))


def test_stages_and_the_early_stop_are_read_and_off_unless_named(tmp_path: Path) -> None:
    plain = experiment_file.read(make(tmp_path))
    assert (dict(plain.cascade), plain.early_stop) == ({}, None)
    toml = (
        GOOD + '[cascade]\nquick = 1\nmiddle = 0.25\n[early_stop]\nseries = "loss"\nmargin = 0.1\n'
    )
    experiment = experiment_file.read(make(tmp_path, toml))
    assert dict(experiment.cascade) == {"quick": 1.0, "middle": 0.25}
    assert experiment.early_stop == EarlyStop(series="loss", margin=0.1, after=0.5)
    (tmp_path / "experiment.toml").write_text(experiment_file.format_toml(experiment))
    assert experiment_file.read(tmp_path) == experiment


EARLY = '[early_stop]\nseries = "val"\nmargin = 0.1\n'


@pytest.mark.parametrize(
    ("tables", "line", "words"),
    [
        (
            "[cascade]\nquick = -1\n",
            15,
            "cascade.quick = -1.0; it is how much worse than the incumbent",
        ),
        (
            "[cascade]\nquick = nan\n",
            15,
            "cascade.quick = nan; it is how much worse than the incumbent",
        ),
        ("[cascade]\nquick = true\n", 15, "cascade.quick = True; it must be a number"),
        (
            "[cascade]\nloss = 1\n",
            15,
            "cascade.loss is the objective's own name; give the stage another name, as in quick",
        ),
        (EARLY.replace("0.1", "-0.1"), 16, "early_stop.margin = -0.1; it is a size, at least 0"),
        (EARLY.replace("0.1", "inf"), 16, "early_stop.margin = inf; it is a size, at least 0"),
        (
            EARLY.replace('"val"', '""'),
            15,
            "early_stop.series is empty; name a curve that trials show",
        ),
        (
            EARLY + "after = 1.0\n",
            17,
            "early_stop.after = 1.0; it is a share of the steps, between 0 and 1",
        ),
        ("[early_stop]\nmargin = 0.1\n", 14, "early_stop.series is missing"),
    ],
)
def test_a_wrong_stage_or_early_stop_names_line_and_key(
    tmp_path: Path, tables: str, line: int, words: str
) -> None:
    with pytest.raises(ExperimentError) as caught:
        experiment_file.read(make(tmp_path, GOOD + tables))
    assert f"experiment.toml, line {line}: {words}" in str(caught.value)


def test_a_program_that_scores_itself_can_have_no_stages(tmp_path: Path) -> None:
    toml = (
        GOOD.replace(
            "[objective]", 'shape = "claimed"\ncommand = ["python", "train.py"]\n[objective]'
        )
        + "[cascade]\nquick = 1\n"
    )
    with pytest.raises(
        ExperimentError,
        match=r'line 16: shape = "claimed" has no evaluator that could call trial\.stage',
    ):
        experiment_file.read(make(tmp_path, toml))
