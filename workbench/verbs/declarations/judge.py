"""Verbs that judge candidates, or check what the study has found."""

import sys
from collections.abc import Callable
from dataclasses import replace

from workbench.errors import UsageError
from workbench.show import examinations
from workbench.show.examination_tables import AblationView, AuditView
from workbench.verbs.edit import read_edited_files
from workbench.verbs.handle import StudyHandle
from workbench.verbs.result import INTERRUPTED, Result, Sentence, report_done
from workbench.verbs.verb import CANDIDATE, EVERYWHERE, Argument, Arguments, Verb

TRIED = "it is tried like any other"


def _accept(study: StudyHandle, arguments: Arguments) -> Result:
    number = arguments.candidate
    hunks = _read_hunks(arguments.hunks)
    study.accept(number, hunks, arguments.reason)
    newest = study.study.candidates[-1].record
    # With all hunks, the candidate itself is kept and no new one is made.
    if hunks is not None and newest.revises == number:
        text = f"these hunks are candidate {newest.candidate}; {TRIED}"
        number = newest.candidate
    else:
        text = _describe_accepted(study, number)
    data = {"study": study.name, "done": "accept", "text": text, "candidate": number}
    return Result(Sentence(f"{study.name}: {text}"), data)


def _read_hunks(text: str | None) -> list[int] | None:
    """The numbers in `1,3`; None where no hunks are named."""
    if text is None:
        return None
    try:
        return [int(part) for part in text.replace(" ", ",").split(",") if part]
    except ValueError:
        raise UsageError(f"not hunk numbers: {text!r}; write --hunks 1,3") from None


def _describe_accepted(study: StudyHandle, number: int) -> str:
    """What happens to a candidate that was accepted as a whole."""
    match study.study.candidates[number].status:
        case "kept":
            return f"candidate {number} accepted"
        case "waiting":  # its veto was taken back, and before that it waited for a person
            return (
                f"candidate {number} waits again, as before it was rejected; "
                "accept it once more to let it run"
            )
        case _:
            return f"candidate {number} accepted; {TRIED}"


def _reject(study: StudyHandle, arguments: Arguments) -> Result:
    study.reject(arguments.candidate, arguments.reason)
    text = f"{study.name}: candidate {arguments.candidate} rejected"
    return report_done(study.name, "reject", text)


def _edit(study: StudyHandle, arguments: Arguments) -> Result:
    number = arguments.candidate
    # Only what differs is sent: the loop puts it on top of the candidate's program.
    files = read_edited_files(study[number].program, arguments.source)
    version = study.edit(number, files, arguments.reason)
    text = f"{study.name}: your version of candidate {number} is candidate {version}; {TRIED}"
    return report_done(study.name, "edit", text, candidate=version)


def _audit(study: StudyHandle, arguments: Arguments) -> Result:
    def examine() -> AuditView | None:
        return study.audit(arguments.trials, wait=not arguments.no_wait, follow=_print_progress)

    return _examine(study, "audit", examine)


def _ablate(study: StudyHandle, arguments: Arguments) -> Result:
    def examine() -> AblationView | None:
        return study.ablate(arguments.trials, wait=not arguments.no_wait, follow=_print_progress)

    return _examine(study, "ablate", examine)


def _examine(
    study: StudyHandle, verb: str, examine: Callable[[], AuditView | AblationView | None]
) -> Result:
    """Runs an audit or an ablation, which goes on without us after Ctrl-C or with `--no-wait`."""
    exit_code = 0
    try:
        view = examine()
    except KeyboardInterrupt:
        view = None
        exit_code = INTERRUPTED
    if view is None:
        text = (
            f"{study.name}: {verb} goes on by itself; ask again to follow it, "
            f"or look: autoresearch status {study.name}"
        )
        examination = study.status().data["examination"]
        report = report_done(study.name, verb, text, examination=examination)
        return replace(report, exit_code=exit_code)
    if isinstance(view, AuditView):
        has_failed = view.data["verdict"] != "holds"
    else:
        has_failed = bool(view.data["why"])
    return Result(view, view.data, exit_code=int(has_failed))


def _print_progress(progress: examinations.View) -> None:
    print(
        f"{progress['verb']} of candidate {progress['candidate']}: "
        f"{progress['done']} of {progress['trials']} trials",
        file=sys.stderr,
        flush=True,
    )


_EXAMINATION_ARGUMENTS = (
    Argument(
        name="--trials",
        kind="integer",
        metavar="N",
        default_text="as many as a test of the study may take",
        help="trials of each program",
    ),
    Argument(
        name="--no-wait",
        kind="flag",
        help="return at once; status shows the result when it is there",
    ),
)

VERBS = (
    Verb(
        name="accept",
        help="keep a candidate, or some of its hunks",
        own_arguments=(
            CANDIDATE,
            Argument(
                name="--hunks",
                metavar="1,3",
                default_text="all",
                help="keep only these; they become a new candidate, which is tried like any other",
            ),
            Argument(name="--reason", metavar="TEXT", default="", help="why"),
        ),
        on_study=_accept,
        offered=EVERYWHERE,
        answer_names_study=True,
    ),
    Verb(
        name="reject",
        help="veto a candidate, even one that was kept",
        own_arguments=(
            CANDIDATE,
            Argument(name="--reason", metavar="TEXT", default="", help="why; the proposer is told"),
        ),
        on_study=_reject,
        offered=EVERYWHERE,
        answer_names_study=True,
    ),
    Verb(
        name="edit",
        help="change a candidate by hand; your version is tried like any other",
        own_arguments=(
            CANDIDATE,
            Argument(
                name="--from",
                dest="source",
                metavar="FOLDER",
                default_text="they open in $EDITOR",
                help="a folder with the edited files",
            ),
            Argument(name="--reason", metavar="TEXT", default="", help="what the change is for"),
        ),
        on_study=_edit,
        offered=EVERYWHERE,
        answer_names_study=True,
    ),
    Verb(
        name="audit",
        help="compare incumbent and baseline on data that no decision used: the corrected gain",
        own_arguments=_EXAMINATION_ARGUMENTS,
        on_study=_audit,
        offered=EVERYWHERE,
        exit_codes={
            1: "the gain does not hold, or a program failed",
            INTERRUPTED: "interrupted; the audit goes on",
        },
    ),
    Verb(
        name="ablate",
        help="take each kept change out in turn, to see which of them still matter",
        own_arguments=_EXAMINATION_ARGUMENTS,
        on_study=_ablate,
        offered=EVERYWHERE,
        exit_codes={
            1: "a program failed",
            INTERRUPTED: "interrupted; the ablation goes on",
        },
    ),
)
