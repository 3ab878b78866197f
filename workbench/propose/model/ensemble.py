"""Ensemble: which of several models is asked next.

It is chosen by weight, or by what each model has achieved in this study.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from workbench.errors import UsageError
from workbench.ledger.study import Study

TYPICAL_TOKENS = (
    10_000  # of a proposal by a model that has made none; only the ratio to others counts
)


@dataclass
class _Record:
    """What one model has done.

    Attributes:
        kept: proposals that were kept.
        ended: proposals that were decided, or failed.
        tokens: tokens of those that ended.
    """

    kept: int = 0
    ended: int = 0
    tokens: int = 0

    def draw_value(self, rng: Random) -> float:
        """Keeps per token: a draw from the posterior share of keeps, divided by the mean cost."""
        cost = (TYPICAL_TOKENS + self.tokens) / (1 + self.ended)
        return rng.betavariate(1 + self.kept, 1 + self.ended - self.kept) / cost


def parse_models(text: str) -> dict[str, float]:
    """Model to weight, from `NAME` or `NAME=WEIGHT,NAME=WEIGHT`. A weight that is left out is 1.

    Raises:
        UsageError: no model is named, one is named twice, or a weight is not a number above 0.
    """
    weights: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, number = part.partition("=")
        weight = _parse_weight(number) if equals else 1.0
        if not name or name in weights or not 0 < weight < math.inf:
            raise UsageError(
                f"--model {text!r}: write NAME, or NAME=WEIGHT,NAME=WEIGHT "
                "with each name once and weights above 0"
            )
        weights[name] = weight
    if not weights:
        raise UsageError(
            "which model? name one with --model, such as claude-opus-5-5 or, "
            "with --base-url, one of a local server"
        )
    return weights


def _parse_weight(text: str) -> float:
    """The weight; 0 for a text that is not a number."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def choose_by_weight(weights: Mapping[str, float], rng: Random) -> str:
    """One model, with a chance in proportion to its weight."""
    return rng.choices(list(weights), list(weights.values()))[0]


def choose_by_success(names: Iterable[str], study: Study, rng: Random) -> str:
    """The model that promises most keeps per token. Open candidates do not count.

    Source: Xia, Li, Qin, Yu, Liu, "Thompson sampling for budgeted multi-armed bandits" (IJCAI
    2015), with Beta(1, 1) priors. The paper draws the costs as well; here they are known exactly,
    so their mean is used.
    """
    records = {name: _Record() for name in names}
    for history in study.candidates:
        record = records.get(_read_model(history.record.origin))
        if record is not None and history.number not in study.open:
            record.ended += 1
            record.kept += history.status == "kept"
            record.tokens += history.record.tokens
    for origin in study.proposals.failed_origins:
        record = records.get(_read_model(origin))
        if record is not None:
            record.ended += 1
            record.tokens += int(origin.get("tokens") or 0)
    values = {name: record.draw_value(rng) for name, record in records.items()}
    return max(values, key=lambda name: values[name])


def _read_model(origin: Mapping[str, Any]) -> str:
    return str(origin.get("model", ""))
