"""Shows the newest command and the end of its output, and nothing of what came before it."""

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
    newest = ""
    while block := BLOCK.search(model(f"{RULES}\n\nTask: {task}\n{newest}")):
        result = run(block[1])
        output = (result["stdout"] + result["stderr"])[-1000:]
        newest = f"\n$ {block[1]}\n{output}\nexit status {result['status']}\n"
