"""What can go wrong outside a candidate: one tree of exceptions.

    WorkbenchError              the world failed; exit code 1
        UsageError              the caller gave something that cannot be; exit code 2
            ExperimentError
            StudyError
            RequestRefused
        SandboxUnavailable
        EvaluatorFault
        ProposerFault
            ProposerUnusable

Each message says what was given and what to do. A candidate's own failure is never an exception
here: it is the status of a Trial.
"""


class WorkbenchError(Exception):
    """The world failed (disk, sandbox, evaluator); ends a command with exit code 1."""


class UsageError(WorkbenchError, ValueError):
    """The caller gave something that cannot be; ends a command with exit code 2 and one line."""


class ExperimentError(UsageError):
    """An experiment folder is missing, malformed, or does not parse.

    Attributes:
        key: the key of `experiment.toml` that has a wrong value, as `objective.goal`; empty where
            the problem is another one.
    """

    def __init__(self, problem: str, key: str = "") -> None:
        super().__init__(problem)
        self.key = key


class StudyError(UsageError):
    """A study is missing, exists already, is running already, or is of a newer version."""


class RequestRefused(UsageError):
    """The loop refused a person's request; the message is the loop's reason."""


class SandboxUnavailable(WorkbenchError):
    """No acceptable sandbox level works on this machine; the message names the remedy."""


class EvaluatorFault(WorkbenchError):
    """The trusted evaluator itself failed; never counted against a candidate."""


class ProposerFault(WorkbenchError):
    """A proposer failed to answer (connection, overload, refusal).

    The study asks again, and pauses when it keeps happening.
    """


class ProposerUnusable(ProposerFault):
    """A proposer cannot be asked before a person fixes something (key, model, address).

    The study pauses at once.
    """
