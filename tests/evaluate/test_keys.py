"""A key that an experiment names reaches its evaluator, and never a candidate."""

import pytest

from tests.evaluate.conftest import Run

SECRET = "sk-a-secret-of-this-test"
EVALUATE = f"""
import os
def evaluate(trial):
    with trial.start("train.py") as process:
        text = process.call("look", os.getpid(), returns=str)
    assert "sk-a-secret" not in text, text
    assert "OTHER_TOKEN" not in os.environ
    return {{"score": float(os.environ.get("ANTHROPIC_API_KEY") == {SECRET!r})}}
"""
LOOK = """
import os
def look(outside):
    texts = [repr(dict(os.environ))]
    for pid in ("self", os.getppid(), outside):
        try:
            texts.append(open(f"/proc/{pid}/environ", errors="replace").read())
        except OSError as error:
            texts.append(type(error).__name__)
    return " ".join(texts)
"""


@pytest.mark.parametrize(("keys", "score"), [((), 0.0), (("ANTHROPIC_API_KEY",), 1.0)])
def test_only_a_key_that_is_named_reaches_the_evaluator_and_none_reaches_the_candidate(
    run: Run, monkeypatch: pytest.MonkeyPatch, keys: tuple[str, ...], score: float
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)
    monkeypatch.setenv("OTHER_TOKEN", SECRET)
    trial = run(LOOK, EVALUATE, keys=keys)
    assert (trial.status, trial.score) == ("ok", score), trial.reason
