"""A diff in pieces says what the patch says, with colours and changed words, and hides nothing."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.lab.live import diff, tokens
from workbench.program import Patch, Program
from workbench.show.visible import visible

OLD = '''\
import math


@cached
def area(radius):
    """Of a circle."""
    return math.pi * radius ** 2  # exact


class Shape:
    sides = 4
    name = "square"


def after():
    pass


def last():
    pass
'''


def files(old: str, new: str, context: int = 3, path: str = "train.py") -> list[dict[str, Any]]:
    return diff.diff_files(Program({path: old}), Program({path: new}), context)


def lines_in(file: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for part in file["parts"]:
        yield from part.get("lines", [])


def text_of(line: dict[str, Any]) -> str:
    return "".join(text for text, name, _ in line["spans"] if name != diff.REMARK)


def find_marked(line: dict[str, Any]) -> list[str]:
    return [text for text, _, changed in line["spans"] if changed]


def test_the_words_that_changed_are_marked_with_their_colours() -> None:
    (file,) = files(OLD, OLD.replace("radius ** 2", "radius ** 3.5"))
    (hunk,) = [part for part in file["parts"] if part["type"] == "hunk"]
    out, put = hunk["lines"]
    assert (out["kind"], out["old"], out["new"], put["kind"], put["old"], put["new"]) == (
        "-",
        7,
        None,
        "+",
        None,
        7,
    )
    assert (find_marked(out), find_marked(put)) == (["2"], ["3.5"])
    classes = {text.strip(): name for text, name, _ in put["spans"]}
    assert (classes["return"], classes["3.5"], classes["# exact"]) == ("k", "n", "c")


def test_the_classes_are_those_of_the_whole_file() -> None:
    pieces = dict(piece for line in tokens.split_lines("train.py", OLD) for piece in line)
    expected = {
        "@cached": "d",
        "area": "f",
        '"""Of a circle."""': "s",
        "Shape": "t",
        "4": "n",
        "class": "k",
        "*": "o",
        "radius": "",
    }
    assert {text: pieces[text] for text in expected} == expected
    inside = files(f'"""\n{OLD}"""\n', f'"""\n{OLD}more = 1\n"""\n')[0]
    assert {name for line in lines_in(inside) for _, name, _ in line["spans"]} == {"s"}


def test_a_file_of_an_unknown_kind_has_no_colours() -> None:
    (file,) = files("a = 1\n", "a = 2\n", path="notes.zzz")
    assert {name for line in lines_in(file) for _, name, _ in line["spans"]} == {""}


def test_context_gaps_and_the_whole_file() -> None:
    new = OLD.replace("import math", "import cmath").replace("def last", "def end")
    parts = files(OLD, new)[0]["parts"]
    assert [part["type"] for part in parts] == ["hunk", "lines", "gap", "lines", "hunk", "lines"]
    assert parts[2]["count"] == len(OLD.splitlines()) - 2 - 3 - 3 - 1
    whole = files(OLD, new, context=-1)[0]
    assert [part["type"] for part in whole["parts"]] == ["hunk", "lines", "hunk", "lines"]
    assert [text_of(line) for line in lines_in(whole) if line["kind"] != "-"] == new.splitlines()
    assert [part["type"] for part in files(OLD, new, context=0)[0]["parts"]] == [
        "hunk",
        "gap",
        "hunk",
        "lines",
    ]  # a single line is not a gap


def test_line_numbers_follow_what_was_put_in_before() -> None:
    new = OLD.replace("import math\n", "import math\nimport sys\nimport os\n").replace(
        "sides = 4", "sides = 5"
    )
    (file,) = files(OLD, new, context=-1)
    old, after = OLD.splitlines(), new.splitlines()
    for line in lines_in(file):
        assert line["old"] is None or old[line["old"] - 1] == text_of(line)
        assert line["new"] is None or after[line["new"] - 1] == text_of(line)


def test_lines_of_a_hunk_are_paired_where_they_are_alike() -> None:
    old = "rate = 0.1\nwidth = compute(alpha, beta)\n"
    new = "# a comment that is new\nanother = line\nwidth = compute(alpha, gamma)\n"
    lines = {text_of(line): find_marked(line) for line in lines_in(files(old, new)[0])}
    assert lines["width = compute(alpha, gamma)"] == ["gamma"]
    assert lines["width = compute(alpha, beta)"] == ["beta"]
    assert lines["rate = 0.1"] == lines["another = line"] == []


def test_files_made_taken_away_and_made_executable() -> None:
    old = Program({"gone.py": "a = 1\n", "run.sh": "ls\n", "same.py": "b\n"})
    new = Program(
        {"made.py": "c = 1\nd = 2", "run.sh": "ls\n", "same.py": "b\n"}, frozenset({"run.sh"})
    )
    changes = diff.diff_files(old, new, 3)
    assert [(file["path"], file["change"]) for file in changes] == [
        ("gone.py", "deleted"),
        ("made.py", "added"),
        ("run.sh", "mode"),
    ]
    assert [len(list(lines_in(file))) for file in changes] == [1, 2, 0]
    assert [part["id"] for file in changes for part in file["parts"]] == [
        hunk.id for hunk in Patch.between(old, new).hunks
    ]
    assert changes[2]["parts"][0]["header"] == "run.sh: made executable"


def test_a_missing_last_newline_is_said() -> None:
    out, put = lines_in(files("a = 1", "a = 1\n")[0])
    assert (text_of(out), text_of(put)) == ("a = 1", "a = 1")
    assert (out["spans"][-1], put["spans"][-1][0]) == ((diff.NO_NEWLINE, diff.REMARK, 0), "1")


def test_line_ends_are_shown_only_where_they_differ() -> None:
    dos = OLD.replace("\n", "\r\n")
    texts = [text_of(line) for line in lines_in(files(dos, dos.replace("4", "5"))[0])]
    assert not any("U+000D" in text for text in texts)
    mixed = [
        text_of(line)
        for line in lines_in(files(OLD, OLD.replace("sides = 4\n", "sides = 4\r\n"))[0])
    ]
    assert "    sides = 4<U+000D>" in mixed


def test_what_would_hide_is_shown_in_its_place_with_its_mark() -> None:
    old, new = 'name = "user"\n', 'name = "us\u202eer\x1b[31m"\n'
    out, put = lines_in(files(old, new)[0])
    assert text_of(put) == 'name = "us<U+202E>er<U+001B>[31m"'
    assert find_marked(out) == ["user"]
    assert "<U+202E>" in "".join(find_marked(put))


def test_very_long_lines_are_cut_and_say_so() -> None:
    (line,) = lines_in(files("", "x = '" + "a" * 10_000 + "'\n")[0])
    assert line["spans"][-1][:2] == ("…", diff.REMARK)
    assert len(text_of(line)) == diff.MAX_LINE


TEXT = st.text(st.sampled_from("ab1 \n\t(='\"#\r\u202e\\"), max_size=60)


@settings(max_examples=200, deadline=None)
@given(TEXT, TEXT, st.integers(-1, 4))
def test_the_pieces_of_a_line_joined_are_the_line(old: str, new: str, context: int) -> None:
    before, after = old.split("\n"), new.split("\n")
    is_dos = all(line.endswith("\r") for line in [*before[:-1], *after[:-1]])

    def show_line(lines: list[str], number: int) -> str:
        line = lines[number - 1]
        return visible(line.removesuffix("\r") if is_dos and number < len(lines) else line)

    for file in files(old, new, context):
        for line in lines_in(file):
            if line["old"] is not None:
                assert text_of(line) == show_line(before, line["old"])
            if line["new"] is not None:
                assert text_of(line) == show_line(after, line["new"])
        assert [part["id"] for part in file["parts"] if part["type"] == "hunk"]


def test_three_hundred_hunks_cost_little_more_than_their_patch_and_their_colours() -> None:
    text = "".join(
        f"def f{index}(x):\n    y{index} = x * {index}\n    return y{index} - x\n\n"
        for index in range(300)
    )
    old, new = Program({"a.py": text}), Program({"a.py": text.replace(" = x *", " = x +")})
    tokens.split_lines("a.py", "import nothing")  # loads the lexer
    begun = time.process_time()
    assert len(Patch.between(old, new).hunks) == 300
    tokens.split_lines("a.py", old.files["a.py"] + "\n")
    needed = time.process_time() - begun
    begun = time.process_time()
    (file,) = diff.diff_files(old, new, 3)
    assert time.process_time() - begun < 5 * needed
    assert sum(find_marked(line) in (["*"], ["+"]) for line in lines_in(file)) == 600


def test_only_so_many_lines_are_compared_with_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    monkeypatch.setattr(diff, "_compare", lambda old, new: compared.append(old))
    old = "".join(f"line {index} of the old file\n" for index in range(200))
    new = "".join(f"something else altogether {index * 7}\n" for index in range(200))
    files(old, new, path="a.txt")
    assert len(compared) == diff.MAX_COMPARISONS
