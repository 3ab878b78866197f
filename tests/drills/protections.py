"""Takes away one protection at a time and sees that a test fails: `python -m tests.drills.protections [--only NAME] [--list] [--jobs N]`.

The protections are listed in `protections.toml`. Each is removed in a copy of the package, its experiments and its tests; the tests
that should notice run there, and so do the loops, trial processes and sandboxes that they start. First all of these tests have to
pass in a copy that nothing was taken from. Exit code: 0 when each removal was noticed, 1 when one was not, 2 when that cannot be told.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workbench.evaluate.sandbox import cgroup

ROOT = Path(__file__).parents[2]
COPIED = ("workbench", "experiments", "tests", "pyproject.toml", "README.md")
TEST_SECONDS, ALL_SECONDS = 120, 1800
TESTS_FAILED = 1  # pytest's exit status; 2 and above: it could not run them


class Stale(Exception):
    """The list no longer fits the code, or a test fails although nothing was removed."""


@dataclass(frozen=True, kw_only=True)
class Protection:
    """One protection and how to remove it.

    Attributes:
        against: what it protects against. old, new: the text in `file` that is it, and what stands there when it is removed.
        tests: node ids below `tests/`; one of them has to notice. needs: `root`, `user` (not root) or `cgroup`; empty for nothing.
        doubled_by: names of protections that hold as well where this one is gone; they are removed together with it.
    """

    name: str
    against: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    doubled_by: tuple[str, ...] = ()
    needs: str = ""

    def removed_from(self, text: str) -> str:
        """Raises Stale unless the old text is there exactly once."""
        if (count := text.count(self.old)) != 1:
            raise Stale(
                f"{self.name}: {self.file} has its text {count} times and not once; mend tests/drills/protections.toml"
            )
        return text.replace(self.old, self.new)


def read() -> dict[str, Protection]:
    """The listed protections by name, in their order."""
    tables = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))[
        "protection"
    ]
    listed = [
        Protection(
            **{
                key: tuple(value) if isinstance(value, list) else value
                for key, value in table.items()
            }
        )
        for table in tables
    ]
    return {protection.name: protection for protection in listed}


def missing_here(protection: Protection) -> bool:
    """Whether this machine lacks what the protection needs to be in force."""
    return {
        "": False,
        "root": os.geteuid() != 0,
        "user": os.geteuid() == 0,
        "cgroup": not _groups_can_be_made(),
    }[protection.needs]


def _groups_can_be_made() -> bool:
    group = cgroup.make(f"workbench-{os.getpid()}-drill", 1 << 30, 100)
    if group is not None:
        group.close()
    return group is not None


def copy(source: Path, target: Path) -> None:
    for part in COPIED:
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part)
        else:
            shutil.copy2(source / part, target / part)


@contextmanager
def copy_without(removed: Sequence[Protection], source: Path) -> Iterator[Path]:
    """A folder with the code, less these protections; at the end every process that was started from it is dead."""
    with tempfile.TemporaryDirectory(prefix="protections-", ignore_cleanup_errors=True) as name:
        root = Path(name)
        root.chmod(0o755)  # candidates are other users
        (root / "tmp").mkdir(mode=0o755)
        copy(source, root)
        for protection in removed:
            file = root / protection.file
            file.write_text(
                protection.removed_from(file.read_text(encoding="utf-8")), encoding="utf-8"
            )
        try:
            yield root
        finally:
            _end_all_of(root)


def _end_all_of(root: Path) -> None:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                about = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                if str(root).encode() in about:
                    os.kill(int(entry.name), signal.SIGKILL)
            except OSError:
                continue  # it has ended


def run(root: Path, tests: Sequence[str], *options: str) -> tuple[int, str]:
    """pytest's exit status in a copy, and the first test that failed."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "TMPDIR": str(root / "tmp"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    where = subprocess.run(
        [sys.executable, "-c", "import tests, workbench; print(workbench.__file__, tests.__file__)"],
        cwd=root, env=environment, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    if not all(Path(file).is_relative_to(root) for file in where):
        raise Stale(f"the copy in {root} is not what runs: {where}")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--tb=line",
        "-p",
        "no:cacheprovider",
        f"--timeout={TEST_SECONDS}",
        *options,
    ]
    done = subprocess.run(
        [*command, *(f"tests/{test}" for test in tests)],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=ALL_SECONDS,
    )
    lines = [
        line.partition(" ")[2]
        for line in done.stdout.splitlines()
        if line.startswith(("FAILED ", "ERROR "))
    ]
    failed = lines[0].partition(" - ")[0] if lines else ""
    if done.returncode > TESTS_FAILED or (done.returncode == TESTS_FAILED) != bool(failed):
        raise Stale(
            f"pytest could not run {', '.join(tests)}: {(done.stdout + done.stderr)[-600:]}"
        )
    return done.returncode, failed.removeprefix("tests/")


def check_that_all_pass(protections: Sequence[Protection], source: Path) -> None:
    """Raises Stale when one of the tests fails although nothing was removed."""
    with copy_without((), source) as root:
        status, failed = run(
            root,
            list(dict.fromkeys(test for protection in protections for test in protection.tests)),
        )
    if status:
        raise Stale(f"{failed} fails although nothing was removed")


def drill(protection: Protection, known: dict[str, Protection], source: Path) -> tuple[str, float]:
    """The test that noticed the removal, empty for none; and the seconds it took."""
    began = time.monotonic()
    with copy_without(
        [protection, *(known[name] for name in protection.doubled_by)], source
    ) as root:
        _, failed = run(root, protection.tests, "-x")
    return failed, time.monotonic() - began


def main() -> int:
    known = read()
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--only",
        metavar="NAME",
        action="append",
        choices=known,
        help="this protection; may be repeated",
    )
    parser.add_argument(
        "--list", action="store_true", help="say what each protects against, and run nothing"
    )
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    given = parser.parse_args()
    chosen = [known[name] for name in given.only or known]
    if given.list:
        print(
            "\n".join(
                f"{protection.name} | {protection.against} | {protection.file}"
                for protection in chosen
            )
        )
        return 0
    here = [protection for protection in chosen if not missing_here(protection)]
    unnoticed = 0
    try:
        with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(given.jobs) as pool:
            source = Path(name)
            copy(ROOT, source)  # once: whoever edits the code meanwhile disturbs nothing
            check_that_all_pass(here, source)
            print("protection | test that failed | seconds", flush=True)
            for protection, (failed, seconds) in zip(
                here, pool.map(lambda one: drill(one, known, source), here), strict=True
            ):
                doubled = (
                    f" (doubled by {', '.join(protection.doubled_by)})"
                    if protection.doubled_by
                    else ""
                )
                print(
                    f"{protection.name}{doubled} | {failed or 'NONE'} | {seconds:.1f}", flush=True
                )
                unnoticed += not failed
    except Stale as error:
        print(error, file=sys.stderr)
        return 2
    for protection in chosen:
        if protection not in here:
            print(f"{protection.name} | not in force on this machine: needs {protection.needs} | -")
    print(f"{len(here) - unnoticed} of {len(here)} removals were noticed")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
