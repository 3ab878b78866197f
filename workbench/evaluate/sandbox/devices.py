"""The GPU of a slot: which ones there are, and which device nodes a sandbox on one of them sees.

A slot is named by the minor number of its device, or by the UUID of a MIG instance, which shares its nodes with others.
"""

import glob
import os
import re
from pathlib import Path

NODES = "/dev"
DRIVER = "/proc/driver/nvidia/gpus"
CONTROL = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset")
CAPABILITIES = "nvidia-caps"  # of MIG instances


def gpus() -> list[str]:
    """The NVIDIA GPUs of this machine that CUDA_VISIBLE_DEVICES leaves to us, in its order; by bus where it is not set."""
    known = _known()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None or not known:
        return [minor for minor, _ in known]
    found = []
    for name in (part.strip() for part in visible.split(",")):
        if name.startswith("MIG-"):
            found.append(name)
        elif name.isdigit() and int(name) < len(known):
            found.append(known[int(name)][0])
        elif name.startswith("GPU-"):
            found += [minor for minor, uuid in known if uuid.startswith(name)]
        else:
            break  # as CUDA reads it: what follows an index that is none does not count
    return found


def _known() -> list[tuple[str, str]]:
    """Minor number and UUID of each GPU, by bus as CUDA_DEVICE_ORDER=PCI_BUS_ID counts them."""
    found = []
    for file in sorted(Path(DRIVER).glob("*/information")):
        text = file.read_text(encoding="utf-8", errors="replace")
        minor, uuid = (
            re.search(rf"^{name}:\s*(\S+)", text, re.MULTILINE)
            for name in ("Device Minor", "GPU UUID")
        )
        if minor is not None and os.path.exists(f"{NODES}/nvidia{minor[1]}"):
            found.append((minor[1], uuid[1] if uuid else ""))
    if found:
        return found
    there = (
        re.fullmatch(r"nvidia(\d+)", Path(node).name) for node in glob.glob(f"{NODES}/nvidia[0-9]*")
    )
    return [(minor, "") for minor in sorted((match[1] for match in there if match), key=int)]


def nodes(gpu: str) -> list[str]:
    """The device nodes that a program on this GPU opens; those of the other GPUs are none of them."""
    own = (
        [f"{NODES}/nvidia{gpu}"]
        if gpu.isdigit()
        else [*sorted(glob.glob(f"{NODES}/nvidia[0-9]*")), f"{NODES}/{CAPABILITIES}"]
    )
    return [
        node for node in (*own, *(f"{NODES}/{name}" for name in CONTROL)) if os.path.exists(node)
    ]


def environment(gpu: str, *, alone: bool) -> dict[str, str]:
    """What CUDA is told: where only the nodes of this GPU can be opened (`alone`) it is the first one, else it has its own index."""
    if not gpu.isdigit():
        return {"CUDA_VISIBLE_DEVICES": gpu}
    minors = [minor for minor, _ in _known()]
    index = 0 if alone else minors.index(gpu) if gpu in minors else int(gpu)
    return {"CUDA_VISIBLE_DEVICES": str(index), "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
