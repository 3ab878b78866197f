"""What a sandbox may read, as an allow-list: the system, a Python without its site-packages, and the declared distributions.

Hidden data may be made from the sources of installed packages, so whatever is not declared is not readable. Computed once per
executor and handed to the trial processes; the levels put it into force, each in its way.
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

SITE_NAMES = ("site-packages", "dist-packages")
SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin")
ETC = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime")
_QUERY = """
import json, site, sys, sysconfig
paths = [p for p in [*sys.path, *site.getsitepackages()] if p]
found = [sys._base_executable or sys.executable, sys.base_prefix, *map(sysconfig.get_path, ['stdlib', 'include'])]
print(json.dumps([*found, paths]))
"""


@dataclass(frozen=True)
class View:
    """Paths that every sandbox of an experiment may read.

    Attributes:
        python: the base interpreter, links resolved. same: it is the one that runs this, so that its bytecode can be handed over.
        python_lib: the folder with its standard library and shared libraries; empty when it lies below /usr.
        masked: site-packages folders inside the allowed folders, which are to appear empty.
        packages: site-packages folder to the names in it that are allowed; `["*"]` for all.
        read_only: further folders; Python's headers are one, with which torch.compile and Triton build what they run.
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
    def decode(cls, text: str) -> "View":
        values: dict[str, Any] = {
            name: tuple(v) if isinstance(v, list) else v for name, v in json.loads(text).items()
        }
        values["packages"] = {folder: tuple(names) for folder, names in values["packages"].items()}
        return cls(**values)

    @functools.cached_property
    def search_path(self) -> tuple[str, ...]:
        return tuple(self.packages)

    @functools.cached_property
    def allowed_packages(self) -> tuple[str, ...]:
        """Every allowed entry of the site-packages folders, as full paths."""
        return tuple(
            folder if name == "*" else os.path.join(folder, name)
            for folder, names in self.packages.items()
            for name in names
        )

    @functools.cached_property
    def needs_search(self) -> bool:
        """True where another user could not reach the interpreter or a package, as below root's home."""
        return not all(
            is_reachable(path)
            for path in (self.python, self.stdlib, *self.search_path, *self.read_only)
        )


def make(packages: Iterable[str], interpreter: str = "", read_only: Iterable[str] = ()) -> View:
    """The view for an experiment that declares these distributions.

    Args:
        packages: names of distributions; what they require comes along. `*` allows all.
        interpreter: another Python than the running one, whose packages are then meant.
        read_only: further paths, `~` allowed.
    """
    (python, prefix, stdlib, headers), paths = _interpreter(interpreter)
    sites = [
        path
        for path in dict.fromkeys(map(os.path.realpath, paths))
        if os.path.basename(path) in SITE_NAMES and os.path.isdir(path)
    ]
    below_usr = _is_below(stdlib, "/usr") and _is_below(python, "/usr")
    library = (
        ""
        if below_usr
        else os.path.join(prefix, "lib")
        if _is_below(stdlib, os.path.join(prefix, "lib"))
        else stdlib
    )
    names = set(packages)
    allowed: dict[str, tuple[str, ...]] = {}
    if "*" in names:
        allowed = dict.fromkeys(sites, ("*",))
    elif names:
        entries = _entries(names, sites)
        order = [
            *sites,
            *sorted(entries.keys() - set(sites)),
        ]  # where an editable installation lies comes last, as in sys.path
        allowed = {
            folder: tuple(sorted(entries[folder])) for folder in order if entries.get(folder)
        }
    roots = [*SYSTEM, *([library] if library else [])]
    masked = [folder for root in roots if not os.path.islink(root) for folder in site_folders(root)]
    further = [
        *map(os.path.expanduser, read_only),
        *([] if _is_below(headers, "/usr") or not os.path.isdir(headers) else [headers]),
    ]
    whole = {folder for folder, listed in allowed.items() if listed == ("*",)}
    return View(
        python, not interpreter, library, stdlib,
        tuple(folder for folder in dict.fromkeys(masked) if folder not in whole), allowed, tuple(map(os.path.realpath, further)),
    )  # fmt: skip


def _interpreter(other: str) -> tuple[list[str], list[str]]:
    """The base interpreter, its prefix, standard library and headers, links resolved; and where it looks for packages."""
    if not other:
        base = getattr(sys, "_base_executable", "") or sys.executable
        found = [base, sys.base_prefix, *map(sysconfig.get_path, ("stdlib", "include"))]
        return [*map(os.path.realpath, found)], [*sys.path, *site.getsitepackages()]
    done = subprocess.run(
        [other, "-c", _QUERY], capture_output=True, text=True, timeout=60, cwd="/"
    )
    if done.returncode:
        raise OSError(f"{other} does not run: {done.stderr.strip().splitlines()[-1:]}")
    *found, paths = json.loads(done.stdout)
    return [*map(os.path.realpath, found)], paths


@functools.cache
def site_folders(root: str) -> tuple[str, ...]:
    """Every site-packages or dist-packages folder below a folder; links are not followed."""
    found: list[str] = []
    waiting = [root]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        (found if entry.name in SITE_NAMES else waiting).append(entry.path)
        except OSError:
            continue  # a folder that we may not read is not readable inside either
    return tuple(sorted(found))


def _entries(names: set[str], sites: list[str]) -> dict[str, set[str]]:
    """Top-level entries of distributions and of what they require, by site-packages folder."""
    known: dict[str, Any] = {}
    for distribution in importlib.metadata.Distribution.discover(path=sites):
        known.setdefault(_normal(distribution.metadata["Name"] or ""), distribution)
    found: dict[str, set[str]] = {}
    waiting, seen = [_normal(_bare(name)) for name in names], set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in known:
            continue  # an optional requirement that is not installed
        seen.add(name)
        distribution = known[name]
        waiting += [
            _normal(_bare(line))
            for line in distribution.requires or ()
            if not re.search(r";.*\bextra\b", line)
        ]
        folder = os.path.realpath(str(distribution.locate_file("")))
        found.setdefault(folder, set()).update(_top_level(distribution))
        for place, tops in _editable(distribution, folder).items():
            found.setdefault(place, set()).update(tops)
    return found


def _editable(distribution: importlib.metadata.Distribution, folder: str) -> dict[str, set[str]]:
    """Where the sources of an editable installation lie, as its `.pth` file says, and the entries there that belong to it."""
    names = {point.module.partition(".")[0] for point in distribution.entry_points}
    names |= {
        *(distribution.read_text("top_level.txt") or "").split(),
        _normal(distribution.metadata["Name"] or "").replace("-", "_"),
    }
    found: dict[str, set[str]] = {}
    for file in distribution.files or ():
        if len(file.parts) == 1 and file.suffix == ".pth":
            text = Path(folder, file.name).read_text(encoding="utf-8", errors="replace")
            for place in (
                os.path.realpath(line)
                for line in text.splitlines()
                if os.path.isabs(line) and os.path.isdir(line)
            ):
                found[place] = {
                    top
                    for name in names
                    for top in (name, f"{name}.py")
                    if os.path.exists(os.path.join(place, top))
                }
    return found


def _top_level(distribution: importlib.metadata.Distribution) -> set[str]:
    files = distribution.files or []
    tops = {
        file.parts[0]
        for file in files
        if file.parts and file.parts[0] not in ("..", "/", "__pycache__")
    }
    if not tops:
        tops = set((distribution.read_text("top_level.txt") or "").split())
        tops |= {f"{name}.py" for name in tops}
    return {top for top in tops if not top.endswith(".pth")}


def _bare(requirement: str) -> str:
    match = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", requirement)
    return match[1] if match else ""


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def is_reachable(path: str) -> bool:
    """True when any user of the machine may read this path."""
    try:
        if not os.stat(path).st_mode & stat.S_IROTH:
            return False
        return all(
            os.stat(parent).st_mode & stat.S_IXOTH for parent in Path(path).resolve().parents
        )
    except OSError:
        return False


def allowed_below(root: str, masked: Iterable[str]) -> list[str]:
    """The largest folders and files that together make up `root` without the masked folders below it."""
    inside = [folder for folder in masked if _is_below(folder, root)]
    if not inside:
        return [root]
    if root in inside:
        return []
    found = []
    for name in sorted(os.listdir(root)):
        child = os.path.join(root, name)
        if not os.path.islink(child):
            found += allowed_below(child, inside)
    return found
