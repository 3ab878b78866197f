"""What `diff A B --scores` looks like: both scores side by side, and what their difference is worth."""

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
ON = {
    "audit": "trials of an audit, which chose nothing",
    "search": "trials of the search, which flatter what they chose",
}


class ScoresView:
    """Two candidates by their scores. `data` has the fields of `--json`."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = dict(data)

    def __repr__(self) -> str:
        return "\n\n".join(
            [
                layout.text_table(self._columns(), self.data["programs"]),
                layout.facts_text(self._title(), self._facts()),
            ]
        )

    def _repr_html_(self) -> str:
        table = layout.html_table(self._columns(), self.data["programs"])
        return layout.page(table + layout.facts_html(self._title(), self._facts()))

    def _title(self) -> str:
        data = self.data
        return f"{one_line(data['study'])}: candidate {data['b']} (B) against {data['a']} (A): {data['verdict']}"

    def _facts(self) -> list[tuple[str, str]]:
        data, decimals = self.data, self._decimals()
        low, high = data["interval"] or (None, None)
        bounds = (
            ""
            if low is None
            else f", {0.95:.0%} interval [{number(low, decimals, True)}, {number(high, decimals, True)}]"
        )
        facts = [
            ("gain of B", f"{number(data['effect'], decimals, True)}{bounds} (above 0 is better)")
        ]
        is_paired = data["pairs"] != "none"
        if data["p"] is not None:
            test = (
                ("McNemar, exact" if data["items"] else "Student, paired")
                if is_paired
                else "Welch, unpaired"
            )
            facts.append(("p", f"{data['p']:.2g} ({test})"))
        if is_paired:
            facts.append(
                (
                    "pairs",
                    f"{data['n']} {data['pairs']}, {len(data['seeds'])} equal seeds; {ON[data['on']]}",
                )
            )
        else:
            first, second = (program["trials"] for program in data["programs"])
            facts.append(
                (
                    "unpaired",
                    f"no seed is common to both: {first} of A against {second} of B; {ON[data['on']]}",
                )
            )
        if items := data["items"]:
            said = f"both {items['both']}, only A {items['a_only']}, only B {items['b_only']}, neither {items['neither']}"
            facts.append(("right", said))
        return [*facts, ("verdict", self._verdict())]

    def _verdict(self) -> str:
        if self.data["verdict"] != "too few trials":
            return VERDICTS[self.data["verdict"]]
        few = [program["candidate"] for program in self.data["programs"] if program["trials"] < 2]
        who = f"candidate {few[0]} has" if len(few) == 1 else "both have"
        return f"{who} one trial, so no spread; audit (incumbent, baseline) or reproduce {few[-1]} --seed 1 --trials 3 shows it"

    def _columns(self) -> list[Column]:
        name, decimals = self.data["objective"]["name"], self._decimals()
        first, second = (program["metrics"] for program in self.data["programs"])
        shown = [metric for metric in first if metric != name and metric in second]
        return [
            Column("", lambda row: "A" if row["candidate"] == self.data["a"] else "B"),
            Column("#", lambda row: str(row["candidate"]), numeric=True),
            Column(one_line(name), lambda row: number(row["score"], decimals), numeric=True),
            *(
                Column(
                    shorten(metric, 20),
                    lambda row, metric=metric: number(row["metrics"][metric]),  # type: ignore[misc]
                    numeric=True,
                )
                for metric in shown
            ),
            Column(
                "hypothesis", lambda row: shorten(str(row["hypothesis"] or "-"), 60), flexible=True
            ),
        ]

    def _decimals(self) -> int:
        return max(0, decimals_for([program["score"] for program in self.data["programs"]]) - 1)
