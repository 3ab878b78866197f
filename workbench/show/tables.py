"""Views: what `status`, `log`, `show`, `list` and `diff` look like as plain text and as HTML.

Built from the plain dicts of `--json` (DESIGN 9), which stay at hand as `.data`. Every text of a candidate or a model passes
through `visible` and is escaped.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, get_args

from workbench.program import Patch
from workbench.records import EndedBy
from workbench.show import examination_tables, layout
from workbench.show.layout import Column, decimals_for, duration, number, percent
from workbench.show.visible import one_line, shorten

MAX_ROWS = 200  # of a log that a notebook shows; `text()` has all, and so has `.data`
SELF_REPORTED = "(self-reported)"
ENDED_EARLY = "ended early"
NO_LEVEL = "effect [low, high]"  # where no row says how sure its interval is
_RULES = tuple(name for name in get_args(EndedBy) if name)
WARNINGS = {
    "seed-only": "nothing changed but seeds of randomness (seed-only): a better score is a better draw, not a better program"
}


class StatusView:
    """How a study stands."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = dict(data)

    def __repr__(self) -> str:
        return layout.facts_text(self._title(), self._facts())

    def _repr_html_(self) -> str:
        return layout.page(layout.facts_html(self._title(), self._facts()))

    def _title(self) -> str:
        return f"{one_line(str(self.data.get('study', 'study')))}: {one_line(str(self.data.get('state', 'unknown')))}"

    def _facts(self) -> list[tuple[str, str]]:
        data, objective = self.data, self.data.get("objective") or {}
        baseline, best = data.get("baseline") or {}, data.get("best") or {}
        decimals = decimals_for([baseline.get("score"), best.get("score")])
        own = f" {SELF_REPORTED}" if data.get("self_reported") else ""
        facts = [
            ("experiment", one_line(str(data.get("experiment", "")))),
            (
                "objective",
                f"{one_line(str(objective.get('name', 'score')))} ({better(objective.get('goal'))}){own}",
            ),
            ("candidates", _counts(data.get("counts") or {})),
        ]
        if baseline.get("score") is not None:
            noise = (
                ""
                if baseline.get("spread") is None
                else f" (spread {number(baseline['spread'], decimals)})"
            )
            facts.append(("baseline", number(baseline["score"], decimals) + noise + own))
        if best.get("score") is not None:
            gain = _gain(best["score"], baseline.get("score"), objective.get("goal"), decimals)
            facts.append(
                (
                    "best",
                    f"{number(best['score'], decimals)}{own}, candidate {best.get('candidate')}{gain}",
                )
            )
        incumbent = data.get("incumbent") or {}
        if incumbent.get("candidate") not in (None, best.get("candidate")):
            score = f"{number(incumbent.get('score'), decimals)}{own}, candidate {incumbent['candidate']}"
            facts.append(("incumbent", f"{score}: the search goes on from it, and apply writes it"))
        if data.get("audit"):
            facts.append(("audit", examination_tables.summary(data["audit"])))
        if running := data.get("examination"):
            facts.append(
                (
                    running["verb"],
                    f"candidate {running['candidate']}: {running['done']} of {running['trials']} trials",
                )
            )
        if data.get("spent"):
            facts.append(("spent", _spent(data["spent"])))
        if sandbox := str(data.get("sandbox") or ""):
            facts.append(
                (
                    "sandbox",
                    "off: candidates run WITHOUT isolation"
                    if sandbox == "off"
                    else one_line(sandbox),
                )
            )
        if proposals := data.get("proposals", {}).get("failed"):
            last = shorten(str(data["proposals"]["last"]), layout.MAX_LINE)
            facts.append(("proposals", f"{proposals} came to nothing; the last: {last}"))
        if data.get("reason"):
            facts.append(("reason", shorten(str(data["reason"]), layout.MAX_LINE)))
        return facts


class LogView:
    """One row per candidate, in the order of the journal; `empty` says that there is none."""

    def __init__(self, rows: Sequence[Mapping[str, Any]], empty: str = "no candidates yet") -> None:
        self.data, self._empty = [dict(row) for row in rows], empty

    def __len__(self) -> int:
        return len(self.data)

    def text(self, rows: int | None = None) -> str:
        """The table as aligned text: the newest `rows` of it, or all."""
        if not self.data:
            return self._empty
        shown = self.data if rows is None else self.data[-rows:]
        return layout.text_table(_shown_columns(self.data), shown) + self._omitted(len(shown), "\n")

    def __repr__(self) -> str:
        return self.text(MAX_ROWS)

    def _repr_html_(self) -> str:
        if not self.data:
            return layout.page(f'<p class="quiet">{escape(self._empty)}</p>')
        shown = self.data[-MAX_ROWS:]
        note = "effect: mean gain over the incumbent, above 0 is better" + self._omitted(
            len(shown), "; "
        )
        return layout.page(
            f'{layout.html_table(_shown_columns(self.data), shown)}<div class="quiet">{escape(note)}</div>'
        )

    def _omitted(self, shown: int, before: str) -> str:
        return (
            ""
            if shown == len(self.data)
            else f"{before}the newest {shown} of {len(self.data):,} candidates; .data has all"
        )


class ListView:
    """The studies below a folder, newest first; a row is what `status` says of one."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.data = [dict(row) for row in rows]

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return (
            layout.text_table(_LIST, self.data)
            if self.data
            else "no studies here; begin one with: autoresearch start tinygpt"
        )

    def _repr_html_(self) -> str:
        return layout.page(
            layout.html_table(_LIST, self.data)
            if self.data
            else f'<p class="quiet">{escape(repr(self))}</p>'
        )


class ShowView:
    """One candidate: why, how it fared, what was decided, and its hunks with their numbers."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = dict(data)

    def __repr__(self) -> str:
        if "fields" in self.data:
            return layout.facts_text(self._title(), self._facts())
        trials = [
            text
            for rows, columns in self._tables()
            for text in (layout.text_table(columns, rows), "")
        ]
        return "\n".join(
            [
                layout.facts_text(self._title(), self._facts()),
                "",
                *trials,
                layout.diff_text(self._blocks()),
            ]
        )

    def _repr_html_(self) -> str:
        if "fields" in self.data:
            return layout.page(layout.facts_html(self._title(), self._facts()))
        trials = "".join(layout.html_table(columns, rows) for rows, columns in self._tables())
        return layout.page(
            layout.facts_html(self._title(), self._facts())
            + trials
            + layout.diff_html(self._blocks())
        )

    def _tables(self) -> list[tuple[list[dict[str, Any]], list[Column]]]:
        tables = ((self.data.get("trials"), _TRIALS), (self.data.get("audits"), _AUDITS))
        return [(rows, columns) for rows, columns in tables if rows]

    def _title(self) -> str:
        return f"candidate {self.data.get('candidate')}: {_status(self.data)}"

    def _facts(self) -> list[tuple[str, str]]:
        row, cells = self.data, {column.title: column.cell for column in _log_columns([self.data])}
        origin = "" if row.get("parent") is None else f", from candidate {row['parent']}"
        facts = [
            ("hypothesis", one_line(str(row.get("hypothesis") or "-"))),
            ("author", one_line(str(row.get("author") or "-")) + origin),
            ("score", cells["score"](row)),
            ("lines", cells["+/-"](row)),
        ]
        if metrics := row.get("metrics"):
            facts.append(
                (
                    "metrics",
                    shorten(
                        ", ".join(f"{name} {number(value)}" for name, value in metrics.items()),
                        layout.MAX_LINE,
                    ),
                )
            )
        if (beside := row.get("beside")) is not None:
            facts.append(
                ("beside", f"candidate {beside}, the incumbent then, ran in the same trial")
            )
        if "fields" in row:  # imported: what the log says of it
            facts = [
                *facts[:-1],
                ("program", "not known: imported from a log"),
                ("line", f"{row.get('line')} of the log"),
            ]
            facts += [("flag", one_line(str(flag))) for flag in row.get("flags") or ()]
            facts += [
                (f"[{shorten(str(name), 30)}]", shorten(str(text), layout.MAX_LINE))
                for name, text in row["fields"].items()
            ]
        if decision := row.get("decision") or {}:
            facts.append(
                ("decision", one_line(f"{decision.get('verdict')} by {decision.get('by')}"))
            )
            facts.append(("because", one_line(str(decision.get("why") or "-"))))
            if decision.get("effect") is not None:
                sure = "".join(f"{percent(level)} interval; " for level in _levels([row]))
                effect = _effect(row, max(0, decimals_for([row.get("score")]) - 1))
                facts.append(("effect", f"{effect} ({sure}a gain, above 0 is better)"))
        if "fields" not in row:
            facts += [
                ("warning", WARNINGS.get(flag) or one_line(str(flag)))
                for flag in row.get("flags") or ()
            ]
        return facts

    def _blocks(self) -> list[layout.Block]:
        if hunks := self.data.get("hunks"):
            return [
                (
                    layout.hunk_title(hunk["id"], hunk.get("header", ""), _judged(hunk)),
                    str(hunk.get("text", "")),
                )
                for hunk in hunks
            ]
        return layout.unified_blocks(str(self.data.get("patch") or ""))


class DiffView:
    """A patch, hunk by hunk with the numbers that `--hunks 1,3` takes; or any unified diff as text, without numbers."""

    def __init__(self, patch: Patch | str) -> None:
        if isinstance(patch, Patch):
            hunks = [
                {"id": hunk.id, "header": hunk.header, "text": hunk.text} for hunk in patch.hunks
            ]
            self.data: dict[str, Any] = {"patch": patch.unified(), "hunks": hunks}
            self._blocks = [
                (layout.hunk_title(hunk.id, hunk.header), hunk.text) for hunk in patch.hunks
            ]
        else:
            self.data = {"patch": patch, "hunks": []}
            self._blocks = layout.unified_blocks(patch)

    def __repr__(self) -> str:
        return layout.diff_text(self._blocks)

    def _repr_html_(self) -> str:
        return layout.page(layout.diff_html(self._blocks))


def standing(status: str, by: str) -> str:
    """A candidate's status as tables and plots say it: one that its stage or curve discarded, on the word of `by`, was ended early."""
    return ENDED_EARLY if status == "discarded" and by in _RULES else status


def better(goal: Any) -> str:
    """The direction of an objective in words."""
    return "higher is better" if goal == "maximize" else "lower is better"


def _counts(counts: Mapping[str, Any]) -> str:
    parts = [
        f"{value} {one_line(str(name))}"
        for name, value in counts.items()
        if name != "candidates" and value
    ]
    return f"{counts.get('candidates', 0)}" + (f": {', '.join(parts)}" if parts else "")


def _gain(score: float, baseline: float | None, goal: Any, decimals: int) -> str:
    if baseline is None or score == baseline:
        return ""
    gain = score - baseline if goal == "maximize" else baseline - score
    percent = f", {abs(gain / baseline):.1%}" if baseline else ""
    return f" ({number(abs(gain), decimals)}{percent} {'better' if gain > 0 else 'worse'} than the baseline)"


def _spent(spent: Mapping[str, Any]) -> str:
    parts = [duration(float(spent.get("seconds") or 0.0))]
    if spent.get("usd"):
        parts.append(f"${spent['usd']:.2f}")
    if spent.get("tokens"):
        parts.append(f"{spent['tokens']:,} tokens")
    return ", ".join(parts)


def _judged(hunk: Mapping[str, Any]) -> Any:
    """What a person said of a hunk; None where nobody did."""
    return None if hunk.get("state") == "open" else hunk.get("state")


def _status(row: Mapping[str, Any]) -> str:
    return standing(
        one_line(str(row.get("status") or "-")), str((row.get("decision") or {}).get("by"))
    )


def _score(row: Mapping[str, Any], decimals: int | None = None) -> str:
    own = bool(row.get("self_reported")) or any(
        trial.get("self_reported") for trial in row.get("trials") or ()
    )
    return number(row.get("score"), decimals) + (
        f" {SELF_REPORTED}" if own and row.get("score") is not None else ""
    )


def _effect(row: Mapping[str, Any], decimals: int) -> str:
    decision = row.get("decision") or {}
    low, high = decision.get("interval") or (None, None)
    bounds = (
        ""
        if low is None and high is None
        else f" [{number(low, decimals)}, {number(high, decimals)}]"
    )
    return number(decision.get("effect"), decimals, True) + bounds


def _levels(rows: Iterable[Mapping[str, Any]]) -> list[float]:
    """How surely the intervals of the rows cover the truth, each level once, the lowest first; without noise there is none."""
    found = {(row.get("decision") or {}).get("level") for row in rows}
    return sorted(level for level in found if level is not None and level < 1)


def _effect_title(rows: Iterable[Mapping[str, Any]]) -> str:
    levels = _levels(rows)
    if not levels:
        return NO_LEVEL
    low, high = percent(levels[0]), percent(levels[-1])
    return (
        f"effect [{high} interval]"
        if low == high
        else f"effect [{low.removesuffix(' %')} to {high}]"
    )


def _log_columns(rows: Sequence[Mapping[str, Any]]) -> list[Column]:
    decimals = decimals_for(row.get("score") for row in rows)
    return [
        Column("#", lambda row: str(row.get("candidate", "")), numeric=True),
        Column(
            "parent",
            lambda row: "-" if row.get("parent") is None else str(row["parent"]),
            numeric=True,
        ),
        Column("status", _status),
        Column("score", lambda row: _score(row, decimals), numeric=True),
        Column(_effect_title(rows), lambda row: _effect(row, max(0, decimals - 1)), numeric=True),
        Column("trials", lambda row: str(len(row.get("trials") or ())), numeric=True),
        Column("+/-", _lines, numeric=True),
        Column("author", lambda row: shorten(str(row.get("author") or "-"), 14)),
        Column(
            "hypothesis", lambda row: shorten(str(row.get("hypothesis") or "-"), 90), flexible=True
        ),
        Column("why", lambda row: shorten(_why(row), 120), flexible=True),
    ]


def _shown_columns(rows: Sequence[Mapping[str, Any]]) -> list[Column]:
    """Those of a log; of an imported one, whose rows have no program, only what a row can say."""
    unsaid = (
        ("parent", NO_LEVEL, "trials", "+/-", "author")
        if any(_is_imported(row) for row in rows)
        else ()
    )
    return [column for column in _log_columns(rows) if column.title not in unsaid]


def _is_imported(row: Mapping[str, Any]) -> bool:
    return row.get("added", 0) is None


def _lines(row: Mapping[str, Any]) -> str:
    return "-" if _is_imported(row) else f"+{row.get('added', 0)}/-{row.get('removed', 0)}"


def _why(row: Mapping[str, Any]) -> str:
    """What is odd about a candidate, then the decision's reason; of an imported row that only where nothing is odd."""
    odd = [str(flag) for flag in row.get("flags") or ()]
    why = (row.get("decision") or {}).get("why")
    return (
        "; ".join([*odd, *([str(why)] if why and not (odd and _is_imported(row)) else [])]) or "-"
    )


def _best(row: Mapping[str, Any]) -> str:
    best = row.get("best") or {}
    own = {"self_reported": row.get("self_reported"), "score": best.get("score")}
    return "-" if best.get("score") is None else f"{_score(own)} (#{best.get('candidate')})"


_TRIALS = [
    Column(
        "seed", lambda trial: "-" if trial.get("seed") is None else str(trial["seed"]), numeric=True
    ),
    Column("status", lambda trial: one_line(str(trial.get("status") or "-"))),
    Column("score", _score, numeric=True),
    Column("time", lambda trial: duration(float(trial.get("seconds") or 0.0)), numeric=True),
    Column("reason", lambda trial: shorten(str(trial.get("reason") or "-"), 90), flexible=True),
]
_AUDITS = [Column("seed, in an audit", _TRIALS[0].cell, numeric=True), *_TRIALS[1:]]
_LIST = [
    Column("study", lambda row: one_line(str(row.get("study", ""))), flexible=True),
    Column("experiment", lambda row: one_line(str(row.get("experiment", ""))), flexible=True),
    Column("state", lambda row: one_line(str(row.get("state") or "-"))),
    Column(
        "candidates", lambda row: str((row.get("counts") or {}).get("candidates", 0)), numeric=True
    ),
    Column("kept", lambda row: str((row.get("counts") or {}).get("kept", 0)), numeric=True),
    Column("waiting", lambda row: str((row.get("counts") or {}).get("waiting", 0)), numeric=True),
    Column("best", _best, numeric=True),
    Column("objective", lambda row: one_line(str((row.get("objective") or {}).get("name", "-")))),
]
