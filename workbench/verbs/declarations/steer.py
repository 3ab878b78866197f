"""Verbs that steer the search, and those that pause, change or end a study."""

from workbench import options
from workbench.verbs.handle import StudyHandle
from workbench.verbs.pairs import read_pair
from workbench.verbs.result import Result, report_done
from workbench.verbs.verb import CANDIDATE, EVERYWHERE, Argument, Arguments, Verb

TEXT = Argument(name="text", nargs="+", metavar="TEXT", help="a sentence, quoted or not")


def _guide(study: StudyHandle, arguments: Arguments) -> Result:
    text = " ".join(arguments.text)
    study.guide(text, next=arguments.next)
    scope = "idea for the next proposal" if arguments.next else "guidance"
    return report_done(study.name, "guide", f"{study.name}: {scope}: {text}")


def _ban(study: StudyHandle, arguments: Arguments) -> Result:
    text = " ".join(arguments.text)
    study.ban(text)
    return report_done(study.name, "ban", f"{study.name}: banned: {text}")


def _pin(study: StudyHandle, arguments: Arguments) -> Result:
    study.pin(arguments.candidate)
    text = f"{study.name}: candidate {arguments.candidate} pinned"
    return report_done(study.name, "pin", text)


def _note(study: StudyHandle, arguments: Arguments) -> Result:
    text = " ".join(arguments.text)
    study.note(arguments.candidate, text)
    done = f"{study.name}: noted on candidate {arguments.candidate}: {text}"
    return report_done(study.name, "note", done)


def _fork(study: StudyHandle, arguments: Arguments) -> Result:
    study.fork(arguments.candidate)
    text = f"{study.name}: goes on from candidate {arguments.candidate}"
    return report_done(study.name, "fork", text)


def _set(study: StudyHandle, arguments: Arguments) -> Result:
    key, value = read_pair(arguments.pair)
    study.set(key, value)
    return report_done(study.name, "set", f"{study.name}: {arguments.pair}")


def _pause(study: StudyHandle, arguments: Arguments) -> Result:
    study.pause()
    return report_done(study.name, "pause", f"{study.name}: paused")


def _resume(study: StudyHandle, arguments: Arguments) -> Result:
    study.resume()
    return report_done(study.name, "resume", f"{study.name}: goes on")


def _stop(study: StudyHandle, arguments: Arguments) -> Result:
    study.stop()
    return report_done(study.name, "stop", f"{study.name}: stopped")


VERBS = (
    Verb(
        name="guide",
        help="give guidance for all proposals to come, or an idea for the next",
        own_arguments=(
            TEXT,
            Argument(name="--next", kind="flag", help="an idea for the next proposal only"),
        ),
        on_study=_guide,
        offered=EVERYWHERE,
        answer_names_study=True,
    ),
    Verb(
        name="ban",
        help="ban an idea",
        own_arguments=(TEXT,),
        on_study=_ban,
        offered=EVERYWHERE,
        answer_names_study=True,
    ),
    Verb(
        name="pin",
        help="pin a kept candidate, as one to come back to",
        own_arguments=(CANDIDATE,),
        on_study=_pin,
        offered=EVERYWHERE,
        answer_names_study=True,
    ),
    Verb(
        name="note",
        help="write down a remark on a candidate; the search does not see it",
        own_arguments=(CANDIDATE, TEXT),
        on_study=_note,
        offered=EVERYWHERE,
        answer_names_study=True,
    ),
    Verb(
        name="fork",
        help="let the search go on from a candidate",
        own_arguments=(CANDIDATE,),
        on_study=_fork,
        offered=EVERYWHERE,
        answer_names_study=True,
    ),
    Verb(
        name="set",
        help="change an option of a study under way",
        own_arguments=(
            Argument(
                name="pair",
                metavar="KEY=VALUE",
                help=f"an option and its new value; KEY is one of {', '.join(options.CHANGEABLE)}",
            ),
        ),
        on_study=_set,
        offered=EVERYWHERE,
        answer_names_study=True,
    ),
    Verb(
        name="pause",
        help="pause a study",
        on_study=_pause,
        offered=EVERYWHERE,
        answer_names_study=True,
    ),
    Verb(
        name="resume",
        help="let a paused, ended or dead study go on",
        on_study=_resume,
        offered=EVERYWHERE,
        answer_names_study=True,
    ),
    Verb(
        name="stop",
        help="end a study and its running trials",
        on_study=_stop,
        offered=EVERYWHERE,
        answer_names_study=True,
    ),
)
