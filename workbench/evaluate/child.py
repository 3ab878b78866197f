"""A running trial process as its owner sees it: its pipes, its events, and what it leaves behind.

`trial_process` describes the messages.
"""

import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.evaluate.sandbox import cgroup

END_SECONDS = 5.0
MAX_ERRORS = 2000  # bytes of what it printed last
BLOCK = 1 << 16
SECRET_WORDS = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL")


class Child:
    """A trial process that was started."""

    def __init__(self, config: dict[str, Any], keys: Sequence[str] = ()) -> None:
        """Starts the process.

        Args:
            config: its configuration, as JSON.
            keys: environment variables with secrets that its evaluator needs.
        """
        self._events, inside_events = os.pipe()
        self._errors = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "workbench.evaluate.trial_process", str(inside_events)],
                stdin=subprocess.PIPE,
                stdout=self._errors,
                stderr=self._errors,
                pass_fds=(inside_events,),
                start_new_session=True,
                cwd=_find_import_root(),
                env=_make_environment(keys),
            )
        except BaseException:
            os.close(self._events)
            raise
        finally:
            os.close(inside_events)
        self._rest = b""  # an event whose line has not ended
        self._waiting: list[dict[str, Any]] = []
        # What has to be removed after it, as its first event says.
        self._folder = ""
        self._groups: list[str] = []
        self._send_lock = threading.Lock()
        self.send(json.dumps(config) + "\n")

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, line: str) -> None:
        """Writes a line to the process.

        If it has died, the line is lost; `receive` then says that it is gone.
        """
        with self._send_lock:
            try:
                assert self._process.stdin is not None
                self._process.stdin.write(line.encode())
                self._process.stdin.flush()
            except (BrokenPipeError, ValueError):
                return

    def receive(self, seconds: float) -> dict[str, Any] | None:
        """Returns the next event, None when none comes in time.

        Raises:
            EOFError: the process is gone.
        """
        if not self._waiting:
            if not select.select([self._events], [], [], seconds)[0]:
                return None
            data = os.read(self._events, BLOCK)
            if not data:
                raise EOFError
            *lines, self._rest = (self._rest + data).split(b"\n")
            self._waiting += map(json.loads, lines)
        while self._waiting:
            event: dict[str, Any] = self._waiting.pop(0)
            if event["event"] != "hello":
                return event
            self._folder = event["folder"]
            self._groups = event["groups"]
        return None

    def hang_up(self) -> None:
        """Closes the process's stdin; it then ends what it runs, and itself."""
        with self._send_lock:
            assert self._process.stdin is not None
            with contextlib.suppress(BrokenPipeError):  # it is gone already
                self._process.stdin.close()

    def end(self, kill: bool) -> str:
        """Ends the process and removes what it leaves behind.

        Args:
            kill: at once; else it has a few seconds to end by itself.

        Returns:
            How it ended, with the last line that it printed.
        """
        if kill:
            self._process.kill()
        self.hang_up()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        code = self._process.wait()
        os.close(self._events)
        # A process that was killed could not do it. Its sandboxes died with it.
        for group in self._groups:
            cgroup.remove_group(Path(group))
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._errors.seek(0)
        errors = self._errors.read()[-MAX_ERRORS:].decode("utf-8", "replace")
        self._errors.close()
        ending = f"signal {-code}" if code < 0 else f"status {code}"
        lines = errors.strip().splitlines()
        if lines:
            ending += f" ({lines[-1]})"
        return ending


def _find_import_root() -> str:
    return str(Path(__file__).parents[2])


def _make_environment(keys: Sequence[str] = ()) -> dict[str, str]:
    """Returns our environment without secrets, except those that the experiment names."""
    environment = {}
    for name, value in os.environ.items():
        is_secret = any(word in name.upper() for word in SECRET_WORDS)
        if name in keys or not is_secret:
            environment[name] = value
    return environment
