"""Doctor: what works on this machine, and what to do about what does not. Looks only; changes nothing, shows no key."""

import os
import platform
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from html import escape
from importlib import metadata
from pathlib import Path
from typing import Any

import workbench
from workbench import machine
from workbench.errors import WorkbenchError
from workbench.ledger.folder import STUDIES
from workbench.propose.model.client import INSTALL

_WORD_TOKENS = 64
_NO_WAL = ("nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "lustre", "beegfs", "ceph")
_PACKAGES = (
    "ipython",
    "ipykernel",
    "jupyterlab",
    "papermill",
    "plotly",
    "pandas",
    "optuna",
    "libcst",
)
_SANDBOX_REMEDY = {
    "bwrap": "apt install bubblewrap; where user namespaces are off: sysctl kernel.unprivileged_userns_clone=1 "
    "(Ubuntu: kernel.apparmor_restrict_unprivileged_userns=0)",
    "landlock": "needs Linux 5.13 with landlock in /sys/kernel/security/lsm",
}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        works: None where it is only a fact. needed: studies cannot run without it. remedy: what to do where it does not work.
    """

    name: str
    works: bool | None
    found: str
    remedy: str = ""
    needed: bool = False


class Report:
    """What was found, as a table; `healthy` when studies with the `tuner` can run here."""

    def __init__(self, checks: list[Check]) -> None:
        self.checks = checks

    @property
    def healthy(self) -> bool:
        return all(check.works is not False for check in self.checks if check.needed)

    @property
    def data(self) -> dict[str, Any]:
        """`healthy`, and `checks`: `name`, `works`, `found`, `remedy`, `needed`."""
        return {"healthy": self.healthy, "checks": [asdict(check) for check in self.checks]}

    def __repr__(self) -> str:
        width = max(len(check.name) for check in self.checks)
        lines = []
        for check in self.checks:
            lines.append(f"{_mark(check):4} {check.name:{width}}  {check.found}")
            if check.remedy and check.works is False:
                lines.append(f"     {'':{width}}  -> {check.remedy}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = []
        for check in self.checks:
            remedy = check.remedy if check.works is False else ""
            cells = "".join(
                f'<td style="text-align:left">{escape(text)}</td>'
                for text in (_mark(check), check.name, check.found, remedy)
            )
            rows.append(f"<tr>{cells}</tr>")
        head = "".join(
            f'<th style="text-align:left">{title}</th>'
            for title in ("", "what", "found", "what to do")
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _mark(check: Check) -> str:
    return {True: "ok", False: "NO" if check.needed else "no", None: ""}[check.works]


def examine(root: Path, model: str = "", base_url: str = "") -> Report:
    """Looks at this machine, this environment and the folder in which studies would lie; asks a model for a word where one is named."""
    asked = [_answering(model, base_url)] if model else []
    return Report(
        [
            *_system(),
            *_sandboxes(),
            *_kernel(),
            *_gpu(),
            *_claude(),
            *asked,
            _studies(root),
            *_versions(),
        ]
    )


def _system() -> list[Check]:
    found = f"{platform.python_version()} ({platform.python_implementation()})"
    return [
        Check("workbench", None, workbench.__version__),
        Check(
            "python", sys.version_info >= (3, 11), found, "needs Python 3.11 or later", needed=True
        ),
        Check(
            "platform",
            platform.system() == "Linux",
            platform.platform(),
            "candidates are isolated on Linux only",
        ),
        Check("processors", None, str(len(os.sched_getaffinity(0)))),
    ]


def _sandboxes() -> list[Check]:
    from workbench.evaluate.sandbox import levels

    checks = []
    for level, problem in levels.probe().items():
        if level != "off":
            works = (
                "works, without process pools and DataLoader's workers"
                if level == "landlock"
                else "works"
            )
            checks.append(
                Check(
                    f"sandbox {level}",
                    problem is None,
                    problem or works,
                    _SANDBOX_REMEDY.get(level, ""),
                )
            )
    try:
        checks.append(Check("sandbox", True, f"auto chooses {levels.choose('auto')}", needed=True))
    except WorkbenchError as error:
        checks.append(
            Check(
                "sandbox",
                False,
                str(error),
                "one of the levels above; or --sandbox off, without isolation",
                needed=True,
            )
        )
    return checks


def _kernel() -> list[Check]:
    from workbench.evaluate.sandbox import cgroup, confine

    abi = confine.landlock_abi()
    actions = Path("/proc/sys/kernel/seccomp/actions_avail")
    seccomp = actions.read_text(encoding="ascii").split() if actions.exists() else []
    group = cgroup.make(f"workbench-doctor-{os.getpid()}", 1 << 30, 64)
    if group is not None:
        group.close()
    limited = (
        f"v{group.version}, made and removed one" if group is not None else "none can be made here"
    )
    return [
        Check(
            "landlock",
            abi > 0,
            f"ABI {abi}" if abi > 0 else "not in this kernel",
            _SANDBOX_REMEDY["landlock"],
        ),
        Check(
            "seccomp",
            "errno" in seccomp,
            "filters work" if "errno" in seccomp else "no filters",
            "needs CONFIG_SECCOMP_FILTER",
        ),
        Check(
            "cgroup",
            group is not None,
            limited,
            "a watchdog then limits memory, which also works; `wait` of dash and node's children hang in a trial",
        ),
    ]


def _gpu() -> list[Check]:
    gpus, torch = machine.gpus(), _version("torch")
    found = ", ".join(gpus) if gpus else "none seen; trials run on the processor"
    checks = [Check("gpu", True if gpus else None, found)]
    remedy = "pip install torch"
    if gpus and torch and "+cpu" in torch:
        return [
            *checks,
            Check(
                "torch",
                False,
                f"{torch}, which cannot use the GPU",
                "pip install torch (a build with CUDA)",
            ),
        ]
    return [*checks, Check("torch", bool(torch), torch or "not installed", remedy)]


def _claude() -> list[Check]:
    names = [name for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN") if os.environ.get(name)]
    found = f"{names[0]} is set" if names else "none set; the tuner needs none"
    address = os.environ.get("ANTHROPIC_BASE_URL", "")
    sdk = _version("anthropic")
    return [
        Check("anthropic", bool(sdk), sdk or "not installed; the tuner needs none", INSTALL),
        Check(
            "key for Claude",
            bool(names),
            found,
            "export ANTHROPIC_API_KEY=... before starting Jupyter, for proposers that ask Claude",
        ),
        *([Check("ANTHROPIC_BASE_URL", None, _without_secrets(address))] if address else []),
    ]


def _answering(model: str, base_url: str) -> Check:
    """A call of a few tokens; an answer that is cut off is one."""
    from workbench.propose.model.call import Request, text_block
    from workbench.propose.model.client import Client, check
    from workbench.propose.proposer import Receipt

    receipt, since = Receipt(), time.monotonic()
    messages = [{"role": "user", "content": [text_block("Say ok.")]}]
    try:
        check(base_url, effort="")
        client = Client(base_url)
        client.ask(
            Request(model=model, system="Be brief.", messages=messages, max_tokens=_WORD_TOKENS),
            receipt,
        )
    except WorkbenchError as error:
        if not (receipt.calls and (receipt.calls[0]["response"] or {}).get("stop") == "max_tokens"):
            return Check(f"model {model}", False, str(error))
    seconds = time.monotonic() - since
    return Check(
        f"model {model}",
        True,
        f"answered from {client.address} in {seconds:.1f} s, {receipt.tokens} tokens",
    )


def _without_secrets(address: str) -> str:
    """An address without what may stand before `@` or behind `?` in it."""
    scheme, _, rest = address.partition("://")
    return (
        f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"
        if rest
        else address.rpartition("@")[2].partition("?")[0]
    )


def _studies(root: Path) -> Check:
    place = root / STUDIES if (root / STUDIES).is_dir() else root
    kind, free = _filesystem(place), shutil.disk_usage(place).free / 1e9
    found = f"{place} ({kind}, {free:.0f} GB free)"
    remedy = "change to a folder on a local disk that you may write to"
    try:
        with tempfile.NamedTemporaryFile(dir=place):
            pass
    except OSError as error:
        return Check("studies folder", False, f"{place}: {error.strerror}", remedy, needed=True)
    if kind in _NO_WAL:
        return Check(
            "studies folder",
            False,
            f"{found}: a network file system, on which studies are not safe",
            remedy,
            needed=True,
        )
    return Check("studies folder", True, found, needed=True)


def _filesystem(path: Path) -> str:
    """Kind of the file system that a path lies on, as the kernel names it."""
    best, kind = "", "unknown"
    for line in (
        Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    ):
        left, _, right = line.partition(" - ")
        mount = left.split(" ")[4].replace("\\040", " ")
        if path.resolve().is_relative_to(mount) and len(mount) >= len(best):
            best, kind = mount, right.split(" ")[0]
    return kind


def _versions() -> list[Check]:
    return [Check(name, None, _version(name) or "not installed") for name in _PACKAGES]


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
