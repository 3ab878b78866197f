"""Launch: makes a study, starts its loop as a process of its own, and hands requests to it.

The loop shares a directory with its starter, not code: nothing here imports `workbench.loop`.
"""

import math
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import workbench
from workbench import experiment as experiments
from workbench.errors import ExperimentError, RequestRefused, StudyError, UsageError, WorkbenchError
from workbench.experiment import Experiment
from workbench.ledger import folder as folders
from workbench.ledger import lease
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal, write_new
from workbench.ledger.study import Study
from workbench.program import Program
from workbench.records import Adopted, Candidate, LoopStarted, Options, Refused, StudyOpened
from workbench.verbs import given, imported, starters

BASELINE = "baseline"
SPAWN_SECONDS = 2.0
PATIENCE_SECONDS = 5.0
STUCK_SECONDS = 60.0
POLL_SECONDS = 0.02
RETRY_SECONDS = 1.0
_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_CHANGEABLE = {"candidates": int, "seconds": float, "max_usd": float, "max_tokens": int, "max_waiting": int, "review": str}
_WORDS = ("candidates", "time", "max_usd", "max_tokens", "max_waiting", "review")
MAX_ROUND = MAX_AHEAD = 8
SANDBOXES = ("auto", "bwrap", "landlock", "off")
NOT_COPIED = ("__pycache__", folders.STUDIES, "node_modules")


def create(
    experiment: str,
    *,
    study: str | None = None,
    root: Path | None = None,
    options: Options | None = None,
    settings: Mapping[str, str] | None = None,
    source: Path | None = None,
    also: Sequence[str] = (),
    key: str = "",
) -> StudyFolder:
    """Makes a study whole or not at all: a frozen copy of the experiment, and a journal with the baseline as candidate 0.

    Args:
        experiment: a folder, or the name of a built-in experiment.
        study: its name; by default the experiment's with a number.
        root: the folder in which `studies/` lies; the current one by default.
        source: where the program came from, and `apply` writes it to; the experiment's folder by default.
        also: programs beside the baseline that are tried first, as in `starters.read`. key: as in `StudyOpened`.

    Raises:
        UsageError: the experiment, an option or a setting cannot be; the name is taken.
        SandboxUnavailable: no acceptable sandbox works here.
    """
    root = (root or Path.cwd()).resolve()
    found, files = given.taken(experiments.read(experiments.find(experiment, root)), settings or {}, root)
    program, options = found.program(), checked(options or Options(), root)
    if study is not None and (root / folders.STUDIES / study).exists():
        raise StudyError(f"a study {study!r} is there already; {_go_on(root, study)}choose another name")
    others = starters.read(found, program, also, root)
    _check_sandbox(options.sandbox)

    def fill(name: str) -> StudyFolder:
        return folders.create(root, name, lambda draft: _fill(draft, name, found, program, others, options, files, source, key))

    if study is not None:
        return fill(study)
    stem = re.sub(r"[^\w.-]+", "-", found.name).strip("-.") or "study"
    for _ in range(20):
        name = folders.free_name(root, stem)
        try:
            return fill(name)
        except StudyError:
            if not (root / folders.STUDIES / name).exists():  # not a start at the same time that took the name
                raise
    raise StudyError(f"found no free name for a study of {found.name}; choose one with --study NAME")


def _go_on(root: Path, study: str) -> str:
    try:
        with Journal(folders.find(study, root)) as journal:
            is_imported = imported.is_imported(Study().fold(journal.entries()))
    except StudyError:
        is_imported = False
    return "it is imported and read-only; " if is_imported else f"go on with it: autoresearch resume --study {study}, or "


def checked(options: Options, root: Path) -> Options:
    """The options, with names that exist and numbers that can be; a folder in `patches:DIR` becomes absolute.

    Raises:
        UsageError: one line that says what was given and what there is.
    """
    from workbench import registry  # reads entry points, which most verbs need not pay for
    from workbench.propose.wording import WORDINGS

    proposer, prompt = registry.meant(options.proposer)
    options = replace(options, proposer=proposer, prompt=prompt or options.prompt)
    for role in ("proposer", "policy", "executor"):
        registry.check({"policy": "policies"}.get(role, role + "s"), getattr(options, role))
    registry.check("strategies", options.strategy)
    if options.review not in ("off", "keeps", "all"):
        raise UsageError(f"review = {options.review!r}; choose one of off, keeps, all")
    if options.sandbox not in SANDBOXES:
        raise UsageError(f"no sandbox level {options.sandbox!r}; choose one of {', '.join(SANDBOXES)}")
    for name in ("candidates", "seconds", "max_usd", "max_tokens", "slots"):
        if not 0 <= getattr(options, name) < float("inf"):
            raise UsageError(f"{name} = {getattr(options, name)}; it is a number of at least 0 (0 means {_zero(name)})")
    if not 1 <= options.round <= MAX_ROUND:
        raise UsageError(f"round = {options.round}; it is a number from 1 to {MAX_ROUND}")
    if options.ahead is not None and not 0 <= options.ahead <= MAX_AHEAD:
        raise UsageError(f"ahead = {options.ahead}; it is a number from 0 to {MAX_AHEAD}")
    name, colon, argument = options.proposer.partition(":")
    if name in WORDINGS:
        _check_model(options, name, argument)
    if name == "tuner":
        from workbench.propose import settings

        settings.read(argument)
    if name == "replay":
        if not argument:
            raise UsageError("--proposer replay:STUDY needs the name or folder of a recorded study")
        return replace(options, proposer=f"replay:{folders.find(argument, root).path}")
    if name != "patches":
        return options
    patches = (root / Path(argument).expanduser()).resolve() if colon and argument else None
    if patches is None or not patches.is_dir():
        raise UsageError(f"--proposer patches:DIR needs an existing folder of patches, not {argument!r}")
    return replace(options, proposer=f"patches:{patches}")


def _check_model(options: Options, name: str, argument: str) -> None:
    """Raises UsageError where a study that asks a model cannot, or could not be held to its budget."""
    from workbench.propose import evolve
    from workbench.propose.agent import agent
    from workbench.propose.model import client, ensemble, prices
    from workbench.propose.wording import WORDINGS

    if name == "agent":
        agent.level(argument)
    else:
        evolve.words(argument)
    WORDINGS[name].of(options.prompt)
    client.check(options.base_url, options.effort)
    names = ensemble.models(options.model)
    if options.max_usd and (strangers := prices.unpriced(names)):
        raise UsageError(f"--max-usd cannot hold where the price of {', '.join(strangers)} is unknown; give --max-tokens instead")


def estimate(folder: StudyFolder) -> str:
    """About what the proposals of a new study will cost, in one line; empty where they ask no model."""
    with Journal(folder) as journal:
        study = Study().fold(journal.entries())
        program = journal.program(study.candidates[0].record.program)
    name = study.options.proposer.partition(":")[0]
    if name == "agent":
        from workbench.propose.wording import AgentWording

        turns = AgentWording.of(study.options.prompt).turns
        return f"agent makes as many calls per candidate as it needs, up to {turns}; --max-usd or --max-tokens bounds what they cost"
    if name != "evolve":
        return ""
    from workbench.propose import prompt
    from workbench.propose.model import ensemble, prices
    from workbench.propose.wording import EvolveWording

    size = prompt.size(experiments.read(folder.experiment), program, EvolveWording.of(study.options.prompt))
    return prices.estimate(ensemble.models(study.options.model), size, study.options.candidates)


def duration(text: str | float) -> float:
    """Seconds of "8h", "30m", "1h30m", "90s", "2d" or a number of seconds.

    Raises:
        UsageError: it is none of these.
    """
    plain = str(text).strip().lower()
    parts = re.findall(r"(\d+(?:\.\d+)?)([dhms])", plain)
    seconds = math.inf
    if parts and "".join(number + unit for number, unit in parts) == plain:
        seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    elif re.fullmatch(r"\d+(?:\.\d+)?", plain):
        seconds = float(plain)
    if math.isfinite(seconds):
        return seconds
    raise UsageError(f"not a time: {text!r}; write 8h, 30m, 1h30m or a number of seconds")


def changed(key: str, value: Any) -> tuple[str, Any]:
    """The option that `set KEY=VALUE` changes, and its value.

    Raises:
        UsageError: no such option, or a value of another type or size.
    """
    name = key.strip().replace("-", "_")
    if name == "time":
        return "seconds", duration(value)
    if name not in _CHANGEABLE:
        raise UsageError(f"cannot change {key!r} of a study; what can be changed: {', '.join(_WORDS)}")
    try:
        changed = _CHANGEABLE[name](value)
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"{key}={value}: it must be a number") from None
    if name != "review" and not 0 <= changed < math.inf:
        raise UsageError(f"{key}={value}: it must be a number of at least 0 (0 means no limit)")
    return name, changed


def _zero(name: str) -> str:
    return "as many as fit" if name == "slots" else "no limit"


def _check_sandbox(policy: str) -> None:
    from workbench.evaluate.sandbox import levels

    levels.choose(policy)


def _fill(
    draft: StudyFolder,
    name: str,
    experiment: Experiment,
    program: Program,
    others: Mapping[Program, str],
    options: Options,
    files: Mapping[str, bytes],
    source: Path | None,
    key: str,
) -> None:
    freeze(experiment, program, draft.experiment)
    for place, data in files.items():
        copy = draft.experiment / place
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(data)
    opened = StudyOpened(
        name=name,
        experiment=experiment.name,
        source=str(source or experiment.folder),
        experiment_digest=replace(experiment, folder=draft.experiment).digest,
        objective=experiment.objective,
        options=options,
        shape=experiment.shape,
        settings=dict(experiment.settings),
        audit=dict(experiment.audit),
        environment=environment(),
        version=workbench.__version__,
        also={other.digest: hypothesis for other, hypothesis in others.items()},
        key=key,
    )
    baseline = Candidate(candidate=0, parent=None, program=program.digest, author=BASELINE, hypothesis="the experiment as it is")
    write_new(draft, [opened, baseline], [program, *others])


def freeze(experiment: Experiment, program: Program, target: Path) -> None:
    """Copies the experiment's files, with the program as its editable ones; links, hidden files and caches stay behind.

    Raises:
        ExperimentError: the evaluator is a link, which would not be part of the copy.
    """
    for folder, names, files in os.walk(experiment.folder):
        names[:] = [name for name in names if not name.startswith(".") and name not in NOT_COPIED]
        here = Path(folder)
        for name in files:
            source = here / name
            if name.startswith(".") or source.is_symlink() or not source.is_file():
                continue
            copy = target / source.relative_to(experiment.folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
            copy.chmod(0o755 if source.stat().st_mode & 0o100 else 0o644)
    program.write(target)
    if not (target / "experiment.toml").exists():  # a checkout that was recognised without one
        (target / "experiment.toml").write_text(experiments.as_toml(experiment), encoding="utf-8")
    if experiment.evaluator and not (target / experiment.evaluator).is_file():
        raise ExperimentError(f"{experiment.folder / experiment.evaluator} is a link or hidden; a study freezes plain files only")


def environment() -> dict[str, str]:
    """Where this runs: versions, processors, GPU; nothing is imported to find out."""
    from importlib import metadata

    found = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cpus": str(len(os.sched_getaffinity(0))),
        "gpu": ", ".join(gpus()),
    }
    for package in ("torch", "numpy"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {name: value for name, value in found.items() if value}


def _processor() -> str:
    """The model of the processor: another one may round another way."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.processor()


def gpus() -> list[str]:
    """Names of the NVIDIA GPUs of this machine, as its driver lists them."""
    models = [re.search(r"^Model:\s*(.+)$", text, re.MULTILINE) for text in _driver_texts()]
    if models:
        return [model[1].strip() for model in models if model]
    if not shutil.which("nvidia-smi"):
        return []
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=1.0, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line.strip() for line in run.stdout.splitlines() if line.strip()] if run.returncode == 0 else []


def _driver_texts() -> list[str]:
    files = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    return [file.read_text(encoding="utf-8", errors="replace") for file in files]


def spawn(folder: StudyFolder, patience: float = SPAWN_SECONDS) -> None:
    """Starts the loop of a study so that it outlives its starter; returns when it holds the lease, or after `patience` seconds.

    Raises:
        WorkbenchError: it ended without having run; the message is the last line of `loop.log`.
    """
    with folder.loop_log.open("ab") as output:
        # -P: the folder that the loop runs in is no place to import from.
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "workbench.loop", str(folder.path)],
            cwd="/",
            env=_loop_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            close_fds=True,
        )
    end = time.monotonic() + patience
    while child.poll() is None and lease.holder(folder) is None and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
    if child.returncode is None:
        # Somebody has to take its exit status, or it stays as a zombie for as long as a kernel lives.
        threading.Thread(target=child.wait, name="loop-reaper", daemon=True).start()
    elif child.returncode and lease.holder(folder) is None and not _has_run(folder, child.pid):
        raise WorkbenchError(f"the loop of {folder.name} did not start: {last_line(folder.loop_log) or f'exit code {child.returncode}'}")


def _has_run(folder: StudyFolder, process: int) -> bool:
    with Journal(folder) as journal:
        return any(isinstance(entry.record, LoopStarted) and entry.record.pid == process for entry in journal.entries())


def _loop_environment() -> dict[str, str]:
    """This process's environment; where the package is used from a checkout, the loop finds it there too."""
    package = Path(workbench.__file__).resolve().parent.parent
    if package.name in ("site-packages", "dist-packages"):
        return dict(os.environ)
    paths = [str(package), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}


def last_line(file: Path) -> str:
    """The last line of a text file that is not blank; empty where there is none."""
    try:
        with file.open("rb") as stream:
            stream.seek(max(0, file.stat().st_size - 8192))
            lines = stream.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


class Reviver:
    """Starts the loop of a study when called while none is alive or on its way, at most once a second.

    A loop may end between the filing of a request and its own last look at them: who waits for the answer calls this again and again.
    """

    def __init__(self, folder: StudyFolder) -> None:
        self._folder, self._tried_at = folder, -math.inf

    def __call__(self, patience: float = SPAWN_SECONDS) -> None:
        """Raises WorkbenchError when the loop could not be started."""
        is_early = time.monotonic() - self._tried_at <= RETRY_SECONDS
        if not is_early and not lease.is_alive(self._folder):
            spawn(self._folder, patience)
            self._tried_at = time.monotonic()


def request(folder: StudyFolder, verb: str, body: Mapping[str, Any], after: int = 0, patience: float = PATIENCE_SECONDS) -> str:
    """Files a request and returns its id when the loop has adopted it; starts a loop where none is alive.

    Args:
        after: the last journal entry that the caller knows; the answer is looked for behind it.
        patience: seconds without a loop. One that is alive, or starts, is waited for: on a busy machine either may take long.

    Raises:
        RequestRefused: the loop refused it; the message is its reason.
        WorkbenchError: nobody answered in time, or a loop that is alive did not for a minute. The request stays recorded.
    """
    with Journal(folder) as journal:
        name = journal.request(verb, body)
        began, revive = time.monotonic(), Reviver(folder)
        end, is_over = began + patience, False
        while not is_over:
            if (now := time.monotonic()) >= end:
                # Looked at before the journal is: a loop that answers and then ends has answered.
                is_over = now >= began + STUCK_SECONDS or lease.process(folder) is None
                end = now + patience
            for entry in journal.entries(after):
                after = entry.id
                if isinstance(entry.record, Adopted) and entry.record.request == name:
                    return name
                if isinstance(entry.record, Refused) and entry.record.request == name:
                    raise RequestRefused(entry.record.reason)
            if not is_over:
                revive(max(0.1, end - time.monotonic()))
                time.sleep(POLL_SECONDS)
    raise WorkbenchError(f"no answer yet from the loop of {folder.name}; {verb} is recorded and will be adopted when it runs")
