from pathlib import Path

import pytest

from tests.by_hand import RECORDS, make_study
from workbench.ledger.folder import StudyFolder


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    """A study that runs, as far as its journal says."""
    return make_study(tmp_path, records=RECORDS)
