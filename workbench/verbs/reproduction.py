"""Runs an exported step again, and records the verdict in its study."""

from collections.abc import Callable
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.ledger.folder import StudyFolder
from workbench.records import Reproduction
from workbench.requests import RecordReproduction


def reproduce_and_record(
    folder: StudyFolder,
    candidate: int,
    ask: Callable[[RecordReproduction], None],
    *,
    seed: int | None,
    trials: int | None,
    sigmas: float | None,
    keep: Path | None,
) -> Reproduction:
    """Runs a step and asks the loop to record the verdict; see `StudyHandle.reproduce`.

    Args:
        ask: hands the request to the loop.

    Raises:
        WorkbenchError: it could not be run; or not recorded, then the message has the verdict too.
    """
    from workbench.steps.reproduce import reproduce  # 0.1 s to import; few verbs need it

    record = reproduce(folder, candidate, seed=seed, trials=trials, sigmas=sigmas, keep=keep)
    values = dict(vars(record))
    del values["request"]  # the loop fills it in
    try:
        ask(RecordReproduction(**values))
    except WorkbenchError as error:
        verdict = "reproduced" if record.reproduced else "did not reproduce"
        raise WorkbenchError(
            f"candidate {candidate} {verdict} ({record.why}), which is not recorded: {error}"
        ) from None
    return record
