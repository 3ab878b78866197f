"""What the scripted policy knows how to do: a plan for each family of tasks, as a generator.

A plan is given the part of the prompt that the policy reads, and the words of the task; it yields a
command, is sent what the prompt shows of its result, and goes on from that alone.
"""

import difflib
import re
import shlex
from collections.abc import Callable, Generator
from typing import Any

Plan = Generator[str, Any, None]  # of commands; sent a policy.Shown for each
VERIFY = re.compile(r"\b(?:verify|check (?:your|the) (?:work|result))", re.IGNORECASE)


def write_file(visible: str, name: str, text: str) -> Plan:
    yield f"printf '%s\\n' {shlex.quote(text)} > {name}"


def append_line(visible: str, name: str, text: str) -> Plan:
    yield f"printf '%s\\n' {shlex.quote(text)} >> {name}"


def make_folders(visible: str, names: str) -> Plan:
    yield f"for d in {names.replace(',', '')}; do mkdir -p $d && touch $d/keep; done"


def copy_file(visible: str, source: str, target: str) -> Plan:
    yield f"mkdir -p $(dirname {target}) && cp {source} {target}"


def delete_suffix(visible: str, suffix: str) -> Plan:
    yield f"find . -type f -name '*.{suffix}' -delete"


def count_matches(visible: str, name: str, word: str) -> Plan:
    yield f"grep -c {word} {name} > matches.txt"


def replace_tree(visible: str, old: str, new: str) -> Plan:
    # a slip: only the first on each line
    yield f"find . -name '*.txt' -exec sed -i 's/{old}/{new}/' {{}} +"
    if VERIFY.search(visible):
        left = yield f"grep -rn {old} --include='*.txt' . | head -n 3"
        if ".txt:" in left.text:
            yield f"find . -name '*.txt' -exec sed -i 's/{old}/{new}/g' {{}} +"


def rename_pattern(visible: str, old: str, new: str) -> Plan:
    # a slip: not in the folders below
    yield f"for f in {old}-*.jpg; do mv $f {new}_${{f#{old}-}}; done"
    if VERIFY.search(visible):
        left = yield f"find . -name '{old}-*.jpg' | head -n 3"
        if ".jpg" in left.text:
            rename = f"mv $f $(dirname $f)/{new}_${{f##*/{old}-}}"
            yield f"find . -name '{old}-*.jpg' | while read f; do {rename}; done"


def change_suffix(visible: str, old: str, new: str) -> Plan:
    yield f"for f in *.{old}; do mv $f ${{f%.{old}}}.{new}; done"  # the same slip
    if VERIFY.search(visible):
        left = yield f"find . -name '*.{old}' | head -n 3"
        if f".{old}" in left.text:
            yield f"find . -name '*.{old}' | while read f; do mv $f ${{f%.{old}}}.{new}; done"


def count_of(visible: str, kind: str, flag: str, target: str) -> Plan:
    """Counts in a file whose name the task does not tell."""
    listed = re.search(rf"^\s*\d+ (\S*{kind}\S*)$", visible, re.MULTILINE)
    name = listed[1] if listed else f"{kind}.txt"
    done = yield f"wc -{flag} < {name} > {target}"
    if "No such file" in done.text:
        names = yield f"ls | grep {kind}"
        if match := re.search(rf"^\S*{kind}\S*$", names.text, re.MULTILINE):
            yield f"wc -{flag} < {match[0]} > {target}"


def count_words(visible: str) -> Plan:
    return count_of(visible, "notes", "w", "words.txt")


def count_lines(visible: str) -> Plan:
    return count_of(visible, "journal", "l", "lines.txt")


def fix_script(visible: str, name: str) -> Plan:
    run = yield f"python3 {name}"
    wrong = re.search(r"NameError: name '(\w+)' is not defined", run.text)
    if wrong:
        script = yield f"cat {name}"
        close = difflib.get_close_matches(
            wrong[1], re.findall(r"^(\w+) = ", script.text, re.MULTILINE), 1, 0.5
        )
        if close:
            yield f"sed -i 's/{wrong[1]}/{close[0]}/g' {name} && python3 {name}"


def fix_key(visible: str, name: str) -> Plan:
    run = yield f"python3 {name}"
    wrong = re.search(r"KeyError: '(\w+)'", run.text)
    if wrong:
        header = yield "head -n 1 data.csv"
        close = difflib.get_close_matches(wrong[1], re.findall(r"\w+", header.text), 1, 0.5)
        if close:
            yield f"sed -i 's/{wrong[1]}/{close[0]}/g' {name} && python3 {name}"


def header(name: str, *columns: str) -> Generator[str, Any, tuple[str, list[int]]]:
    """The mark between columns, and where these columns stand, from 0.

    A comma and the first ones where that is not seen.
    """
    top = yield f"head -n 3 {name}"
    for line in top.text.split("\n"):
        if all(column in line for column in columns) and (mark := re.search(r"[,;|]", line)):
            names = line.strip().split(mark[0])
            return mark[0], [names.index(column) for column in columns]
    return ",", list(range(len(columns)))


def csv_sum(visible: str, value: str, name: str, key: str, kind: str) -> Plan:
    mark, (value_at, key_at) = yield from header(name, value, key)
    rows = f"__import__('csv').reader(open('{name}'), delimiter='{mark}')"
    total = f"sum(int(row[{value_at}]) for row in {rows} if row[{key_at}] == '{kind}')"
    yield f'python3 -c "print({total})" > sum.txt'


def csv_top(visible: str, key: str, name: str, value: str) -> Plan:
    mark, (key_at, value_at) = yield from header(name, key, value)
    rows = f"list(csv.reader(open('{name}'), delimiter='{mark}'))[1:]"
    totals = (
        "import csv, collections; t = collections.Counter(); "
        f"[t.update({{row[{key_at}]: int(row[{value_at}])}}) for row in {rows}]"
    )
    last = yield from last_line(f'python3 -c "{totals}; [print(t[k], k) for k in t]" | sort -n')
    yield f"echo {last.split(' ')[-1]} > top.txt"


def last_line(command: str) -> Generator[str, Any, str]:
    """The last line of what a command prints, as far as it is shown.

    Looks at the end alone where something is said to be left out.
    """
    result = yield command
    if result.is_cut:
        result = yield f"{command} | tail -n 1"
    lines = [
        line
        for line in result.text.split("\n")
        if line.strip() and not line.startswith(("exit status", "stderr:", "Task", "["))
    ]
    return shlex.quote(lines[-1].strip()).strip("'") if lines else "nothing"


def parse_log(visible: str, name: str) -> Plan:
    last = yield from last_line(f"grep ' 500$' {name} | cut -d' ' -f1 | sort | uniq -c | sort -n")
    yield f"echo {last.split(' ')[-1]} > address.txt"


def newest(visible: str) -> Plan:
    last = yield from last_line("sort -V versions.txt")
    yield f"echo {last} > newest.txt"


def build_log(visible: str) -> Plan:
    run = yield "sh build.sh"
    if option := re.search(r"try (--target \S+)", run.text):
        run = yield f"sh build.sh {option[1]}"
    if artifact := re.search(r"^artifact (\w+)", run.text, re.MULTILINE):
        yield f"echo {artifact[1]} > artifact.txt"


def silent_failure(visible: str) -> Plan:
    run = yield "sh sync.sh"
    if run.failed:
        usage = yield "sh sync.sh --help"
        if "--retry" not in usage.text and usage.is_cut:
            usage = yield "sh sync.sh --help | head -n 2"
        if option := re.search(r"--retry \d+", usage.text):
            yield f"sh sync.sh {option[0]}"


def chain(visible: str, count: str) -> Plan:
    token = ""
    for number in range(1, int(count) + 1):
        command = f"sh step.sh {number} {token}".strip()
        step = yield command
        token_line = re.search(r"^token (\w+)", step.text, re.MULTILINE)
        if not token_line and step.is_cut:
            step = yield f"{command} | tail -n 1"
            token_line = re.search(r"^token (\w+)", step.text, re.MULTILINE)
        if not token_line:
            return
        token = token_line[1]
    yield f"echo {token} > token.txt"


def needle(visible: str, name: str) -> Plan:
    notes = yield "cat notes.txt"
    pattern = rf"code of {name} is (\w+)"
    if not re.search(pattern, notes.text) and notes.is_cut:
        notes = yield f"grep -n 'code of {name}' notes.txt"
    if code := re.search(pattern, notes.text):
        yield f"echo {code[1]} > code.txt"


def buried(visible: str) -> Plan:
    manual = yield "cat manual.txt"
    if not re.search(r"--speed \d+", manual.text) and manual.is_cut:
        manual = yield "grep -n -e --speed manual.txt"
    if option := re.search(r"--speed \d+", manual.text):
        yield f"sh job.sh {option[0]}"


def two_reports(visible: str, first: str, second: str) -> Plan:
    totals = []
    for name in (first, second):
        command = f"sh report.sh {name}"
        report = yield command
        if not re.search(r"^total \d+", report.text, re.MULTILINE) and report.is_cut:
            report = yield f"{command} | tail -n 1"
        if total := re.search(r"^total (\d+)", report.text, re.MULTILINE):
            totals.append(int(total[1]))
    if len(totals) == 2:
        yield f"echo {totals[0] - totals[1]} > difference.txt"


def recover(visible: str) -> Plan:
    run = yield "sh check.sh"
    while wrong := re.search(r"unknown key '(\w+)'; use '(\w+)'", run.text):
        yield f"sed -i 's/^{wrong[1]} =/{wrong[2]} =/' config.ini"
        run = yield "sh check.sh"
    if passed := re.search(r"^passed (\w+)", run.text, re.MULTILINE):
        yield f"echo {passed[1]} > passed.txt"


def quiet_worker(visible: str, names: str) -> Plan:
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
