"""Prices: what a call costs, by the table in `prices.toml`. A model that is not in it has no price, which is said, not guessed."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from workbench.propose.model.call import Usage

_TABLE = Path(__file__).with_name("prices.toml")
_DATED = re.compile(r"-\d{8}$")
_CHARS_PER_TOKEN = 3.5  # of English and Python; for an estimate only
_ANSWER_TOKENS = 6000  # of one proposal, thinking included; for an estimate only


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads(_TABLE.read_text(encoding="utf-8"))


def _price(model: str) -> Mapping[str, Any] | None:
    models = _table()["models"]
    found: Mapping[str, Any] | None = models.get(model) or models.get(_DATED.sub("", model))
    return found


def known() -> list[str]:
    """The models that have a price."""
    return list(_table()["models"])


def unpriced(models: Iterable[str]) -> list[str]:
    """Those of some models that have no price."""
    return [model for model in models if _price(model) is None]


def usd(model: str, usage: Usage) -> float | None:
    """What a call cost; None where the model has no price."""
    price = _price(model)
    if price is None:
        return None
    rates = price["long"] if "long" in price and usage.prompt > price["long"]["above"] else price
    kinds = ("input", "output", "cache_write", "cache_read")
    return float(sum(rates[kind] * getattr(usage, kind) for kind in kinds)) / 1e6


def estimate(models: Iterable[str], prompt_chars: int, candidates: int) -> str:
    """One line before a study: about how many calls, of how many tokens, and for how much; `candidates` of 0 is no limit.

    A guess: the prompt is counted in characters, and the answer taken to be `_ANSWER_TOKENS` long.
    """
    tokens = round(prompt_chars / _CHARS_PER_TOKEN, -2)
    usage = Usage(input=int(tokens), output=_ANSWER_TOKENS)
    calls = f"about {candidates} calls" if candidates else "calls without a limit"
    size = f"{calls} of {tokens:,.0f} tokens in and {_ANSWER_TOKENS:,} out each"
    models = list(models)
    if strangers := unpriced(models):
        return f"{size}; the price of {', '.join(strangers)} is unknown, so that only tokens are counted"
    each = max(usd(model, usage) or 0.0 for model in models)
    cost = f"about {each * candidates:.2f} USD" if candidates else f"about {each:.3f} USD each"
    return f"{size}: {cost} ({', '.join(models)}; prices of {_table()['date']})"
