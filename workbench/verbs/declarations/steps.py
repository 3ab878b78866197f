"""Verbs that take programs out of a study: back to files, or as a step that runs alone."""

from dataclasses import asdict

from workbench.errors import UsageError
from workbench.verbs.handle import StudyHandle
from workbench.verbs.result import Result, Sentence
from workbench.verbs.verb import CANDIDATE, Argument, Arguments, Verb


def _apply(study: StudyHandle, arguments: Arguments) -> Result:
    if arguments.proposer is not None:
        return _install(study, arguments)
    done = study.apply(arguments.candidate, to=arguments.to, dry_run=arguments.dry_run)
    data = {
        "folder": str(done.folder),
        "written": list(done.written),
        "unchanged": list(done.unchanged),
        "dry_run": done.dry_run,
        "patch": done.patch.to_unified_diff(),
    }
    return Result(Sentence(str(done)), data)


def _install(study: StudyHandle, arguments: Arguments) -> Result:
    if arguments.to is not None or arguments.dry_run:
        raise UsageError(
            "--proposer installs a proposer and writes nothing else; leave --to and --dry-run out"
        )
    path = study.install(arguments.proposer, arguments.candidate)
    text = (
        f"{study.name}: installed; "
        f"use it: autoresearch start EXPERIMENT --proposer {arguments.proposer}"
    )
    data = {
        "proposer": arguments.proposer,
        "path": str(path),
        "means": path.read_text(encoding="utf-8").strip(),
    }
    return Result(Sentence(text), data)


def _export(study: StudyHandle, arguments: Arguments) -> Result:
    path = study.export(arguments.candidate, arguments.file)
    text = f"wrote {path}; papermill runs it, alone, anywhere"
    return Result(Sentence(text), {"candidate": arguments.candidate, "path": str(path)})


def _reproduce(study: StudyHandle, arguments: Arguments) -> Result:
    record = study.reproduce(
        arguments.candidate,
        seed=arguments.seed,
        trials=arguments.trials,
        sigmas=arguments.sigmas,
        keep=arguments.keep,
    )
    verdict = "reproduced" if record.reproduced else "did NOT reproduce"
    text = (
        f"{study.name}: candidate {record.candidate} {verdict}: "
        f"got {record.got}, recorded {record.recorded}. {record.why}"
    )
    exit_code = int(not record.reproduced)
    return Result(Sentence(text.rstrip()), asdict(record), exit_code=exit_code)


VERBS = (
    Verb(
        name="apply",
        help="write the incumbent, or a candidate, back to your files, never over other work",
        own_arguments=(
            Argument(
                name="candidate",
                kind="integer",
                nargs="?",
                metavar="N",
                default_text="the incumbent",
                help="number of the candidate",
            ),
            Argument(
                name="--to",
                metavar="FOLDER",
                default_text="where the study began",
                help="write there instead; a new folder becomes a copy of the experiment",
            ),
            Argument(
                name="--proposer",
                metavar="NAME",
                help="write no file, but install it as a proposer of this name, for start "
                "--proposer NAME; it must be settings of the tuner, or a prompt",
            ),
            Argument(name="--dry-run", kind="flag", help="only check, and show the diff"),
        ),
        on_study=_apply,
    ),
    Verb(
        name="export",
        help="write one step as a notebook that runs alone",
        own_arguments=(
            CANDIDATE,
            Argument(
                name="file",
                nargs="?",
                metavar="FILE.ipynb",
                default_text="a name from study and candidate",
                help="where to write it",
            ),
        ),
        on_study=_export,
    ),
    Verb(
        name="reproduce",
        help="run one step again, and record whether it reproduces",
        own_arguments=(
            CANDIDATE,
            Argument(
                name="--seed",
                kind="integer",
                metavar="S",
                default_text="the recorded seeds",
                help="seed of the first trial",
            ),
            Argument(
                name="--trials",
                kind="integer",
                metavar="N",
                default_text="as recorded",
                help="how many trials",
            ),
            Argument(
                name="--sigmas",
                kind="number",
                metavar="X",
                default_text="the notebook's",
                help="difference that still counts as the same, in standard deviations",
            ),
            Argument(name="--keep", metavar="FILE.ipynb", help="keep the executed notebook there"),
        ),
        on_study=_reproduce,
        exit_codes={1: "it did not reproduce"},
        answer_names_study=True,
    ),
)
