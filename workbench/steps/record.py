"""What an exported notebook holds of a step: digests of its files, and rows of its trials.

Used by the export, which runs nothing, and by the step, which does.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from workbench.records import Trial

Files = Mapping[str, str | bytes]
_TRIAL_FIELDS = (
    "seed",
    "status",
    "score",
    "exact",
    "self_reported",
    "reason",
    "seconds",
    "sandbox",
    "device",
    "data",
    "evaluator",
)
_ALWAYS = ("seed", "status")


def digests(
    program: Mapping[str, str], parent: Mapping[str, str], experiment: Files
) -> dict[str, str]:
    """SHA-256 of every embedded file.

    By place: `program/train.py`, `parent/train.py`, `experiment/evaluate.py`.
    """
    places: list[tuple[str, Files]] = [
        ("program", program),
        ("parent", parent),
        ("experiment", experiment),
    ]
    sha256 = {}
    for place, files in places:
        for path, content in files.items():
            data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
            sha256[f"{place}/{path}"] = hashlib.sha256(data).hexdigest()
    return sha256


def rows(trials: Iterable[Trial]) -> list[dict[str, Any]]:
    """Trials as a notebook holds them: what a verdict and a reader need, without empty fields."""
    return [row(trial) for trial in trials]


def row(trial: Trial) -> dict[str, Any]:
    """One trial as a notebook holds it."""
    values = {name: getattr(trial, name) for name in _TRIAL_FIELDS}
    return {
        name: value for name, value in values.items() if name in _ALWAYS or not _is_empty(value)
    }


def _is_empty(value: object) -> bool:
    """Whether a field says nothing; a score of 0.0 does say something."""
    return value is None or value is False or value == ""
