"""A slot's GPU: which one it is, and that a trial sees no other.

The device nodes are null devices with the names of GPUs.
"""

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.evaluate.sandboxes import make_spec
from workbench.evaluate.sandbox import devices
from workbench.evaluate.sandbox.supervisor import Supervisor

INFORMATION = "Model: \t\t NVIDIA H200\nGPU UUID: \t GPU-{uuid}\nDevice Minor: \t {minor}\n"
LOOK = """
import os
def open_node(path):
    try:
        os.close(os.open(path, os.O_RDWR))
        return "opened"
    except OSError as error:
        return type(error).__name__
def read_variables():
    return [os.environ["CUDA_VISIBLE_DEVICES"], os.environ["CUDA_DEVICE_ORDER"]]
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Makes two GPUs, of which the first one on the bus is minor 1.

    Their nodes lie in a folder that every user may enter, as in /dev.
    """
    driver = tmp_path / "driver"
    nodes = Path(tempfile.mkdtemp(prefix="workbench-dev-"))
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
    ("visible", "gpus"),
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
    machine: Path, monkeypatch: pytest.MonkeyPatch, visible: str | None, gpus: list[str]
) -> None:
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert devices.list_gpus() == gpus


def test_without_the_drivers_list_the_nodes_say_which_there_are(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "DRIVER", "/nowhere")
    assert devices.list_gpus() == ["0", "1"]


def test_cuda_is_told_the_only_gpu_or_by_its_place_on_the_bus(machine: Path) -> None:
    assert devices.make_environment("1", alone=True)["CUDA_VISIBLE_DEVICES"] == "0"
    for minor, place in (("1", "0"), ("0", "1")):
        environment = devices.make_environment(minor, alone=False)
        assert environment["CUDA_VISIBLE_DEVICES"] == place
    assert devices.make_environment("", alone=True) == {"CUDA_VISIBLE_DEVICES": ""}


@pytest.mark.parametrize("gpu", ["0", "1"])
def test_a_trial_opens_the_device_of_its_slot_and_no_other(
    machine: Path, tmp_path: Path, level: str, gpu: str
) -> None:
    spec = make_spec(tmp_path, device="cuda", gpu=gpu, user=65520)
    other = {"0": "1", "1": "0"}[gpu]
    with Supervisor(level, spec, deadline=time.monotonic() + 30) as process:
        process.start("look.py", {"look.py": LOOK.encode()}, [])
        outcomes = {}
        for name in (gpu, "ctl", "-uvm", other):
            path = f"{machine}/nvidia{name}"
            outcomes[name] = process.call("open_node", (path,), {}, str, None)
        assert process.call("read_variables", (), {}, list, None) == ["0", "PCI_BUS_ID"]
    assert outcomes.pop(other) in ("FileNotFoundError", "PermissionError")
    assert outcomes == dict.fromkeys((gpu, "ctl", "-uvm"), "opened")
