"""What `diff A B --scores` looks like: both scores, and what their difference is worth."""

from collections.abc import Mapping
from typing import Any

from workbench.show import layout
from workbench.show.layout import Column, decimals_for, number
from workbench.show.visible import one_line, shorten

VERDICTS = {
    "B is better": "B is better, beyond chance",
    "A is better": "A is better, beyond chance",
    "not told apart": "not told apart: chance alone makes such a difference",
    "one pair": "one pair has no interval; more trials, or an audit, would give one",
}
SOURCES = {
    "audit": "trials of an audit, which chose nothing",
    "search": "trials of the search, which flatter what they chose",
}


class ScoresView:
    """Two candidates by their scores. `data` has the fields of `--json`."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = dict(data)

    def __repr__(self) -> str:
        table = layout.text_table(self._columns(), self.data["programs"])
        facts = layout.facts_text(self._title(), self._facts())
        return f"{table}\n\n{facts}"

    def _repr_html_(self) -> str:
        table = layout.html_table(self._columns(), self.data["programs"])
        return layout.page(table + layout.facts_html(self._title(), self._facts()))

    def _title(self) -> str:
        data = self.data
        candidates = f"candidate {data['b']} (B) against {data['a']} (A)"
        return f"{one_line(data['study'])}: {candidates}: {data['verdict']}"

    def _facts(self) -> list[tuple[str, str]]:
        data = self.data
        facts = [("gain of B", self._gain())]
        if data["p"] is not None:
            facts.append(("p", f"{data['p']:.2g} ({self._test()})"))
        facts.append(self._sample())
        items = data["items"]
        if items:
            right = (
                f"both {items['both']}, only A {items['a_only']}, "
                f"only B {items['b_only']}, neither {items['neither']}"
            )
            facts.append(("right", right))
        facts.append(("verdict", self._verdict()))
        return facts

    def _gain(self) -> str:
        decimals = self._decimals()
        text = number(self.data["effect"], decimals, True)
        if self.data["interval"]:
            low, high = (number(end, decimals, True) for end in self.data["interval"])
            text += f", 95% interval [{low}, {high}]"
        return f"{text} (above 0 is better)"

    def _test(self) -> str:
        if self.data["pairs"] == "none":
            return "Welch, unpaired"
        return "McNemar, exact" if self.data["items"] else "Student, paired"

    def _sample(self) -> tuple[str, str]:
        data = self.data
        source = SOURCES[data["on"]]
        if data["pairs"] == "none":
            n_of_a, n_of_b = (program["trials"] for program in data["programs"])
            sizes = f"{n_of_a} of A against {n_of_b} of B"
            return "unpaired", f"no seed is common to both: {sizes}; {source}"
        n_seeds = len(data["seeds"])
        return "pairs", f"{data['n']} {data['pairs']}, {n_seeds} equal seeds; {source}"

    def _verdict(self) -> str:
        if self.data["verdict"] != "too few trials":
            return VERDICTS[self.data["verdict"]]
        programs = self.data["programs"]
        single = [program["candidate"] for program in programs if program["trials"] < 2]
        subject = f"candidate {single[0]} has" if len(single) == 1 else "both have"
        return (
            f"{subject} one trial, so no spread; audit (incumbent, baseline) or "
            f"reproduce {single[-1]} --seed 1 --trials 3 shows it"
        )

    def _columns(self) -> list[Column]:
        decimals = self._decimals()
        objective = self.data["objective"]["name"]
        columns = [
            Column("", lambda row: "A" if row["candidate"] == self.data["a"] else "B"),
            Column("#", lambda row: str(row["candidate"]), numeric=True),
            Column(one_line(objective), lambda row: number(row["score"], decimals), numeric=True),
        ]
        metrics_of_a, metrics_of_b = (program["metrics"] for program in self.data["programs"])
        shared = [name for name in metrics_of_a if name in metrics_of_b and name != objective]
        columns += [_metric_column(name) for name in shared]
        columns.append(Column("hypothesis", _hypothesis, flexible=True))
        return columns

    def _decimals(self) -> int:
        return max(0, decimals_for([program["score"] for program in self.data["programs"]]) - 1)


def _metric_column(metric: str) -> Column:
    return Column(shorten(metric, 20), lambda row: number(row["metrics"][metric]), numeric=True)


def _hypothesis(row: Mapping[str, Any]) -> str:
    return shorten(str(row["hypothesis"] or "-"), 60)
