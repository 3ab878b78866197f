"""`autoresearch`: the verbs in a shell. Prints text or JSON, and turns errors into one line."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from workbench.errors import UsageError, WorkbenchError
from workbench.show.visible import one_line, visible
from workbench.verbs import command_line
from workbench.verbs.follow import follow
from workbench.verbs.result import INTERRUPTED, Result
from workbench.verbs.verb import Caller


def main(words: Sequence[str] | None = None) -> int:
    """Carries out one command line; an error is one line on stderr.

    Args:
        words: the command line without the program's name; that of the process by default.

    Returns:
        The exit code: 0 done; 1 the work failed; 2 wrong usage or input; 130 interrupted.
    """
    try:
        arguments = command_line.read(sys.argv[1:] if words is None else words)
        # With --json, stdout holds one JSON value and nothing else.
        out = sys.stderr if arguments.json else sys.stdout
        caller = Caller(Path.cwd(), follow=lambda study: follow(study, out))
        result = command_line.run(arguments, caller)
        _print(result, arguments.json)
    except WorkbenchError as error:
        print(f"autoresearch: {one_line(str(error))}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        print("autoresearch: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough, as in `autoresearch log | head`. Python would fail once more
        # when it flushes stdout at exit, so stdout leads nowhere from here on.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return result.exit_code


def _print(result: Result, as_json: bool) -> None:
    if as_json:
        text = json.dumps(result.data, indent=2, allow_nan=False)
    else:
        text = result.text or str(result.value)
    if sys.stdout.isatty():
        text = visible(text)  # a candidate's text must not control the terminal
    print(text, flush=True)
    if result.newest:
        print(f"study {result.newest}, the newest here; another one: --study NAME", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
