"""The harness under improvement.

What the model is told, what it is shown of the terminal, and what it is reminded of.
"""

import re

MAX_TURNS = 6
OUTPUT_CHARS = 300  # that are shown of what the newest command printed
OLD_OUTPUT_CHARS = 300  # and of what earlier ones printed
SIDE = "head"  # which end of a long output is shown; one of: head, tail, both
SAY_CUT = False  # say how much was left out
SHOW_STDERR = False
SHOW_STATUS = False
SHOW_LISTING = False  # what lies in the folder, before the first command
TURNS_KEPT = 3
REMIND = False  # the task once more, at the end of the prompt
VERIFY = False  # ask for a check before the end

RULES = """\
You work in a terminal. Solve the task by commands of bash, which run in the task's folder, \
one after the other.
Answer with one command in a block like this, on lines of its own:
```bash
command
```
When the task is solved, answer DONE and no block."""
CHECK = (
    "Before you say DONE, verify by a command that the result is what the task asks for, "
    "and mend it where it is not."
)
BLOCK = re.compile(r"```(?:bash|sh)?\n(.*?)\n```", re.DOTALL)


def solve(task, model, run, listing):
    """Works on a task until the model says that it is done, or the turns are used up.

    Args:
        task: what is to be done, as text.
        model: the fixed model: text in, text out.
        run: runs a command that is in a reply as whole lines; returns a dict with `stdout`,
            `stderr`, `status`.
        listing: returns `[path, bytes]` of every file in the folder.
    """
    opening = RULES + ("\n" + CHECK if VERIFY else "") + f"\n\nTask: {task}\n"
    if SHOW_LISTING:
        opening += "\nFiles (bytes, path):\n" + "".join(
            f"{size:>8} {path}\n" for path, size in listing()[:60]
        )
    turns = []
    for _ in range(MAX_TURNS):
        block = BLOCK.search(model(prompt(opening, task, turns)))
        if not block:
            return
        turns.append((block[1], run(block[1])))


def prompt(opening, task, turns):
    kept = turns[max(0, len(turns) - TURNS_KEPT) :]
    parts = [opening]
    for number, (command, result) in enumerate(kept, 1):
        chars = OUTPUT_CHARS if number == len(kept) else OLD_OUTPUT_CHARS
        parts.append(f"$ {command}\n{show(result, chars)}")
    if REMIND:
        parts.append(f"Task, once more: {task}")
    return "\n".join(parts) + "\n"


def show(result, chars):
    """What the model sees of a command's result."""
    lines = [cut(result["stdout"].rstrip(), chars)]
    if SHOW_STDERR and result["stderr"]:
        lines.append("stderr: " + cut(result["stderr"].rstrip(), chars))
    if SHOW_STATUS:
        lines.append(f"exit status {result['status']}")
    return "\n".join(lines)


def cut(text, chars):
    if len(text) <= chars:
        return text
    left_out = f"\n[{len(text) - chars} characters left out]\n" if SAY_CUT else "\n"
    if SIDE == "both":
        return text[: chars // 2] + left_out + text[len(text) - (chars - chars // 2) :]
    return text[:chars] + left_out if SIDE == "head" else left_out + text[len(text) - chars :]
