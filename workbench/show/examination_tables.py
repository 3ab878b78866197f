"""What `audit` and `ablate` look like: a table as text and HTML, and a forest plot of effects."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.show import layout
from workbench.show.layout import Column, decimals_for, number
from workbench.show.plot import axis, figure, frame, plain
from workbench.show.visible import one_line, shorten

if TYPE_CHECKING:  # plotly is imported where a figure is made
    from plotly.graph_objects import Figure

GREEN = "#27ae60"
GREY = "#7f7f7f"
RED = "#c0392b"
LINE = "#333333"
VERDICTS = {
    "holds": "holds",
    "too small": "smaller than min_effect",
    "does not hold": "DOES NOT HOLD",
    "failed": "FAILED",
}


class Effect(NamedTuple):
    """One line of a forest plot.

    Attributes:
        label: its name.
        value: the effect.
        low: lower end of its interval; None where none was measured.
        high: upper end, likewise.
        colour: of its mark.
    """

    label: str
    value: float
    low: float | None
    high: float | None
    colour: str


class AuditView:
    """An audit: the claimed and the corrected gain, and the scores behind the latter.

    `data` has the fields of `--json`.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = dict(data)

    def __repr__(self) -> str:
        text = layout.facts_text(self._title(), self._facts())
        if self.data["scores"]:
            text += "\n\n" + layout.text_table(_audit_columns(self.data), self.data["scores"])
        return text

    def _repr_html_(self) -> str:
        html = layout.facts_html(self._title(), self._facts())
        if self.data["scores"]:
            html += layout.html_table(_audit_columns(self.data), self.data["scores"])
        return layout.page(html)

    def figure(self) -> "Figure":
        """The claimed gain beside the corrected one with its interval."""
        data = self.data
        low, high = data["interval"] or (None, None)
        colour = GREEN if data["verdict"] == "holds" else RED
        effects = []
        if data["gain"] is not None:
            effects.append(Effect("audit", data["gain"], low, high, colour))
        if data["claimed"] is not None:
            effects.append(Effect("claimed", data["claimed"], None, None, GREY))
        x_title = f"gain over candidate {data['against']} (above 0 is better)"
        return forest(effects, self._title(), x_title)

    def _title(self) -> str:
        study = one_line(self.data["study"])
        verdict = VERDICTS[self.data["verdict"]]
        return f"{study}: audit of candidate {self.data['candidate']}: {verdict}"

    def _facts(self) -> list[tuple[str, str]]:
        data = self.data
        decimals = _decimals([data["gain"], data["claimed"]])
        claimed = number(data["claimed"], decimals, True)
        facts = [("claimed gain", f"{claimed} (by the study's own scores)")]
        if data["gain"] is not None:
            gain = _format_effect(data["gain"], data["interval"], decimals)
            facts.append(("corrected gain", f"{gain} (on {describe_sample(data)})"))
        facts.append(("verdict", one_line(data["why"])))
        return facts


class AblationView:
    """An ablation: what each kept change carries. `data` has the fields of `--json`."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = dict(data)

    def __repr__(self) -> str:
        table = layout.text_table(_ablation_columns(self.data), self.data["changes"])
        return "\n".join([self._title(), table, *self._notes()])

    def _repr_html_(self) -> str:
        notes = "".join(f'<div class="quiet">{escape(note)}</div>' for note in self._notes())
        table = layout.html_table(_ablation_columns(self.data), self.data["changes"])
        return layout.page(f"<h4>{escape(self._title())}</h4>{table}{notes}")

    def figure(self) -> "Figure":
        """What taking out each change costs, with its interval.

        A change whose interval crosses 0 carries no weight that can be told from chance.
        """
        colours = {"carries": GREEN, "no weight": RED}
        effects = []
        for row in reversed(self.data["changes"]):  # a forest plot is drawn from below
            if row["cost"] is not None:
                low, high = row["interval"]
                label = f"{row['without']}: {shorten(row['hypothesis'] or '-', 40)}"
                colour = colours.get(row["weight"], GREY)
                effects.append(Effect(label, row["cost"], low, high, colour))
        x_title = "cost of taking the change out (above 0: it carries weight)"
        return forest(effects, self._title(), x_title)

    def _title(self) -> str:
        return f"{one_line(self.data['study'])}: ablation of candidate {self.data['candidate']}"

    def _notes(self) -> list[str]:
        changes = self.data["changes"]
        notes = []
        if self.data["why"]:
            notes.append(one_line(self.data["why"]))
        n_trials = max((row["trials"] for row in changes), default=0)
        if n_trials:
            sample = describe_sample({**self.data, "trials": n_trials})
            notes.append(
                f"cost: what taking the change out costs, on {sample}; above 0 it carries weight"
            )
        proposals = [row for row in changes if row["status"] == "waiting"]
        for row in proposals:
            accept = f"accept {row['candidate']}"
            notes.append(f"proposed: {accept}, which takes candidate {row['without']} out")
        if n_trials and not proposals:
            notes.append("nothing to revert")
        return notes


def describe_sample(data: Mapping[str, Any]) -> str:
    """What an examination measured on: `4 fresh seeds, split=test`."""
    noun = "seed" if data["trials"] == 1 else "seeds"
    settings = [one_line(f"{key}={value}") for key, value in data["settings"].items()]
    return ", ".join([f"{data['trials']} fresh {noun}", *settings])


def summary(data: Mapping[str, Any]) -> str:
    """An audit on one line, as `status` shows it."""
    candidate = f"candidate {data['candidate']}"
    if data["gain"] is None:
        return f"{candidate}: {one_line(data['why'])}"
    decimals = _decimals([data["gain"], data["claimed"]])
    gain = _format_effect(data["gain"], data["interval"], decimals)
    if data["claimed"] is not None:
        gain += f" of claimed {number(data['claimed'], decimals)}"
    verdict = VERDICTS[data["verdict"]]
    return f"{candidate}: gain {gain} on {describe_sample(data)}: {verdict}"


def forest(effects: Sequence[Effect], title: str, x_title: str) -> "Figure":
    """A forest plot: one line per effect from below, its interval as a bar, and a line at 0.

    Source of the form: Lewis and Clarke, Forest plots: trying to see the wood and the trees (BMJ
    2001).
    """
    n_lines = max(1, len(effects))
    traces = [_line([0.0, 0.0], [-0.5, len(effects) - 0.5], LINE, 1, "no effect")]
    for place, effect in enumerate(effects):
        if effect.low is not None and effect.high is not None:
            ends = [effect.low, effect.high]
            traces.append(_line(ends, [place, place], effect.colour, 3, "interval"))
        traces.append(_mark(effect, place))
    arrangement = {
        **frame(plain(title), 150 + 34 * n_lines),
        "xaxis": axis(x_title, range=_x_range(effects)),
        "yaxis": axis(
            "",
            range=[-0.5, n_lines - 0.5],
            tickvals=list(range(len(effects))),
            ticktext=[plain(effect.label) for effect in effects],
        ),
        "showlegend": False,
    }
    arrangement["margin"] = {**arrangement["margin"], "l": 300}
    return figure(traces, arrangement)


def _x_range(effects: Sequence[Effect]) -> list[float]:
    """From the lowest to the highest end, 0 included, with some space on either side."""
    ends = [0.0]
    for effect in effects:
        ends += [end for end in (effect.value, effect.low, effect.high) if end is not None]
    space = 0.08 * (max(ends) - min(ends)) or 1.0
    return [min(ends) - space, max(ends) + space]


def _mark(effect: Effect, place: int) -> dict[str, Any]:
    text = f"{plain(effect.label)}: {effect.value:+.4g}"
    if effect.low is not None:
        text += f" [{effect.low:+.4g}, {effect.high:+.4g}]"
    return {
        "type": "scatter",
        "mode": "markers",
        "name": plain(effect.label),
        "x": [effect.value],
        "y": [place],
        "marker": {"color": effect.colour, "size": 10},
        "showlegend": False,
        "hovertext": [text],
        "hoverinfo": "text",
    }


def _line(x: list[float], y: list[float], colour: str, width: int, name: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": x,
        "y": y,
        "line": {"color": colour, "width": width},
        "showlegend": False,
        "hoverinfo": "skip",
    }


def _decimals(values: Sequence[float | None]) -> int:
    return max(0, decimals_for(values) - 2)


def _format_effect(value: float | None, interval: Sequence[float] | None, decimals: int) -> str:
    text = number(value, decimals, True)
    if interval is None or interval[0] == interval[1]:
        return text
    return f"{text} [{number(interval[0], decimals)}, {number(interval[1], decimals)}]"


def _audit_columns(data: Mapping[str, Any]) -> list[Column]:
    decimals = decimals_for(row["score"] for row in data["scores"])
    rival = "baseline" if data["against"] == 0 else f"candidate {data['against']}"
    candidate = f"candidate {data['candidate']}"
    return [
        Column("seed", lambda row: str(row["seed"]), numeric=True),
        Column(rival, lambda row: number(row["against"], decimals), numeric=True),
        Column(candidate, lambda row: number(row["score"], decimals), numeric=True),
        Column("gain", lambda row: number(row["gain"], decimals, True), numeric=True),
    ]


def _ablation_columns(data: Mapping[str, Any]) -> list[Column]:
    decimals = _decimals([row["cost"] for row in data["changes"]])

    def cost(row: Mapping[str, Any]) -> str:
        return _format_effect(row["cost"], row["interval"], decimals)

    def candidate(row: Mapping[str, Any]) -> str:
        return "-" if row["candidate"] is None else str(row["candidate"])

    def hypothesis(row: Mapping[str, Any]) -> str:
        return shorten(str(row["hypothesis"] or "-"), 60)

    return [
        Column("without", lambda row: str(row["without"]), numeric=True),
        Column("cost [low, high]", cost, numeric=True),
        Column("weight", lambda row: row["weight"]),
        Column("tried as", candidate, numeric=True),
        Column("hypothesis", hypothesis, flexible=True),
        Column("why", lambda row: shorten(row["why"], 160), flexible=True),
    ]
