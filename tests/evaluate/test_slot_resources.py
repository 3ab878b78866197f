"""The temporary folders of slots: which are removed, and which are left alone."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.evaluate.sandbox import readable_paths, slot_resources
from workbench.experiment import Limits


def sweep(parent: Path) -> set[str]:
    """Removes abandoned folders; returns the names that are left."""
    slot_resources._remove_abandoned_folders(parent)
    return {entry.name for entry in parent.iterdir()}


def find_dead_pid() -> int:
    """Returns the id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_only_folders_whose_owner_is_gone_are_removed(tmp_path: Path) -> None:
    dead = find_dead_pid()
    living = os.getpid()
    for owner in (dead, living):
        for kind in ("left", "held", "new"):
            folder = tmp_path / f"{slot_resources.PREFIX}{owner}-{kind}"
            folder.mkdir()
            (folder / "box").mkdir()
            if kind != "new":
                (folder / slot_resources.IN_USE).touch()
    # The lock decides. The owner's id may belong to another process by now, or mean nothing in a
    # container that shares the folder.
    locked = [
        (tmp_path / f"{slot_resources.PREFIX}{owner}-held" / slot_resources.IN_USE).open("r+")
        for owner in (dead, living)
    ]
    for file in locked:
        fcntl.flock(file, fcntl.LOCK_EX)
    assert sweep(tmp_path) == {
        f"{slot_resources.PREFIX}{dead}-held",
        f"{slot_resources.PREFIX}{living}-held",
        f"{slot_resources.PREFIX}{living}-new",
    }
    for file in locked:
        file.close()
    assert sweep(tmp_path) == {f"{slot_resources.PREFIX}{living}-new"}


def test_links_and_files_are_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.tex").touch()
    shared = tmp_path / "tmp"
    shared.mkdir()
    dead = find_dead_pid()
    (shared / f"{slot_resources.PREFIX}{dead}-link").symlink_to(precious)
    (shared / f"{slot_resources.PREFIX}{dead}-file").touch()
    trap = shared / f"{slot_resources.PREFIX}{dead}-trap"
    trap.mkdir()
    (trap / "box").symlink_to(precious)
    (trap / slot_resources.IN_USE).symlink_to(precious / "thesis.tex")
    assert sweep(shared) == {
        f"{slot_resources.PREFIX}{dead}-link",
        f"{slot_resources.PREFIX}{dead}-file",
        trap.name,
    }
    (trap / slot_resources.IN_USE).unlink()
    assert trap.name not in sweep(shared)
    assert (precious / "thesis.tex").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make folders of another user")
def test_folders_of_other_users_are_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / f"{slot_resources.PREFIX}{find_dead_pid()}-theirs"
    folder.mkdir()
    os.chown(folder, 61234, 61234)
    assert sweep(tmp_path) == {folder.name}


def test_a_slots_folder_stays_while_it_is_in_use_and_then_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    resources = slot_resources.SlotResources(readable_paths.find_readable_paths(()), Limits())
    assert sweep(tmp_path) == {resources.folder.name}
    assert resources.folder.stat().st_mode & 0o777 == 0o711
    resources.close()
    assert sweep(tmp_path) == set()


def test_the_name_of_a_control_group_does_not_say_which_sandbox_it_is() -> None:
    """A candidate can read it in /proc/self/cgroup.

    A number would tell the candidate whether it is measured as the incumbent.
    """
    names = []
    for _ in range(2):
        resources = slot_resources.SlotResources(readable_paths.find_readable_paths(()), Limits())
        try:
            if resources.take_group() is None or resources.take_group() is None:
                pytest.skip("no control group can be made on this machine")
            folders = [Path(folder).name for folder in resources.group_folders]
        finally:
            resources.close()
        parts = [name.removeprefix("workbench-").split("-") for name in folders]
        assert {owner for owner, _ in parts} == {str(os.getpid())}
        names.append({name for _, name in parts})
    assert len(names[0]) == len(names[1]) == 2
    assert not names[0] & names[1]
