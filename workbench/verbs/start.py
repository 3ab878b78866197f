"""Begins, opens and lists studies: the verbs that need no study yet."""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import StudyError, UsageError
from workbench.experiment import Goal, Noise
from workbench.ledger import folder as folders
from workbench.ledger.folder import StudyFolder
from workbench.options import duration
from workbench.recognise.scaffold import Scoring
from workbench.records import Options, Review
from workbench.show import views
from workbench.verbs import create, log_import, loop_process, new
from workbench.verbs.handle import StudyHandle

if TYPE_CHECKING:  # types of what is imported only where it is used
    pass

DEFAULT_CANDIDATES = 20
KEY_BYTES = 16


def start(
    experiment: str | Path,
    *,
    study: str | None = None,
    root: str | Path | None = None,
    proposer: str = "tuner",
    model: str = "",
    strategy: str = "hillclimb",
    policy: str = "tested",
    review: Review = "off",
    candidates: int | None = None,
    time: str | float | None = None,
    max_usd: float = 0.0,
    max_tokens: int = 0,
    base_url: str = "",
    effort: str = "",
    ahead: int | None = None,
    round: int = 1,
    slots: int = 0,
    executor: str = "local",
    seed: int | None = None,
    sandbox: str = "auto",
    settings: Mapping[str, Any] | None = None,
    also: Sequence[str | Path] = (),
    score: str | None = None,
    metric: str | None = None,
    goal: Goal | None = None,
    noise: Noise | None = None,
    min_effect: float = 0.0,
    time_limit: str | float | None = None,
    wait: bool = False,
) -> "StudyHandle":
    """Makes a study of an experiment and starts its loop, a process of its own that outlives this one.

    Args:
        experiment: a folder, the name of a built-in experiment, or a script, of which one is made for this study.
        study: its name; by default the experiment's with a number. root: where `studies/` lies; the current folder by default.
        candidates: how many to propose. By default 20, or without limit where `time` is given; 0 means no limit.
        time: while the loop runs, as in "8h", "1h30m" or a number of seconds; no limit by default.
        max_usd, max_tokens: what proposals may cost; 0 means no limit. slots: trials at a time; 0 means as many as fit.
        base_url: where the model is asked, if not at Claude's or where ANTHROPIC_BASE_URL says. effort: how hard it thinks.
        ahead: proposals made ahead per slot; 0: each learns from all before it. By default as the proposer wishes.
        round: how many candidates a proposer that can (`agent`) is asked for at a time.
        seed: all chance in the study derives from it, so that it can be run again. By default nobody knows the seeds of trials before.
        settings: values of the experiment's settings, as `--set KEY=VALUE`.
        also: other programs to be tried before the proposer is asked: files in place of the editable one, or folders of such.
        score, metric, goal, noise, min_effect: how a script is scored, as in `Scoring`. time_limit: the longest that a trial of it may
            take, as in "30m"; ten minutes by default.
        wait: return only when the study has ended.

    Raises:
        UsageError: something given here cannot be. SandboxUnavailable: no acceptable sandbox works here.
        WorkbenchError: the loop did not start.
    """
    seconds = duration(time) if time is not None else 0.0
    if candidates is None:
        candidates = 0 if seconds else DEFAULT_CANDIDATES
    options = Options(
        proposer=proposer,
        model=model,
        strategy=strategy,
        policy=policy,
        review=review,
        candidates=candidates,
        seconds=seconds,
        max_usd=max_usd,
        max_tokens=max_tokens,
        base_url=base_url,
        effort=effort,
        ahead=ahead,
        round=round,
        slots=slots,
        executor=executor,
        seed=seed or 0,
        sandbox=sandbox,
    )
    texts = {key: str(value) for key, value in (settings or {}).items()}
    place, scoring = (
        Path(root or Path.cwd()),
        Scoring(score=score, metric=metric, goal=goal, noise=noise, min_effect=min_effect),
    )
    script = place / Path(experiment).expanduser()

    def create_study(found: str | Path, source: Path | None = None) -> StudyFolder:
        others = [str(path) for path in also]
        key = secrets.token_hex(KEY_BYTES) if seed is None else ""
        return create.create(
            str(found),
            study=study,
            root=place,
            options=options,
            settings=texts,
            source=source,
            also=others,
            key=key,
        )

    if new.is_script(script):
        folder = new.begin(
            script, scoring, time_limit, lambda made: create_study(made, script.resolve())
        )
    elif scoring != Scoring() or time_limit is not None:
        raise UsageError(
            f"score, metric, goal, noise, min_effect and time_limit are for a script; {experiment} says in experiment.toml how it is "
            "scored, and how long a trial may take"
        )
    else:
        folder = create_study(experiment)
    loop_process.spawn(folder)
    handle = StudyHandle(folder)
    if wait:
        handle.wait()
    return handle


def import_log(
    path: str | Path,
    *,
    study: str | None = None,
    root: str | Path | None = None,
    goal: Goal | None = None,
    metric: str | None = None,
    columns: Sequence[str] = (),
    statuses: Mapping[str, str] | None = None,
    segment: int | None = None,
) -> "StudyHandle":
    """Makes a read-only study of a `results.tsv` or of pi's `autoresearch.jsonl`; the words are those of `importing.import_log`."""
    made = log_import.import_log(
        path,
        study=study,
        root=root,
        goal=goal,
        metric=metric,
        columns=columns,
        statuses=statuses,
        segment=segment,
    )
    return StudyHandle(made.folder)


def open(name: str | Path | None = None, root: str | Path | None = None) -> "StudyHandle":
    """A study by name or path; without a name, the newest below `root` (the current folder by default)."""
    return StudyHandle(folders.find(None if name is None else str(name), Path(root or Path.cwd())))


def studies(root: str | Path | None = None) -> list["StudyHandle"]:
    """The readable studies below a folder (the current one by default), newest first."""
    found = []
    for folder in folders.all_studies(Path(root or Path.cwd())):
        try:
            found.append(StudyHandle(folder))
        except StudyError:
            continue  # of a newer version, or damaged: `autoresearch list` names it with its reason
    return found


def overview(root: Path) -> list[views.View]:
    """The status of every study below a folder, newest first; one that cannot be read has the state `unreadable` and a reason."""
    rows = []
    for folder in folders.all_studies(root):
        try:
            with StudyHandle(folder) as study:
                rows.append(views.status(study.study, folder))
        except StudyError as error:
            rows.append({"study": folder.name, "state": "unreadable", "reason": str(error)})
    return rows
