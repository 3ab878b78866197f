"""An audit and an ablation as text, as HTML and as a forest plot that can be seen without JavaScript."""

from typing import Any
from xml.etree import ElementTree

import pytest

from workbench.show import examination_tables
from workbench.show.examination_tables import AblationView, AuditView

AUDIT: dict[str, Any] = {
    "study": "toy-1",
    "candidate": 3,
    "against": 0,
    "verdict": "holds",
    "why": "the gain is there on what no decision saw",
    "gain": 0.44,
    "interval": [0.40, 0.48],
    "level": 0.95,
    "claimed": 0.46,
    "trials": 4,
    "settings": {"split": "test"},
    "scores": [{"seed": 5, "score": 3.3, "against": 3.74, "gain": 0.44}],
}
CHANGE: dict[str, Any] = {
    "without": 1,
    "hypothesis": "<b>a higher rate</b> \u202e",
    "weight": "carries",
    "why": "candidate 1 still carries 0.12 [0.08, 0.16]",
    "cost": 0.12,
    "interval": [0.08, 0.16],
    "trials": 4,
    "candidate": 4,
    "status": "ablated",
}
NOT_MADE = {
    "weight": "not made",
    "why": "later changes touch",
    "cost": None,
    "interval": None,
    "trials": 0,
    "candidate": None,
    "status": None,
}
ABLATION: dict[str, Any] = {
    "study": "toy-1",
    "candidate": 3,
    "why": "",
    "settings": {},
    "changes": [
        CHANGE,
        {
            **CHANGE,
            "without": 2,
            "weight": "no weight",
            "cost": -0.0,
            "interval": [-0.02, 0.02],
            "candidate": 5,
            "status": "waiting",
        },
        {**CHANGE, "without": 3, **NOT_MADE},
    ],
}


def test_an_audit_stands_on_one_line_in_status() -> None:
    line = examination_tables.summary(AUDIT)
    assert (
        line
        == "candidate 3: gain +0.4400 [0.4000, 0.4800] of claimed 0.4600 on 4 fresh seeds, split=test: holds"
    )
    failed = {
        **AUDIT,
        "gain": None,
        "interval": None,
        "verdict": "failed",
        "why": "candidate 3 failed (timeout: 9 s)",
        "scores": [],
    }
    assert examination_tables.summary(failed) == "candidate 3: candidate 3 failed (timeout: 9 s)"
    assert "FAILED" in repr(AuditView(failed))
    assert AuditView(failed).figure().data


def test_an_audit_shows_claim_correction_and_scores() -> None:
    text = repr(AuditView(AUDIT))
    assert text.splitlines()[0] == "toy-1: audit of candidate 3: holds"
    assert "+0.4400 [0.4000, 0.4800] (on 4 fresh seeds, split=test)" in text
    assert "3.74" in text


def test_an_ablation_shows_what_carries_weight_and_what_is_proposed() -> None:
    view = AblationView(ABLATION)
    assert "proposed: accept 5, which takes candidate 2 out" in repr(view)
    assert "later changes touch" in repr(view)
    html = view._repr_html_()
    assert "<b>a higher" not in html
    assert "\u202e" not in html
    nothing = AblationView({**ABLATION, "changes": [CHANGE]})
    assert "nothing to revert" in repr(nothing)


@pytest.mark.parametrize(
    ("view", "labels"),
    [(AuditView(AUDIT), ["audit", "claimed"]), (AblationView(ABLATION), ["2: ", "1: "])],
)
def test_the_forest_plot_is_drawn_without_javascript_too(
    view: AuditView | AblationView, labels: list[str]
) -> None:
    bundle = view.figure()._repr_mimebundle_()
    svg = bundle["image/svg+xml"]
    ElementTree.fromstring(svg)
    assert all(label in svg for label in labels)
    traces = bundle["application/vnd.plotly.v1+json"]["data"]
    bars = [trace for trace in traces if trace["name"] == "interval"]
    intervals = (
        [view.data["interval"]]
        if isinstance(view, AuditView)
        else [row["interval"] for row in view.data["changes"][1::-1]]
    )
    assert [list(bar["x"]) for bar in bars] == intervals
