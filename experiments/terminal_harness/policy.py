"""The scripted policy: a pure function of the prompt. It is NOT a language model.

It needs neither a download nor a key.

It has a plan for each family of tasks (`plans.py`), and everything else it has to read in the
prompt: the task, which of its commands were run, and what of their output is shown. What is known
to matter to real agents matters to it as well:

- it reads the last `WINDOW` characters of a prompt, and has forgotten what lies further back, the
  task included;
- it repeats a command whose turn is no longer shown;
- of an output it knows what is shown; that something was left out it knows where a marker says so,
  and then it looks again;
- without the error output it does not know what went wrong, without the exit status not that a
  silent command failed;
- without a listing of the folder it guesses names; it looks over its work where it is asked to.

How much each of these matters is invented: what is found here says that the loop works, not how to
prompt Claude.
"""

import re
from dataclasses import dataclass

import plans

WINDOW = 6000
LOST = "I do not see a task that I know how to solve."
DONE = "DONE"
_NEXT = re.compile(r"^(?:\$ |```)", re.MULTILINE)


@dataclass(frozen=True)
class Shown:
    """What the prompt shows of a command's result."""

    text: str

    @property
    def failed(self) -> bool:
        return bool(re.search(r"\bexit (?:status|code):? [1-9]", self.text, re.IGNORECASE))

    @property
    def is_cut(self) -> bool:
        return bool(re.search(r"\b(?:left out|omitted|truncated)\b", self.text, re.IGNORECASE))


def answer(prompt: str) -> str:
    """What the policy says: its next command in a block, or DONE, or that it sees no task."""
    visible = prompt[-WINDOW:]
    for pattern, plan in plans.PLANS:
        if match := pattern.search(visible):
            return _next(plan(visible, *match.groups()), visible)
    return LOST


def _next(plan: plans.Plan, visible: str) -> str:
    """Follows a plan as far as the prompt shows it, and says the next command.

    A command's output reaches to the next line that begins with `$ ` or a fence; a fence that
    closes the command's own block is passed over.
    """
    position = 0
    result = None
    while True:
        try:
            command = next(plan) if result is None else plan.send(result)
        except StopIteration:
            return DONE
        at = visible.find(f"{command}\n", position)
        if at < 0:
            return f"Next:\n```bash\n{command}\n```"
        position = at + len(command) + 1
        if visible.startswith("```", position):
            position += 3
        end = _NEXT.search(visible, position)
        result = Shown(visible[position : end.start() if end else len(visible)])
