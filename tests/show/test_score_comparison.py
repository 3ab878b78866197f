"""`diff A B --scores`.

Which of two candidates is better, pair by pair where they can be, and how sure that is.
"""

import json
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest
from scipy.stats import binomtest, ttest_ind, ttest_rel

from tests.by_hand import (
    EVALUATE,
    FINISHED,
    RECORDS,
    TOML,
    candidate,
    make_study,
    ok,
    write_experiment,
)
from workbench.cli import main
from workbench.errors import StudyError
from workbench.records import Decision, Record, Trial
from workbench.show.score_comparison import scores
from workbench.verbs.command_line import read, run
from workbench.verbs.handle import StudyHandle
from workbench.verbs.verb import Caller

KEPT = (
    candidate(1, 0, hypothesis="better <b>"),
    Decision(candidate=1, verdict="keep", by="tested", why="better"),
)
OLD, NEW = (1.0, 1.2, 1.1, 1.3), (0.8, 0.9, 1.0, 0.9)
RIGHT = {0: "1100100010" * 3, 1: "1111101010" * 3}


def study_of(
    tmp_path: Path, *trials: Record, noise: str = "seed", name: str = "toy-1"
) -> StudyHandle:
    source = tmp_path / "toy"
    if not source.exists():
        write_experiment(source)
        goal = TOML.replace("minimize", "maximize") if noise == "units" else TOML
        (source / "experiment.toml").write_text(goal.replace('"seed"', f'"{noise}"'))
        (source / "evaluate.py").write_text(EVALUATE)
    return StudyHandle(
        make_study(tmp_path, name, (RECORDS[0], KEPT[0], *trials, KEPT[1], FINISHED))
    )


def of_units(number: int, trial: int, right: str) -> Trial:
    units = tuple(map(float, right))
    return replace(ok(number, trial, fmean(units)), units=units)


def test_seeds_are_pairs_and_the_test_is_students(tmp_path: Path) -> None:
    trials = [
        ok(number, place, score)
        for number, line in enumerate((OLD, NEW))
        for place, score in enumerate(line)
    ]
    with study_of(tmp_path, *trials, ok(1, 9, 0.1)) as study:  # seed 109 has no partner
        found = study.compare(0, 1).data
        back = study.compare(1, 0).data
    assert (found["pairs"], found["n"], found["on"], found["seeds"]) == (
        "seeds",
        4,
        "search",
        [100, 101, 102, 103],
    )
    assert [program["score"] for program in found["programs"]] == [
        pytest.approx(1.15),
        pytest.approx(0.9),
    ]
    assert found["effect"] == pytest.approx(0.25)
    assert found["p"] == pytest.approx(ttest_rel(OLD, NEW).pvalue)
    low, high = ttest_rel(OLD, NEW).confidence_interval()
    assert found["interval"] == [pytest.approx(low), pytest.approx(high)]
    assert found["items"] is None
    assert found["verdict"] == ("B is better" if found["p"] < 0.05 else "not told apart")
    assert (back["effect"], back["p"]) == (
        pytest.approx(-found["effect"]),
        pytest.approx(found["p"]),
    )


def test_items_that_are_right_or_wrong_are_pairs_and_the_test_is_mcnemars(tmp_path: Path) -> None:
    with study_of(
        tmp_path, of_units(0, 0, RIGHT[0]), of_units(1, 0, RIGHT[1]), noise="units"
    ) as study:
        found = study.compare(0, 1).data
        same = study.compare(0, 0).data
    assert (found["pairs"], found["n"]) == ("units", 30)
    assert found["items"] == {"both": 12, "a_only": 0, "b_only": 9, "neither": 9}
    assert found["p"] == pytest.approx(binomtest(0, 9).pvalue)
    assert found["effect"] == pytest.approx(0.3)
    assert found["interval"][0] < 0.3 < found["interval"][1]
    assert found["verdict"] == "B is better"
    assert (same["effect"], same["p"], same["verdict"]) == (0.0, 1.0, "not told apart")


def test_units_that_are_no_yes_or_no_are_compared_by_their_size(tmp_path: Path) -> None:
    old, new = (0.5, 0.6, 0.7, 0.4, 0.65), (0.6, 0.75, 0.72, 0.61, 0.7)
    trials = [
        replace(ok(number, 0, fmean(units)), units=units) for number, units in enumerate((old, new))
    ]
    with study_of(tmp_path, *trials, noise="units") as study:
        found = study.compare(0, 1).data
    assert found["items"] is None
    assert found["p"] == pytest.approx(max(ttest_rel(new, old).pvalue, 2 * 0.5**5))
    assert found["effect"] == pytest.approx(fmean(new) - fmean(old))


def test_an_audit_is_believed_before_the_search(tmp_path: Path) -> None:
    search = [
        ok(number, place, score) for number, score in ((0, 1.0), (1, 0.1)) for place in range(3)
    ]
    audit = [
        replace(ok(number, 9 + place, score + place / 100), purpose="audit")
        for number, score in ((0, 1.0), (1, 1.2))
        for place in range(3)
    ]
    with study_of(tmp_path, *search, *audit) as study:
        found = study.compare(0, 1).data
    assert (found["on"], found["effect"], found["verdict"]) == (
        "audit",
        pytest.approx(-0.2),
        "A is better",
    )


def test_a_single_pair_has_no_interval(tmp_path: Path) -> None:
    with study_of(tmp_path, ok(0, 0, 1.0), ok(1, 0, 0.5)) as study:
        found = study.compare(0, 1)
    assert (
        found.data["effect"],
        found.data["interval"],
        found.data["p"],
        found.data["verdict"],
    ) == (0.5, None, None, "one pair")
    assert "one pair has no interval" in repr(found)


def test_without_noise_the_difference_is_the_difference(tmp_path: Path) -> None:
    with study_of(tmp_path, ok(0, 0, 1.0), ok(1, 0, 0.5), noise="none") as study:
        found = study.compare(0, 1).data
    assert (found["interval"], found["p"], found["verdict"]) == ([0.5, 0.5], None, "B is better")


def test_without_a_common_seed_each_is_taken_by_its_own_trials(tmp_path: Path) -> None:
    trials = [
        ok(number, place + 5 * number, score)
        for number, line in enumerate((OLD, NEW))
        for place, score in enumerate(line)
    ]
    with study_of(tmp_path, *trials) as study:
        found, back = study.compare(0, 1), study.compare(1, 0).data
    expected = ttest_ind(OLD, NEW, equal_var=False)
    low, high = expected.confidence_interval()
    data = found.data
    assert (data["pairs"], data["n"], data["seeds"], data["sd"], data["on"]) == (
        "none",
        0,
        [],
        None,
        "search",
    )
    assert [program["trials"] for program in data["programs"]] == [4, 4]
    assert (data["effect"], data["p"]) == (pytest.approx(0.25), pytest.approx(expected.pvalue))
    assert data["interval"] == [pytest.approx(low), pytest.approx(high)]
    assert data["verdict"] == "B is better"
    assert (back["effect"], back["p"], back["verdict"]) == (
        pytest.approx(-0.25),
        pytest.approx(expected.pvalue),
        "A is better",
    )
    assert "(Welch, unpaired)" in repr(found)
    assert "no seed is common to both: 4 of A against 4 of B; trials of the search" in repr(found)


def test_a_common_seed_is_preferred_to_more_trials_without_one(tmp_path: Path) -> None:
    trials = [
        ok(0, 0, 1.0),
        ok(0, 1, 1.2),
        ok(0, 2, 1.1),
        ok(1, 1, 0.8),
        ok(1, 2, 0.9),
        ok(1, 7, 0.1),
    ]
    with study_of(tmp_path, *trials) as study:
        found = study.compare(0, 1).data
    assert (found["pairs"], found["seeds"], found["effect"]) == (
        "seeds",
        [101, 102],
        pytest.approx(0.3),
    )


def test_audits_are_compared_with_audits_alone(tmp_path: Path) -> None:
    audited = [replace(ok(0, 20 + place, 5.0 + place), purpose="audit") for place in range(2)]
    with study_of(
        tmp_path, ok(0, 0, 1.0), ok(0, 1, 1.2), ok(1, 5, 0.5), ok(1, 6, 0.6), *audited
    ) as study:
        assert study.compare(0, 1).data["on"] == "search"


@pytest.mark.parametrize(
    ("trials", "who"),
    [
        (((0, 0, 1.0), (0, 1, 1.2), (1, 5, 0.5)), "candidate 1 has one trial"),
        (((0, 0, 1.0), (1, 5, 0.5)), "both have one trial"),
    ],
)
def test_where_a_spread_is_missing_it_says_what_to_do(
    tmp_path: Path, trials: tuple[tuple[int, int, float], ...], who: str
) -> None:
    with study_of(tmp_path, *(ok(*trial) for trial in trials)) as study:
        found = study.compare(0, 1)
    assert (found.data["interval"], found.data["p"], found.data["verdict"]) == (
        None,
        None,
        "too few trials",
    )
    assert found.data["effect"] == pytest.approx(
        fmean(score for number, _, score in trials if not number) - 0.5
    )
    said = f"{who}, so no spread; audit (incumbent, baseline) or reproduce 1 --seed 1 --trials 3 shows it"
    assert said in " ".join(repr(found).split())


def test_scores_without_any_spread_differ_or_do_not(tmp_path: Path) -> None:
    with study_of(tmp_path, ok(0, 0, 1.0), ok(0, 1, 1.0), ok(1, 5, 0.5), ok(1, 6, 0.5)) as study:
        found = study.compare(0, 1).data
    assert (found["interval"], found["p"], found["verdict"]) == ([0.5, 0.5], 0.0, "B is better")
    with study_of(tmp_path / "exact", ok(0, 0, 1.0), ok(1, 5, 1.0), noise="none") as study:
        found = study.compare(0, 1).data
    assert (found["interval"], found["p"], found["verdict"]) == ([0.0, 0.0], None, "not told apart")


def test_a_candidate_without_a_score_is_not_compared(tmp_path: Path) -> None:
    failed = Trial(candidate=1, trial=0, seed=100, status="failed", reason="TypeError")
    with (
        study_of(tmp_path, ok(0, 0, 1.0), failed) as study,
        pytest.raises(StudyError, match="candidate 1 has no score that could be"),
    ):
        scores(study.study, "toy-1", 0, 1)


def test_the_verb_says_the_same_in_a_shell_in_a_notebook_and_in_python(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with study_of(
        tmp_path, of_units(0, 0, RIGHT[0]), of_units(1, 0, RIGHT[1]), noise="units"
    ) as study:
        expected = study.compare(0, 1)
    result = run(
        read(["diff", "0", "1", "--scores", "--study", "toy-1"]),
        Caller(tmp_path, lambda study: pytest.fail("no --wait")),
    )
    assert result.data == expected.data
    assert repr(result.value) == repr(expected)
    assert main(["diff", "0", "1", "--scores", "--json", "--study", str(study.folder.path)]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(expected.data))
    assert "B is better" in repr(expected)
    assert "McNemar" in repr(expected)
    html = expected._repr_html_()
    assert "better &lt;b&gt;" in html
    assert "<b>" not in html
