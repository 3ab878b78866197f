"""The folders of studies: made whole, and by one only."""

import threading
from pathlib import Path

import pytest

from workbench.errors import StudyError
from workbench.ledger import folder as folders
from workbench.ledger.folder import StudyFolder


def test_of_two_starts_under_one_name_the_slower_hears_that_the_study_exists(
    tmp_path: Path,
) -> None:
    both = threading.Barrier(2, timeout=30)
    messages = list[str]()
    studies = list[StudyFolder]()

    def fill(draft: StudyFolder) -> None:
        (draft.path / "mark").touch()
        both.wait()

    def create() -> None:
        try:
            studies.append(folders.create(tmp_path, "same", fill))
        except StudyError as error:
            messages.append(str(error))

    threads = [threading.Thread(target=create) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (study,) = studies
    assert messages == [
        f"study 'same' already exists ({study.path}); resume it, or choose another --study NAME"
    ]
    assert [path.name for path in study.path.parent.iterdir()] == ["same"], "no draft is left"


def test_another_fault_of_the_disk_is_reported_as_it_is(tmp_path: Path) -> None:
    def fill(draft: StudyFolder) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(StudyError, match=r"cannot make .*same: No space left on device"):
        folders.create(tmp_path, "same", fill)
