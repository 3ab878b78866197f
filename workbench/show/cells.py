"""The cells of tables: what one value of a study reads like, and which columns a log has.

Every text of a candidate or a model passes through `visible` here.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, get_args

from workbench.records import EndedBy
from workbench.show.layout import Column, decimals_for, duration, number, percent
from workbench.show.visible import one_line, shorten

SELF_REPORTED = "(self-reported)"
ENDED_EARLY = "ended early"
EFFECT_TITLE = "effect [low, high]"  # where no row says how wide its interval is
_EARLY_STOP_RULES = tuple(name for name in get_args(EndedBy) if name)

Row = Mapping[str, Any]


def describe_status(status: str, by: str) -> str:
    """A candidate's status as tables and plots say it.

    A candidate that a stage of the cascade or its curve discarded was ended early.

    Args:
        by: who decided.
    """
    if status == "discarded" and by in _EARLY_STOP_RULES:
        return ENDED_EARLY
    return status


def describe_goal(goal: Any) -> str:
    """The direction of an objective in words."""
    return "higher is better" if goal == "maximize" else "lower is better"


def counts(by_status: Row) -> str:
    """How many candidates there are: `12: 3 kept, 7 discarded`."""
    parts = [
        f"{value} {one_line(str(name))}"
        for name, value in by_status.items()
        if name != "candidates" and value
    ]
    total = str(by_status.get("candidates", 0))
    return f"{total}: {', '.join(parts)}" if parts else total


def gain(score: float, baseline: float | None, goal: Any, decimals: int) -> str:
    """How far a score is from the baseline, in brackets; empty if it is equal."""
    if baseline is None or score == baseline:
        return ""
    difference = score - baseline if goal == "maximize" else baseline - score
    share = f", {abs(difference / baseline):.1%}" if baseline else ""
    direction = "better" if difference > 0 else "worse"
    return f" ({number(abs(difference), decimals)}{share} {direction} than the baseline)"


def costs(spent: Row) -> str:
    """Time, money and tokens, as far as there were any."""
    parts = [duration(float(spent.get("seconds") or 0.0))]
    if spent.get("usd"):
        parts.append(f"${spent['usd']:.2f}")
    if spent.get("tokens"):
        parts.append(f"{spent['tokens']:,} tokens")
    return ", ".join(parts)


def status(row: Row) -> str:
    """Status of a candidate's row."""
    decision = row.get("decision") or {}
    return describe_status(one_line(str(row.get("status") or "-")), str(decision.get("by")))


def score(row: Row, decimals: int | None = None) -> str:
    """Score of a row, marked if it is self-reported."""
    text = number(row.get("score"), decimals)
    trials = row.get("trials") or ()
    is_self_reported = bool(row.get("self_reported")) or any(
        trial.get("self_reported") for trial in trials
    )
    return f"{text} {SELF_REPORTED}" if is_self_reported and row.get("score") is not None else text


def effect(row: Row, decimals: int) -> str:
    """Effect of a row's decision, with its interval."""
    decision = row.get("decision") or {}
    text = number(decision.get("effect"), decimals, True)
    interval = decision.get("interval")
    if not interval:
        return text
    low, high = interval
    return f"{text} [{number(low, decimals)}, {number(high, decimals)}]"


def levels(rows: Iterable[Row]) -> list[float]:
    """Coverage of the rows' intervals, each level once, the lowest first; empty without noise."""
    all_levels = {(row.get("decision") or {}).get("level") for row in rows}
    return sorted(level for level in all_levels if level is not None and level < 1)


def _effect_title(rows: Sequence[Row]) -> str:
    levels_of_rows = levels(rows)
    if not levels_of_rows:
        return EFFECT_TITLE
    low = percent(levels_of_rows[0])
    high = percent(levels_of_rows[-1])
    if low == high:
        return f"effect [{high} interval]"
    return f"effect [{low.removesuffix(' %')} to {high}]"


def is_imported(row: Row) -> bool:
    """Whether a row comes from another tool's log, and so has no program."""
    return row.get("added", 0) is None


def lines(row: Row) -> str:
    """Lines added and removed, as `+3/-1`."""
    if is_imported(row):
        return "-"
    return f"+{row.get('added', 0)}/-{row.get('removed', 0)}"


def why(row: Row) -> str:
    """What is odd about a candidate, then the reason for its decision.

    An imported row gives its reason only if nothing is odd about it.
    """
    parts = [str(flag) for flag in row.get("flags") or ()]
    reason = (row.get("decision") or {}).get("why")
    if reason and not (parts and is_imported(row)):
        parts.append(str(reason))
    return "; ".join(parts) or "-"


def describe_note(note: Row) -> str:
    """A person's note on a candidate: `try a longer warm-up (ada, 2026-12-01 09:30)`."""
    written = datetime.fromtimestamp(float(note["at"])).strftime("%Y-%m-%d %H:%M")
    return f"{one_line(str(note['text']))} ({one_line(str(note['author']))}, {written})"


def _notes(row: Row) -> str:
    return "; ".join(describe_note(note) for note in row.get("notes") or ()) or "-"


def _parent(row: Row) -> str:
    return "-" if row.get("parent") is None else str(row["parent"])


def log_columns(rows: Sequence[Row]) -> list[Column]:
    """The columns of a log; for an imported one, only those that its rows can fill."""
    decimals = decimals_for(row.get("score") for row in rows)
    effect_decimals = max(0, decimals - 1)
    columns = [
        Column("#", lambda row: str(row.get("candidate", "")), numeric=True),
        Column("parent", _parent, numeric=True),
        Column("status", status),
        Column("score", lambda row: score(row, decimals), numeric=True),
        Column(_effect_title(rows), lambda row: effect(row, effect_decimals), numeric=True),
        Column("trials", lambda row: str(len(row.get("trials") or ())), numeric=True),
        Column("+/-", lines, numeric=True),
        Column("author", lambda row: shorten(str(row.get("author") or "-"), 14)),
        Column(
            "hypothesis", lambda row: shorten(str(row.get("hypothesis") or "-"), 90), False, True
        ),
        Column("why", lambda row: shorten(why(row), 120), flexible=True),
    ]
    if any(row.get("notes") for row in rows):
        columns.append(Column("notes", lambda row: shorten(_notes(row), 120), flexible=True))
    if not any(is_imported(row) for row in rows):
        return columns
    without_program = ("parent", EFFECT_TITLE, "trials", "+/-", "author")
    return [column for column in columns if column.title not in without_program]


def _best(row: Row) -> str:
    best = row.get("best") or {}
    if best.get("score") is None:
        return "-"
    text = score({"self_reported": row.get("self_reported"), "score": best["score"]})
    return f"{text} (#{best.get('candidate')})"


def _count(name: str) -> Column:
    return Column(name, lambda row: str((row.get("counts") or {}).get(name, 0)), numeric=True)


def _seed(trial: Row) -> str:
    return "-" if trial.get("seed") is None else str(trial["seed"])


TRIAL_COLUMNS = [
    Column("seed", _seed, numeric=True),
    Column("status", lambda trial: one_line(str(trial.get("status") or "-"))),
    Column("score", score, numeric=True),
    Column("time", lambda trial: duration(float(trial.get("seconds") or 0.0)), numeric=True),
    Column("reason", lambda trial: shorten(str(trial.get("reason") or "-"), 90), flexible=True),
]
AUDIT_COLUMNS = [Column("seed, in an audit", _seed, numeric=True), *TRIAL_COLUMNS[1:]]
STUDY_COLUMNS = [
    Column("study", lambda row: one_line(str(row.get("study", ""))), flexible=True),
    Column("experiment", lambda row: one_line(str(row.get("experiment", ""))), flexible=True),
    Column("state", lambda row: one_line(str(row.get("state") or "-"))),
    _count("candidates"),
    _count("kept"),
    _count("waiting"),
    Column("best", _best, numeric=True),
    Column("objective", lambda row: one_line(str((row.get("objective") or {}).get("name", "-")))),
]
