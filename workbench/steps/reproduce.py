"""Reproduces a step as anyone else would: exports it and runs it in an empty folder.

Only runs and reads. Recording the verdict in the study is a request of the handle.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import workbench
from workbench.errors import WorkbenchError
from workbench.ledger.folder import StudyFolder
from workbench.records import Reproduction
from workbench.show.visible import one_line
from workbench.steps import place
from workbench.steps.export import default_name, export
from workbench.steps.step import MIME, current_environment


def reproduce(
    folder: StudyFolder,
    candidate: int,
    *,
    seed: int | None = None,
    trials: int | None = None,
    sigmas: float | None = None,
    keep: Path | None = None,
) -> Reproduction:
    """Runs a candidate again from its exported notebook, with papermill in an empty folder.

    Args:
        seed: the notebook's parameter; its default if None.
        trials: likewise.
        sigmas: likewise.
        keep: where the executed notebook is to stay, as for `export`.

    Raises:
        UsageError: there is nothing to run again, or `keep` cannot be written; nothing has run
        then. WorkbenchError: papermill or the kernel did not work; that says nothing about the
        step.
    """
    keep_at = None if keep is None else place.find(keep, default_name(folder, candidate))
    options = {"seed": seed, "trials": trials, "sigmas": sigmas}
    parameters = {name: value for name, value in options.items() if value is not None}
    with tempfile.TemporaryDirectory(prefix="autoresearch-reproduce-") as root:
        empty = Path(root) / "empty"
        empty.mkdir()
        source = export(folder, candidate, Path(root) / "step.ipynb")
        executed = Path(root) / "executed.ipynb"
        last_line = _run_papermill(source, executed, empty, parameters)
        if not executed.is_file():
            raise WorkbenchError(
                f"papermill did not run the notebook: {last_line or 'it said nothing'}; "
                "check it with: autoresearch doctor"
            )
        if keep_at is not None:
            place.write(executed.read_text(encoding="utf-8"), keep_at)
        return _read_verdict(executed, candidate, last_line)


def result(executed: Path) -> dict[str, Any] | None:
    """What the step left in an executed notebook; None if it did not get that far."""
    for output in _outputs(executed):
        data: dict[str, Any] = output.get("data", {})
        if MIME in data:
            step_result: dict[str, Any] = data[MIME]
            return step_result
    return None


def _read_verdict(executed: Path, candidate: int, last_line: str) -> Reproduction:
    step_result = result(executed)
    if step_result is not None:
        why = step_result["line"]
        if step_result["differences"]:
            why += f" (differs: {'; '.join(step_result['differences'])})"
        return Reproduction(
            candidate=candidate,
            reproduced=bool(step_result["reproduced"]),
            got=step_result["got"],
            recorded=step_result["recorded"],
            tolerance=step_result["tolerance"],
            why=why,
            environment=step_result["environment"],
        )
    errors = [output for output in _outputs(executed) if output["output_type"] == "error"]
    if not errors:
        problem = last_line or "the kernel may have been killed"
        raise WorkbenchError(
            f"the notebook ended without a verdict and without an error: {problem}"
        )
    error = errors[0]
    if error["ename"] in ("SandboxUnavailable", "ModuleNotFoundError"):
        raise WorkbenchError(f"the step could not be run here: {one_line(error['evalue'])}")
    why = f"the notebook failed: {error['ename']}: {one_line(error['evalue'])}"
    return Reproduction(
        candidate=candidate,
        reproduced=False,
        got=None,
        recorded=None,
        why=why,
        environment=current_environment(),
    )


def _outputs(executed: Path) -> list[dict[str, Any]]:
    notebook = json.loads(executed.read_text(encoding="utf-8"))
    return [output for cell in notebook["cells"] for output in cell.get("outputs", [])]


def _run_papermill(
    source: Path, executed: Path, folder: Path, parameters: Mapping[str, Any]
) -> str:
    """Runs a notebook to its end; returns the last line that papermill printed.

    Papermill and its kernel are gone when this returns.
    """
    command = [
        sys.executable,
        "-P",
        "-m",
        "papermill",
        str(source),
        str(executed),
        "--cwd",
        str(folder),
        "--no-progress-bar",
        "-k",
        "python3",
    ]
    if parameters:
        command += ["-y", json.dumps(parameters)]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate()
    finally:  # papermill ended or a person interrupted: either way, what it started must end too
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return one_line(lines[-1]) if lines else ""


def _environment() -> dict[str, str]:
    """This process's environment.

    If the package is used from a checkout, the kernel finds it there too.
    """
    package = Path(workbench.__file__).resolve().parent.parent
    if package.name in ("site-packages", "dist-packages"):
        return dict(os.environ)
    paths = [str(package), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
