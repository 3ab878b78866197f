"""Settings of the tuner: as a text, as a program, and as what a search goes by."""

from pathlib import Path

import pytest

from tests.propose.simulated import Simulation, Surrogate, experiment_in, source
from workbench.errors import UsageError
from workbench.propose.settings import TunerSettings, make_settings, parse_settings, parse_source
from workbench.propose.tuner import Tuner
from workbench.records import Options


def test_a_text_says_what_differs_and_reads_back_equal() -> None:
    settings = TunerSettings(reach=3.5, n_best=9)
    assert settings.text() == "reach=3.5,n_best=9"
    assert parse_settings(settings.text()) == settings
    assert parse_settings("") == TunerSettings()
    assert TunerSettings().text() == ""


def test_a_program_says_them_line_by_line() -> None:
    assert parse_source('"""Notes."""\n\nREACH = 3.5  # far\nN_BEST = 9\n') == TunerSettings(
        reach=3.5, n_best=9
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("speed=3", "the tuner has no setting 'speed'; it has: reach, n_best"),
        ("reach", "not a setting of the tuner: 'reach'; write tuner:NAME=NUMBER,NAME=NUMBER"),
        ("reach=fast", "not a setting of the tuner: 'reach=fast'"),
        ("n_best=2.5", "the tuner's n_best = 2.5; it is a whole number"),
        ("n_best=0", "the tuner's n_best = 0; it lies between 1 and 100"),
        ("length=0", "the tuner's length = 0; it lies between 0.01 and 100"),
        ("reach=1e400", "the tuner's reach = inf; it is a finite number"),
        ("reach='3'", "the tuner's reach = '3'; it is a number"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(text: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_settings(text)
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize(
    "text", ["import os\n", "REACH = 1.0 + 1.0\n", "if True:\n    REACH = 3.0\n", "x.REACH = 3.0\n"]
)
def test_a_program_that_does_more_is_not_taken(text: str) -> None:
    with pytest.raises(
        UsageError,
        match=r"line 1 is not a setting; only lines such as REACH = 2\.0 can be installed",
    ):
        parse_source(text)


def test_they_change_what_is_proposed_and_their_defaults_do_not(tmp_path: Path) -> None:
    experiment = experiment_in(tmp_path, {"train.py": source(True)})

    def path(argument: str) -> list[str]:
        simulation = Simulation(experiment, Surrogate(source(True), 1), sd=0.02, seed=1)
        simulation.search(Tuner(argument, experiment, Options(seed=1)), 6)
        return [program.digest for program in simulation.programs]

    assert path("") == path(TunerSettings().text()) == path("reach=2.0")
    assert path("") != path("length=0.1,flatten=4")


def test_a_value_is_a_number_of_its_kind() -> None:
    with pytest.raises(UsageError, match="the tuner's n_best = True; it is a whole number"):
        make_settings({"n_best": True})
