"""Checks the options of a study before it exists."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench import experiment as experiments
from workbench.errors import UsageError
from workbench.ledger import folder as folders
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.options import SANDBOXES, duration
from workbench.records import Options

_CHANGEABLE = {
    "candidates": int,
    "seconds": float,
    "max_usd": float,
    "max_tokens": int,
    "max_waiting": int,
    "review": str,
}
_WORDS = ("candidates", "time", "max_usd", "max_tokens", "max_waiting", "review")
MAX_ROUND = MAX_AHEAD = 8


def checked(options: Options, root: Path) -> Options:
    """The options, with names that exist and numbers that can be; a folder in `patches:DIR` becomes absolute.

    Raises:
        UsageError: one line that says what was given and what there is.
    """
    from workbench import registry  # reads entry points, which most verbs need not pay for
    from workbench.propose.wording import WORDINGS

    proposer, prompt = registry.meant(options.proposer)
    options = replace(options, proposer=proposer, prompt=prompt or options.prompt)
    for role in ("proposer", "policy", "executor"):
        registry.check({"policy": "policies"}.get(role, role + "s"), getattr(options, role))
    registry.check("strategies", options.strategy)
    if options.review not in ("off", "keeps", "all"):
        raise UsageError(f"review = {options.review!r}; choose one of off, keeps, all")
    if options.sandbox not in SANDBOXES:
        raise UsageError(
            f"no sandbox level {options.sandbox!r}; choose one of {', '.join(SANDBOXES)}"
        )
    for name in ("candidates", "seconds", "max_usd", "max_tokens", "slots"):
        if not 0 <= getattr(options, name) < float("inf"):
            raise UsageError(
                f"{name} = {getattr(options, name)}; it is a number of at least 0 (0 means {_zero(name)})"
            )
    if not 1 <= options.round <= MAX_ROUND:
        raise UsageError(f"round = {options.round}; it is a number from 1 to {MAX_ROUND}")
    if options.ahead is not None and not 0 <= options.ahead <= MAX_AHEAD:
        raise UsageError(f"ahead = {options.ahead}; it is a number from 0 to {MAX_AHEAD}")
    name, colon, argument = options.proposer.partition(":")
    if name in WORDINGS:
        _check_model(options, name, argument)
    if name == "tuner":
        from workbench.propose import settings

        settings.read(argument)
    if name == "replay":
        if not argument:
            raise UsageError("--proposer replay:STUDY needs the name or folder of a recorded study")
        return replace(options, proposer=f"replay:{folders.find(argument, root).path}")
    if name != "patches":
        return options
    patches = (root / Path(argument).expanduser()).resolve() if colon and argument else None
    if patches is None or not patches.is_dir():
        raise UsageError(
            f"--proposer patches:DIR needs an existing folder of patches, not {argument!r}"
        )
    return replace(options, proposer=f"patches:{patches}")


def _check_model(options: Options, name: str, argument: str) -> None:
    """Raises UsageError where a study that asks a model cannot, or could not be held to its budget."""
    from workbench.propose import evolve
    from workbench.propose.agent import agent
    from workbench.propose.model import client, ensemble, prices
    from workbench.propose.wording import WORDINGS

    if name == "agent":
        agent.level(argument)
    else:
        evolve.words(argument)
    WORDINGS[name].of(options.prompt)
    client.check(options.base_url, options.effort)
    names = ensemble.models(options.model)
    if options.max_usd and (strangers := prices.unpriced(names)):
        raise UsageError(
            f"--max-usd cannot hold where the price of {', '.join(strangers)} is unknown; give --max-tokens instead"
        )


def estimate(folder: StudyFolder) -> str:
    """About what the proposals of a new study will cost, in one line; empty where they ask no model."""
    with Journal(folder) as journal:
        study = Study().fold(journal.entries())
        program = journal.program(study.candidates[0].record.program)
    name = study.options.proposer.partition(":")[0]
    if name == "agent":
        from workbench.propose.wording import AgentWording

        turns = AgentWording.of(study.options.prompt).turns
        return f"agent makes as many calls per candidate as it needs, up to {turns}; --max-usd or --max-tokens bounds what they cost"
    if name != "evolve":
        return ""
    from workbench.propose import prompt
    from workbench.propose.model import ensemble, prices
    from workbench.propose.wording import EvolveWording

    size = prompt.size(
        experiments.read(folder.experiment), program, EvolveWording.of(study.options.prompt)
    )
    return prices.estimate(ensemble.models(study.options.model), size, study.options.candidates)


def changed(key: str, value: Any) -> tuple[str, Any]:
    """The option that `set KEY=VALUE` changes, and its value.

    Raises:
        UsageError: no such option, or a value of another type or size.
    """
    name = key.strip().replace("-", "_")
    if name == "time":
        return "seconds", duration(value)
    if name not in _CHANGEABLE:
        raise UsageError(
            f"cannot change {key!r} of a study; what can be changed: {', '.join(_WORDS)}"
        )
    try:
        changed = _CHANGEABLE[name](value)
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"{key}={value}: it must be a number") from None
    if name != "review" and not 0 <= changed < math.inf:
        raise UsageError(f"{key}={value}: it must be a number of at least 0 (0 means no limit)")
    return name, changed


def _zero(name: str) -> str:
    return "as many as fit" if name == "slots" else "no limit"
