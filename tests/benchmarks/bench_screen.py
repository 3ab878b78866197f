"""What the screens cost in a real browser: our widget in a real JupyterLab beside plotly's FigureWidget, in the same run.

    python -m tests.benchmarks.bench_screen [--seconds 10] [--candidates 10000] [--check]

Five curves of 2,000 points grow by one point each, ten times a second. Ours are fed by a real study
that another process would write (here: this one), through the Jupyter server and through the
kernel's comm; plotly's by `batch_update` from a thread in the kernel. Counted are all bytes that
reach the page over its websockets, every frame, and every long task (above 50 ms, as Chromium
reports them). First paint is from the cell's start to the frame after the last curve's line is
there; a notebook without any output shows what the machine itself does to frames. Then a study of
10,000 candidates is opened and scrolled.
"""

import argparse
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import FLAGS
from tests.browser.lab import Lab, begin, own_lab, run_cell, select_cell
from tests.by_hand import BETTER, RECORDS, make_study, ok
from workbench.ledger.curves import LivePoint
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Pen
from workbench.ledger.lease import Lease
from workbench.records import Candidate, Decision, Evidence, Record, TrialStarted

N_CURVES, N_POINTS, UPDATES_PER_SECOND = 5, 2000, 10
CANDIDATE = 4
SIZE = {"width": 1600, "height": 1200}

IMPORTS = """\
from pathlib import Path
from IPython.display import display
from workbench.lab.widget import StudyWidget
from workbench.ledger.folder import StudyFolder
"""
OURS = "display(StudyWidget(StudyFolder(Path({path!r})), route={route!r}))"
PLOTLY_IMPORTS = """\
import threading, time
from IPython.display import display
import plotly.graph_objects as go
"""
PLOTLY = """\
xs = list(range({points}))
figure = go.FigureWidget([go.Scatter(x=xs, y=[1 / (x + 1) + 0.1 * i for x in xs], mode='lines') for i in range({curves})])
display(figure)
"""
PLOTLY_GROWS = """\
def grow():
    begun = time.monotonic()
    for n in range({updates}):
        x = {points} + n
        with figure.batch_update():
            for i, trace in enumerate(figure.data):
                trace.x = (*trace.x, x)
                trace.y = (*trace.y, 1 / (x + 1) + 0.1 * i)
        time.sleep(max(0, begun + (n + 1) / {rate} - time.monotonic()))
threading.Thread(target=grow).start()
"""
OPEN = """
async ([index, ready]) => {
  const from = performance.now();
  window.jupyterapp.shell.currentWidget.content.activeCellIndex = index;
  void window.jupyterapp.commands.execute('notebook:run-cell');
  const isThere = ([selector, n]) => document.querySelectorAll(selector).length >= n;
  while (!Object.entries(ready).every(isThere)) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return performance.now() - from;
}
"""
FRAMES = """
async ([seconds, scrolled]) => {
  const long = [];
  const observer = new PerformanceObserver(list => long.push(...list.getEntries().map(one => one.duration)));
  observer.observe({entryTypes: ['longtask']});
  const frames = [], element = scrolled && document.querySelector(scrolled);
  const begun = performance.now();
  for (let last = await new Promise(requestAnimationFrame), now; last - begun < 1000 * seconds; last = now) {
    if (element) element.scrollTop += 400;
    now = await new Promise(requestAnimationFrame);
    frames.push(now - last);
  }
  observer.disconnect();
  return [frames.sort((a, b) => a - b), long];
}
"""


@dataclass(frozen=True)
class Measured:
    """Milliseconds, but for `bytes_per_update`; `first_paint` is None where nothing was painted."""

    name: str
    bytes_per_update: float | None
    first_paint: float | None
    frames: list[float]
    long_tasks: list[float]

    @property
    def p95(self) -> float:
        return self.frames[int(0.95 * len(self.frames))]

    def line(self) -> str:
        size = "-" if self.bytes_per_update is None else f"{self.bytes_per_update:,.0f}"
        paint = "-" if self.first_paint is None else f"{self.first_paint / 1000:.2f} s"
        tasks = f"{len(self.long_tasks)} = {sum(self.long_tasks) / 1000:.1f} s"
        return f"{self.name:34}{size:>12}{paint:>13}{len(self.frames):>9}{self.p95:>9.1f}{self.frames[-1]:>9.1f}{tasks:>16}"


HEAD = f"{'':34}{'B per update':>12}{'first paint':>13}{'frames':>9}{'p95 ms':>9}{'max ms':>9}{'long tasks':>16}"


def running_study(root: Path, name: str) -> StudyFolder:
    """A study in which five trials run that have reported 2,000 points each."""
    started = [TrialStarted(candidate=CANDIDATE, trial=1 + i, seed=i) for i in range(N_CURVES)]
    folder = make_study(root, name, records=(*RECORDS, *started))
    with Lease(folder) as lease, Pen(folder, lease) as pen:
        for step in range(N_POINTS):
            pen.add_points(points(step))
    return folder


def points(step: int) -> list[LivePoint]:
    return [
        LivePoint(CANDIDATE, 1 + i, "train_loss", step, 1 / (step + 1) + 0.1 * i, False)
        for i in range(N_CURVES)
    ]


def large_study(root: Path, n_candidates: int) -> StudyFolder:
    records = list[Record](RECORDS)
    for number in range(5, n_candidates + 1):
        effect = 0.0001 * (number * 7919 % 601) - 0.06
        evidence = Evidence(
            against=1, effect=effect, low=effect - 0.01, high=effect + 0.01, trials=1
        )
        words = (
            f"LEARNING_RATE {number / 7:.3g} -> {number / 5:.3g}: "
            f"a higher rate learns faster in the first steps"
        )
        records += [
            Candidate(
                candidate=number,
                parent=1,
                program=BETTER.digest,
                author="tuner",
                hypothesis=words,
                added=3,
                removed=2,
            ),
            ok(number, 0, 0.8 - effect, seconds=12.3),
            Decision(
                candidate=number,
                verdict="discard",
                by="tested",
                why="not promising on its first trial",
                evidence=evidence,
            ),
        ]
    return make_study(root, "large", records=records)


@contextmanager
def growing(folder: StudyFolder, n_updates: int) -> Iterator[None]:
    """Adds a point to each curve ten times a second, in a thread."""

    def grow() -> None:
        with Lease(folder) as lease, Pen(folder, lease) as pen:
            begun = time.monotonic()
            for n in range(n_updates):
                pen.add_points(points(N_POINTS + n))
                time.sleep(max(0.0, begun + (n + 1) / UPDATES_PER_SECOND - time.monotonic()))

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        yield
    finally:
        thread.join()


class Notebook:
    """A page with one notebook; `received` counts the bytes of its websockets."""

    def __init__(self, lab: Lab, browser: Browser, name: str, cells: list[str]) -> None:
        self.page: Page = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
        self.received = 0
        self.page.on("websocket", lambda socket: socket.on("framereceived", self._count))
        lab.open_notebook(self.page, name, cells)
        run_cell(self.page, 0)

    def _count(self, payload: str | bytes) -> None:
        self.received += len(payload.encode() if isinstance(payload, str) else payload)

    def open(self, index: int, **ready: int) -> float:
        """Runs a cell; milliseconds until there are so many elements of each selector."""
        found: float = self.page.evaluate(OPEN, [index, ready])
        return found

    def frames(self, seconds: float, scrolled: str | None = None) -> Any:
        return self.page.evaluate(FRAMES, [seconds, scrolled])


def idle(lab: Lab, browser: Browser, seconds: float) -> Measured:
    notebook = Notebook(lab, browser, "idle.ipynb", ["1"])
    frames, long = notebook.frames(seconds)
    notebook.page.close()
    return Measured("a notebook at rest", None, None, frames, long)


def ours(lab: Lab, browser: Browser, seconds: float, route: str) -> Measured:
    folder = running_study(lab.root / route, route)
    notebook = Notebook(
        lab, browser, f"{route}.ipynb", [IMPORTS, OURS.format(path=str(folder.path), route=route)]
    )
    paint = notebook.open(1, **{".ar-curves-swatch": N_CURVES, ".ar-curve canvas": 1})
    notebook.page.locator(".ar-curves").scroll_into_view_if_needed()
    notebook.frames(1)  # settled
    n_updates = int(seconds * UPDATES_PER_SECOND)
    notebook.received = 0
    with growing(folder, n_updates):
        frames, long = notebook.frames(seconds)
    last = notebook.page.locator(".ar-curves-legend tbody tr td").first
    wanted = f"{1 / (N_POINTS + n_updates):.6f}"
    notebook.page.wait_for_function(
        "([cell, text]) => cell.textContent.includes(text)", arg=[last.element_handle(), wanted]
    )
    through = (
        notebook.page.locator(".ar-header")
        .get_by_text(f"through the {'kernel' if route == 'kernel' else 'server'}")
        .count()
    )
    if through != 1:
        raise SystemExit(f"the widget did not come through its route: {route}")
    notebook.page.close()
    return Measured(
        f"ours, {'the server' if route == 'auto' else 'the kernel'}'s route",
        notebook.received / n_updates,
        paint,
        frames,
        long,
    )


def plotly(lab: Lab, browser: Browser, seconds: float) -> Measured:
    n_updates = int(seconds * UPDATES_PER_SECOND)
    sizes = {
        "points": N_POINTS,
        "curves": N_CURVES,
        "updates": n_updates,
        "rate": UPDATES_PER_SECOND,
    }
    cells = [PLOTLY_IMPORTS, PLOTLY.format(**sizes), PLOTLY_GROWS.format(**sizes)]
    notebook = Notebook(lab, browser, "plotly.ipynb", cells)
    paint = notebook.open(1, **{".js-plotly-plot .scatterlayer .trace .lines path": N_CURVES})
    notebook.frames(1)
    notebook.received = 0
    select_cell(notebook.page, 2)
    begin(notebook.page, "notebook:run-cell")
    frames, long = notebook.frames(seconds)
    notebook.page.close()
    return Measured(
        "plotly FigureWidget, batch_update", notebook.received / n_updates, paint, frames, long
    )


def opening(lab: Lab, browser: Browser, n_candidates: int) -> Measured:
    folder = large_study(lab.root / "large", n_candidates)
    notebook = Notebook(
        lab, browser, "large.ipynb", [IMPORTS, OURS.format(path=str(folder.path), route="auto")]
    )
    paint = notebook.open(
        1, **{f'.ar-rows .ar-record[data-candidate="{n_candidates}"]': 1, ".ar-progress canvas": 1}
    )
    notebook.page.locator(".ar-table").scroll_into_view_if_needed()
    notebook.frames(1)
    frames, long = notebook.frames(3, ".ar-table")
    notebook.page.close()
    return Measured(f"{n_candidates:,} candidates, scrolled", None, paint, frames, long)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--candidates", type=int, default=10_000)
    parser.add_argument(
        "--check",
        action="store_true",
        help="exit 1 where a figure that is wanted is missed; for a quiet machine",
    )
    options = parser.parse_args()
    chromium = shutil.which("chromium") or sys.exit("no chromium; install it")
    with (
        tempfile.TemporaryDirectory() as home,
        own_lab(Path(home)) as lab,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=[*FLAGS])
        print(HEAD)
        print(idle(lab, browser, options.seconds).line(), flush=True)
        mine = [ours(lab, browser, options.seconds, route) for route in ("auto", "kernel")]
        for measured in (*mine, plotly(lab, browser, options.seconds)):
            print(measured.line(), flush=True)
        large = opening(lab, browser, options.candidates)
        print(large.line())
        browser.close()
    missed = [
        one.name
        for one in mine
        if (one.bytes_per_update or 0) > 1000
        or (one.first_paint or 0) > 500
        or one.p95 > 25
        or one.long_tasks
    ]
    missed += [large.name] if (large.first_paint or 0) > 2000 or large.p95 > 25 else []
    if options.check and missed:
        sys.exit(f"missed by: {', '.join(missed)}")


if __name__ == "__main__":
    main()
