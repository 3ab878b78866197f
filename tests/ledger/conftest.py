from pathlib import Path

import pytest

from tests.ledger.some_records import keep, ok_trial
from workbench.records import Record
from workbench.testing import experiment_for_tests, opening


@pytest.fixture
def opening_records(tmp_path: Path) -> list[Record]:
    """The records of a study whose baseline is kept, with a score of 5."""
    return [*opening(experiment_for_tests(tmp_path)), ok_trial(0, 5.0), keep(0)]
