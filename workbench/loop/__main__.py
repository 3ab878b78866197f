"""`python -m workbench.loop STUDY_DIR`: runs one loop as a separate process.

An error is one line on stderr.
"""

import sys
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.ledger.folder import StudyFolder
from workbench.loop.loop import run


def main() -> int:
    """Exit code: 0 when the loop ended by itself, 2 when it could not begin."""
    if len(sys.argv) != 2:
        print("usage: python -m workbench.loop STUDY_DIR", file=sys.stderr)
        return 2
    # The blank line reserves a block of the log file, so that a loop that ends on a full disk can
    # still write its last message.
    print(file=sys.stderr, flush=True)
    try:
        run(StudyFolder(Path(sys.argv[1]).resolve()))
    except WorkbenchError as error:
        print(f"autoresearch: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
