"""What an ended trial counts as: who caused its end, and whether it can be compared.

Pure functions, applied before a trial is recorded.
"""

from dataclasses import replace

from workbench.ledger.study import Study
from workbench.records import Trial


def attribute_end(
    trial: Trial, study: Study, early_stop_reason: str, is_interrupted: bool
) -> Trial:
    """The trial with the cause of its end, whatever the executor saw of it.

    The executor knows that a trial was killed; the loop knows on whose word.

    Args:
        early_stop_reason: why this loop ended it early; empty if it did not.
        is_interrupted: True if a signal asked the loop to end.
    """
    was_first_to_kill = trial.status == "killed" and trial.reason == early_stop_reason
    if early_stop_reason and was_first_to_kill:
        trial = replace(trial, fault="", ended_by="early-stop")
    if trial.ended_by or trial.status not in ("killed", "lost"):
        return trial
    if study.state == "stopped" and not trial.purpose:
        return replace(trial, status="lost", fault="person", reason="the study was stopped")
    if is_interrupted:
        reason = "the loop was asked to end"
        return replace(trial, status="lost", fault="loop", reason=reason, cut_off=True)
    if trial.status == "killed" and not trial.fault:
        return replace(trial, fault="person")
    return trial


def require_comparable(trial: Trial, study: Study) -> Trial:
    """The trial; or a lost one, if its score cannot be compared with the others of the study.

    Scores are comparable only on the data that the baseline was scored on, and with as many units
    as earlier trials under the same seed had. Anything else is the evaluator's fault.
    """
    if trial.status != "ok":
        return trial
    expected_data = _baseline_data(study)
    if expected_data is not None and trial.data != expected_data:
        return _lost(
            trial,
            f"the data are not those that the baseline was scored on "
            f"({trial.data[:12] or 'none'} != {expected_data[:12] or 'none'})",
        )
    n_units = len(trial.units)
    n_expected = study.noise.n_units_by_seed.get(trial.seed, n_units)
    if n_units != n_expected:
        return _lost(
            trial,
            f"trial.units were {n_units} under seed {trial.seed}, "
            f"where an earlier trial had {n_expected}",
        )
    return trial


def _baseline_data(study: Study) -> str | None:
    """Digest of the data that the baseline was scored on; None before it has an ok trial."""
    for trial in study.candidates[0].trials:
        if trial.status == "ok":
            return trial.data
    return None


def _lost(trial: Trial, reason: str) -> Trial:
    return replace(
        trial, status="lost", score=None, metrics={}, units=(), fault="evaluator", reason=reason
    )
