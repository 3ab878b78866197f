"""What this machine is: versions, processors, GPUs."""

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path


def environment() -> dict[str, str]:
    """Where this runs: versions, processors, GPU; nothing is imported to find out."""
    from importlib import metadata

    found = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cpus": str(len(os.sched_getaffinity(0))),
        "gpu": ", ".join(gpus()),
    }
    for package in ("torch", "numpy"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {name: value for name, value in found.items() if value}


def _processor() -> str:
    """The model of the processor: another one may round another way."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.processor()


def gpus() -> list[str]:
    """Names of the NVIDIA GPUs of this machine, as its driver lists them."""
    models = [re.search(r"^Model:\s*(.+)$", text, re.MULTILINE) for text in _driver_texts()]
    if models:
        return [model[1].strip() for model in models if model]
    if not shutil.which("nvidia-smi"):
        return []
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=1.0, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return (
        [line.strip() for line in run.stdout.splitlines() if line.strip()]
        if run.returncode == 0
        else []
    )


def _driver_texts() -> list[str]:
    files = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    return [file.read_text(encoding="utf-8", errors="replace") for file in files]
