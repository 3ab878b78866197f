"""Tasks of a few steps: something has to be looked at, or what was done has to be looked over."""

import random

from task import Files, Fresh, Task, code, holds, is_untouched, prose, words


def replace_tree(rng: random.Random) -> Task:
    old, new, *names = words(rng, 8)
    before = {}
    for number, name in enumerate(names):
        folder = ("", "a/", "a/b/")[number % 3]
        before[f"{folder}{name}.txt"] = prose(rng, 50) + f"{old} and {old} again\n"
        before[f"{folder}{name}.md"] = prose(rng, 50) + f"{old} stays\n"
    expected = {
        path: text.replace(old, new) if path.endswith(".txt") else text
        for path, text in before.items()
    }
    return Task(
        f"Replace the word {old} by {new} wherever it stands in files ending in .txt, in "
        "folders below as well, and in no others.",
        before,
        lambda after, fresh: after == expected,
    )


def count_words(rng: random.Random) -> Task:
    others = words(rng, 6)
    count = rng.randrange(120, 400)
    name = f"notes-{code(rng)}.md"
    before = {name: prose(rng, count), **{f"{other}.md": prose(rng, 50) for other in others}}
    return Task(
        "Count the words of the file of notes that lies here, and write the number, and only "
        "that, into words.txt.",
        before,
        lambda after, fresh: holds(after, "words.txt", count) and is_untouched(before, after),
    )


def fix_script(rng: random.Random) -> Task:
    name, total, value = words(rng, 3)
    wrong = total[:-2] + total[-1] + total[-2] + "s"
    right = (
        f"{total} = 0\nfor line in open('values.txt'):\n    {value} = int(line.split()[1])\n"
        f"    {{}} += {value}\nprint({total})\n"
    )
    hidden_rows = [rng.randrange(1000) for _ in range(20)]

    def check(after: Files, fresh: Fresh) -> bool:
        values = "".join(f"row {number}\n" for number in hidden_rows)
        return fresh(
            {f"{name}.py": after.get(f"{name}.py", ""), "values.txt": values}, f"python3 {name}.py"
        ).strip() == str(sum(hidden_rows))

    before = {
        f"{name}.py": right.format(wrong),
        "values.txt": "".join(f"row {rng.randrange(1000)}\n" for _ in range(9)),
    }
    text = (
        f"The script {name}.py fails. Mend it, so that it prints the sum of the numbers in "
        "values.txt, whatever they are."
    )
    return Task(text, before, check)


def csv_sum(rng: random.Random) -> Task:
    name, key, value, *rest = words(rng, 5)
    kinds = words(rng, 4)
    columns = [key, value, *rest]
    mark = rng.choice(",;|")
    rng.shuffle(columns)
    rows = [
        {
            key: rng.choice(kinds),
            value: rng.randrange(500),
            **{other: rng.randrange(99) for other in rest},
        }
        for _ in range(80)
    ]
    before = {f"{name}.csv": table(columns, rows, mark)}
    total = sum(int(row[value]) for row in rows if row[key] == kinds[0])
    return Task(
        f"Sum up the column {value} of {name}.csv over the rows where {key} is {kinds[0]}; "
        "write the sum, and only that, into sum.txt.",
        before,
        lambda after, fresh: holds(after, "sum.txt", total) and is_untouched(before, after),
    )


def rename_pattern(rng: random.Random) -> Task:
    old, new = words(rng, 2)
    text = f"Rename every file {old}-NUMBER.jpg to {new}_NUMBER.jpg, in folders below as well."
    return move_files(rng, f"{old}-", f"{new}_", ".jpg", ".jpg", text)


def parse_log(rng: random.Random) -> Task:
    name, *_ = words(rng, 1)
    addresses = [f"10.{rng.randrange(256)}.{rng.randrange(256)}.{number}" for number in range(60)]
    most = rng.choice(addresses)
    lines = [
        f"{address} /{rng.choice(('a', 'b', 'c'))} 500\n"
        for address in addresses
        for _ in range(rng.randrange(1, 6))
    ]
    lines += [f"{most} /a 500\n"] * 7 + [f"{rng.choice(addresses)} /a 200\n" for _ in range(300)]
    rng.shuffle(lines)
    before = {f"{name}.log": "".join(lines)}
    return Task(
        f"A line of {name}.log has an address, a path and a status. Which address has the most "
        "lines of status 500? "
        "Write it, and only that, into address.txt.",
        before,
        lambda after, fresh: holds(after, "address.txt", most) and is_untouched(before, after),
    )


def change_suffix(rng: random.Random) -> Task:
    old, new = words(rng, 2)
    text = (
        f"Every file whose name ends in .{old} shall end in .{new} instead, "
        "in folders below as well."
    )
    return move_files(rng, "", "", f".{old}", f".{new}", text)


def count_lines(rng: random.Random) -> Task:
    count = rng.randrange(60, 300)
    others = words(rng, 6)
    name = f"{code(rng)}-journal.txt"
    before = {name: prose(rng, 9 * count), **{f"{other}.txt": prose(rng, 50) for other in others}}
    return Task(
        "How many lines has the journal in this folder? Write the number, and only that, into "
        "lines.txt.",
        before,
        lambda after, fresh: holds(after, "lines.txt", count) and is_untouched(before, after),
    )


def fix_key(rng: random.Random) -> Task:
    name, *columns = words(rng, 4)
    right = columns[0]
    wrong = right[:-2] + right[-1] + right[-2] + "s"
    script = (
        "import csv\n\n"
        f"print(max(int(row['{wrong}']) for row in csv.DictReader(open('data.csv'))))\n"
    )

    def rows() -> list[dict[str, object]]:
        return [{column: rng.randrange(10_000) for column in columns} for _ in range(30)]

    visible_rows = rows()
    hidden_rows = rows()

    def check(after: Files, fresh: Fresh) -> bool:
        files = {
            f"{name}.py": after.get(f"{name}.py", ""),
            "data.csv": table(columns, hidden_rows, ","),
        }
        return fresh(files, f"python3 {name}.py").strip() == str(
            max(int(str(row[right])) for row in hidden_rows)
        )

    text = (
        f"The script {name}.py fails. Mend it, so that it prints the largest {right} in data.csv, "
        "whatever that holds."
    )
    return Task(text, {f"{name}.py": script, "data.csv": table(columns, visible_rows, ",")}, check)


def csv_top(rng: random.Random) -> Task:
    name, key, value = words(rng, 3)
    shops = [f"{word}{number}" for word in words(rng, 20) for number in (1, 2)]
    rows = [{key: shop, value: rng.randrange(90)} for shop in shops for _ in range(5)] + [
        {key: shops[7], value: 500}
    ]
    rng.shuffle(rows)
    columns = rng.sample([key, value], 2)
    before = {f"{name}.csv": table(columns, rows, rng.choice(",;"))}
    return Task(
        f"Which {key} in {name}.csv has the largest total of {value}? Write it, and only that, "
        "into top.txt.",
        before,
        lambda after, fresh: holds(after, "top.txt", shops[7]) and is_untouched(before, after),
    )


def newest(rng: random.Random) -> Task:
    versions = {(rng.randrange(1, 30), rng.randrange(30), rng.randrange(30)) for _ in range(90)}
    lines = [".".join(map(str, version)) for version in sorted(versions)]
    last = lines[-1]
    rng.shuffle(lines)
    before = {"versions.txt": "\n".join(lines) + "\n"}
    return Task(
        "The lines of versions.txt are releases such as 1.10.2, in no order. Write the newest "
        "one, and only that, into newest.txt.",
        before,
        lambda after, fresh: holds(after, "newest.txt", last) and is_untouched(before, after),
    )


def table(columns: list[str], rows: list[dict[str, object]], mark: str) -> str:
    return (
        "\n".join(
            [
                mark.join(columns),
                *(mark.join(str(row[column]) for column in columns) for row in rows),
            ]
        )
        + "\n"
    )


def move_files(
    rng: random.Random, old: str, new: str, old_end: str, new_end: str, text: str
) -> Task:
    """Files in three folders, some of which get another name; what is in them stays."""
    before = {}
    expected = {}
    for number in range(9):
        folder = ("", "a/", "a/b/")[number % 3]
        name = str(rng.randrange(100, 1000) * 10 + number)
        before[f"{folder}{old}{name}{old_end}"] = expected[f"{folder}{new}{name}{new_end}"] = code(
            rng
        )
        before[f"{folder}other{name}.txt"] = expected[f"{folder}other{name}.txt"] = code(rng)
    return Task(text, before, lambda after, fresh: after == expected)


SEARCH = (replace_tree, count_words, fix_script, csv_sum, rename_pattern, parse_log)
HELD_OUT = (change_suffix, count_lines, fix_key, csv_top, newest)
