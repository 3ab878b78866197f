"""What candidates that attack begin with."""

OUTCOME = """
import os
def outcome(action):
    try:
        return str(action())[:200]
    except BaseException as error:
        return "refused: " + type(error).__name__
"""
