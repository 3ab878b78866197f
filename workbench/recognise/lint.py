"""Weaknesses: what makes the score of an experiment worth less than it looks, in one sentence each with what to do."""

import math
import statistics
from collections.abc import Iterator, Sequence

from workbench.experiment import Experiment
from workbench.recognise.script_scan import Look

Z = 1.645 + 0.842  # one-sided 5 % false alarms, 80 % of true gains seen
MAX_COPIED = 64 << 20


def found(look: Look, experiment: Experiment, scores: Sequence[float]) -> Iterator[str]:
    """The sentences, the gravest first.

    Args:
        scores: of the baseline, run again and again; none where it was not run.
    """
    objective = experiment.objective
    if experiment.self_reported:
        file, place = look.prints.get(objective.name, ("", ""))
        own = (
            f"{place}, which may be changed, prints it"
            if file in experiment.editable
            else "the program prints it"
        )
        yield f"the score is self-reported: {own}, and a candidate may print another; a function that returns it is safer: --score NAME"
    if look.seeds:
        yield f"chance is fixed by the program ({_few(look.seeds)}): a keep may be luck of that seed; score a function that takes seed"
    if look.clocks:
        yield f"it goes by the clock ({_few(look.clocks)}): a busy machine changes the score; count steps instead"
    if look.downloads:
        yield f"it fetches data ({_few(look.downloads)}): a sandbox has no network, and what is there may change; put a copy beside it"
    if look.outside:
        read = (
            "a candidate may read them, and"
            if experiment.read_only
            else "no sandbox shows them, and"
        )
        yield f"it reads files elsewhere ({_few(look.outside)}): {read} a study has no copy of them; put them beside the script"
    size = _size(experiment)
    if size > MAX_COPIED:
        yield f"{size >> 20} MB lie in {experiment.folder}: each study and each trial takes a copy; leave in it what the program needs"
    yield from _noise(experiment, scores)


def _size(experiment: Experiment) -> int:
    """Bytes of what a study copies."""
    files = (
        file for file in experiment.folder.rglob("*") if not file.is_symlink() and file.is_file()
    )
    return sum(
        file.stat().st_size
        for file in files
        if not any(part[0] == "." for part in file.relative_to(experiment.folder).parts)
    )


def spread(scores: Sequence[float]) -> float | None:
    """Standard deviation of the baseline's scores; None for fewer than two."""
    return statistics.stdev(scores) if len(scores) > 1 else None


def trials_needed(deviation: float, effect: float) -> int:
    """How many trials each of two programs needs so that a difference of `effect` is seen four times in five, at 5 % false alarms.

    Source: the normal approximation, n = 2 (z sd / effect)^2 (for one: Cohen 1988, "Statistical power analysis", section 2.4).
    """
    return max(1, math.ceil(2 * (Z * deviation / effect) ** 2))


def _noise(experiment: Experiment, scores: Sequence[float]) -> Iterator[str]:
    objective, deviation = experiment.objective, spread(scores)
    if not deviation:
        return
    effect = 0.01 * abs(statistics.fmean(scores))
    if objective.min_effect < deviation and effect:
        needed = trials_needed(deviation, effect)
        more = (
            f", more than max_trials = {objective.max_trials}"
            if needed > objective.max_trials
            else ""
        )
        yield (
            f"the spread of {deviation:.3g} (from {len(scores)} runs, so roughly) is above min_effect = {objective.min_effect:g}: "
            f"a gain of 1 % ({effect:.3g}) needs about {needed} trials of each program{more}"
        )


def _few(places: Sequence[str]) -> str:
    return ", ".join(places[:3]) + (f" and {len(places) - 3} more" if len(places) > 3 else "")
