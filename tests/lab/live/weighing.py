"""A study, written by hand, of an experiment that weighs its loss against two other metrics."""

from dataclasses import replace
from pathlib import Path

from tests.by_hand import BETTER, TOML, make_study, ok, write_experiment
from workbench.ledger.folder import StudyFolder
from workbench.records import Candidate, Decision, LoopStarted, Record, StateChanged, Trial

SEARCH = '[search]\nmetrics = { loss = "minimize", tokens = "minimize", recall = "maximize" }\n'
HOSTILE = '<img src=x onerror="window.harmed = 1"> shorter prompts'
# Number, verdict, author, loss, tokens, recall. By loss and tokens, 3, 1 and 5 are on the frontier.
TRIED = (
    (0, "keep", "tested", 1.0, 500, 0.5),
    (1, "keep", "tested", 0.8, 400, 0.6),
    (2, "discard", "tested", 1.2, 450, 0.7),
    (3, "discard", "tested", 0.95, 150, 0.4),
    (5, "keep", "tested", 0.7, 600, 0.65),
    (6, "discard", "person:ada", 0.1, 10, 0.9),
)
EARLY = "loss at step 50: 3, more than 0.2 worse than candidate 1's 1.1"


def propose(number: int, parent: int = 0) -> Candidate:
    hypothesis = HOSTILE if number == 3 else f"idea {number}"
    return Candidate(
        candidate=number,
        parent=parent,
        program=BETTER.digest,
        author="tuner",
        hypothesis=hypothesis,
        added=number,
    )


def records() -> list[Record]:
    listed: list[Record] = [LoopStarted(pid=1, host="here", version="0", sandbox="bwrap")]
    for number, verdict, by, loss, tokens, recall in TRIED:
        if number == 5:
            ended = Trial(
                candidate=4, trial=0, seed=100, status="killed", reason=EARLY, ended_by="early-stop"
            )
            listed += [
                propose(4),
                ended,
                Decision(candidate=4, verdict="discard", by="early-stop", why=EARLY),
            ]
        trial = replace(
            ok(number, 0, loss), metrics={"loss": loss, "tokens": float(tokens), "recall": recall}
        )
        decision = Decision(candidate=number, verdict=verdict, by=by, why="because")  # type: ignore[arg-type]
        listed += [*([propose(number)] if number else []), trial, decision]
    return [*listed, StateChanged(state="paused", reason="paused by a person")]


def weighing_study(root: Path, name: str = "toy-1") -> StudyFolder:
    """Candidate 4 was ended early, 6 was vetoed; the incumbent is 5."""
    (write_experiment(root / "toy") / "experiment.toml").write_text(TOML + SEARCH)
    return make_study(root, name, records())
