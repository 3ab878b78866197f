"""What this machine is: versions, processor, GPUs. Nothing is imported to find that out."""

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

PROCESSORS = Path("/proc/cpuinfo")
GPUS = Path("/proc/driver/nvidia/gpus")
DRIVER_SECONDS = 1.0


def describe_environment() -> dict[str, str]:
    """What a result may depend on, by name; what cannot be found out is left out."""
    # Not at the top: it takes time that most commands do not need to spend.
    from importlib import metadata

    values = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "processor": _read_processor(),
        "cpus": str(len(os.sched_getaffinity(0))),
        "gpu": ", ".join(list_gpus()),
    }
    for package in ("torch", "numpy"):
        try:
            values[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {name: value for name, value in values.items() if value}


def list_gpus() -> list[str]:
    """Names of the NVIDIA GPUs of this machine, as its driver lists them."""
    texts = _read_driver()
    if texts:
        models = [re.search(r"^Model:\s*(.+)$", text, re.MULTILINE) for text in texts]
        return [model[1].strip() for model in models if model]
    # In some containers the driver's files are missing, and its program is there.
    return _ask_driver()


def _read_processor() -> str:
    """The model of the processor. It is recorded because another model may round differently."""
    try:
        text = PROCESSORS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()
    model = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    if model is None:
        return platform.processor()
    return model[1].strip()


def _read_driver() -> list[str]:
    """What the NVIDIA driver says about each GPU; empty without a driver."""
    files = sorted(GPUS.glob("*/information"))
    return [file.read_text(encoding="utf-8", errors="replace") for file in files]


def _ask_driver() -> list[str]:
    if not shutil.which("nvidia-smi"):
        return []
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        process = subprocess.run(
            command, capture_output=True, text=True, timeout=DRIVER_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    if process.returncode != 0:
        return []
    return [line.strip() for line in process.stdout.splitlines() if line.strip()]
