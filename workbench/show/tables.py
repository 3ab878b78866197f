"""What `status`, `log`, `show`, `list` and `diff` look like, as plain text and as HTML.

Built from the plain dictionaries of `--json`, which stay at hand as `.data`. Every text of a
candidate or a model passes through `visible` and is escaped.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from workbench.program import Patch
from workbench.show import cells, examination_tables, layout
from workbench.show.cells import AUDIT_COLUMNS, SELF_REPORTED, STUDY_COLUMNS, TRIAL_COLUMNS
from workbench.show.layout import Column, decimals_for, number, percent
from workbench.show.visible import one_line, shorten

MAX_ROWS = 200  # of a log in a notebook; `text()` and `.data` have all of them
WARNINGS = {
    "seed-only": (
        "nothing changed but seeds of randomness (seed-only): "
        "a better score is a better draw, not a better program"
    )
}
Facts = list[tuple[str, str]]


class StatusView:
    """How a study stands. `data` has the fields of `--json`."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = dict(data)

    def __repr__(self) -> str:
        return layout.facts_text(self._title(), self._facts())

    def _repr_html_(self) -> str:
        return layout.page(layout.facts_html(self._title(), self._facts()))

    def _title(self) -> str:
        study = one_line(str(self.data.get("study", "study")))
        return f"{study}: {one_line(str(self.data.get('state', 'unknown')))}"

    def _facts(self) -> Facts:
        data = self.data
        facts = [
            ("experiment", one_line(str(data.get("experiment", "")))),
            ("objective", self._objective()),
            ("candidates", cells.counts(data.get("counts") or {})),
            *self._scores(),
        ]
        if data.get("audit"):
            facts.append(("audit", examination_tables.summary(data["audit"])))
        examination = data.get("examination")
        if examination:
            progress = f"{examination['done']} of {examination['trials']} trials"
            facts.append((examination["verb"], f"candidate {examination['candidate']}: {progress}"))
        if data.get("spent"):
            facts.append(("spent", cells.costs(data["spent"])))
        sandbox = str(data.get("sandbox") or "")
        if sandbox == "off":
            facts.append(("sandbox", "off: candidates run WITHOUT isolation"))
        elif sandbox:
            facts.append(("sandbox", one_line(sandbox)))
        proposals = data.get("proposals", {})
        if proposals.get("failed"):
            last = shorten(str(proposals["last"]), layout.MAX_LINE)
            facts.append(("proposals", f"{proposals['failed']} failed; the last: {last}"))
        if data.get("reason"):
            facts.append(("reason", shorten(str(data["reason"]), layout.MAX_LINE)))
        return facts

    def _objective(self) -> str:
        objective = self.data.get("objective") or {}
        name = one_line(str(objective.get("name", "score")))
        return f"{name} ({cells.describe_goal(objective.get('goal'))}){self._mark()}"

    def _mark(self) -> str:
        return f" {SELF_REPORTED}" if self.data.get("self_reported") else ""

    def _scores(self) -> Facts:
        """Baseline, best and, if it is another one, the incumbent."""
        baseline = self.data.get("baseline") or {}
        best = self.data.get("best") or {}
        incumbent = self.data.get("incumbent") or {}
        decimals = decimals_for([baseline.get("score"), best.get("score")])
        facts = []
        if baseline.get("score") is not None:
            text = number(baseline["score"], decimals)
            if baseline.get("spread") is not None:
                text += f" (spread {number(baseline['spread'], decimals)})"
            facts.append(("baseline", text + self._mark()))
        if best.get("score") is not None:
            goal = (self.data.get("objective") or {}).get("goal")
            gain = cells.gain(best["score"], baseline.get("score"), goal, decimals)
            score = f"{number(best['score'], decimals)}{self._mark()}"
            facts.append(("best", f"{score}, candidate {best.get('candidate')}{gain}"))
        if incumbent.get("candidate") not in (None, best.get("candidate")):
            score = f"{number(incumbent.get('score'), decimals)}{self._mark()}"
            note = "the search goes on from it, and apply writes it"
            facts.append(("incumbent", f"{score}, candidate {incumbent['candidate']}: {note}"))
        return facts


class LogView:
    """One row per candidate, in the order of the journal. `data` has the fields of `--json`."""

    def __init__(self, rows: Sequence[Mapping[str, Any]], empty: str = "no candidates yet") -> None:
        """Takes the rows, and what to say if there are none."""
        self.data = [dict(row) for row in rows]
        self._empty = empty

    def __len__(self) -> int:
        return len(self.data)

    def text(self, rows: int | None = None) -> str:
        """The table as aligned text: the newest `rows` rows, or all of them."""
        if not self.data:
            return self._empty
        newest = self.data if rows is None else self.data[-rows:]
        table = layout.text_table(cells.log_columns(self.data), newest)
        note = self._note_omitted(len(newest))
        return f"{table}\n{note}" if note else table

    def __repr__(self) -> str:
        return self.text(MAX_ROWS)

    def _repr_html_(self) -> str:
        if not self.data:
            return layout.page(f'<p class="quiet">{escape(self._empty)}</p>')
        newest = self.data[-MAX_ROWS:]
        note = "effect: mean gain over the incumbent, above 0 is better"
        omitted = self._note_omitted(len(newest))
        if omitted:
            note += f"; {omitted}"
        table = layout.html_table(cells.log_columns(self.data), newest)
        return layout.page(f'{table}<div class="quiet">{escape(note)}</div>')

    def _note_omitted(self, n_shown: int) -> str:
        if n_shown == len(self.data):
            return ""
        return f"the newest {n_shown} of {len(self.data):,} candidates; .data has all"


class ListView:
    """The studies below a folder, newest first; a row is what `status` says of one."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.data = [dict(row) for row in rows]

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        if not self.data:
            return "no studies here; begin one with: autoresearch start tinygpt"
        return layout.text_table(STUDY_COLUMNS, self.data)

    def _repr_html_(self) -> str:
        if not self.data:
            return layout.page(f'<p class="quiet">{escape(repr(self))}</p>')
        return layout.page(layout.html_table(STUDY_COLUMNS, self.data))


class ShowView:
    """One candidate: its hypothesis, scores, decision, and its hunks with their numbers."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = dict(data)

    @property
    def _is_imported(self) -> bool:
        return "fields" in self.data

    def __repr__(self) -> str:
        facts = layout.facts_text(self._title(), self._facts())
        if self._is_imported:
            return facts
        parts = [facts, ""]
        for rows, columns in self._tables():
            parts += [layout.text_table(columns, rows), ""]
        return "\n".join([*parts, layout.diff_text(self._blocks())])

    def _repr_html_(self) -> str:
        facts = layout.facts_html(self._title(), self._facts())
        if self._is_imported:
            return layout.page(facts)
        trials = "".join(layout.html_table(columns, rows) for rows, columns in self._tables())
        return layout.page(facts + trials + layout.diff_html(self._blocks()))

    def _tables(self) -> list[tuple[list[dict[str, Any]], list[Column]]]:
        tables = (
            (self.data.get("trials"), TRIAL_COLUMNS),
            (self.data.get("audits"), AUDIT_COLUMNS),
        )
        return [(rows, columns) for rows, columns in tables if rows]

    def _title(self) -> str:
        return f"candidate {self.data.get('candidate')}: {cells.status(self.data)}"

    def _facts(self) -> Facts:
        facts = self._origin()
        facts += self._log_fields() if self._is_imported else self._program()
        facts += self._decision()
        for note in self.data.get("notes") or ():
            facts.append(("note", shorten(cells.describe_note(note), layout.MAX_LINE)))
        if not self._is_imported:
            for flag in self.data.get("flags") or ():
                facts.append(("warning", WARNINGS.get(flag) or one_line(str(flag))))
        return facts

    def _origin(self) -> Facts:
        row = self.data
        author = one_line(str(row.get("author") or "-"))
        if row.get("parent") is not None:
            author += f", from candidate {row['parent']}"
        decimals = decimals_for([row.get("score")])
        return [
            ("hypothesis", one_line(str(row.get("hypothesis") or "-"))),
            ("author", author),
            ("score", cells.score(row, decimals)),
        ]

    def _program(self) -> Facts:
        facts = [("lines", cells.lines(self.data))]
        metrics = self.data.get("metrics")
        if metrics:
            text = ", ".join(f"{name} {number(value)}" for name, value in metrics.items())
            facts.append(("metrics", shorten(text, layout.MAX_LINE)))
        beside = self.data.get("beside")
        if beside is not None:
            note = f"candidate {beside}, the incumbent then, ran in the same trial"
            facts.append(("beside", note))
        return facts

    def _log_fields(self) -> Facts:
        """What the log says of an imported row."""
        facts = []
        metrics = self.data.get("metrics")
        if metrics:
            text = ", ".join(f"{name} {number(value)}" for name, value in metrics.items())
            facts.append(("metrics", shorten(text, layout.MAX_LINE)))
        facts.append(("program", "not known: imported from a log"))
        facts.append(("line", f"{self.data.get('line')} of the log"))
        facts += [("flag", one_line(str(flag))) for flag in self.data.get("flags") or ()]
        for name, text in self.data["fields"].items():
            facts.append((f"[{shorten(str(name), 30)}]", shorten(str(text), layout.MAX_LINE)))
        return facts

    def _decision(self) -> Facts:
        decision = self.data.get("decision")
        if not decision:
            return []
        facts = [
            ("decision", one_line(f"{decision.get('verdict')} by {decision.get('by')}")),
            ("because", one_line(str(decision.get("why") or "-"))),
        ]
        if decision.get("effect") is not None:
            decimals = max(0, decimals_for([self.data.get("score")]) - 1)
            effect = cells.effect(self.data, decimals)
            notes = [f"{percent(level)} interval" for level in cells.levels([self.data])]
            notes.append("a gain, above 0 is better")
            facts.append(("effect", f"{effect} ({'; '.join(notes)})"))
        return facts

    def _blocks(self) -> list[layout.Block]:
        hunks = self.data.get("hunks")
        if not hunks:
            return layout.split_at_hunks(str(self.data.get("patch") or ""))
        blocks = []
        for hunk in hunks:
            state = hunk.get("state")
            label = None if state == "open" else state
            title = layout.hunk_title(hunk["id"], hunk.get("header", ""), label)
            blocks.append((title, str(hunk.get("text", ""))))
        return blocks


class DiffView:
    """A patch, hunk by hunk with the numbers that `--hunks 1,3` takes.

    Any unified diff as text works too, without numbers.
    """

    def __init__(self, patch: Patch | str) -> None:
        self.data: dict[str, Any]
        if isinstance(patch, str):
            self.data = {"patch": patch, "hunks": []}
            self._blocks = layout.split_at_hunks(patch)
            return
        self.data = {
            "patch": patch.to_unified_diff(),
            "hunks": [
                {"id": hunk.id, "header": hunk.header, "text": hunk.text} for hunk in patch.hunks
            ],
        }
        self._blocks = [
            (layout.hunk_title(hunk.id, hunk.header), hunk.text) for hunk in patch.hunks
        ]

    def __repr__(self) -> str:
        return layout.diff_text(self._blocks)

    def _repr_html_(self) -> str:
        return layout.page(layout.diff_html(self._blocks))
