"""Reproduce: a step is exported, run headless in an empty folder as anybody else would run it, and its verdict is read back.

Only runs and reads; filing the verdict in the study is the handle's request.
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
    """Runs a candidate again from its exported notebook, with papermill in an empty folder; returns the verdict.

    Args:
        seed, trials, sigmas: the notebook's parameters; its own defaults where they are None.
        keep: where the executed notebook is to stay, as for `export`.

    Raises:
        UsageError: there is nothing to run again, or `keep` cannot be written; nothing has run then.
        WorkbenchError: papermill or the kernel did not work; nothing is said about the step.
    """
    kept = None if keep is None else place.find(keep, default_name(folder, candidate))
    with tempfile.TemporaryDirectory(prefix="autoresearch-reproduce-") as made:
        empty = Path(made) / "empty"
        empty.mkdir()
        source = export(folder, candidate, Path(made) / "step.ipynb")
        executed = Path(made) / "executed.ipynb"
        given = {"seed": seed, "trials": trials, "sigmas": sigmas}
        said = _papermill(
            source,
            executed,
            empty,
            {name: value for name, value in given.items() if value is not None},
        )
        if not executed.is_file():
            raise WorkbenchError(
                f"papermill did not run the notebook: {said or 'it said nothing'}; check it with: autoresearch doctor"
            )
        if kept is not None:
            place.write(executed.read_text(encoding="utf-8"), kept)
        return _read_back(executed, candidate, said)


def result(executed: Path) -> dict[str, Any] | None:
    """What `step` left in an executed notebook; None where it did not come that far."""
    for output in _outputs(executed):
        if MIME in output.get("data", {}):
            found: dict[str, Any] = output["data"][MIME]
            return found
    return None


def _read_back(executed: Path, candidate: int, said: str) -> Reproduction:
    found = result(executed)
    if found is not None:
        differs = f" (differs: {'; '.join(found['differences'])})" if found["differences"] else ""
        return Reproduction(
            candidate=candidate,
            reproduced=bool(found["reproduced"]),
            got=found["got"],
            recorded=found["recorded"],
            tolerance=found["tolerance"],
            why=found["line"] + differs,
            environment=found["environment"],
        )
    error = next(
        (output for output in _outputs(executed) if output["output_type"] == "error"), None
    )
    if error is None:
        raise WorkbenchError(
            f"the notebook ended without a verdict and without an error: {said or 'the kernel may have been killed'}"
        )
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


def _papermill(source: Path, executed: Path, folder: Path, parameters: Mapping[str, Any]) -> str:
    """Runs a notebook to its end; returns the last line that papermill said. It and its kernel are gone when this returns."""
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
    ]
    command += ["-k", "python3", "-y", json.dumps(parameters)] if parameters else ["-k", "python3"]
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
    finally:  # a person interrupted, or papermill ended: what it started goes with it
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return one_line(lines[-1]) if lines else ""


def _environment() -> dict[str, str]:
    """This process's environment; where the package is used from a checkout, the kernel finds it there too."""
    package = Path(workbench.__file__).resolve().parent.parent
    if package.name in ("site-packages", "dist-packages"):
        return dict(os.environ)
    paths = [str(package), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
