"""Tasks of several steps, with long outputs and failing commands.

It matters which part of the outputs is shown, and for how long.
"""

import hashlib
import random

from task import Task, code, holds, prose, words


def noise(rng: random.Random, what: str, count: int) -> str:
    """Lines of a shell script that print as many lines that say nothing."""
    return "".join(
        f"echo '{what} {rng.choice(words(rng, 3))}-{code(rng)} ok'\n" for _ in range(count)
    )


def digest(text: str) -> str:
    """What `printf TEXT | md5sum | cut -c1-8` prints."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:8]


def build_log(rng: random.Random) -> Task:
    target = f"{words(rng, 1)[0]}-{code(rng)}"
    script = noise(rng, "compiling", 40) + (
        f'if [ "$1 $2" != "--target {target}" ]; then\n  echo "error: no target; try --target '
        f'{target}" >&2\n  exit 2\nfi\n'
        'echo "artifact $(printf %s "$2" | md5sum | cut -c1-8)"\n'
    )
    return Task(
        "Run sh build.sh until it succeeds; it may want an option. It then prints the code of "
        "an artifact: write the code, and only that, "
        "into artifact.txt.",
        {"build.sh": script},
        lambda after, fresh: holds(after, "artifact.txt", digest(target)),
    )


def silent_failure(rng: random.Random) -> Task:
    key = code(rng)
    retries = rng.randrange(3, 90)
    script = (
        f'if [ "$1" = --help ]; then\n  echo "usage: sync.sh --retry {retries}"\n'
        f"{noise(rng, 'note', 40)}  exit 0\nfi\n"
        f'[ "$1 $2" = "--retry {retries}" ] || exit 3\nprintf %s "{key}$2" | md5sum | cut -c1-8 '
        "> done.txt\n"
    )
    return Task(
        "Run sh sync.sh so that it succeeds; with --help it says how it is used. It leaves the "
        "file done.txt itself.",
        {"sync.sh": script},
        lambda after, fresh: holds(after, "done.txt", digest(f"{key}{retries}")),
    )


def make_chain(rng: random.Random, count: int) -> Task:
    """Every step wants what the step before it printed last."""
    key = code(rng)
    tokens = [digest(f"{key}{number}") for number in range(count + 1)]
    script = noise(rng, "working", 40) + (
        f'before=$(printf %s "{key}$(($1 - 1))" | md5sum | cut -c1-8)\n'
        'if [ "$1" -gt 1 ] && [ "$2" != "$before" ]; then\n  echo "error: wrong token" >&2\n  '
        "exit 1\nfi\n"
        f'echo "token $(printf %s "{key}$1" | md5sum | cut -c1-8)"\n'
    )
    return Task(
        "Run sh step.sh 1, which prints a token at its end; then sh step.sh 2 TOKEN with that "
        f"token, and so on up to step {count}. "
        "Write the token that the last step prints, and only that, into token.txt.",
        {"step.sh": script},
        lambda after, fresh: holds(after, "token.txt", tokens[count]),
    )


def chain(rng: random.Random) -> Task:
    return make_chain(rng, 4)


def long_chain(rng: random.Random) -> Task:
    return make_chain(rng, 9)


def needle(rng: random.Random) -> Task:
    name = words(rng, 1)[0]
    secret = code(rng)
    text = prose(rng, 700) + f"The code of {name} is {secret}.\n" + prose(rng, 700)
    return Task(
        f"The file notes.txt says somewhere which code {name} has. Write the code, and only "
        "that, into code.txt.",
        {"notes.txt": text},
        lambda after, fresh: holds(after, "code.txt", secret),
    )


def two_reports(rng: random.Random) -> Task:
    first, second = words(rng, 2)
    totals = rng.sample(range(1000, 9000), 2)
    cases = "".join(
        f'  {name}) echo "total {total}" ;;\n'
        for name, total in zip((first, second), totals, strict=True)
    )
    script = f'{noise(rng, "adding", 30)}case "$1" in\n{cases}esac\n'
    return Task(
        f"sh report.sh {first} and sh report.sh {second} print a report each, and its total. "
        f"Write the total of {first} minus the total of "
        f"{second}, and only that, into difference.txt.",
        {"report.sh": script},
        lambda after, fresh: holds(after, "difference.txt", totals[0] - totals[1]),
    )


def recover(rng: random.Random) -> Task:
    keys = words(rng, 6)
    lines = [f"{key} = {code(rng)}" for key in keys]
    wrong = {f"{key}s": key for key in keys[1:4]}
    config = "\n".join(lines) + "\n"
    script = noise(rng, "checking", 20) + "".join(
        f"if grep -q '^{bad} =' config.ini; then\n  echo \"error: unknown key '{bad}'; use "
        f"'{good}'\" >&2\n  exit 1\nfi\n"
        for bad, good in wrong.items()
    )
    broken = config
    for bad, good in wrong.items():
        broken = broken.replace(f"{good} =", f"{bad} =")
    return Task(
        "sh check.sh fails on config.ini. Mend config.ini until it passes; it then prints a "
        "code. Write that, and nothing else, into "
        "passed.txt.",
        {
            "check.sh": script + 'echo "passed $(md5sum < config.ini | cut -c1-8)"\n',
            "config.ini": broken,
        },
        lambda after, fresh: (
            holds(after, "passed.txt", digest(config)) and after.get("config.ini") == config
        ),
    )


def quiet_worker(rng: random.Random) -> Task:
    names = words(rng, 3)
    broken = rng.choice(names)
    script = noise(rng, "loading", 6) + f'[ "$1" != {broken} ] || exit 4\n'
    return Task(
        f"sh load.sh NAME loads one of {', '.join(names)}. For one of them it fails. Write its "
        "name, and only that, into broken.txt.",
        {"load.sh": script},
        lambda after, fresh: holds(after, "broken.txt", broken),
    )


def buried(rng: random.Random) -> Task:
    key = code(rng)
    speed = rng.randrange(3, 90)
    manual = prose(rng, 700) + f"Say --speed {speed} to job.sh on this machine.\n" + prose(rng, 700)
    script = (
        f'[ "$1 $2" = "--speed {speed}" ] || exit 1\n'
        f'printf %s "{key}$2" | md5sum | cut -c1-8 > result.txt\n'
    )
    return Task(
        "Run sh job.sh with the option --speed that manual.txt names for this machine. It "
        "leaves the file result.txt itself.",
        {"job.sh": script, "manual.txt": manual},
        lambda after, fresh: holds(after, "result.txt", digest(f"{key}{speed}")),
    )


SEARCH = (build_log, silent_failure, chain, long_chain, needle)
HELD_OUT = (two_reports, recover, quiet_worker, buried)
