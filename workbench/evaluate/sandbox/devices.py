"""The GPU of a slot: which GPUs there are, and which device nodes a sandbox on one of them sees.

A slot names its GPU by the minor number of its device. It names a MIG instance, which shares its
nodes with others, by UUID.
"""

import glob
import os
import re
from pathlib import Path

NODES = "/dev"
DRIVER = "/proc/driver/nvidia/gpus"
CONTROL = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset")
CAPABILITIES = "nvidia-caps"  # nodes of MIG instances


def list_gpus() -> list[str]:
    """Returns the NVIDIA GPUs that CUDA_VISIBLE_DEVICES leaves to us, in its order.

    Returns all of them, in the order of their bus, where it is not set.
    """
    installed = _list_installed()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None or not installed:
        return [minor for minor, _ in installed]
    gpus = []
    for name in (part.strip() for part in visible.split(",")):
        if name.startswith("MIG-"):
            gpus.append(name)
        elif name.isdigit() and int(name) < len(installed):
            gpus.append(installed[int(name)][0])
        elif name.startswith("GPU-"):
            gpus += [minor for minor, uuid in installed if uuid.startswith(name)]
        else:
            break  # as CUDA does: it ignores what follows an invalid entry
    return gpus


def _list_installed() -> list[tuple[str, str]]:
    """Returns minor number and UUID of each GPU, in CUDA's order for PCI_BUS_ID."""
    installed = []
    for file in sorted(Path(DRIVER).glob("*/information")):
        text = file.read_text(encoding="utf-8", errors="replace")
        minor = re.search(r"^Device Minor:\s*(\S+)", text, re.MULTILINE)
        uuid = re.search(r"^GPU UUID:\s*(\S+)", text, re.MULTILINE)
        # In a container the driver may list GPUs whose nodes were not handed in.
        if minor is not None and os.path.exists(f"{NODES}/nvidia{minor[1]}"):
            installed.append((minor[1], uuid[1] if uuid else ""))
    return installed or _list_by_node()


def _list_by_node() -> list[tuple[str, str]]:
    """Returns the GPUs without their UUIDs, where the driver's list cannot be read."""
    minors = []
    for node in glob.glob(f"{NODES}/nvidia[0-9]*"):
        match = re.fullmatch(r"nvidia(\d+)", Path(node).name)
        if match:
            minors.append(match[1])
    return [(minor, "") for minor in sorted(minors, key=int)]


def list_nodes(gpu: str) -> list[str]:
    """Returns the device nodes that a program on this GPU opens, and none of another GPU."""
    if gpu.isdigit():
        nodes = [f"{NODES}/nvidia{gpu}"]
    else:
        nodes = [*sorted(glob.glob(f"{NODES}/nvidia[0-9]*")), f"{NODES}/{CAPABILITIES}"]
    nodes += [f"{NODES}/{name}" for name in CONTROL]
    return [node for node in nodes if os.path.exists(node)]


def make_environment(gpu: str, *, alone: bool) -> dict[str, str]:
    """Returns the variables that tell CUDA which GPU to use.

    Args:
        gpu: as `list_gpus` names it; empty for none.
        alone: only the nodes of this GPU can be opened. CUDA then counts it as the first one;
            otherwise it has its index among all.
    """
    if not gpu.isdigit():
        return {"CUDA_VISIBLE_DEVICES": gpu}
    minors = [minor for minor, _ in _list_installed()]
    index = int(gpu)
    if alone:
        index = 0
    elif gpu in minors:
        index = minors.index(gpu)
    return {"CUDA_VISIBLE_DEVICES": str(index), "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
