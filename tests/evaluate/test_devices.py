"""A slot's GPU: which one it is, and that a trial sees no other. The nodes are null devices with the names of GPUs."""

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.evaluate.sandbox import devices, levels, view
from workbench.evaluate.sandbox.box import Box
from workbench.evaluate.sandbox.supervisor import Supervisor
from workbench.experiment import Limits

INFORMATION = "Model: \t\t NVIDIA H200\nGPU UUID: \t GPU-{uuid}\nDevice Minor: \t {minor}\n"
LOOK = """
import os
def opened(path):
    try:
        os.close(os.open(path, os.O_RDWR))
        return "opened"
    except OSError as error:
        return type(error).__name__
def told():
    return [os.environ["CUDA_VISIBLE_DEVICES"], os.environ["CUDA_DEVICE_ORDER"]]
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Two GPUs, the first one on the bus being minor 1; their nodes lie where everybody may pass, as in /dev."""
    nodes, driver = Path(tempfile.mkdtemp(prefix="workbench-dev-")), tmp_path / "driver"
    nodes.chmod(0o755)
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm"):
        try:
            os.mknod(nodes / name, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        except PermissionError:
            pytest.skip("making device nodes takes root")
        (nodes / name).chmod(0o666)
    for bus, minor in (("0000:18:00.0", "1"), ("0000:2a:00.0", "0")):
        (driver / bus).mkdir(parents=True)
        (driver / bus / "information").write_text(
            INFORMATION.format(uuid=f"aaaa-{minor}", minor=minor)
        )
    monkeypatch.setattr(devices, "NODES", str(nodes))
    monkeypatch.setattr(devices, "DRIVER", str(driver))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    yield nodes
    shutil.rmtree(nodes)


@pytest.mark.parametrize(
    ("visible", "found"),
    [
        (None, ["1", "0"]),
        ("0", ["1"]),
        ("1,0", ["0", "1"]),
        ("", []),
        ("-1", []),
        ("0,-1,1", ["1"]),
        ("7", []),
        ("GPU-aaaa-0", ["0"]),
        ("MIG-1234", ["MIG-1234"]),
    ],
)
def test_slots_get_the_gpus_that_are_left_to_us(
    machine: Path, monkeypatch: pytest.MonkeyPatch, visible: str | None, found: list[str]
) -> None:
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert devices.gpus() == found


def test_without_the_drivers_list_the_nodes_say_which_there_are(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "DRIVER", "/nowhere")
    assert devices.gpus() == ["0", "1"]


def test_cuda_is_told_the_only_gpu_or_by_its_place_on_the_bus(machine: Path) -> None:
    assert devices.environment("1", alone=True)["CUDA_VISIBLE_DEVICES"] == "0"
    assert [
        devices.environment(minor, alone=False)["CUDA_VISIBLE_DEVICES"] for minor in ("1", "0")
    ] == ["0", "1"]
    assert devices.environment("", alone=True) == {"CUDA_VISIBLE_DEVICES": ""}


@pytest.mark.parametrize("gpu", ["0", "1"])
def test_a_trial_opens_the_device_of_its_slot_and_no_other(
    machine: Path, tmp_path: Path, level: str, gpu: str
) -> None:
    tmp_path.chmod(0o755)
    seen = view.make(())
    levels.write_support(tmp_path / "support", seen)
    box = Box(
        view=seen, limits=Limits(wall_seconds=30), support=tmp_path / "support", folder=tmp_path / "box",
        links=tmp_path / "links", device="cuda", gpu=gpu, user=65520,
    )  # fmt: skip
    other = {"0": "1", "1": "0"}[gpu]
    with Supervisor(level, box, deadline=time.monotonic() + 30) as process:
        process.start("look.py", {"look.py": LOOK.encode()}, [])
        seen = [
            process.call("opened", (f"{machine}/nvidia{name}",), {}, str, None)
            for name in (gpu, "ctl", "-uvm", other)
        ]
        assert process.call("told", (), {}, list, None) == ["0", "PCI_BUS_ID"]
    assert seen[:3] == ["opened"] * 3, seen
    assert seen[3] in ("FileNotFoundError", "PermissionError")
