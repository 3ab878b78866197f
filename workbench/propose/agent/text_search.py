"""Text search: where a regular expression matches in texts.

It runs in a separate process that can be killed if the expression explodes.

Python's `re` does not let go of the interpreter while it matches, and a pattern such as `(a+)+$`
may match for years. Run as a script, this file is the child process: it reads a query from stdin
and writes hits to stdout, as JSON. Standard library only.
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
    """What is shown of a line that matches.

    Attributes:
        path: the file.
        offset: the character of the file with which `line` begins.
        line: the text around the match, at most `LINE_CHARS` long.
    """

    path: str
    offset: int
    line: str


def search_texts(
    pattern: str, texts: Iterable[tuple[str, str]], limit: int, seconds: float, cancelled: Event
) -> list[Hit] | None:
    """The first lines that match; None if that took too long, or was cancelled.

    Args:
        pattern: a regular expression of Python.
        texts: path and text of each file.
        limit: how many lines at most.
        seconds: how long it may take.
        cancelled: ends the search once it is set.
    """
    deadline = time.monotonic() + seconds
    # A file rather than a pipe: the query may be tens of megabytes, and `communicate` would not go
    # on writing it after a timeout.
    with tempfile.TemporaryFile() as query:
        query.write(json.dumps([pattern, limit, list(texts)]).encode())
        query.seek(0)
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__], stdin=query, stdout=subprocess.PIPE
        )
    try:
        while not cancelled.is_set() and time.monotonic() < deadline:
            try:
                output, _ = child.communicate(timeout=POLL_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            if child.returncode:
                raise OSError(f"the search ended with status {child.returncode}")
            return [Hit(*hit) for hit in json.loads(output)]
        return None
    finally:
        if child.returncode is None:
            child.kill()
            child.communicate()


def main() -> None:
    """Answers one query; this runs in the child process."""
    pattern, limit, texts = json.load(sys.stdin)
    expression = re.compile(pattern)
    hits: list[Hit] = []
    for path, text in texts:
        offset = 0
        for line in text.split("\n"):
            if len(hits) < limit and (match := expression.search(line)):
                # A quarter of what is shown comes before the match.
                start = max(0, match.start() - LINE_CHARS // 4)
                hits.append(Hit(path, offset + start, line[start : start + LINE_CHARS]))
            offset += len(line) + 1
    json.dump(hits, sys.stdout)


if __name__ == "__main__":
    main()
