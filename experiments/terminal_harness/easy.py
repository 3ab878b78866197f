"""Tasks of one step, whose command needs nothing but the words of the task."""

import random

from task import Files, Fresh, Task, code, holds, is_untouched, prose, words


def write_file(rng: random.Random) -> Task:
    name, *line = words(rng, 5)
    text = f"{' '.join(line)} {code(rng)}"
    return Task(
        f"Create the file {name}.txt that holds exactly this line: {text}",
        {},
        lambda after, fresh: after.get(f"{name}.txt") == text + "\n",
    )


def make_folders(rng: random.Random) -> Task:
    names = words(rng, 4)
    expected = {f"{name}/keep" for name in names}
    return Task(
        f"Make the folders {', '.join(names)}, with an empty file called keep in each of them.",
        {},
        lambda after, fresh: set(after) == expected and not any(after.values()),
    )


def copy_file(rng: random.Random) -> Task:
    name, folder, target = words(rng, 3)
    before = {f"{name}.txt": prose(rng, 40)}

    def check(after: Files, fresh: Fresh) -> bool:
        return after.get(f"{folder}/{target}.txt") == before[f"{name}.txt"] and is_untouched(
            before, after
        )

    return Task(
        f"Copy the file {name}.txt to {folder}/{target}.txt; the folder {folder} is not there yet.",
        before,
        check,
    )


def append_line(rng: random.Random) -> Task:
    name, *line = words(rng, 4)
    text = f"{' '.join(line)} {code(rng)}"
    before = {f"{name}.txt": prose(rng, 60)}
    return Task(
        f"Add this line at the end of {name}.txt, which stays otherwise as it is: {text}",
        before,
        lambda after, fresh: after.get(f"{name}.txt") == before[f"{name}.txt"] + text + "\n",
    )


def delete_suffix(rng: random.Random) -> Task:
    suffix, *names = words(rng, 9)
    before = {}
    for number, name in enumerate(names):
        folder = ("", "a/", "a/b/")[number % 3]
        before[f"{folder}{name}.txt"] = prose(rng, 9)
        before[f"{folder}{name}.{suffix}"] = prose(rng, 9)
    kept = {path: text for path, text in before.items() if path.endswith(".txt")}
    text = (
        f"Delete every file whose name ends in .{suffix}, in folders below as well, "
        "and nothing else."
    )
    return Task(text, before, lambda after, fresh: after == kept)


def count_matches(rng: random.Random) -> Task:
    name, word = words(rng, 2)
    word = word.upper()
    lines = [
        f"{number:04d} {word if rng.random() < 0.3 else 'quiet'} {prose(rng, 3)}"
        for number in range(rng.randrange(80, 200))
    ]
    before = {f"{name}.log": "".join(lines)}
    return Task(
        f"How many lines of {name}.log contain the word {word}? Write the number, and only "
        "that, into matches.txt.",
        before,
        lambda after, fresh: (
            holds(after, "matches.txt", sum(word in line for line in lines))
            and is_untouched(before, after)
        ),
    )


SEARCH = (write_file, make_folders, copy_file)
HELD_OUT = (append_line, delete_suffix, count_matches)
