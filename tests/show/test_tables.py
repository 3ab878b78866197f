"""Tables say everything in words, fit a terminal, and show hostile text as text."""

import json
from typing import Any

import pytest

from workbench.program import Patch, Program
from workbench.show.layout import decimals_for, duration, number, percent
from workbench.show.tables import DiffView, ListView, LogView, ShowView, StatusView
from workbench.show.visible import one_line, shorten, visible, width

HOSTILE = '<script>alert(1)</script> \x1b[31mred\x1b[0m \x1b]8;;http://e.example\x07link\x1b]8;;\x07 \u202egnp.exe \u200bzero "quoted"'
STATUS = {
    "study": "tinygpt-1",
    "experiment": "tinygpt",
    "state": "running",
    "reason": "",
    "objective": {"name": "val_bpb", "goal": "minimize"},
    "counts": {"candidates": 12, "kept": 3, "discarded": 7, "failed": 1, "waiting": 1},
    "baseline": {"score": 3.531, "spread": 0.014},
    "best": {"candidate": 7, "score": 3.421},
    "spent": {"seconds": 3723.0, "usd": 0.42, "tokens": 12300},
    "sandbox": "bwrap",
}


def row(number: int = 7, **changes: Any) -> dict[str, Any]:
    decision = {
        "verdict": "keep",
        "by": "tested",
        "why": "better on 3 fresh seeds",
        "effect": 0.11,
        "interval": [0.05, 0.17],
    }
    trials = [{"seed": 11, "status": "ok", "score": 3.42, "seconds": 12.5}]
    values = {
        "candidate": number,
        "parent": 3,
        "author": "agent",
        "hypothesis": "halve the batch",
        "status": "kept",
        "score": 3.42,
    }
    return {
        **values,
        "trials": trials,
        "decision": decision,
        "added": 2,
        "removed": 1,
        "self_reported": False,
        **changes,
    }


def patch() -> Patch:
    old = "a = 1\n" + "\n" * 20 + "b = 2\n"
    return Patch.between(
        Program({"train.py": old}),
        Program({"train.py": old.replace("1", "3 # \u202e </pre><b>").replace("2", "4")}),
    )


VIEWS: dict[str, Any] = {
    "status": StatusView({**STATUS, "study": HOSTILE, "reason": HOSTILE}),
    "log": LogView(
        [row(hypothesis=HOSTILE, author=HOSTILE, decision={**row()["decision"], "why": HOSTILE})]
    ),
    "show": ShowView(
        {
            **row(hypothesis=HOSTILE),
            "hunks": [{"id": 1, "header": HOSTILE, "text": "+" + HOSTILE + "\n", "state": HOSTILE}],
        }
    ),
    "list": ListView([{**STATUS, "study": HOSTILE}]),
    "diff": DiffView(patch()),
    "diff of text": DiffView(patch().to_unified_diff() + "+" + HOSTILE),
}


@pytest.mark.parametrize("name", VIEWS)
def test_hostile_text_is_shown_as_text(name: str) -> None:
    html, text = VIEWS[name]._repr_html_(), repr(VIEWS[name])
    assert "<script" not in html
    assert "<b>" not in html
    for shown in (html, text):
        assert not set(shown) & set("\x1b\u202e\u200b\x07")
    assert "U+202E" in html


@pytest.mark.parametrize("name", VIEWS)
def test_data_is_ready_for_json(name: str) -> None:
    json.dumps(VIEWS[name].data, allow_nan=False)


def test_what_a_stage_or_its_curve_ended_has_its_own_word() -> None:
    early = {
        "verdict": "discard",
        "by": "early-stop",
        "why": "loss at step 50",
        "effect": None,
        "interval": None,
    }
    ended = row(status="discarded", score=None, decision=early)
    assert "ended early" in repr(LogView([ended]))
    assert repr(ShowView({**ended, "hunks": []})).startswith("candidate 7: ended early")
    assert "ended early" not in repr(
        LogView([row(status="discarded", decision={**early, "by": "person"})])
    )


def test_status_says_how_the_study_stands() -> None:
    text = repr(StatusView(STATUS))
    assert text.splitlines()[0] == "tinygpt-1: running"
    assert "12: 3 kept, 7 discarded, 1 failed, 1 waiting" in text
    assert "3.53100 (spread 0.01400)" in text
    assert "3.42100, candidate 7 (0.11000, 3.1% better than the baseline)" in text
    assert "1 h 2 min, $0.42, 12,300 tokens" in text


def test_a_study_without_scores_has_a_status() -> None:
    empty = {
        **STATUS,
        "baseline": {"score": None, "spread": None},
        "best": {"candidate": None, "score": None},
    }
    assert "baseline" not in repr(StatusView(empty))


def test_no_isolation_is_said_aloud() -> None:
    assert "WITHOUT isolation" in repr(StatusView({**STATUS, "sandbox": "off"}))


def test_a_log_has_every_column_and_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "118")
    text = repr(
        LogView(
            [
                row(n, hypothesis="a long hypothesis " * 9, score=3.4 if n % 2 else None)
                for n in range(30)
            ]
        )
    )
    head = text.splitlines()[0]
    for title in (
        "#",
        "parent",
        "status",
        "score",
        "effect [low, high]",
        "trials",
        "+/-",
        "author",
        "hypothesis",
        "why",
    ):
        assert title in head
    assert "+0.1100 [0.0500, 0.1700]" in text
    assert max(width(line) for line in text.splitlines()) <= 118
    assert len(text.splitlines()) == 31


@pytest.mark.parametrize(
    ("levels", "title"),
    [
        ([None, None], "effect [low, high]"),
        ([1.0, None], "effect [low, high]"),
        ([0.95, 0.95], "effect [95 % interval]"),
        ([0.9994, 1.0], "effect [99.94 % interval]"),
        ([0.9994, 0.95], "effect [95 to 99.94 %]"),
    ],
)
def test_a_log_says_how_sure_its_intervals_are(levels: list[float | None], title: str) -> None:
    rows = [
        row(number, decision={**row()["decision"], "level": level})
        for number, level in enumerate(levels)
    ]
    assert f"  {title}  " in repr(LogView(rows)).splitlines()[0]
    assert title in LogView(rows)._repr_html_()
    shown = [repr(ShowView(one)) for one in rows]
    assert [" % interval; a gain" in text for text in shown] == [
        level not in (None, 1.0) for level in levels
    ]


def test_levels_have_the_digits_that_tell_them_from_certainty() -> None:
    said = [percent(level) for level in (0.9, 0.95, 0.975, 0.99, 0.9994, 0.99999)]
    assert said == ["90 %", "95 %", "97.5 %", "99 %", "99.94 %", "99.999 %"]


def test_a_long_log_stays_small_in_a_notebook_and_whole_as_text() -> None:
    log = LogView([row(n) for n in range(5000)])
    assert len(log._repr_html_()) + len(repr(log)) < 120_000
    assert "the newest 200 of 5,000 candidates" in repr(log)
    assert len(log.text().splitlines()) == 5001


def test_a_self_reported_score_is_marked_everywhere() -> None:
    claimed = row(self_reported=True)
    for view in (LogView([claimed]), ShowView(claimed)):
        assert "(self-reported)" in repr(view)
        assert "(self-reported)" in view._repr_html_()
    assert "(self-reported)" not in repr(LogView([row(), row(self_reported=True, score=None)]))


def test_what_ran_in_the_same_trial_is_named_with_the_metrics() -> None:
    view = ShowView(row(metrics={"over_incumbent": 0.1}, beside=3))
    assert "candidate 3, the incumbent then, ran in the same trial" in repr(view)
    assert "the incumbent then" in view._repr_html_()
    assert "the incumbent then" not in repr(ShowView(row(metrics={"speed": 0.1}, beside=None)))


def test_a_change_of_seeds_alone_is_flagged_in_the_log_and_warned_of_where_it_is_decided() -> None:
    lucky = row(flags=["seed-only"])
    assert "seed-only; better" in LogView([lucky]).text()
    for shown in (repr(ShowView(lucky)), ShowView(lucky)._repr_html_()):
        assert "nothing changed but seeds of randomness (seed-only)" in shown
        assert shown.index("because") < shown.index("warning")
    queued = row(flags=["seed-only"], decision=None, score=None)
    assert "warning" in repr(ShowView(queued))
    assert "warning" not in repr(ShowView(row(flags=[])))
    assert "parent" in repr(LogView([lucky])).splitlines()[0]


def test_hunks_carry_the_numbers_that_accept_takes() -> None:
    text, html = repr(DiffView(patch())), DiffView(patch())._repr_html_()
    assert "hunk 1  train.py @@ -1,4 +1,4 @@" in text
    assert "hunk 2  train.py" in text
    assert '<span class="del">-a = 1</span>' in html
    assert '<span class="add">+b = 4</span>' in html
    assert "hunk" not in repr(DiffView(patch().to_unified_diff()))


def test_a_diff_that_is_too_long_is_counted() -> None:
    long = Patch.between(Program({"a": ""}), Program({"a": "x\n" * 9000 + "y" * 100_000}))
    text = repr(DiffView(long))
    assert "7,002 more lines" in text
    assert len(text) < 20_000
    assert repr(DiffView(Patch())) == "no difference"


UNSEEN = {
    "plain\tx\n": "plain\tx\n",
    "a\u202eb": "a<U+202E>b",
    "\x1b[1;31mx\x1b[m": "x",
    "\x1bx": "",
    "a\rb": "a<U+000D>b",
    "\ud800": "<U+D800>",
    "é漢": "é漢",
}


@pytest.mark.parametrize(("text", "shown"), UNSEEN.items())
def test_what_cannot_be_seen_becomes_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_texts_are_measured_and_cut_by_columns() -> None:
    assert width("漢字") == 4
    assert shorten("漢字漢字", 5) == "漢字…"
    assert shorten("a\n  b", 9) == "a b"
    assert one_line("\u2028a") == "a"


def test_numbers_keep_six_digits() -> None:
    assert number(0.9979) == "0.997900"
    assert number(12) == "12"
    assert number(None) == "-"
    assert number(0.1, 3, sign=True) == "+0.100"
    assert decimals_for([None, 0.0]) == 0
    assert (duration(3.21), duration(75), duration(7300)) == ("3.2 s", "1 min 15 s", "2 h 1 min")
