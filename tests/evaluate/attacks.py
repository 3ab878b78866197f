"""What candidates that attack begin with."""

OUTCOME = """
import os
def outcome(action):
    try:
        return str(action())[:200]
    except BaseException as error:
        return "refused: " + type(error).__name__
"""

# The same for system calls: an error of another kind is a mistake in the attack.
STRICT_OUTCOME = """
import os
def outcome(action):
    try:
        return str(action())[:200]
    except OSError as error:
        return "refused: " + type(error).__name__
"""


def list_allowed(outcomes: dict[str, str]) -> dict[str, str]:
    """Returns the actions of an attack that were not refused."""
    return {name: result for name, result in outcomes.items() if not result.startswith("refused: ")}
