"""A key that an experiment names reaches its evaluator, and never a candidate."""

from collections.abc import Callable

import pytest

from workbench.records import Trial

SECRET = "sk-a-secret-of-this-test"
EVALUATE = """
import os
def evaluate(trial):
    with trial.start("train.py") as process:
        found = process.call("look", os.getpid(), returns=str)
    assert "sk-a-secret" not in found, found
    return {"score": float(os.environ.get("ANTHROPIC_API_KEY") == "sk-a-secret-of-this-test" and "OTHER_TOKEN" not in os.environ)}
"""
LOOK = """
import os
def look(outside):
    found = [repr(dict(os.environ))]
    for pid in ("self", os.getppid(), outside):
        try:
            found.append(open(f"/proc/{pid}/environ", errors="replace").read())
        except OSError as error:
            found.append(type(error).__name__)
    return " ".join(found)
"""


@pytest.mark.parametrize(("keys", "score"), [((), 0.0), (("ANTHROPIC_API_KEY",), 1.0)])
def test_only_a_key_that_is_named_reaches_the_evaluator_and_none_the_candidate(
    run: Callable[..., Trial], monkeypatch: pytest.MonkeyPatch, keys: tuple[str, ...], score: float
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)
    monkeypatch.setenv("OTHER_TOKEN", SECRET)
    trial = run(LOOK, EVALUATE, keys=keys)
    assert (trial.status, trial.score) == ("ok", score), trial.reason
