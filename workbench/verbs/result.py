"""What a verb answers: a value for the notebook, plain data for `--json`, and an exit code."""

from dataclasses import dataclass
from typing import Any

from workbench.ledger.folder import StudyFolder

INTERRUPTED = 130  # the exit code of a command that was ended with Ctrl-C


class Sentence(str):
    """A text that a notebook shows as it is, without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True)
class Result:
    """The answer of a verb.

    Attributes:
        value: what the magic returns.
        data: what `--json` prints.
        text: what a shell prints; empty for `str(value)`.
        exit_code: 0 done, 1 the work failed, 2 wrong input, 130 interrupted.
        newest: name of the study, where the command line named none and so meant the newest.
        folder: the study that the verb was about.
    """

    value: object
    data: Any
    text: str = ""
    exit_code: int = 0
    newest: str = ""
    folder: StudyFolder | None = None


def report_done(study: str, verb: str, text: str, **more: Any) -> Result:
    """The answer of a verb that changed something.

    Args:
        study: name of the study.
        verb: what was done.
        text: the same as a sentence.
        more: further fields of the data.
    """
    data = {"study": study, "done": verb, "text": text, **more}
    return Result(Sentence(text), data)


def report_view(view: Any) -> Result:
    """The answer of a verb that only looks: a view, which has its plain fields in `data`."""
    return Result(view, view.data)
