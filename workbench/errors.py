"""What can go wrong outside a candidate: one tree, each message says what was given and what to do.

A candidate's own failure is never an exception here; it is the status of a Trial.
"""


class WorkbenchError(Exception):
    """The world failed (disk, sandbox, evaluator); ends a command with exit code 1."""


class UsageError(WorkbenchError, ValueError):
    """The caller gave something that cannot be; ends a command with exit code 2 and one line."""


class ExperimentError(UsageError):
    """An experiment folder is missing, malformed, or does not parse."""


class StudyError(UsageError):
    """A study is missing, already there, already running, or of a newer version."""


class RequestRefused(UsageError):
    """The loop refused a person's request; the message is the loop's reason."""


class SandboxUnavailable(WorkbenchError):
    """No acceptable sandbox level works on this machine; the message names the remedy."""


class EvaluatorFault(WorkbenchError):
    """The trusted evaluator itself failed; never counted against a candidate."""


class ProposerFault(WorkbenchError):
    """A proposer could not be asked (connection, overload, refusal); the study pauses when it repeats."""


class ProposerUnusable(ProposerFault):
    """A proposer cannot be asked before a person mends something (key, model, address); the study pauses at once."""
