"""The temporary folders of slots: whose are removed, and whose are not."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.evaluate.sandbox import bench, view
from workbench.experiment import Limits


def sweep(parent: Path) -> set[str]:
    bench._sweep(parent)
    return {entry.name for entry in parent.iterdir()}


def gone() -> int:
    """The id of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def test_only_folders_whose_owner_is_gone_are_removed(tmp_path: Path) -> None:
    dead, living = gone(), os.getpid()
    for owner in (dead, living):
        for kind in ("left", "held", "new"):
            folder = tmp_path / f"{bench.PREFIX}{owner}-{kind}"
            folder.mkdir()
            (folder / "box").mkdir()
            if kind != "new":
                (folder / bench.IN_USE).touch()
    # By its lock: the owner's id may be another process's by now, or mean nothing here (a container that shares the folder).
    held = [
        (tmp_path / f"{bench.PREFIX}{owner}-held" / bench.IN_USE).open("r+")
        for owner in (dead, living)
    ]
    for file in held:
        fcntl.flock(file, fcntl.LOCK_EX)
    assert sweep(tmp_path) == {
        f"{bench.PREFIX}{dead}-held",
        f"{bench.PREFIX}{living}-held",
        f"{bench.PREFIX}{living}-new",
    }
    for file in held:
        file.close()
    assert sweep(tmp_path) == {f"{bench.PREFIX}{living}-new"}


def test_links_and_what_is_no_folder_are_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.tex").touch()
    shared = tmp_path / "tmp"
    shared.mkdir()
    dead = gone()
    (shared / f"{bench.PREFIX}{dead}-link").symlink_to(precious)
    (shared / f"{bench.PREFIX}{dead}-file").touch()
    trap = shared / f"{bench.PREFIX}{dead}-trap"
    trap.mkdir()
    (trap / "box").symlink_to(precious)
    (trap / bench.IN_USE).symlink_to(precious / "thesis.tex")
    assert sweep(shared) == {f"{bench.PREFIX}{dead}-link", f"{bench.PREFIX}{dead}-file", trap.name}
    (trap / bench.IN_USE).unlink()
    assert trap.name not in sweep(shared)
    assert (precious / "thesis.tex").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make folders of another user")
def test_folders_of_other_users_are_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / f"{bench.PREFIX}{gone()}-theirs"
    folder.mkdir()
    os.chown(folder, 61234, 61234)
    assert sweep(tmp_path) == {folder.name}


def test_a_bench_is_not_swept_while_it_lives_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    mine = bench.Bench(view.make(()), Limits())
    assert sweep(tmp_path) == {mine.folder.name}
    assert mine.folder.stat().st_mode & 0o777 == 0o711
    mine.close()
    assert sweep(tmp_path) == set()


def test_the_name_of_a_control_group_does_not_say_which_sandbox_it_is() -> None:
    """A candidate reads it in /proc/self/cgroup: with a number it would know whether it is measured as the incumbent."""
    names: list[set[str]] = []
    for _ in range(2):
        desk = bench.Bench(view.make(()), Limits())
        try:
            if desk.group() is None or desk.group() is None:
                pytest.skip("no control group can be made here")
            owners, given = zip(
                *(
                    Path(folder).name.removeprefix("workbench-").split("-")
                    for folder in desk.groups
                ),
                strict=True,
            )
        finally:
            desk.close()
        assert set(owners) == {str(os.getpid())}
        names.append(set(given))
    assert len(names[0]) == len(names[1]) == 2
    assert not names[0] & names[1]
