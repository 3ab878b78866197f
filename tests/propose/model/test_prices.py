import tomllib

import pytest

from workbench.propose.model import prices
from workbench.propose.model.call import Usage


def test_the_table_says_when_and_where_it_was_read_and_every_price_is_whole() -> None:
    table = tomllib.loads(prices._TABLE.read_text())
    assert table["date"].year >= 2026
    assert table["source"].startswith("https://")
    for model in prices.list_priced():
        assert prices.compute_usd(model, Usage(input=1, output=1, cache_write=1, cache_read=1)) > 0


def test_a_dated_name_has_the_price_of_its_model_and_a_stranger_has_none() -> None:
    usage = Usage(input=1_000_000)
    assert (
        prices.compute_usd("claude-haiku-4-5-20251001", usage)
        == prices.compute_usd("claude-haiku-4-5", usage)
        == 1.0
    )
    assert prices.compute_usd("qwen3:8b", usage) is None
    assert prices.find_unpriced(["claude-opus-5-5", "qwen3:8b"]) == ["qwen3:8b"]


def test_a_long_prompt_costs_what_the_table_says_of_long_ones() -> None:
    assert prices.compute_usd("claude-haiku-5-5", Usage(input=100_000)) == pytest.approx(0.01)
    assert prices.compute_usd(
        "claude-haiku-5-5", Usage(input=50_000, cache_read=50_001)
    ) == pytest.approx(0.025 + 50_001 * 0.05 / 1e6)


def test_an_estimate_is_one_line_and_takes_the_dearest_model() -> None:
    assert prices.estimate_cost(["claude-opus-5-5", "claude-haiku-4-5"], 35_000, 20) == (
        "about 20 calls of 10,000 tokens in and 6,000 out each: about 3.20 USD "
        "(claude-opus-5-5, claude-haiku-4-5; prices of 2026-10-24)"
    )
    assert "about 0.160 USD each" in prices.estimate_cost(["claude-opus-5-5"], 35_000, 0)
    assert (
        "the price of qwen3:8b is unknown, so that only tokens are counted"
        in prices.estimate_cost(["qwen3:8b"], 35_000, 20)
    )
