"""Small studies with a real model, where the environment names one: Claude with a key (or the SDK's own configuration), or a local
server in ANTHROPIC_BASE_URL with its model in ANTHROPIC_MODEL. Bounded in tokens and, where the
price is known, in dollars.
"""

import os
from pathlib import Path

import pytest

from tests.propose.studies import SMALL
from tests.studies import ended
from workbench.ledger.journal import Journal
from workbench.propose.model import prices
from workbench.records import Options
from workbench.verbs import create, loop_process

CLAUDE = "claude-haiku-4-5"  # where ANTHROPIC_MODEL names no other one
MAX_USD, MAX_TOKENS = 0.5, 300_000
SECONDS = 1200

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(SECONDS + 60)]


def missing() -> str:
    """Why no model can be asked here; empty where one can."""
    import anthropic

    if os.environ.get("ANTHROPIC_BASE_URL"):
        return (
            ""
            if os.environ.get("ANTHROPIC_MODEL")
            else "ANTHROPIC_BASE_URL is set; name its model in ANTHROPIC_MODEL as well"
        )
    try:
        sdk = anthropic.Anthropic()
    except anthropic.AnthropicError as error:
        return f"the SDK's configuration cannot be used: {error}"
    with sdk:
        has_key = bool(sdk.api_key or sdk.auth_token or sdk.credentials)
    return (
        ""
        if has_key
        else "no model: set ANTHROPIC_API_KEY, or ANTHROPIC_BASE_URL and ANTHROPIC_MODEL of a local server"
    )


@pytest.fixture(autouse=True)
def _model() -> None:
    if reason := missing():
        pytest.skip(reason)


@pytest.mark.parametrize("proposer", ["evolve", "agent"])
def test_three_candidates_are_proposed_within_the_budget_and_every_call_is_on_record(
    tmp_path: Path, proposer: str
) -> None:
    model = os.environ.get("ANTHROPIC_MODEL") or CLAUDE
    max_usd = 0.0 if prices.find_unpriced([model]) else MAX_USD
    options = Options(
        proposer=proposer,
        model=model,
        candidates=3,
        max_usd=max_usd,
        max_tokens=MAX_TOKENS,
        slots=1,
        policy="greedy",
    )
    folder = create.create(
        "binpacking", study="live", root=tmp_path, options=options, settings=SMALL
    )
    loop_process.spawn(folder)
    study = ended(folder, SECONDS)
    with Journal(folder) as journal:
        calls = [
            call
            for number in range(1, len(study.candidates))
            for call in journal.read_transcript(number)
        ]
    kept = [file.read_bytes() for file in folder.path.rglob("*") if file.is_file()]

    told = (
        f"{study.reason}; {study.proposals.n_failed} came to nothing, the last: "
        f"{study.proposals.last_failure}"
    )
    is_out = bool(max_usd and study.costs.usd >= max_usd) or study.costs.tokens >= MAX_TOKENS
    assert study.state == "finished", told
    assert study.proposals.n_made == 3 or is_out, told
    assert study.proposals.n_made >= 1, told
    assert all(
        history.record.hypothesis and history.record.added + history.record.removed
        for history in study.candidates[1:]
    )
    assert not study.open
    assert len(calls) >= study.proposals.n_made
    assert all(call["response"]["model"] and call["usage"]["output"] > 0 for call in calls)
    assert study.costs.tokens >= sum(sum(call["usage"].values()) for call in calls) > 0
    if key := os.environ.get("ANTHROPIC_API_KEY", ""):
        assert not any(key.encode() in data for data in kept), "the key is nowhere in the study"
