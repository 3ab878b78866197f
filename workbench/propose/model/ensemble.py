"""Ensemble: which of several models is asked next, by weight or by what they have achieved in this study."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from workbench.errors import UsageError
from workbench.ledger.study import Study

TYPICAL_TOKENS = (
    10_000  # of a proposal by a model that has made none; only its ratio to the others' counts
)


@dataclass
class _Record:
    """What one model has done: proposals that were kept, proposals that were decided or failed, and their tokens."""

    kept: int = 0
    ended: int = 0
    tokens: int = 0


def models(text: str) -> dict[str, float]:
    """Model to weight, of `NAME` or `NAME=WEIGHT,NAME=WEIGHT`; a weight that is left out is 1.

    Raises:
        UsageError: no model, one that comes twice, or a weight that is no number above 0.
    """
    found: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, weight = part.partition("=")
        try:
            value = float(weight) if equals else 1.0
        except ValueError:
            value = 0.0
        if not name or name in found or not 0 < value < math.inf:
            raise UsageError(
                f"--model {text!r}: write NAME, or NAME=WEIGHT,NAME=WEIGHT with each name once and weights above 0"
            )
        found[name] = value
    if not found:
        raise UsageError(
            "which model? name one with --model, such as claude-opus-5-5 or, with --base-url, one of a local server"
        )
    return found


def by_weight(weights: Mapping[str, float], rng: Random) -> str:
    """One model, with a chance in proportion to its weight."""
    return rng.choices(list(weights), list(weights.values()))[0]


def by_success(names: Iterable[str], study: Study, rng: Random) -> str:
    """The model that promises most keeps per token: each one's share of keeps is drawn from its posterior and divided by its mean cost.

    Source: Xia, Li, Qin, Yu, Liu, "Thompson sampling for budgeted multi-armed bandits" (IJCAI 2015), with Beta(1, 1) priors, and with
    the mean of the costs, which are known exactly, where the paper draws them too. What is not decided yet does not count.
    """
    records = {name: _Record() for name in names}
    for history in study.candidates:
        if (
            record := records.get(_model(history.record.origin))
        ) and history.number not in study.open:
            record.ended += 1
            record.kept += history.status == "kept"
            record.tokens += history.record.tokens
    for origin in study.failed_origins:
        if record := records.get(_model(origin)):
            record.ended += 1
            record.tokens += int(origin.get("tokens") or 0)

    def promise(record: _Record) -> float:
        cost = (TYPICAL_TOKENS + record.tokens) / (1 + record.ended)
        return rng.betavariate(1 + record.kept, 1 + record.ended - record.kept) / cost

    promises = {name: promise(record) for name, record in records.items()}
    return max(promises, key=lambda name: promises[name])


def _model(origin: Mapping[str, Any]) -> str:
    return str(origin.get("model", ""))
