"""A stage: the shipped widget bundle in a real browser on an empty page.

A test plays the kernel. The messages are those of `workbench/lab/live/protocol.py`.
"""

import base64
import json
import struct
from collections.abc import Callable, Iterable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

from tests.waiting import events_of, until
from workbench.lab.live.protocol import PROTOCOL
from workbench.ledger.candidate import STATUSES
from workbench.show.tradeoff import find_front

STATIC = Path(__file__).parents[2] / "workbench" / "lab" / "static"
BASELINE = 3.8
MIN_EFFECT = 0.03
KINDS = {
    "kept": "kept",
    "waiting": "waiting",
    "failed": "crashed",
    "discarded": "discarded",
    "revised": "discarded",
    "ablated": None,
}
THEMES = {
    "light": {
        "layout-color1": "#fff",
        "layout-color2": "#f5f5f5",
        "border-color2": "#e0e0e0",
        "ui-font-color1": "#212121",
        "ui-font-color2": "#616161",
        "brand-color1": "#1976d2",
    },
    "dark": {
        "layout-color1": "#111",
        "layout-color2": "#424242",
        "border-color2": "#616161",
        "ui-font-color1": "#fff",
        "ui-font-color2": "rgba(255,255,255,.7)",
        "brand-color1": "#64b5f6",
    },
}
SCRIPT = """
async ({source, traits}) => {
  const heard = new Map();
  const model = {
    get: name => traits[name],
    set: (name, value) => { traits[name] = value; },
    save_changes: () => {},
    on: (event, callback) => { heard.set(event, [...(heard.get(event) ?? []), callback]); },
    off: (event, callback) => {
      heard.set(event, (heard.get(event) ?? []).filter(one => one !== callback));
    },
    send: content => { window.toFeed(JSON.stringify(content)); },
  };
  const url = URL.createObjectURL(new Blob([source], {type: 'text/javascript'}));
  const widget = (await import(url)).default;
  window.deliver = (content, buffer) => {
    const views = [];
    if (buffer !== null) {
      const bytes = Uint8Array.from(atob(buffer), char => char.charCodeAt(0));
      views.push(new DataView(bytes.buffer));
    }
    for (const callback of heard.get('msg:custom') ?? []) callback(content, views);
  };
  window.closeWidget = await widget.render({model, el: document.getElementById('cell')});
}
"""


class Stage:
    """One mounted widget.

    Args:
        page: playwright's.
        traits: of the widget, in place of the usual ones.
        jupyter: what a Jupyter server writes into its pages; None for another page.

    Attributes:
        heard: the messages that the widget has sent.
    """

    def __init__(
        self,
        page: Any,
        theme: str = "light",
        width: int = 1000,
        traits: Mapping[str, Any] | None = None,
        jupyter: Mapping[str, str] | None = None,
    ) -> None:
        self.page, self.heard = page, list[dict[str, Any]]()
        page.expose_function("toFeed", lambda text: self.heard.append(json.loads(text)))
        style = ";".join(f"--jp-{name}:{value}" for name, value in THEMES[theme].items())
        css = (STATIC / "widget.css").read_text(encoding="utf-8")
        config = ""
        if jupyter is not None:
            attributes = 'id="jupyter-config-data" type="application/json"'
            config = f"<script {attributes}>{json.dumps(jupyter)}</script>"
        is_light = str(theme == "light").lower()
        page.set_content(
            f"<html><head><style>{css}</style></head>"
            f'<body data-jp-theme-light="{is_light}"'
            f' style="{style};margin:0;background:var(--jp-layout-color1)">{config}'
            f'<div id="cell" style="width:{width}px"></div></body></html>'
        )
        source = (STATIC / "widget.js").read_text(encoding="utf-8")
        values = {
            "route": "kernel",
            "study_path": "/studies/toy-1",
            "opened_at": 1.0,
            "view": "dashboard",
            "candidate": -1,
            **(traits or {}),
        }
        page.evaluate(SCRIPT, {"source": source, "traits": values})

    def deliver(self, message: Mapping[str, Any], buffer: bytes | None = None) -> None:
        self.page.evaluate(
            "([m, b]) => window.deliver(m, b)",
            [dict(message), None if buffer is None else base64.b64encode(buffer).decode()],
        )

    def said(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.heard if message["type"] == kind]

    def wait_for(self, holds: Callable[[], bool], seconds: float = 5.0) -> None:
        """Waits until a condition on what was heard holds."""
        until(holds, seconds, told=lambda: f"heard: {self.heard}", pause=events_of(self.page))


def row(candidate: int, **fields: Any) -> dict[str, Any]:
    """A row of the table; the baseline and every tenth candidate are kept."""
    kept = candidate % 10 == 0
    better = candidate // 10
    rate = 0.01 * (candidate + 1)
    usual = {
        "candidate": candidate,
        "parent": None if candidate == 0 else 10 * ((candidate - 1) // 10),
        "status": "kept" if kept else "discarded",
        "score": 3.8 - 0.02 * better + (0 if kept else 0.01 * (candidate % 7)),
        "spread": 0.02 if kept else None,
        "effect": 0.02 if kept and candidate else -0.01,
        "low": 0.01 if kept else None,
        "high": 0.03 if kept else None,
        "trials": 5 if kept else 1,
        "seconds": 9.5,
        "added": 1 + candidate % 4,
        "removed": candidate % 3,
        "author": "tuner",
        "hypothesis": f"LEARNING_RATE {rate:g} -> {1.2 * rate:g}: a higher rate learns faster",
        "why": "better on 4 fresh seeds" if kept else "not promising on its first trial",
        "flags": [],
        "pinned": False,
        "revises": None,
        "weighed": [],
        "vetoed": False,
        "barred": False,
        "at": 1.0 + 360 * candidate,
        "usd": 0.05,
        "notes": [],
    }
    status = fields.get("status", usual["status"])
    return {**usual, "kind": KINDS.get(status, "open"), **fields}


def columns(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    listed = list(rows)
    return {name: [one[name] for one in listed] for name in listed[0]}


def state(rows: Iterable[Mapping[str, Any]] = (), **fields: Any) -> dict[str, Any]:
    listed = list(rows)
    counts = {
        status: sum(one["status"] == status and one["candidate"] > 0 for one in listed)
        for status in (*STATUSES, "unknown")
    }
    kept = [one for one in listed if one["status"] == "kept"]
    best = min(kept, key=lambda one: one["score"], default=None)
    usual = {
        "at": 1.0,
        "state": "running",
        "reason": "",
        "alive": True,
        "options": {
            "proposer": "tuner",
            "strategy": "hillclimb",
            "policy": "tested",
            "review": "keeps",
            "candidates": 100,
            "seconds": 3600.0,
            "max_usd": 0.0,
            "max_tokens": 0,
            "max_waiting": 8,
        },
        "counts": {
            **counts,
            "candidates": max(0, len(listed) - 1),
            "proposed": max(0, len(listed) - 1),
        },
        "spent": {
            "seconds": 754.0,
            "usd": 0.0,
            "tokens": 0,
            "trials": sum(one["trials"] for one in listed),
        },
        "baseline": {"score": BASELINE, "spread": 0.02},
        "best": {"candidate": best and best["candidate"], "score": best and best["score"]},
        "incumbent": best and best["candidate"],
        "waiting": [one["candidate"] for one in listed if one["status"] == "waiting"],
        "running": [],
        "sandbox": "bwrap",
        "proposals": {"failed": 0, "last": ""},
        "guidance": [],
        "banned": [],
        "fault": False,
        "audit": "",
    }
    return {**usual, **fields}


def plots(rows: Iterable[Mapping[str, Any]], *metrics: str) -> dict[str, Any]:
    """What plots show beyond rows whose score, and whose metrics, are to be minimised."""
    listed = list(rows)
    kept = [one for one in listed if one["kind"] == "kept" and one["score"] is not None]
    leaders: list[Mapping[str, Any]] = []
    for one in kept:
        if not leaders or one["score"] < leaders[-1]["score"]:
            leaders.append(one)
    best = leaders[-1]["score"] if leaders else BASELINE
    margin = 0.15 * (BASELINE - best)
    frontiers = [
        {"x": metrics[x], "y": metrics[y], "candidates": front_of(listed, x, y)}
        for y, x in combinations(range(len(metrics)), 2)
    ]
    return {
        "window": [best - margin, BASELINE + margin] if best < BASELINE else None,
        "worst": BASELINE + MIN_EFFECT if best < BASELINE else None,
        "leaders": [one["candidate"] for one in leaders],
        "frontiers": frontiers,
        "trends": [],
    }


def front_of(rows: Iterable[Mapping[str, Any]], x: int, y: int) -> list[int]:
    """The frontier of two metrics that are to be minimised, by their places among the metrics."""
    points = {
        one["candidate"]: (one["weighed"][x], one["weighed"][y])
        for one in rows
        if one["kind"] not in (None, "open", "waiting") and not one["barred"]
    }
    return find_front(points, ("minimize", "minimize"))


def snapshot(
    rows: list[dict[str, Any]], metrics: tuple[str, ...] = (), **fields: Any
) -> dict[str, Any]:
    study = {
        "name": "toy-1",
        "path": "/studies/toy-1",
        "experiment": "toy",
        "opened_at": 1.0,
        "shape": "train",
        "self_reported": False,
        "read_only": False,
        "cell": False,
        "metrics": [{"name": name, "goal": "minimize"} for name in metrics],
        "objective": {
            "name": "val_bpb",
            "goal": "minimize",
            "min_effect": MIN_EFFECT,
            "noise": "seed",
            "max_trials": 4,
        },
    }
    return {
        "type": "snapshot",
        "protocol": PROTOCOL,
        "study": study,
        "state": state(rows, **fields),
        "columns": columns(rows),
        "plots": plots(rows, *metrics),
    }


def points(by_series: Mapping[int, list[tuple[float, float]]]) -> tuple[dict[str, Any], bytes]:
    """A message with new points of some series, and its buffer."""
    every = [pair for pairs in by_series.values() for pair in pairs]
    counts = [number for series, pairs in by_series.items() for number in (series, len(pairs))]
    return {"type": "points", "counts": counts}, struct.pack(
        f"<{len(every)}d{len(every)}f", *(p[0] for p in every), *(p[1] for p in every)
    )
