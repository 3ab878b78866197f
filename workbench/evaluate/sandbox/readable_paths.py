"""What a sandbox may read: the system, Python without its site-packages, and declared packages.

This is an allow-list. Hidden data may be made from the sources of installed packages, so a package
that is not declared is not readable. The list is made once per executor and handed to the trial
processes; `bubblewrap` and `landlock` put it into force.
"""

import functools
import importlib.metadata
import json
import os
import re
import site
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench.experiment import Experiment

SITE_NAMES = ("site-packages", "dist-packages")
SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin")
ETC = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime")
ALL = ("*",)
QUERY_SECONDS = 60
_QUERY = """
import json, site, sys, sysconfig
base = sys._base_executable or sys.executable
folders = [sys.base_prefix, *map(sysconfig.get_path, ['stdlib', 'include'])]
search_path = [path for path in [*sys.path, *site.getsitepackages()] if path]
print(json.dumps([base, *folders, search_path]))
"""


@dataclass(frozen=True)
class ReadablePaths:
    """Paths that every sandbox of an experiment may read.

    Attributes:
        python: the base interpreter, links resolved.
        same: whether it is the interpreter that runs this, so that it can run our bytecode.
        python_lib: folder of its standard library and shared libraries; empty when below /usr.
        stdlib: folder of its standard library.
        masked: site-packages folders inside the allowed folders, which have to appear empty.
        packages: site-packages folder to the names in it that are allowed; `("*",)` for all.
        read_only: further files and folders, among them Python's headers, which torch.compile and
            Triton need to build what they run.
    """

    python: str
    same: bool
    python_lib: str
    stdlib: str
    masked: tuple[str, ...]
    packages: Mapping[str, tuple[str, ...]]
    read_only: tuple[str, ...] = ()

    def encode(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, text: str) -> "ReadablePaths":
        values: dict[str, Any] = json.loads(text)
        for name in ("masked", "read_only"):
            values[name] = tuple(values[name])
        values["packages"] = {folder: tuple(names) for folder, names in values["packages"].items()}
        return cls(**values)

    @functools.cached_property
    def search_path(self) -> tuple[str, ...]:
        return tuple(self.packages)

    @functools.cached_property
    def allowed_packages(self) -> tuple[str, ...]:
        """Every allowed entry of the site-packages folders, as full paths."""
        paths = []
        for folder, names in self.packages.items():
            paths += [folder if name == "*" else os.path.join(folder, name) for name in names]
        return tuple(paths)

    @functools.cached_property
    def needs_search(self) -> bool:
        """True where another user could not reach the interpreter or a package.

        That is so below root's home, for one.
        """
        paths = (self.python, self.stdlib, *self.search_path, *self.read_only)
        return not all(is_reachable(path) for path in paths)


def find_readable_paths(
    packages: Iterable[str], interpreter: str = "", read_only: Iterable[str] = ()
) -> ReadablePaths:
    """Returns what the sandboxes of an experiment may read that declares these distributions.

    Args:
        packages: names of distributions; what they require is included. `*` allows all.
        interpreter: another Python than the running one, whose packages are then meant.
        read_only: further paths, `~` allowed.

    Raises:
        OSError: the interpreter does not run.
    """
    (python, prefix, stdlib, headers), search_path = _query_interpreter(interpreter)
    sites = [
        path
        for path in dict.fromkeys(map(os.path.realpath, search_path))
        if os.path.basename(path) in SITE_NAMES and os.path.isdir(path)
    ]
    library = _find_library(python, prefix, stdlib)
    allowed = _find_allowed(set(packages), sites)
    further = [os.path.realpath(os.path.expanduser(path)) for path in read_only]
    if os.path.isdir(headers) and not _is_below(headers, "/usr"):
        further.append(os.path.realpath(headers))
    return ReadablePaths(
        python=python,
        same=not interpreter,
        python_lib=library,
        stdlib=stdlib,
        masked=_find_masked(library, allowed),
        packages=allowed,
        read_only=tuple(further),
    )


def find_experiment_paths(experiment: Experiment) -> ReadablePaths:
    """Returns what the sandboxes of an experiment may read."""
    interpreter = ""
    if experiment.command:
        program = experiment.command[0]
        # A command that names a Python by its path brings the packages of that Python.
        if os.path.isabs(program) and os.path.basename(program).startswith("python"):
            interpreter = program
    return find_readable_paths(experiment.packages, interpreter, experiment.read_only)


def _query_interpreter(other: str) -> tuple[list[str], list[str]]:
    """Returns the paths of an interpreter, links resolved, and where it looks for packages.

    The first list has the base interpreter, its prefix, its standard library and its headers.
    """
    if not other:
        base = getattr(sys, "_base_executable", "") or sys.executable
        places = [base, sys.base_prefix, *map(sysconfig.get_path, ("stdlib", "include"))]
        return [*map(os.path.realpath, places)], [*sys.path, *site.getsitepackages()]
    done = subprocess.run(
        [other, "-c", _QUERY], capture_output=True, text=True, timeout=QUERY_SECONDS, cwd="/"
    )
    if done.returncode:
        raise OSError(f"{other} does not run: {done.stderr.strip().splitlines()[-1:]}")
    *places, search_path = json.loads(done.stdout)
    return [*map(os.path.realpath, places)], search_path


def _find_library(python: str, prefix: str, stdlib: str) -> str:
    """Returns the folder that a sandbox needs beside /usr to run this Python; empty for none."""
    if _is_below(stdlib, "/usr") and _is_below(python, "/usr"):
        return ""
    shared_libraries = os.path.join(prefix, "lib")
    return shared_libraries if _is_below(stdlib, shared_libraries) else stdlib


def _find_allowed(names: set[str], sites: list[str]) -> dict[str, tuple[str, ...]]:
    """Returns the allowed entries of each folder, in the order in which Python searches them."""
    if "*" in names:
        return dict.fromkeys(sites, ALL)
    if not names:
        return {}
    entries = _find_entries(names, sites)
    # The sources of editable installations come last, as in sys.path.
    order = [*sites, *sorted(entries.keys() - set(sites))]
    return {folder: tuple(sorted(entries[folder])) for folder in order if entries.get(folder)}


def _find_masked(library: str, allowed: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Returns the site-packages folders in readable folders that are not allowed completely."""
    roots = [root for root in SYSTEM if not os.path.islink(root)]
    if library and not os.path.islink(library):
        roots.append(library)
    masked = [folder for root in roots for folder in find_site_folders(root)]
    return tuple(folder for folder in dict.fromkeys(masked) if allowed.get(folder) != ALL)


@functools.cache
def find_site_folders(root: str) -> tuple[str, ...]:
    """Returns every site-packages or dist-packages folder below a folder; follows no links."""
    sites: list[str] = []
    waiting = [root]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        target = sites if entry.name in SITE_NAMES else waiting
                        target.append(entry.path)
        except OSError:
            continue  # a folder that we may not read is not readable inside either
    return tuple(sorted(sites))


def _find_entries(names: set[str], sites: list[str]) -> dict[str, set[str]]:
    """Returns the entries of distributions and of what they require, by site-packages folder."""
    installed: dict[str, Any] = {}
    for distribution in importlib.metadata.Distribution.discover(path=sites):
        installed.setdefault(_normalize(distribution.metadata["Name"] or ""), distribution)
    entries: dict[str, set[str]] = {}
    waiting = [_normalize(_strip_requirement(name)) for name in names]
    visited = set()
    while waiting:
        name = waiting.pop()
        if name in visited or name not in installed:
            continue  # an optional requirement that is not installed
        visited.add(name)
        distribution = installed[name]
        waiting += _list_requirements(distribution)
        folder = os.path.realpath(str(distribution.locate_file("")))
        entries.setdefault(folder, set()).update(_list_top_level(distribution))
        for source, tops in _find_editable(distribution, folder).items():
            entries.setdefault(source, set()).update(tops)
    return entries


def _list_requirements(distribution: importlib.metadata.Distribution) -> list[str]:
    """Returns the names that a distribution requires without any of its extras."""
    lines = distribution.requires or ()
    required = [line for line in lines if not re.search(r";.*\bextra\b", line)]
    return [_normalize(_strip_requirement(line)) for line in required]


def _find_editable(
    distribution: importlib.metadata.Distribution, folder: str
) -> dict[str, set[str]]:
    """Returns the source folders of an editable installation, with the entries that belong to it.

    The folders are read from its `.pth` files.
    """
    names = {point.module.partition(".")[0] for point in distribution.entry_points}
    names |= set((distribution.read_text("top_level.txt") or "").split())
    names.add(_normalize(distribution.metadata["Name"] or "").replace("-", "_"))
    possible = [top for name in names for top in (name, f"{name}.py")]
    entries: dict[str, set[str]] = {}
    for file in distribution.files or ():
        if len(file.parts) == 1 and file.suffix == ".pth":
            text = Path(folder, file.name).read_text(encoding="utf-8", errors="replace")
            for line in text.splitlines():
                # A line may also be an import statement.
                if os.path.isabs(line) and os.path.isdir(line):
                    source = os.path.realpath(line)
                    entries[source] = {
                        top for top in possible if os.path.exists(os.path.join(source, top))
                    }
    return entries


def _list_top_level(distribution: importlib.metadata.Distribution) -> set[str]:
    """Returns the entries of a site-packages folder that a distribution installed."""
    ignored = ("..", "/", "__pycache__")
    paths = [file.parts for file in distribution.files or []]
    tops = {parts[0] for parts in paths if parts and parts[0] not in ignored}
    if not tops:
        tops = set((distribution.read_text("top_level.txt") or "").split())
        tops |= {f"{name}.py" for name in tops}
    return {top for top in tops if not top.endswith(".pth")}


def _strip_requirement(requirement: str) -> str:
    """Returns the name in a requirement such as `numpy>=1.26; python_version > "3.10"`."""
    match = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", requirement)
    return match[1] if match else ""


def _normalize(name: str) -> str:
    """Returns a distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def is_reachable(path: str) -> bool:
    """Returns whether every user of the machine may read this path."""
    try:
        if not os.stat(path).st_mode & stat.S_IROTH:
            return False
        parents = Path(path).resolve().parents
        return all(os.stat(parent).st_mode & stat.S_IXOTH for parent in parents)
    except OSError:
        return False


def split_around_masked(root: str, masked: Iterable[str]) -> list[str]:
    """Returns the largest folders and files that make up `root` without the masked folders."""
    inside = [folder for folder in masked if _is_below(folder, root)]
    if not inside:
        return [root]
    if root in inside:
        return []
    parts = []
    for name in sorted(os.listdir(root)):
        child = os.path.join(root, name)
        # A link's target is allowed by its own path, or not at all.
        if not os.path.islink(child):
            parts += split_around_masked(child, inside)
    return parts
