"""What `audit` and `ablate` look like: a table as text and as HTML, and a forest plot of effects with their intervals."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.show import layout
from workbench.show.layout import Column, decimals_for, number
from workbench.show.plot import axis, figure, frame, plain
from workbench.show.visible import one_line, shorten

if TYPE_CHECKING:  # plotly is imported where a figure is made
    from plotly.graph_objects import Figure

GREEN, GREY, RED, LINE = "#27ae60", "#7f7f7f", "#c0392b", "#333333"
WORDS = {
    "holds": "holds",
    "too small": "smaller than min_effect",
    "does not hold": "DOES NOT HOLD",
    "failed": "FAILED",
}


class Effect(NamedTuple):
    """One line of a forest plot; no interval where none was measured."""

    label: str
    value: float
    low: float | None
    high: float | None
    colour: str


class AuditView:
    """An audit: the claimed and the corrected gain, and the scores behind the latter. `data` has the fields of `--json`."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = dict(data)

    def __repr__(self) -> str:
        scores = (
            [layout.text_table(_audit_columns(self.data), self.data["scores"])]
            if self.data["scores"]
            else []
        )
        return "\n\n".join([layout.facts_text(self._title(), self._facts()), *scores])

    def _repr_html_(self) -> str:
        scores = (
            layout.html_table(_audit_columns(self.data), self.data["scores"])
            if self.data["scores"]
            else ""
        )
        return layout.page(layout.facts_html(self._title(), self._facts()) + scores)

    def figure(self) -> "Figure":
        """The claimed gain beside the corrected one with its interval."""
        data, (low, high) = self.data, self.data["interval"] or (None, None)
        colour = GREEN if data["verdict"] == "holds" else RED
        rows = [
            *([] if data["gain"] is None else [Effect("audit", data["gain"], low, high, colour)]),
            *(
                []
                if data["claimed"] is None
                else [Effect("claimed", data["claimed"], None, None, GREY)]
            ),
        ]
        return forest(
            rows, self._title(), f"gain over candidate {data['against']} (above 0 is better)"
        )

    def _title(self) -> str:
        return f"{one_line(self.data['study'])}: audit of candidate {self.data['candidate']}: {WORDS[self.data['verdict']]}"

    def _facts(self) -> list[tuple[str, str]]:
        data = self.data
        decimals = _decimals([data["gain"], data["claimed"]])
        facts = [
            (
                "claimed gain",
                number(data["claimed"], decimals, True) + " (by the study's own scores)",
            )
        ]
        if data["gain"] is not None:
            facts.append(
                (
                    "corrected gain",
                    f"{_effect(data['gain'], data['interval'], decimals)} (on {fresh(data)})",
                )
            )
        return [*facts, ("verdict", one_line(data["why"]))]


class AblationView:
    """An ablation: what each kept change carries. `data` has the fields of `--json`."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = dict(data)

    def __repr__(self) -> str:
        return "\n".join(
            [
                self._title(),
                layout.text_table(_ablation_columns(self.data), self.data["changes"]),
                *self._notes(),
            ]
        )

    def _repr_html_(self) -> str:
        notes = "".join(f'<div class="quiet">{escape(note)}</div>' for note in self._notes())
        table = layout.html_table(_ablation_columns(self.data), self.data["changes"])
        return layout.page(f"<h4>{escape(self._title())}</h4>{table}{notes}")

    def figure(self) -> "Figure":
        """What taking out each change costs, with its interval; what crosses 0 carries no weight that can be told."""
        colours = {"carries": GREEN, "no weight": RED}
        rows = []
        for row in self.data["changes"]:
            if row["cost"] is not None:
                low, high = row["interval"]
                label = f"{row['without']}: {shorten(row['hypothesis'] or '-', 40)}"
                rows.append(Effect(label, row["cost"], low, high, colours.get(row["weight"], GREY)))
        return forest(
            rows[::-1], self._title(), "cost of taking the change out (above 0: it carries weight)"
        )

    def _title(self) -> str:
        return f"{one_line(self.data['study'])}: ablation of candidate {self.data['candidate']}"

    def _notes(self) -> list[str]:
        notes = [one_line(self.data["why"])] if self.data["why"] else []
        idle = [row for row in self.data["changes"] if row["status"] == "waiting"]
        if trials := max((row["trials"] for row in self.data["changes"]), default=0):
            notes.append(
                f"cost: what taking the change out costs, on {fresh({**self.data, 'trials': trials})}; above 0 it carries weight"
            )
        notes += [
            f"proposed: accept {row['candidate']}, which takes candidate {row['without']} out"
            for row in idle
        ]
        return notes if idle or not trials else [*notes, "nothing to revert"]


def fresh(data: Mapping[str, Any]) -> str:
    """On what it was measured: `4 fresh seeds, split=test`."""
    seeds = f"{data['trials']} fresh seed{'' if data['trials'] == 1 else 's'}"
    return ", ".join(
        [seeds, *(one_line(f"{key}={value}") for key, value in data["settings"].items())]
    )


def summary(data: Mapping[str, Any]) -> str:
    """An audit on one line, as `status` shows it."""
    if data["gain"] is None:
        return f"candidate {data['candidate']}: {one_line(data['why'])}"
    decimals = _decimals([data["gain"], data["claimed"]])
    claimed = "" if data["claimed"] is None else f" of claimed {number(data['claimed'], decimals)}"
    gain = _effect(data["gain"], data["interval"], decimals)
    return f"candidate {data['candidate']}: gain {gain}{claimed} on {fresh(data)}: {WORDS[data['verdict']]}"


def forest(rows: Sequence[Effect], title: str, x_title: str) -> "Figure":
    """A forest plot: one line per effect from below, its interval as a bar, 0 as the line of no effect.

    Source of the form: Lewis and Clarke, Forest plots: trying to see the wood and the trees (BMJ 2001).
    """
    ends = [
        0.0,
        *(value for row in rows for value in (row.value, row.low, row.high) if value is not None),
    ]
    pad = 0.08 * (max(ends) - min(ends)) or 1.0
    traces = [_line([0.0, 0.0], [-0.5, len(rows) - 0.5], LINE, 1, "no effect")]
    for place, row in enumerate(rows):
        if row.low is not None and row.high is not None:
            traces.append(_line([row.low, row.high], [place, place], row.colour, 3, "interval"))
        text = f"{plain(row.label)}: {row.value:+.4g}" + (
            "" if row.low is None else f" [{row.low:+.4g}, {row.high:+.4g}]"
        )
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": plain(row.label),
                "x": [row.value],
                "y": [place],
                "marker": {"color": row.colour, "size": 10},
                "showlegend": False,
                "hovertext": [text],
                "hoverinfo": "text",
            }
        )
    made = {
        **frame(plain(title), 150 + 34 * max(1, len(rows))),
        "xaxis": axis(x_title, range=[min(ends) - pad, max(ends) + pad]),
        "yaxis": axis(
            "",
            range=[-0.5, max(1, len(rows)) - 0.5],
            tickvals=list(range(len(rows))),
            ticktext=[plain(row.label) for row in rows],
        ),
        "showlegend": False,
    }
    made["margin"] = {**made["margin"], "l": 300}
    return figure(traces, made)


def _line(x: list[float], y: list[float], colour: str, width: int, name: str) -> dict[str, Any]:
    line = {"color": colour, "width": width}
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": x,
        "y": y,
        "line": line,
        "showlegend": False,
        "hoverinfo": "skip",
    }


def _decimals(values: Sequence[float | None]) -> int:
    return max(0, decimals_for(values) - 2)


def _effect(value: float | None, interval: Sequence[float] | None, decimals: int) -> str:
    bounds = (
        ""
        if interval is None or interval[0] == interval[1]
        else f" [{number(interval[0], decimals)}, {number(interval[1], decimals)}]"
    )
    return number(value, decimals, True) + bounds


def _audit_columns(data: Mapping[str, Any]) -> list[Column]:
    decimals = decimals_for(row["score"] for row in data["scores"])
    return [
        Column("seed", lambda row: str(row["seed"]), numeric=True),
        Column(
            "baseline" if data["against"] == 0 else f"candidate {data['against']}",
            lambda row: number(row["against"], decimals),
            True,
        ),
        Column(
            f"candidate {data['candidate']}",
            lambda row: number(row["score"], decimals),
            numeric=True,
        ),
        Column("gain", lambda row: number(row["gain"], decimals, True), numeric=True),
    ]


def _ablation_columns(data: Mapping[str, Any]) -> list[Column]:
    decimals = _decimals([row["cost"] for row in data["changes"]])
    return [
        Column("without", lambda row: str(row["without"]), numeric=True),
        Column(
            "cost [low, high]",
            lambda row: _effect(row["cost"], row["interval"], decimals),
            numeric=True,
        ),
        Column("weight", lambda row: row["weight"]),
        Column(
            "tried as",
            lambda row: "-" if row["candidate"] is None else str(row["candidate"]),
            numeric=True,
        ),
        Column("hypothesis", lambda row: shorten(str(row["hypothesis"] or "-"), 60), flexible=True),
        Column("why", lambda row: shorten(row["why"], 160), flexible=True),
    ]
