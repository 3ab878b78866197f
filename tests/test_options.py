"""The declarations of options, what follows from them, and that every list of options agrees."""

import inspect
from dataclasses import fields
from typing import Any, get_type_hints

import pytest

import workbench
from workbench import options, records
from workbench.errors import UsageError
from workbench.evaluate.sandbox import levels
from workbench.recognise.scaffold import Scoring
from workbench.records import Options

# `prompt` is not an option: it comes with the name of a proposer.
NOT_OPTIONS = {"prompt"}
# The journal has the meaning of these defaults: no limit, and a secret seed.
OTHER_DEFAULTS = {"candidates", "time", "seed"}


def test_the_journal_and_the_declarations_have_the_same_options() -> None:
    recorded = {spec.name for spec in fields(Options)} - NOT_OPTIONS
    assert {option.field for option in options.RECORDED.values()} == recorded


@pytest.mark.parametrize("name", sorted(options.RECORDED.keys() - OTHER_DEFAULTS))
def test_the_journal_and_the_declaration_have_the_same_default(name: str) -> None:
    assert getattr(Options(), options.RECORDED[name].field) == options.RECORDED[name].default


def test_review_modes_are_those_of_the_journal() -> None:
    assert get_type_hints(Options)["review"] == records.Review
    assert options.STUDY["review"].choices == ("off", "keeps", "all")


def test_sandbox_levels_are_those_that_can_be_run() -> None:
    assert set(options.SANDBOXES) == {"auto", *levels.LEVELS, levels.OFF}


def test_screens_are_told_every_option_that_they_may_change() -> None:
    changeable = {option.field for option in options.CHANGEABLE.values()}
    assert changeable - set(options.ON_SCREENS) == set()


def test_a_script_is_scored_by_the_options_that_scoring_takes() -> None:
    assert options.SCORING.keys() - {"time_limit"} == {spec.name for spec in fields(Scoring)}


@pytest.mark.parametrize("option", options.START.values(), ids=lambda option: option.name)
def test_every_option_is_explained_in_one_line(option: options.Option) -> None:
    assert option.help
    assert "\n" not in option.help
    assert not option.help.endswith(".")


@pytest.mark.parametrize(
    ("chosen", "candidates", "seconds"),
    [
        ({}, 20, 0.0),
        ({"time": "2h"}, 0, 7200.0),
        ({"time": "2h", "candidates": 5}, 5, 7200.0),
        ({"candidates": 0}, 0, 0.0),
    ],
)
def test_a_time_takes_the_place_of_the_usual_number_of_candidates(
    chosen: dict[str, Any], candidates: int, seconds: float
) -> None:
    recorded = options.to_record(chosen)
    assert (recorded.candidates, recorded.seconds) == (candidates, seconds)


@pytest.mark.parametrize(
    ("key", "value", "change"),
    [
        ("time", "1h30m", ("seconds", 5400.0)),
        ("seconds", 90, ("seconds", 90.0)),
        ("max-usd", "2.5", ("max_usd", 2.5)),
        ("candidates", "7", ("candidates", 7)),
        ("max_waiting", 0, ("max_waiting", 0)),
        ("review", "all", ("review", "all")),
    ],
)
def test_a_change_is_read(key: str, value: Any, change: tuple[str, Any]) -> None:
    assert options.read_change(key, value) == change


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("colour", "red", "cannot change 'colour' of a study; what can be changed: review, cand"),
        ("slots", 3, "cannot change 'slots' of a study"),
        ("review", "some", "review=some: choose one of off, keeps, all"),
        ("candidates", "many", "candidates=many: it must be a number"),
        ("candidates", None, "candidates=None: it must be a number"),
        ("candidates", -1, "candidates=-1: it must be a number of at least 0 (0 means no limit)"),
        ("max_usd", "nan", "max_usd=nan: it must be a number of at least 0 (0 means no limit)"),
        ("max_tokens", float("inf"), "max_tokens=inf: it must be a number"),
        ("max_usd", 1e12, "max_usd=1000000000000.0: it must be below 1,000,000,000,000"),
        ("time", "soon", "not a time: 'soon'"),
    ],
)
def test_a_change_that_cannot_be_is_refused(key: str, value: Any, message: str) -> None:
    with pytest.raises(UsageError) as error:
        options.read_change(key, value)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"review": "some"}, "review=some: choose one of off, keeps, all"),
        ({"sandbox": "jail"}, "sandbox=jail: choose one of auto, bwrap, landlock, off"),
        ({"slots": -1}, "slots=-1: it must be a number of at least 0 (0 means as many as fit)"),
        ({"round": 9}, "round=9: it must be a number from 1 to 8"),
        ({"ahead": -1}, "ahead=-1: it must be a number from 0 to 8"),
        ({"seconds": float("inf")}, "seconds=inf: it must be a number of at least 0"),
        ({"candidates": "5"}, "candidates=5: it must be a number of at least 0"),
    ],
)
def test_values_out_of_range_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as error:
        options.check_values(Options(**values))
    assert str(error.value).startswith(message)


def test_the_usual_options_pass_the_checks() -> None:
    options.check_values(options.to_record({}))


class TestInPython:
    """`start` and `new` take their options as keywords, though they are written once."""

    @pytest.mark.parametrize(
        ("function", "declared"),
        [(workbench.start, options.START), (workbench.new, options.SCORING)],
        ids=["start", "new"],
    )
    def test_help_and_completion_show_them(self, function: Any, declared: Any) -> None:
        keywords = inspect.signature(function).parameters
        assert declared.keys() - keywords.keys() == set()
        defaults = {name: keywords[name].default for name in declared}
        assert defaults == {name: option.default for name, option in declared.items()}
        undocumented = [name for name in declared if f"\n    {name}: " not in function.__doc__]
        assert undocumented == []

    def test_another_keyword_is_refused_before_anything_is_made(self, tmp_path: Any) -> None:
        with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
            workbench.start("tinygpt", root=tmp_path, colour="red")  # type: ignore[call-arg]
        assert list(tmp_path.iterdir()) == []
