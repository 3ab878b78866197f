"""What makes the score of an experiment worth less than it looks.

One sentence each, with a remedy.
"""

import math
import statistics
from collections.abc import Iterator, Sequence

from workbench.experiment import Experiment
from workbench.ledger.repeats import standard_deviation
from workbench.recognise.script_scan import Scan

Z = 1.645 + 0.842  # one-sided 5 % false alarms, and 80 % of true gains noticed
MAX_COPIED_BYTES = 64 << 20


def warnings(scan: Scan, experiment: Experiment, scores: Sequence[float]) -> Iterator[str]:
    """The warnings, the gravest first.

    Args:
        scores: of repeated runs of the baseline; empty if it was not run.
    """
    if experiment.self_reported:
        yield _warn_of_self_report(scan, experiment)
    if scan.seeds:
        yield (
            f"chance is fixed by the program ({_list(scan.seeds)}): a keep may be luck of that "
            "seed; score a function that takes seed"
        )
    if scan.clocks:
        yield (
            f"it goes by the clock ({_list(scan.clocks)}): a busy machine changes the score; "
            "count steps instead"
        )
    if scan.downloads:
        yield (
            f"it fetches data ({_list(scan.downloads)}): a sandbox has no network, and what is "
            "there may change; put a copy beside it"
        )
    if scan.outside:
        visibility = "no sandbox shows them"
        if experiment.read_only:
            visibility = "a candidate may read them"
        yield (
            f"it reads files elsewhere ({_list(scan.outside)}): {visibility}, and a study has "
            "no copy of them; put them beside the script"
        )
    n_bytes = _bytes_to_copy(experiment)
    if n_bytes > MAX_COPIED_BYTES:
        yield (
            f"{n_bytes >> 20} MB lie in {experiment.folder}: each study and each trial takes a "
            "copy; leave in it what the program needs"
        )
    yield from _warn_of_noise(experiment, scores)


def _warn_of_self_report(scan: Scan, experiment: Experiment) -> str:
    file, place = scan.prints.get(experiment.objective.name, ("", ""))
    source = "the program prints it"
    if file in experiment.editable:
        source = f"{place}, which may be changed, prints it"
    return (
        f"the score is self-reported: {source}, and a candidate may print another; "
        "a function that returns it is safer: --score NAME"
    )


def _bytes_to_copy(experiment: Experiment) -> int:
    """Bytes of what a study copies: plain files without hidden ones."""
    n_bytes = 0
    for file in experiment.folder.rglob("*"):
        parts = file.relative_to(experiment.folder).parts
        is_hidden = any(part.startswith(".") for part in parts)
        if not is_hidden and not file.is_symlink() and file.is_file():
            n_bytes += file.stat().st_size
    return n_bytes


def trials_needed(deviation: float, effect: float) -> int:
    """Trials that each of two programs needs so that a difference of `effect` is usually noticed.

    Usually means four times in five, at 5 % false alarms. Source: the normal approximation,
    n = 2 (z sd / effect)^2 (for one: Cohen 1988, "Statistical power analysis", section 2.4).

    Args:
        deviation: standard deviation of one trial.
        effect: in units of the score.
    """
    return max(1, math.ceil(2 * (Z * deviation / effect) ** 2))


def _warn_of_noise(experiment: Experiment, scores: Sequence[float]) -> Iterator[str]:
    objective = experiment.objective
    deviation = standard_deviation(scores)
    if not deviation or objective.min_effect >= deviation:
        return
    effect = 0.01 * abs(statistics.fmean(scores))
    if not effect:
        return
    n_needed = trials_needed(deviation, effect)
    excess = ""
    if n_needed > objective.max_trials:
        excess = f", more than max_trials = {objective.max_trials}"
    yield (
        f"the spread of {deviation:.3g} (from {len(scores)} runs, so roughly) is above "
        f"min_effect = {objective.min_effect:g}: a gain of 1 % ({effect:.3g}) needs about "
        f"{n_needed} trials of each program{excess}"
    )


def _list(places: Sequence[str]) -> str:
    text = ", ".join(places[:3])
    n_more = len(places) - 3
    return f"{text} and {n_more} more" if n_more > 0 else text
