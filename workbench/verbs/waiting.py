"""Waits for a study to end. Reads only."""

import time
from collections.abc import Callable

from workbench.ledger.folder import StudyFolder
from workbench.ledger.study import Study
from workbench.show import views

POLL_SECONDS = 0.2


def wait_until_ended(
    folder: StudyFolder,
    read_study: Callable[[], Study],
    timeout: float | None = None,
    follow: Callable[[Study], None] | None = None,
) -> views.State:
    """Blocks until the study no longer runs, or `timeout` seconds are over; returns its state.

    Args:
        folder: the study.
        read_study: gives the study as the journal says now.
        timeout: seconds; None waits for as long as it takes.
        follow: called with the study at the beginning and whenever the journal has something new.
    """
    began = time.monotonic()
    last_id = -1
    while True:
        # Before the journal is read for `follow`, so that it is shown what ended the study.
        state = views.state(read_study(), folder)
        if state == "dead":
            # The loop may have written its last record and ended just after the journal was read.
            state = views.state(read_study(), folder)
        study = read_study()
        if follow is not None and study.last_id != last_id:
            last_id = study.last_id
            follow(study)
        is_over = timeout is not None and time.monotonic() > began + timeout
        if state != "running" or is_over:
            return state
        time.sleep(POLL_SECONDS)
