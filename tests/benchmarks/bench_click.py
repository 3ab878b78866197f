"""How long a click takes: from the press in the browser until the screen shows that the loop has adopted it, in a real JupyterLab.

    python -m tests.benchmarks.bench_click [--clicks 40] [--check]

A real study's dashboard sends sentences to its loop, through the Jupyter server and through the
kernel's comm, with the kernel idle and in a cell that counts without end. Four clicks before the
measured ones are not counted.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.clicks import guided
from tests.browser.conftest import FLAGS
from tests.browser.lab import Lab, begin, own_lab, run_cell, select_cell, wait_for_kernel
from tests.toy_study import end, make
from workbench.verbs import loop_process

WARM_UP = 4
PATIENCE_MS = 60_000
BUSY = (
    "from pathlib import Path\nPath({begun!r}).touch()\n"
    "while not Path({done!r}).exists():\n    sum(range(1000))\nPath({ended!r}).touch()"
)


def measured(
    lab: Lab, browser: Browser, outside: Path, route: str, is_busy: bool, n_clicks: int
) -> list[float]:
    """Seconds of each click. A study outside the server's root is reached through the kernel."""
    name = f"{route}-{'busy' if is_busy else 'idle'}"
    begun, done, ended = (outside / f"{name}-{mark}" for mark in ("begun", "done", "ended"))
    folder = make(lab.root if route == "server" else outside, name)
    loop_process.spawn(folder)
    page = browser.new_page()
    try:
        busy = BUSY.format(begun=str(begun), done=str(done), ended=str(ended))
        lab.open_notebook(page, f"{name}.ipynb", [f"%autoresearch attach {folder.path}", busy])
        run_cell(page, 0)
        page.get_by_text(f"through the {route}").wait_for(timeout=PATIENCE_MS)
        wait_for_kernel(page, "idle")
        if is_busy:
            select_cell(page, 1)
            begin(page, "notebook:run-cell")
            while not begun.exists():
                page.wait_for_timeout(50)
        seconds = [guided(page, f"idea {i}") for i in range(WARM_UP + n_clicks)]
        assert not ended.exists()
        return seconds[WARM_UP:]
    finally:
        done.touch()
        page.close()
        end(folder)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clicks", type=int, default=40)
    parser.add_argument(
        "--check",
        action="store_true",
        help="exit 1 where the 95th percentile is above 1 s; for a quiet machine",
    )
    options = parser.parse_args()
    chromium = shutil.which("chromium") or sys.exit("no chromium; install it")
    slow = []
    with (
        tempfile.TemporaryDirectory() as home,
        own_lab(Path(home) / "lab") as lab,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=[*FLAGS])
        outside = Path(home) / "outside"
        outside.mkdir()
        print(
            "| route | kernel | clicks | median s | p95 s | longest s |\n| --- | --- | ---: | "
            "---: | ---: | ---: |",
            flush=True,
        )
        for route in ("server", "kernel"):
            for is_busy in (False, True):
                seconds = measured(lab, browser, outside, route, is_busy, options.clicks)
                middle, p95 = (
                    statistics.median(seconds),
                    statistics.quantiles(seconds, n=20, method="inclusive")[-1],
                )
                state = "busy" if is_busy else "idle"
                print(
                    f"| {route} | {state} | {len(seconds)} | {middle:.2f} | {p95:.2f} | "
                    f"{max(seconds):.2f} |",
                    flush=True,
                )
                slow += [f"{route}, {state}"] if p95 > 1 else []
        browser.close()
    if options.check and slow:
        sys.exit(f"above 1 s at the 95th percentile: {'; '.join(slow)}")


if __name__ == "__main__":
    main()
