"""Studies on network file systems, which a list of mounts that the test writes pretends."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.loop.toy import Toy
from workbench.errors import StudyError, WorkbenchError
from workbench.ledger import filesystem
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal, Pen
from workbench.ledger.lease import Lease
from workbench.ledger.study import Study
from workbench.records import Candidate
from workbench.testing import PROGRAM


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    return Toy(tmp_path, monkeypatch)


def play(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *mounts: tuple[Path | str, str]) -> None:
    lines = ["27 1 254:0 / / rw,relatime - ext4 /dev/vda rw"]
    for number, (path, kind) in enumerate(mounts, 40):
        written = str(path).replace(" ", "\\040")
        lines.append(f"{number} 27 0:{number} / {written} rw shared:1 - {kind} server:/x rw")
    (tmp_path / "mountinfo").write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(filesystem, "MOUNTS", tmp_path / "mountinfo")


def mode(folder: StudyFolder) -> str:
    with closing(sqlite3.connect(folder.database)) as sql:
        return str(sql.execute("PRAGMA journal_mode").fetchone()[0])


def test_the_mount_that_a_path_lies_on_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(
        monkeypatch,
        tmp_path,
        ("/home", "nfs4"),
        ("/home/me/local disk", "xfs"),
        ("/mnt", "autofs"),
        ("/mnt", "fuse.sshfs"),
        ("/homer", "ext4"),
    )
    types = {
        path: filesystem.find_network_type(Path(path))
        for path in ("/home/me/x", "/home/me/local disk/x", "/mnt/x", "/homer/x", "/x", "/home")
    }
    assert types == {
        "/home/me/x": "nfs4",
        "/home/me/local disk/x": "",
        "/mnt/x": "fuse.sshfs",
        "/homer/x": "",
        "/x": "",
        "/home": "nfs4",
    }


@pytest.mark.parametrize(
    "kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "lustre", "fuse.sshfs", "beegfs", "gpfs", "ceph"]
)
def test_network_file_systems_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    play(monkeypatch, tmp_path, (tmp_path, kind))
    assert filesystem.find_network_type(tmp_path / "study") == kind


def test_the_kernel_is_asked_and_without_proc_a_file_system_counts_as_local(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert filesystem.find_type(Path("/proc")) == "proc"
    monkeypatch.setattr(filesystem, "MOUNTS", tmp_path / "none")
    assert filesystem.find_network_type(tmp_path) == ""


def test_a_study_on_a_network_file_system_runs_without_shared_memory(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(monkeypatch, tmp_path, (tmp_path, "nfs4"))
    folder = toy.create(candidates=3)
    study = toy.run()
    assert (study.state, study.kept) == ("finished", [0, 1, 2, 3])
    assert mode(folder) == "delete"
    assert sorted(file.name for file in folder.path.glob("study.db*")) == ["study.db"]


def test_on_a_local_disk_there_is_a_write_ahead_log(toy: Toy) -> None:
    assert mode(toy.create()) == "wal"


def test_a_study_copied_to_a_network_file_system_changes_over_with_all_it_holds(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = toy.create()
    with Lease(folder) as lease, Pen(folder, lease) as pen:
        pen.append(Candidate(candidate=1, parent=0, program=PROGRAM.digest, author="null"))
        copy = StudyFolder(
            shutil.copytree(folder.path, tmp_path / "home" / "copy")
        )  # the last record is still in the write-ahead log
    assert copy.database.with_name("study.db-wal").stat().st_size
    play(monkeypatch, tmp_path, (tmp_path / "home", "nfs"))
    with Journal(copy) as reader:
        assert len(Study().fold(reader.read_entries()).candidates) == 2
        reader.file_request("guide", {"text": "x"})
    assert mode(copy) == "delete"
    assert not copy.database.with_name("study.db-wal").exists()


def test_a_study_that_cannot_change_over_is_read_from_a_copy_and_takes_no_requests(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.ledger.database.BUSY_SECONDS", 0.1)
    folder = toy.create()
    play(monkeypatch, tmp_path)
    with (
        Lease(folder) as lease,
        Pen(folder, lease) as pen,
    ):  # a loop works on it by way of another mount
        pen.append(Candidate(candidate=1, parent=0, program=PROGRAM.digest, author="null"))
        play(monkeypatch, tmp_path, (tmp_path, "cifs"))
        with Journal(folder) as reader:
            assert len(Study().fold(reader.read_entries()).candidates) == 2
            with pytest.raises(WorkbenchError, match=r"cannot write study\.db"):
                reader.file_request("guide", {"text": "x"})


def test_a_folder_that_takes_no_lock_file_says_what_to_do(toy: Toy) -> None:
    folder = toy.create()
    folder.lock.unlink(missing_ok=True)
    folder.lock.mkdir()
    with (
        pytest.raises(
            StudyError, match=r"no loop can run in .*; make it writable, or copy the study"
        ),
        Lease(folder),
    ):
        pass
