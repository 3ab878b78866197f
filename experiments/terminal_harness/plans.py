"""What the scripted policy knows how to do: a plan for each family of tasks, as a generator.

A plan is given the part of the prompt that the policy reads, and the words of the task; it yields a command, is sent what the prompt shows
of its result, and goes on from that alone.
"""

import difflib
import re
import shlex
from collections.abc import Callable, Generator
from typing import Any

Plan = Generator[str, Any, None]  # of commands; sent a policy.Shown for each
VERIFY = re.compile(r"\b(?:verify|check (?:your|the) (?:work|result))", re.IGNORECASE)


def write_file(seen: str, name: str, text: str) -> Plan:
    yield f"printf '%s\\n' {shlex.quote(text)} > {name}"


def append_line(seen: str, name: str, text: str) -> Plan:
    yield f"printf '%s\\n' {shlex.quote(text)} >> {name}"


def make_folders(seen: str, names: str) -> Plan:
    yield f"for d in {names.replace(',', '')}; do mkdir -p $d && touch $d/keep; done"


def copy_file(seen: str, source: str, target: str) -> Plan:
    yield f"mkdir -p $(dirname {target}) && cp {source} {target}"


def delete_suffix(seen: str, suffix: str) -> Plan:
    yield f"find . -type f -name '*.{suffix}' -delete"


def count_matches(seen: str, name: str, word: str) -> Plan:
    yield f"grep -c {word} {name} > matches.txt"


def replace_tree(seen: str, old: str, new: str) -> Plan:
    yield f"find . -name '*.txt' -exec sed -i 's/{old}/{new}/' {{}} +"  # a slip: only the first on each line
    if VERIFY.search(seen):
        left = yield f"grep -rn {old} --include='*.txt' . | head -n 3"
        if ".txt:" in left.text:
            yield f"find . -name '*.txt' -exec sed -i 's/{old}/{new}/g' {{}} +"


def rename_pattern(seen: str, old: str, new: str) -> Plan:
    yield f"for f in {old}-*.jpg; do mv $f {new}_${{f#{old}-}}; done"  # a slip: not in the folders below
    if VERIFY.search(seen):
        left = yield f"find . -name '{old}-*.jpg' | head -n 3"
        if ".jpg" in left.text:
            yield f"find . -name '{old}-*.jpg' | while read f; do mv $f $(dirname $f)/{new}_${{f##*/{old}-}}; done"


def change_suffix(seen: str, old: str, new: str) -> Plan:
    yield f"for f in *.{old}; do mv $f ${{f%.{old}}}.{new}; done"  # the same slip
    if VERIFY.search(seen):
        left = yield f"find . -name '*.{old}' | head -n 3"
        if f".{old}" in left.text:
            yield f"find . -name '*.{old}' | while read f; do mv $f ${{f%.{old}}}.{new}; done"


def count_of(seen: str, kind: str, flag: str, target: str) -> Plan:
    """Counts in a file whose name the task does not tell."""
    listed = re.search(rf"^\s*\d+ (\S*{kind}\S*)$", seen, re.MULTILINE)
    name = listed[1] if listed else f"{kind}.txt"
    done = yield f"wc -{flag} < {name} > {target}"
    if "No such file" in done.text:
        names = yield f"ls | grep {kind}"
        if found := re.search(rf"^\S*{kind}\S*$", names.text, re.MULTILINE):
            yield f"wc -{flag} < {found[0]} > {target}"


def count_words(seen: str) -> Plan:
    return count_of(seen, "notes", "w", "words.txt")


def count_lines(seen: str) -> Plan:
    return count_of(seen, "journal", "l", "lines.txt")


def fix_script(seen: str, name: str) -> Plan:
    run = yield f"python3 {name}"
    wrong = re.search(r"NameError: name '(\w+)' is not defined", run.text)
    if wrong:
        script = yield f"cat {name}"
        close = difflib.get_close_matches(
            wrong[1], re.findall(r"^(\w+) = ", script.text, re.MULTILINE), 1, 0.5
        )
        if close:
            yield f"sed -i 's/{wrong[1]}/{close[0]}/g' {name} && python3 {name}"


def fix_key(seen: str, name: str) -> Plan:
    run = yield f"python3 {name}"
    wrong = re.search(r"KeyError: '(\w+)'", run.text)
    if wrong:
        header = yield "head -n 1 data.csv"
        close = difflib.get_close_matches(wrong[1], re.findall(r"\w+", header.text), 1, 0.5)
        if close:
            yield f"sed -i 's/{wrong[1]}/{close[0]}/g' {name} && python3 {name}"


def header(name: str, *columns: str) -> Generator[str, Any, tuple[str, list[int]]]:
    """The mark between columns, and where these columns stand, from 0; a comma and the first ones where that is not seen."""
    top = yield f"head -n 3 {name}"
    for line in top.text.split("\n"):
        if all(column in line for column in columns) and (mark := re.search(r"[,;|]", line)):
            names = line.strip().split(mark[0])
            return mark[0], [names.index(column) for column in columns]
    return ",", list(range(len(columns)))


def csv_sum(seen: str, value: str, name: str, key: str, kind: str) -> Plan:
    mark, (value_at, key_at) = yield from header(name, value, key)
    rows = f"__import__('csv').reader(open('{name}'), delimiter='{mark}')"
    yield f"python3 -c \"print(sum(int(row[{value_at}]) for row in {rows} if row[{key_at}] == '{kind}'))\" > sum.txt"


def csv_top(seen: str, key: str, name: str, value: str) -> Plan:
    mark, (key_at, value_at) = yield from header(name, key, value)
    rows = f"list(csv.reader(open('{name}'), delimiter='{mark}'))[1:]"
    totals = f"import csv, collections; t = collections.Counter(); [t.update({{row[{key_at}]: int(row[{value_at}])}}) for row in {rows}]"
    last = yield from last_line(f'python3 -c "{totals}; [print(t[k], k) for k in t]" | sort -n')
    yield f"echo {last.split(' ')[-1]} > top.txt"


def last_line(command: str) -> Generator[str, Any, str]:
    """The last line of what a command prints, as far as it is shown; looks at the end alone where something is said to be left out."""
    shown = yield command
    if shown.is_cut:
        shown = yield f"{command} | tail -n 1"
    lines = [
        line
        for line in shown.text.split("\n")
        if line.strip() and not line.startswith(("exit status", "stderr:", "Task", "["))
    ]
    return shlex.quote(lines[-1].strip()).strip("'") if lines else "nothing"


def parse_log(seen: str, name: str) -> Plan:
    last = yield from last_line(f"grep ' 500$' {name} | cut -d' ' -f1 | sort | uniq -c | sort -n")
    yield f"echo {last.split(' ')[-1]} > address.txt"


def newest(seen: str) -> Plan:
    last = yield from last_line("sort -V versions.txt")
    yield f"echo {last} > newest.txt"


def build_log(seen: str) -> Plan:
    run = yield "sh build.sh"
    if option := re.search(r"try (--target \S+)", run.text):
        run = yield f"sh build.sh {option[1]}"
    if artifact := re.search(r"^artifact (\w+)", run.text, re.MULTILINE):
        yield f"echo {artifact[1]} > artifact.txt"


def silent_failure(seen: str) -> Plan:
    run = yield "sh sync.sh"
    if run.failed:
        usage = yield "sh sync.sh --help"
        if "--retry" not in usage.text and usage.is_cut:
            usage = yield "sh sync.sh --help | head -n 2"
        if option := re.search(r"--retry \d+", usage.text):
            yield f"sh sync.sh {option[0]}"


def chain(seen: str, count: str) -> Plan:
    token = ""
    for number in range(1, int(count) + 1):
        command = f"sh step.sh {number} {token}".strip()
        step = yield command
        found = re.search(r"^token (\w+)", step.text, re.MULTILINE)
        if not found and step.is_cut:
            step = yield f"{command} | tail -n 1"
            found = re.search(r"^token (\w+)", step.text, re.MULTILINE)
        if not found:
            return
        token = found[1]
    yield f"echo {token} > token.txt"


def needle(seen: str, name: str) -> Plan:
    notes = yield "cat notes.txt"
    wanted = rf"code of {name} is (\w+)"
    if not re.search(wanted, notes.text) and notes.is_cut:
        notes = yield f"grep -n 'code of {name}' notes.txt"
    if found := re.search(wanted, notes.text):
        yield f"echo {found[1]} > code.txt"


def buried(seen: str) -> Plan:
    manual = yield "cat manual.txt"
    if not re.search(r"--speed \d+", manual.text) and manual.is_cut:
        manual = yield "grep -n -e --speed manual.txt"
    if option := re.search(r"--speed \d+", manual.text):
        yield f"sh job.sh {option[0]}"


def two_reports(seen: str, first: str, second: str) -> Plan:
    totals = []
    for name in (first, second):
        command = f"sh report.sh {name}"
        report = yield command
        if not re.search(r"^total \d+", report.text, re.MULTILINE) and report.is_cut:
            report = yield f"{command} | tail -n 1"
        if found := re.search(r"^total (\d+)", report.text, re.MULTILINE):
            totals.append(int(found[1]))
    if len(totals) == 2:
        yield f"echo {totals[0] - totals[1]} > difference.txt"


def recover(seen: str) -> Plan:
    run = yield "sh check.sh"
    while wrong := re.search(r"unknown key '(\w+)'; use '(\w+)'", run.text):
        yield f"sed -i 's/^{wrong[1]} =/{wrong[2]} =/' config.ini"
        run = yield "sh check.sh"
    if passed := re.search(r"^passed (\w+)", run.text, re.MULTILINE):
        yield f"echo {passed[1]} > passed.txt"


def quiet_worker(seen: str, names: str) -> Plan:
    for name in names.split(", "):
        run = yield f"sh load.sh {name}"
        if run.failed:
            yield f"echo {name} > broken.txt"
            return


PLANS: list[tuple[re.Pattern[str], Callable[..., Plan]]] = [
    (re.compile(words), plan)
    for words, plan in (
        (r"Create the file (\S+) that holds exactly this line: (.+)", write_file),
        (r"Add this line at the end of (\S+), which stays otherwise as it is: (.+)", append_line),
        (r"Make the folders (.+), with an empty file called keep", make_folders),
        (r"Copy the file (\S+) to (\S+);", copy_file),
        (r"Delete every file whose name ends in \.(\w+),", delete_suffix),
        (r"How many lines of (\S+) contain the word (\w+)\?", count_matches),
        (r"Replace the word (\w+) by (\w+) wherever", replace_tree),
        (r"Rename every file (\w+)-NUMBER\.jpg to (\w+)_NUMBER\.jpg", rename_pattern),
        (r"Every file whose name ends in \.(\w+) shall end in \.(\w+) instead", change_suffix),
        (r"Count the words of the file of notes", count_words),
        (r"How many lines has the journal", count_lines),
        (r"The script (\S+) fails\. Mend it, so that it prints the sum", fix_script),
        (r"The script (\S+) fails\. Mend it, so that it prints the largest", fix_key),
        (r"Sum up the column (\w+) of (\S+) over the rows where (\w+) is (\w+);", csv_sum),
        (r"Which (\w+) in (\S+) has the largest total of (\w+)\?", csv_top),
        (r"A line of (\S+) has an address, a path and a status", parse_log),
        (r"The lines of versions\.txt are releases", newest),
        (r"Run sh build\.sh until it succeeds", build_log),
        (r"Run sh sync\.sh so that it succeeds", silent_failure),
        (r"Run sh step\.sh 1, .* and so on up to step (\d+)\.", chain),
        (r"The file notes\.txt says somewhere which code (\w+) has", needle),
        (r"Run sh job\.sh with the option --speed that manual\.txt names", buried),
        (r"sh report\.sh (\w+) and sh report\.sh (\w+) print a report each", two_reports),
        (r"sh check\.sh fails on config\.ini", recover),
        (r"sh load\.sh NAME loads one of (.+)\. For one of them", quiet_worker),
    )
]
