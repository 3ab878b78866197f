"""The options of a study, declared once."""

import math
import re

from workbench.errors import UsageError

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
SANDBOXES = ("auto", "bwrap", "landlock", "off")


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
