"""What a notebook's cells live in, started so that a drill can kill it: a kernel, or a Jupyter server with a kernel of its own."""

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

from tests.drills.toy import alive, descendants
from tests.waiting import until

REPOSITORY = Path(__file__).parents[2]
TOKEN = "drill"
RUNTIME = "runtime"


@dataclass(frozen=True)
class Host:
    """A process to kill, and its kernel, which works in the drill's folder; `url` is empty for a kernel alone."""

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

        cell = f"import json\nprint(json.dumps(get_ipython().run_line_magic('autoresearch', {line + ' --json'!r})))"
        reply = self.client.execute_interactive(cell, timeout=60, output_hook=show)["content"]
        assert reply["status"] == "ok", (line, reply.get("evalue"))
        return json.loads("".join(printed))

    def post(self, path: str, body: object) -> Any:
        """What the server answers, once it has acknowledged."""
        return post(self.url, path, body)

    def kill(self) -> dict[int, set[str]]:
        """kill -9; returns the processes that it had at that instant, itself included, with the pipes and sockets of each."""
        os.kill(self.pid, signal.SIGSTOP)  # so that what it has is what it has when it dies
        family = {pid: pipes(pid) for pid in (self.pid, *descendants(self.pid))}
        os.kill(self.pid, signal.SIGKILL)
        return family


Open = Callable[[Path], AbstractContextManager[Host]]


def environment(root: Path) -> dict[str, str]:
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": RUNTIME,
        "IPYTHONDIR": "ipython",
    }
    found = {name: str(root / place) for name, place in places.items()}
    own = {
        name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"
    }  # with it a kernel captures no output
    return {**own, **found, "JUPYTER_TOKEN": TOKEN, "PYTHONPATH": str(REPOSITORY)}


def post(url: str, path: str, body: object) -> Any:
    headers = {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"}
    with urllib.request.urlopen(
        urllib.request.Request(url + path, json.dumps(body).encode(), headers), timeout=60
    ) as answer:
        return json.load(answer)


def pipes(pid: int) -> set[str]:
    """The pipes and sockets that a process holds, by their kernel-wide names."""
    found = set()
    with suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                found.add(os.readlink(descriptor))
    return {name for name in found if name.startswith(("pipe:", "socket:"))}


@contextmanager
def connected(client: BlockingKernelClient) -> Iterator[BlockingKernelClient]:
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
    except (
        RuntimeError
    ):  # a heartbeat that comes late, as it does while a kernel starts, is taken for a death
        return False
    return True


@contextmanager
def kernel(root: Path) -> Iterator[Host]:
    manager = KernelManager(connection_file=str(root / "kernel.json"))
    with (root / "kernel.log").open("ab") as log:
        manager.start_kernel(cwd=str(root), env=environment(root), stdout=log, stderr=log)
    try:
        with connected(manager.blocking_client()) as client:
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
            env=environment(root),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        until(lambda: process.poll() is not None or url_of(root, process.pid))
        url = url_of(root, process.pid)
        assert url, (root / "server.log").read_text()
        name = post(url, "api/kernels", {"name": "python3"})["id"]
        client = BlockingKernelClient(connection_file=str(root / RUNTIME / f"kernel-{name}.json"))
        client.load_connection_file()
        with connected(client):
            yield Host(process.pid, client, url)
    finally:
        below = set(descendants(process.pid))
        process.kill()
        process.wait()
        until(lambda: not alive(below), 20)


def url_of(root: Path, pid: int) -> str:
    """Where a server listens; empty until it answers there."""
    with suppress(OSError, ValueError):  # no file yet, half a file, nobody at the port
        url = str(json.loads((root / RUNTIME / f"jpserver-{pid}.json").read_text())["url"])
        with urllib.request.urlopen(f"{url}api", timeout=5):
            return url
    return ""
