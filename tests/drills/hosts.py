"""What a notebook's cells run in, started so that a drill can kill it.

It is a kernel alone, or a Jupyter server with a kernel.
"""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from tests.drills.toy import find_alive, list_descendants
from tests.waiting import until

REPOSITORY = Path(__file__).parents[2]
TOKEN = "drill"
RUNTIME = "runtime"


@dataclass(frozen=True)
class Host:
    """A process to kill, and its kernel, which works in the drill's folder.

    Attributes:
        pid: the process.
        client: talks to the kernel.
        url: of the server; empty for a kernel alone.
    """

    pid: int
    client: BlockingKernelClient
    url: str = ""

    def begin(self, cell: str) -> None:
        """Queues a cell and returns at once."""
        self.client.execute(cell)

    def autoresearch(self, line: str) -> Any:
        """Runs one line of the magic to its end; returns its JSON value."""
        printed: list[str] = []

        def show(message: Any) -> None:
            printed.append(message["content"].get("text", ""))

        command = f"{line} --json"
        cell = f"""
import json
print(json.dumps(get_ipython().run_line_magic("autoresearch", {command!r})))
"""
        reply = self.client.execute_interactive(cell, timeout=60, output_hook=show)["content"]
        assert reply["status"] == "ok", (line, reply.get("evalue"))
        return json.loads("".join(printed))

    def post(self, path: str, body: object) -> Any:
        """Sends a request to the server; returns its acknowledgement."""
        return post(self.url, path, body)

    def kill(self) -> dict[int, set[str]]:
        """Kills the process with kill -9.

        Returns:
            The processes that it had at that instant, itself included, with the pipes and sockets
            of each.
        """
        os.kill(self.pid, signal.SIGSTOP)  # so that it dies with exactly what is listed here
        family = {pid: list_pipes(pid) for pid in (self.pid, *list_descendants(self.pid))}
        os.kill(self.pid, signal.SIGKILL)
        return family


Open = Callable[[Path], AbstractContextManager[Host]]


def make_environment(root: Path) -> dict[str, str]:
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": RUNTIME,
        "IPYTHONDIR": "ipython",
    }
    values = {name: str(root / place) for name, place in places.items()}
    inherited = dict(os.environ)
    inherited.pop("PYTEST_CURRENT_TEST", None)  # with it a kernel captures no output
    return {**inherited, **values, "JUPYTER_TOKEN": TOKEN, "PYTHONPATH": str(REPOSITORY)}


def post(url: str, path: str, body: object) -> Any:
    headers = {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"}
    request = urllib.request.Request(url + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def list_pipes(pid: int) -> set[str]:
    """Returns the pipes and sockets that a process has open, by their kernel-wide names."""
    names = set()
    with suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                names.add(os.readlink(descriptor))
    return {name for name in names if name.startswith(("pipe:", "socket:"))}


@contextmanager
def connect(client: BlockingKernelClient) -> Iterator[BlockingKernelClient]:
    client.start_channels()
    try:
        until(lambda: is_ready(client), 120)
        client.execute_interactive("%load_ext workbench", timeout=60)
        yield client
    finally:
        client.stop_channels()


def is_ready(client: BlockingKernelClient) -> bool:
    try:
        client.wait_for_ready(timeout=60)
    # A heartbeat that comes late, as it does while a kernel starts, is mistaken for a death.
    except RuntimeError:
        return False
    return True


@contextmanager
def kernel(root: Path) -> Iterator[Host]:
    manager = KernelManager(connection_file=str(root / "kernel.json"))
    with (root / "kernel.log").open("ab") as log:
        manager.start_kernel(cwd=str(root), env=make_environment(root), stdout=log, stderr=log)
    try:
        with connect(manager.blocking_client()) as client:
            yield Host(manager.provisioner.pid, client)  # type: ignore[union-attr]
    finally:
        manager.shutdown_kernel(now=True)


@contextmanager
def server(root: Path) -> Iterator[Host]:
    command = [
        sys.executable,
        "-m",
        "jupyter_server",
        "--no-browser",
        "--allow-root",
        "--ServerApp.port=0",
    ]
    with (root / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=root,
            env=make_environment(root),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        until(lambda: process.poll() is not None or find_url(root, process.pid))
        url = find_url(root, process.pid)
        assert url, (root / "server.log").read_text()
        name = post(url, "api/kernels", {"name": "python3"})["id"]
        client = BlockingKernelClient(connection_file=str(root / RUNTIME / f"kernel-{name}.json"))
        client.load_connection_file()
        with connect(client):
            yield Host(process.pid, client, url)
    finally:
        below = set(list_descendants(process.pid))
        process.kill()
        process.wait()
        until(lambda: not find_alive(below), 20)


def find_url(root: Path, pid: int) -> str:
    """Returns where a server listens; empty until it answers there."""
    with suppress(OSError, ValueError):  # no file yet, half a file, or no server at the port yet
        url = str(json.loads((root / RUNTIME / f"jpserver-{pid}.json").read_text())["url"])
        with urllib.request.urlopen(f"{url}api", timeout=5):
            return url
    return ""
