"""Review cards made by hand, as the feed sends them."""

from collections.abc import Sequence
from typing import Any

from tests.browser.stage import row

Span = list[Any]


def line(kind: str, old: int | None, new: int | None, *spans: Sequence[Any]) -> dict[str, Any]:
    """One line of a diff; a span is text, token class, 1 where it changed."""
    return {"kind": kind, "old": old, "new": new, "spans": [list(span) for span in spans]}


def hunk(number: int, lines: list[dict[str, Any]], state: str = "open") -> dict[str, Any]:
    return {
        "type": "hunk",
        "id": number,
        "header": f"@@ -{number},1 +{number},1 @@",
        "state": state,
        "lines": lines,
    }


def assignment(number: int, name: str, old: str, new: str) -> dict[str, Any]:
    """A hunk that changes one number on line `10 * number`."""
    at = 10 * number

    def side(kind: str, value: str) -> dict[str, Any]:
        where = (at, None) if kind == "-" else (None, at)
        return line(
            kind, *where, [name, "", 0], [" = ", "o", 0], [value, "n", 1], ["  # tuned", "c", 0]
        )

    return hunk(number, [side("-", old), side("+", new)])


def context(first: int, count: int = 3) -> dict[str, Any]:
    texts = (
        [["def ", "k", 0], ["step", "f", 0], ["(batch):", "", 0]],
        [["\treturn ", "k", 0], ["'mean'", "s", 0]],
        [["", "", 0]],
    )
    return {
        "type": "lines",
        "lines": [line(" ", first + i, first + i, *texts[i % 3]) for i in range(count)],
    }


def parts(hunks: list[dict[str, Any]], whole: bool = False) -> list[dict[str, Any]]:
    """Hunks with unchanged lines between them: as gaps, or all of them."""
    sections: list[dict[str, Any]] = []
    for change in hunks:
        at = 10 * change["id"]
        gap = context(at - 9, 6) if whole else {"type": "gap", "count": 6}
        sections += [gap, context(at - 3), change]
    return sections


HUNKS = [
    assignment(1, "LEARNING_RATE", "0.01", "0.02"),
    assignment(2, "WARMUP", "100", "40"),
    assignment(3, "DEPTH", "4", "6"),
    assignment(4, "DECAY", "0.1", "0.0"),
]


def decision(**fields: Any) -> dict[str, Any]:
    usual = {
        "verdict": "defer",
        "by": "tested",
        "why": "better on 4 fresh seeds; review = keeps",
        "at": 1795345000.0,
        "before_run": False,
        "hunks": [],
        "rejected": [],
        "effect": 0.0213,
        "interval": [0.0081, 0.0345],
        "level": 0.95,
        "against": 10,
        "trials": 5,
        "reference_trials": 5,
        "p": 0.004,
        "alpha": 0.0125,
        "sd": 0.011,
    }
    return {**usual, **fields}


def trial(number: int, **fields: Any) -> dict[str, Any]:
    usual = {
        "trial": number,
        "seed": 100 + number,
        "status": "ok",
        "score": 3.76 + 0.004 * number,
        "seconds": 31.2,
        "cpu_seconds": 58.9,
        "memory_mb": 412.0,
        "sandbox": "bwrap",
        "memory_limit": "cgroup",
        "device": "cpu",
        "reason": "",
        "self_reported": False,
        "purpose": "",
    }
    return {**usual, **fields}


def card(
    candidate: int, hunks: list[dict[str, Any]] | None = None, whole: bool = False, **fields: Any
) -> dict[str, Any]:
    """A candidate that waits for review after five good trials."""
    status = fields.get("status", "waiting")
    base = row(
        candidate,
        status=status,
        score=3.7512,
        spread=0.011,
        effect=0.0213,
        low=0.0081,
        high=0.0345,
        trials=5,
        parent=10,
        pinned=False,
    )
    listed = HUNKS if hunks is None else hunks
    usual = {
        "program": f"digest{candidate}",
        "parent_program": "digest10",
        "self_reported": False,
        "incumbent": {"candidate": 10, "score": 3.78},
        "decisions": [decision()] if status in ("waiting", "kept", "discarded") else [],
        "trial_list": [trial(n) for n in range(5)],
        "metrics": {"val_bpb": 3.7512, "tokens_per_second": 18250.0},
        "cost": {"usd": 0.12, "tokens": 18400, "seconds": 164.0},
        "files": [{"path": "train.py", "change": "changed", "parts": parts(listed, whole)}],
        "curves": ["train_loss"],
        "log": "step 10 loss 3.91\nstep 20 loss 3.80\n",
        "descendants": [],
        "revised_by": None,
    }
    return {**base, **usual, **fields}
