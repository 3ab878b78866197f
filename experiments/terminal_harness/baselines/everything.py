"""Shows the whole transcript, whatever its length.

What lies too far back is forgotten, the task first.
"""

import re

BLOCK = re.compile(r"```(?:bash|sh)?\n(.*?)\n```", re.DOTALL)
RULES = """\
You work in a terminal. Solve the task by commands of bash, which run in the task's folder, \
one after the other.
Answer with one command in a block like this, on lines of its own:
```bash
command
```
When the task is solved, answer DONE and no block."""


def solve(task, model, run, listing):
    prompt = f"{RULES}\n\nTask: {task}\n"
    while block := BLOCK.search(model(prompt)):
        result = run(block[1])
        prompt += f"\n$ {block[1]}\n{result['stdout']}\nstderr: {result['stderr']}\n"
        prompt += f"exit status {result['status']}\n"
