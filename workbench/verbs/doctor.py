"""Doctor: what works on this machine, and what to do about the rest.

It only looks: it changes nothing, and shows no key.
"""

import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from importlib import metadata
from pathlib import Path
from typing import Any

import workbench
from workbench import machine
from workbench.errors import WorkbenchError
from workbench.ledger.filesystem import find_type
from workbench.ledger.folder import STUDIES

MIN_PYTHON = (3, 11)
PROBE_TOKENS = 64  # of the word that a model is asked for
# On these, SQLite's write-ahead log needs shared memory that they do not offer.
NETWORK_FILESYSTEMS = (
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "9p",
    "fuse.sshfs",
    "lustre",
    "beegfs",
    "ceph",
)
PACKAGES = (
    "ipython",
    "ipykernel",
    "jupyterlab",
    "papermill",
    "plotly",
    "pandas",
    "optuna",
    "libcst",
)
_SANDBOX_REMEDIES = {
    "bwrap": "apt install bubblewrap; where user namespaces are off: "
    "sysctl kernel.unprivileged_userns_clone=1 "
    "(Ubuntu: kernel.apparmor_restrict_unprivileged_userns=0)",
    "landlock": "needs Linux 5.13 with landlock in /sys/kernel/security/lsm",
}
_HEADINGS = ("", "what", "found", "what to do")


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what it is.
        works: whether it works; None for a plain fact.
        found: what was found, in a few words.
        remedy: what to do where it does not work.
        needed: whether no study can run without it.
    """

    name: str
    works: bool | None
    found: str
    remedy: str = ""
    needed: bool = False

    @property
    def mark(self) -> str:
        """How the table marks it; what is needed and missing stands out."""
        if self.works is None:
            return ""
        if self.works:
            return "ok"
        if self.needed:
            return "NO"
        return "no"

    @property
    def advice(self) -> str:
        """What to do about it; empty where it works."""
        return self.remedy if self.works is False else ""


class Report:
    """All checks, as a table."""

    def __init__(self, checks: Sequence[Check]) -> None:
        self.checks = tuple(checks)

    @property
    def healthy(self) -> bool:
        """Whether studies with the `tuner` can run here."""
        return all(check.works is not False for check in self.checks if check.needed)

    @property
    def data(self) -> dict[str, Any]:
        """`healthy`, and `checks` with the fields of `Check`."""
        return {"healthy": self.healthy, "checks": [asdict(check) for check in self.checks]}

    def __repr__(self) -> str:
        width = max(len(check.name) for check in self.checks)
        lines = []
        for check in self.checks:
            lines.append(f"{check.mark:4} {check.name:{width}}  {check.found}")
            if check.advice:
                lines.append(f"     {'':{width}}  -> {check.advice}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "".join(f'<th style="text-align:left">{heading}</th>' for heading in _HEADINGS)
        rows = "".join(_format_row(check) for check in self.checks)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _format_row(check: Check) -> str:
    texts = (check.mark, check.name, check.found, check.advice)
    cells = "".join(f'<td style="text-align:left">{escape(text)}</td>' for text in texts)
    return f"<tr>{cells}</tr>"


def examine(root: Path, model: str = "", base_url: str = "") -> Report:
    """Looks at this machine, this environment, and the folder in which studies would lie.

    Args:
        root: the folder that holds `studies/`.
        model: a model to ask for a word, which costs a few tokens; empty asks none.
        base_url: address of the model's server; empty for the usual one.
    """
    checks = [
        *_check_system(),
        *_check_sandboxes(),
        *_check_kernel(),
        *_check_gpu(),
        *_check_claude(),
    ]
    if model:
        checks.append(_check_model(model, base_url))
    checks.append(_check_studies_folder(root))
    checks += [Check(name, None, _find_version(name) or "not installed") for name in PACKAGES]
    return Report(checks)


def _check_system() -> list[Check]:
    python = Check(
        "python",
        sys.version_info >= MIN_PYTHON,
        f"{platform.python_version()} ({platform.python_implementation()})",
        "needs Python 3.11 or later",
        needed=True,
    )
    system = Check(
        "platform",
        platform.system() == "Linux",
        platform.platform(),
        "candidates are isolated on Linux only",
    )
    processors = Check("processors", None, str(len(os.sched_getaffinity(0))))
    return [Check("workbench", None, workbench.__version__), python, system, processors]


def _check_sandboxes() -> list[Check]:
    """One check per level, and one on whether any of them will do."""
    from workbench.evaluate.sandbox import probe

    checks = []
    for level, problem in probe.probe_levels().items():
        if level == "off":
            continue
        works = "works"
        if level == "landlock":
            works = "works, without process pools and DataLoader's workers"
        remedy = _SANDBOX_REMEDIES.get(level, "")
        checks.append(Check(f"sandbox {level}", problem is None, problem or works, remedy))
    try:
        detail = f"auto chooses {probe.choose_level('auto')}"
        checks.append(Check("sandbox", True, detail, needed=True))
    except WorkbenchError as error:
        remedy = "one of the levels above; or --sandbox off, without isolation"
        checks.append(Check("sandbox", False, str(error), remedy, needed=True))
    return checks


def _check_kernel() -> list[Check]:
    """What the kernel offers for isolation and limits; a cgroup is made and removed to find out."""
    from workbench.evaluate.sandbox import cgroup, levels

    abi = levels.find_landlock_abi()
    landlock = Check(
        "landlock",
        abi > 0,
        f"ABI {abi}" if abi > 0 else "not in this kernel",
        _SANDBOX_REMEDIES["landlock"],
    )
    actions = Path("/proc/sys/kernel/seccomp/actions_avail")
    has_filters = actions.exists() and "errno" in actions.read_text(encoding="ascii").split()
    seccomp = Check(
        "seccomp",
        has_filters,
        "filters work" if has_filters else "no filters",
        "needs CONFIG_SECCOMP_FILTER",
    )
    detail = "none can be made here"
    # Whether one can be made depends on who runs this and in which container: trying is knowing.
    group = cgroup.make_group(f"workbench-doctor-{os.getpid()}", 1 << 30, 64)
    if group is not None:
        group.close()
        detail = f"v{group.version}, made and removed one"
    limits = Check(
        "cgroup",
        group is not None,
        detail,
        "a watchdog then limits memory, which also works; "
        "`wait` of dash and node's children hang in a trial",
    )
    return [landlock, seccomp, limits]


def _check_gpu() -> list[Check]:
    gpus = machine.list_gpus()
    detail = ", ".join(gpus) if gpus else "none seen; trials run on the processor"
    # A machine without a GPU is not broken, so that is a plain fact.
    gpu = Check("gpu", True if gpus else None, detail)
    version = _find_version("torch")
    if gpus and "+cpu" in version:
        remedy = "pip install torch (a build with CUDA)"
        torch = Check("torch", False, f"{version}, which cannot use the GPU", remedy)
    else:
        torch = Check("torch", bool(version), version or "not installed", "pip install torch")
    return [gpu, torch]


def _check_claude() -> list[Check]:
    from workbench.propose.model.client import INSTALL

    sdk = _find_version("anthropic")
    detail = sdk or "not installed; the tuner needs none"
    checks = [Check("anthropic", bool(sdk), detail, INSTALL)]
    names = [name for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN") if os.environ.get(name)]
    key = Check(
        "key for Claude",
        bool(names),
        f"{names[0]} is set" if names else "none set; the tuner needs none",
        "export ANTHROPIC_API_KEY=... before starting Jupyter, for proposers that ask Claude",
    )
    checks.append(key)
    address = os.environ.get("ANTHROPIC_BASE_URL", "")
    if address:
        checks.append(Check("ANTHROPIC_BASE_URL", None, _hide_secrets(address)))
    return checks


def _hide_secrets(address: str) -> str:
    """An address without what may stand before `@` or behind `?` in it."""
    scheme, separator, rest = address.partition("://")
    host = rest if separator else address
    host = host.rpartition("@")[2].partition("?")[0]
    return f"{scheme}{separator}{host}" if separator else host


def _check_model(model: str, base_url: str) -> Check:
    """Asks a model for a word. An answer that was cut off is one, too."""
    from workbench.propose.model.call import ModelRequest, text_block
    from workbench.propose.model.client import Client, check_options
    from workbench.propose.proposer import Receipt

    receipt = Receipt()
    began = time.monotonic()
    request = ModelRequest(
        model=model,
        system="Be brief.",
        messages=[{"role": "user", "content": [text_block("Say ok.")]}],
        max_tokens=PROBE_TOKENS,
    )
    try:
        check_options(base_url, effort="")
        client = Client(base_url)
        client.ask(request, receipt)
    except WorkbenchError as error:
        if not _was_cut_off(receipt.calls):
            return Check(f"model {model}", False, str(error))
    seconds = time.monotonic() - began
    detail = f"answered from {client.address} in {seconds:.1f} s, {receipt.tokens} tokens"
    return Check(f"model {model}", True, detail)


def _was_cut_off(calls: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the model answered, at greater length than the tokens it was given."""
    if not calls:
        return False
    response = calls[0]["response"] or {}
    return bool(response.get("stop") == "max_tokens")


def _check_studies_folder(root: Path) -> Check:
    """Whether studies can be written, and on a file system on which they are safe."""
    folder = root / STUDIES if (root / STUDIES).is_dir() else root
    remedy = "change to a folder on a local disk that you may write to"
    filesystem = find_type(folder) or "unknown"
    free_gb = shutil.disk_usage(folder).free / 1e9
    detail = f"{folder} ({filesystem}, {free_gb:.0f} GB free)"
    try:
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        detail = f"{folder}: {error.strerror}"
        return Check("studies folder", False, detail, remedy, needed=True)
    if filesystem in NETWORK_FILESYSTEMS:
        detail += ": a network file system, on which studies are not safe"
        return Check("studies folder", False, detail, remedy, needed=True)
    return Check("studies folder", True, detail, needed=True)


def _find_version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
