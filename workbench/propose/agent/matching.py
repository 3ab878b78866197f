"""Matching: where a regular expression matches in texts, in a process of its own, which can be killed when the expression explodes.

Python's `re` holds the interpreter while it matches, and a pattern such as `(a+)+$` may match for years. Run as a script, this is the
child: it reads what to look for from stdin and writes what it found to stdout, as JSON. Standard library only.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from threading import Event
from typing import NamedTuple

LINE_CHARS = 300
POLL_SECONDS = 0.05


class Hit(NamedTuple):
    """What is shown of a line that matches: its file, the character of the file with which it begins, and the text, cut."""

    path: str
    offset: int
    line: str


def matches(
    pattern: str, texts: Iterable[tuple[str, str]], most: int, seconds: float, cancelled: Event
) -> list[Hit] | None:
    """The first `most` lines that match, of `(path, text)` pairs; None where that took too long, or nobody waits any more."""
    until = time.monotonic() + seconds
    with (
        tempfile.TemporaryFile() as asked
    ):  # of tens of megabytes, which `communicate` would not go on writing after a timeout
        asked.write(json.dumps([pattern, most, list(texts)]).encode())
        asked.seek(0)
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__], stdin=asked, stdout=subprocess.PIPE
        )
    try:
        while not cancelled.is_set() and time.monotonic() < until:
            try:
                out, _ = child.communicate(timeout=POLL_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            if child.returncode:
                raise OSError(f"the search ended with status {child.returncode}")
            return [Hit(*hit) for hit in json.loads(out)]
        return None
    finally:
        if child.returncode is None:
            child.kill()
            child.communicate()


def main() -> None:
    """The child's side."""
    pattern, most, texts = json.load(sys.stdin)
    wanted, found = re.compile(pattern), list[Hit]()
    for path, text in texts:
        offset = 0
        for line in text.split("\n"):
            if len(found) < most and (match := wanted.search(line)):
                start = max(0, match.start() - LINE_CHARS // 4)
                found.append(Hit(path, offset + start, line[start : start + LINE_CHARS]))
            offset += len(line) + 1
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
