"""A real Jupyter server of a test's own.

Our extensions lie where the wheel lays them, everything else of the user is out of reach.
"""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.waiting import until

ROOT = Path(__file__).parents[1]
TOKEN = "a-token-of-the-tests"


@dataclass(frozen=True)
class Server:
    """Attributes.

    Url: ends with a slash. root: the folder that it shows. log: what it has printed.
    """

    url: str
    root: Path
    log: Path
    pid: int

    def ask(
        self,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        token: str | None = TOKEN,
    ) -> tuple[int, Any]:
        """Status and JSON of an answer.

        A `body` makes it a POST, and `bytes` are sent as they are.
        """
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        authorization = {"Authorization": f"token {token}"} if token else {}
        request = urllib.request.Request(
            self.url + path, data, {**authorization, **(headers or {})}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, _json(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _json(error.read())


def _json(data: bytes) -> Any:
    with suppress(ValueError):
        return json.loads(data)
    return data.decode(errors="replace")


def lay_out(prefix: Path) -> None:
    """Puts below `prefix` what an installed wheel puts below the environment's.

    Pyproject's shared data.
    """
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for source, target in settings["tool"]["hatch"]["build"]["targets"]["wheel"][
        "shared-data"
    ].items():
        place = prefix / target
        place.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, place)
        else:
            shutil.copyfile(ROOT / source, place)


@contextmanager
def serving(home: Path, *options: str, app: str = "jupyter_server") -> Iterator[Server]:
    """A server (`app` may be `jupyterlab`) whose root is `home/work`; it is gone at the end."""
    root, prefix = home / "work", home / "prefix"
    root.mkdir(parents=True, exist_ok=True)
    lay_out(prefix)
    settings = home / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(
        '{"fetchNews": "false", "checkForUpdates": false}'
    )
    places = {
        "HOME": home,
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "JUPYTER_PATH": prefix / "share" / "jupyter",
        "JUPYTER_CONFIG_PATH": prefix / "etc" / "jupyter",
        "IPYTHONDIR": home / "ipython",
        "JUPYTERLAB_SETTINGS_DIR": home / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
        "JUPYTER_TOKEN": TOKEN,
        "PYTHONPATH": ROOT,
    }
    command = [sys.executable, "-m", app, "--no-browser", "--allow-root", "--ip=127.0.0.1", "--ServerApp.port=0",
               f"--ServerApp.root_dir={root}", *options]  # fmt: skip
    log = home / "server.log"
    with log.open("ab") as output:
        environment = {**os.environ, **{name: str(value) for name, value in places.items()}}
        process = subprocess.Popen(
            command,
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield Server(_url(home / "runtime", process, log), root, log, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _url(runtime: Path, process: subprocess.Popen[bytes], log: Path) -> str:
    def answering() -> str:
        assert process.poll() is None, printed()
        with suppress(OSError, ValueError):  # no file yet, half a file, nobody at the port
            url = str(json.loads((runtime / f"jpserver-{process.pid}.json").read_text())["url"])
            with urllib.request.urlopen(f"{url}api", timeout=5):
                return url
        return ""

    def printed() -> str:
        return f"no server came up; its log:\n{log.read_text(errors='replace')}"

    return until(answering, 120, told=printed)
