"""Prices: what a call costs, by the table in `prices.toml`.

A model that is not in the table has no price. Its price is never guessed.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from workbench.propose.model.call import Usage

_TABLE = Path(__file__).with_name("prices.toml")
_DATE_SUFFIX = re.compile(r"-\d{8}$")
_KINDS = ("input", "output", "cache_write", "cache_read")
_CHARS_PER_TOKEN = 3.5  # of English and Python; for an estimate only
_ANSWER_TOKENS = 6000  # of one proposal, thinking included; for an estimate only


@cache
def _read_table() -> Mapping[str, Any]:
    return tomllib.loads(_TABLE.read_text(encoding="utf-8"))


def _find_price(model: str) -> Mapping[str, Any] | None:
    """The price of a model; `NAME-20260101` has that of `NAME`."""
    models = _read_table()["models"]
    price: Mapping[str, Any] | None = models.get(model) or models.get(_DATE_SUFFIX.sub("", model))
    return price


def list_priced() -> list[str]:
    """The models that have a price."""
    return list(_read_table()["models"])


def find_unpriced(models: Iterable[str]) -> list[str]:
    """The models among these that have no price."""
    return [model for model in models if _find_price(model) is None]


def compute_usd(model: str, usage: Usage) -> float | None:
    """What a call cost; None if the model has no price."""
    price = _find_price(model)
    if price is None:
        return None
    rates = price
    if "long" in price and usage.prompt > price["long"]["above"]:
        rates = price["long"]
    return float(sum(rates[kind] * getattr(usage, kind) for kind in _KINDS)) / 1e6


def estimate_cost(models: Iterable[str], prompt_chars: int, candidates: int) -> str:
    """One line about the calls of a study before it starts: how many, how long, and for how much.

    A guess: tokens are computed from characters, and an answer has `_ANSWER_TOKENS`. With several
    models, the most expensive one counts.

    Args:
        models: the models that are asked.
        prompt_chars: characters of a typical prompt.
        candidates: how many candidates the study may have; 0 for no limit.
    """
    tokens = round(prompt_chars / _CHARS_PER_TOKEN, -2)
    calls = f"about {candidates} calls" if candidates else "calls without a limit"
    size = f"{calls} of {tokens:,.0f} tokens in and {_ANSWER_TOKENS:,} out each"
    models = list(models)
    if unpriced := find_unpriced(models):
        names = ", ".join(unpriced)
        return f"{size}; the price of {names} is unknown, so that only tokens are counted"
    usage = Usage(input=int(tokens), output=_ANSWER_TOKENS)
    usd_per_call = max(compute_usd(model, usage) or 0.0 for model in models)
    cost = f"about {usd_per_call:.3f} USD each"
    if candidates:
        cost = f"about {usd_per_call * candidates:.2f} USD"
    date = _read_table()["date"]
    return f"{size}: {cost} ({', '.join(models)}; prices of {date})"
