"""Removes one protection at a time and sees that a test fails.

`python -m tests.drills.protections [--only NAME] [--list] [--jobs N]`

The protections are listed in `protections.toml`. Each one is removed in a copy of the package, its
experiments and its tests. The tests that should notice run there, and so do the loops, trial
processes and sandboxes that they start. Before that, all of these tests have to pass in a copy from
which nothing was removed.

Exit code: 0 when each removal was noticed, 1 when one was not, 2 when that cannot be told.
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
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workbench.evaluate.sandbox import cgroup

ROOT = Path(__file__).parents[2]
COPIED = ("workbench", "experiments", "tests", "pyproject.toml", "README.md")
TEST_SECONDS = 120
ALL_SECONDS = 1800
TESTS_FAILED = 1  # pytest's exit status; from 2 on it could not run them


class Stale(Exception):
    """The list no longer fits the code, or a test fails although nothing was removed."""


@dataclass(frozen=True, kw_only=True)
class Protection:
    """One protection and how to remove it.

    Attributes:
        name: unique.
        against: what it prevents.
        file: path of the file that has it.
        old: the text in the file that protects.
        new: the text that replaces it, so that the protection is gone.
        tests: node ids below `tests/`; one of them has to notice.
        doubled_by: names of protections that prevent the same; they are removed together with it.
        needs: `root`, `user` (not root) or `cgroup`; empty for nothing.
    """

    name: str
    against: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    doubled_by: tuple[str, ...] = ()
    needs: str = ""

    def remove_from(self, text: str) -> str:
        """Returns a file's text without the protection.

        Raises:
            Stale: the text does not have the protection exactly once.
        """
        count = text.count(self.old)
        if count != 1:
            raise Stale(
                f"{self.name}: {self.file} has its text {count} times and not once; "
                "update tests/drills/protections.toml"
            )
        return text.replace(self.old, self.new)


def read() -> dict[str, Protection]:
    """Returns the protections of the list by name, in its order."""
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    protections = [_from_table(table) for table in tomllib.loads(text)["protection"]]
    return {protection.name: protection for protection in protections}


def _from_table(table: Mapping[str, str | list[str]]) -> Protection:
    values = {}
    for key, value in table.items():
        values[key] = tuple(value) if isinstance(value, list) else value
    return Protection(**values)  # type: ignore[arg-type]


def is_in_force(protection: Protection) -> bool:
    """Returns whether this machine has what the protection needs."""
    if protection.needs == "root":
        return os.geteuid() == 0
    if protection.needs == "user":
        return os.geteuid() != 0
    if protection.needs == "cgroup":
        return _can_make_groups()
    return True


def _can_make_groups() -> bool:
    group = cgroup.make_group(f"workbench-{os.getpid()}-drill", 1 << 30, 100)
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
def copy_without(protections: Sequence[Protection], source: Path) -> Iterator[Path]:
    """Makes a folder with the code without these protections.

    At the end every process that was started from it is dead.
    """
    with tempfile.TemporaryDirectory(prefix="protections-", ignore_cleanup_errors=True) as name:
        root = Path(name)
        root.chmod(0o755)  # candidates are other users
        (root / "tmp").mkdir(mode=0o755)
        copy(source, root)
        for protection in protections:
            file = root / protection.file
            text = protection.remove_from(file.read_text(encoding="utf-8"))
            file.write_text(text, encoding="utf-8")
        try:
            yield root
        finally:
            _kill_processes_of(root)


def _kill_processes_of(root: Path) -> None:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                about = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                if str(root).encode() in about:
                    os.kill(int(entry.name), signal.SIGKILL)
            except OSError:
                continue  # it has ended


def run(root: Path, tests: Sequence[str], *options: str) -> tuple[int, str]:
    """Runs tests in a copy; returns pytest's exit status and the first test that failed."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "TMPDIR": str(root / "tmp"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    _check_imports(root, environment)
    pytest = [sys.executable, "-m", "pytest", "-q", "--tb=line", "-p", "no:cacheprovider"]
    paths = [f"tests/{test}" for test in tests]
    done = subprocess.run(
        [*pytest, f"--timeout={TEST_SECONDS}", *options, *paths],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=ALL_SECONDS,
    )
    failed = ""
    for line in done.stdout.splitlines():
        if not failed and line.startswith(("FAILED ", "ERROR ")):
            failed = line.partition(" ")[2].partition(" - ")[0]
    names_a_failure = failed != ""
    if done.returncode > TESTS_FAILED or (done.returncode == TESTS_FAILED) != names_a_failure:
        output = (done.stdout + done.stderr)[-600:]
        raise Stale(f"pytest could not run {', '.join(tests)}: {output}")
    return done.returncode, failed.removeprefix("tests/")


def _check_imports(root: Path, environment: Mapping[str, str]) -> None:
    """Raises Stale when the copy's own code is not what would run in it."""
    code = "import tests, workbench; print(workbench.__file__, tests.__file__)"
    files = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    if not all(Path(file).is_relative_to(root) for file in files):
        raise Stale(f"the copy in {root} is not what runs: {files}")


def check_that_all_pass(protections: Sequence[Protection], source: Path) -> None:
    """Raises Stale when one of the tests fails although nothing was removed."""
    tests = dict.fromkeys(test for protection in protections for test in protection.tests)
    with copy_without((), source) as root:
        status, failed = run(root, list(tests))
    if status:
        raise Stale(f"{failed} fails although nothing was removed")


def drill(
    protection: Protection, protections: Mapping[str, Protection], source: Path
) -> tuple[str, float]:
    """Removes one protection.

    Returns:
        The test that noticed, empty for none, and the seconds that it took.
    """
    began = time.monotonic()
    removed = [protection, *(protections[name] for name in protection.doubled_by)]
    with copy_without(removed, source) as root:
        _, failed = run(root, protection.tests, "-x")
    return failed, time.monotonic() - began


def drill_all(chosen: Sequence[Protection], n_jobs: int) -> int:
    """Removes protections, prints what noticed, and returns how many removals went unnoticed."""
    protections = read()
    n_unnoticed = 0
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(n_jobs) as pool:
        source = Path(name)
        copy(ROOT, source)  # once, so that whoever edits the code meanwhile disturbs nothing
        check_that_all_pass(chosen, source)
        print("protection | test that failed | seconds", flush=True)
        results = pool.map(lambda protection: drill(protection, protections, source), chosen)
        for protection, (failed, seconds) in zip(chosen, results, strict=True):
            label = protection.name
            if protection.doubled_by:
                label += f" (doubled by {', '.join(protection.doubled_by)})"
            print(f"{label} | {failed or 'NONE'} | {seconds:.1f}", flush=True)
            n_unnoticed += not failed
    return n_unnoticed


def main() -> int:
    protections = read()
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--only",
        metavar="NAME",
        action="append",
        choices=protections,
        help="this protection; may be repeated",
    )
    parser.add_argument(
        "--list", action="store_true", help="print what each protects against, and run nothing"
    )
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    arguments = parser.parse_args()
    chosen = [protections[name] for name in arguments.only or protections]
    if arguments.list:
        for protection in chosen:
            print(f"{protection.name} | {protection.against} | {protection.file}")
        return 0
    in_force = [protection for protection in chosen if is_in_force(protection)]
    try:
        n_unnoticed = drill_all(in_force, arguments.jobs)
    except Stale as error:
        print(error, file=sys.stderr)
        return 2
    for protection in chosen:
        if protection not in in_force:
            print(f"{protection.name} | not in force on this machine: needs {protection.needs} | -")
    print(f"{len(in_force) - n_unnoticed} of {len(in_force)} removals were noticed")
    return 1 if n_unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
