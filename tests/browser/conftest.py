"""Browser tests use the system's Chromium.

Where there is none they are skipped, which in CI is a failure.
"""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.lab import Lab, own_lab

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail("no chromium; CI installs it")
        pytest.skip("no chromium; install it to run the browser tests")
    return {**browser_type_launch_args, "executable_path": chromium, "args": [*FLAGS]}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A real JupyterLab at the root URL, with nothing of another file's tests below its root."""
    with own_lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="module")
def lab_behind_a_base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with own_lab(tmp_path_factory.mktemp("hub"), "--ServerApp.base_url=/user/me/") as running:
        yield running
