import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.program import Patch, Program
from workbench.propose.unified_diff import DiffProblem, parse_diff

LINES = st.lists(
    st.sampled_from(
        [
            "a",
            "b",
            "c",
            "",
            " x",
            "--- a",
            "+++ b",
            "@@ -1 +1 @@",
            "-- ",
            "é",
            "\\ No newline",
            "r\r",
        ]
    ),
    max_size=14,
)
TEXTS = st.builds(
    lambda lines, end: "\n".join(lines) + ("\n" if end and lines else ""), LINES, st.booleans()
)
PROGRAMS = st.builds(
    lambda files, flags: Program(files, frozenset(path for path in files if path in flags)),
    st.dictionaries(st.sampled_from(["a.py", "b/c d.py", "é.txt", "z"]), TEXTS, max_size=4),
    st.sets(st.sampled_from(["a.py", "z", "é.txt"])),
)


@settings(max_examples=150, deadline=None)
@given(PROGRAMS, PROGRAMS)
def test_the_unified_diff_of_two_programs_applied_to_the_first_gives_the_second(old, new):
    text = Patch.between(old, new).to_unified_diff()
    if text:
        assert parse_diff(text).apply(old) == new


def outcome(text, program):
    """The program, or what is wrong with the diff."""
    try:
        return parse_diff(text).apply(program)
    except DiffProblem as problem:
        return str(problem)


@settings(max_examples=60, deadline=None)
@given(LINES, LINES, st.integers(1, 5))
def test_a_diff_fits_when_lines_were_put_in_front(old, new, shift):
    before, after = (
        Program({"a.py": "".join(f"{line}\n" for line in lines)}) for lines in (old, new)
    )
    text = Patch.between(before, after).to_unified_diff()
    moved = Program({"a.py": "".join(f"new {i}\n" for i in range(shift)) + before.files["a.py"]})
    if text:
        result = outcome(text, moved)
        assert isinstance(result, Program) or "places" in result or "inserts after" in result
        assert isinstance(result, str) or {f"new {i}" for i in range(shift)} <= set(
            result.files["a.py"].split("\n")
        )


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="@-+ 1,\n\\ad/b", max_size=80))
def test_any_text_is_read_or_refused_in_one_line(text):
    result = outcome("--- a/x\n+++ b/x\n" + text, Program({"x": "a\nb\n"}))
    assert isinstance(result, Program) or "\n" not in result


def program(text="one\ntwo\nthree\n"):
    return Program({"a.py": text})


@pytest.mark.parametrize(
    "header",
    [
        "--- a/a.py\n+++ b/a.py\n",
        "--- a.py\n+++ a.py\n",
        "--- a.py.orig\t2024-01-01\n+++ a.py\t2024-01-02\n",
        "--- i/a.py\n+++ w/a.py\n",
        "diff --git a/a.py b/a.py\nindex 12..34 100644\n--- a/a.py\n+++ b/a.py\n",
        "Why so.\n\n--- a/a.py\n+++ b/a.py\n",
    ],
)
def test_headers_of_git_and_diff_are_understood(header):
    assert (
        parse_diff(header + "@@ -1,3 +1,3 @@ def f():\n one\n-two\n+2\n three\n")
        .apply(program())
        .files["a.py"]
        == "one\n2\nthree\n"
    )


def test_a_hunk_whose_line_numbers_are_off_goes_to_the_only_place_that_it_fits():
    text = "--- a/a.py\n+++ b/a.py\n@@ -40,2 +40,2 @@\n two\n-three\n+3\n"
    assert parse_diff(text).apply(program()).files["a.py"] == "one\ntwo\n3\n"
    with pytest.raises(DiffProblem, match=r"hunk 1 fits a.py in 2 places \(lines 2, 5\)"):
        parse_diff(text).apply(program("one\ntwo\nthree\nx\ntwo\nthree\n"))


def test_a_hunk_that_does_not_fit_names_the_line_and_both_texts():
    text = "--- a/a.py\n+++ b/a.py\n@@ -1,3 +1,3 @@\n one\n-zwei\n+2\n three\n"
    with pytest.raises(
        DiffProblem,
        match=r"^hunk 1 does not fit a.py \(line 2 reads 'two', the diff expects 'zwei'\)$",
    ):
        parse_diff(text).apply(program())
    with pytest.raises(
        DiffProblem, match=r"the file ends at line 1, the diff expects 'zwei' in line 2"
    ):
        parse_diff(text).apply(program("one\n"))
    with pytest.raises(DiffProblem, match="line 1 has another line end"):
        parse_diff(text).apply(program("one\r\nzwei\r\nthree\r\n"))


def test_files_are_created_deleted_and_made_executable():
    created = parse_diff(
        "diff --git a/n.py b/n.py\nnew file mode 100755\n"
        "--- /dev/null\n+++ b/n.py\n@@ -0,0 +1 @@\n+x = 1\n"
    ).apply(program())
    assert (created.files["n.py"], created.executable) == ("x = 1\n", {"n.py"})
    gone = parse_diff("--- a/n.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x = 1\n").apply(created)
    assert gone == program()
    assert parse_diff("diff --git a/a.py b/a.py\nold mode 100644\nnew mode 100755\n").apply(
        program()
    ).executable == {"a.py"}
    with pytest.raises(DiffProblem, match="exists already"):
        parse_diff("--- /dev/null\n+++ b/a.py\n@@ -0,0 +1 @@\n+x\n").apply(program())
    with pytest.raises(DiffProblem, match="does not exist"):
        parse_diff("--- a/q\n+++ b/q\n@@ -1 +1 @@\n-x\n+y\n").apply(program())
    with pytest.raises(DiffProblem, match="lines that the diff does not list"):
        parse_diff("--- a/a.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n").apply(program())


def test_line_ends_are_kept_and_a_diff_saved_with_crlf_still_fits():
    text = "--- a/a.py\n+++ b/a.py\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"
    crlf = text.replace("\n", "\r\n")
    assert parse_diff(crlf).apply(program()).files["a.py"] == "one\n2\nthree\n"
    assert (
        parse_diff(crlf).apply(program("one\r\ntwo\r\nthree\r\n")).files["a.py"]
        == "one\r\n2\r\nthree\r\n"
    )
    in_git = (
        text.replace(" one\n", " one\r\n")
        .replace("two\n", "two\r\n")
        .replace("+2\n", "+2\r\n")
        .replace("three\n", "three\r\n")
    )
    assert (
        parse_diff(in_git).apply(program("one\r\ntwo\r\nthree\r\n")).files["a.py"]
        == "one\r\n2\r\nthree\r\n"
    )


def test_a_missing_line_end_is_added_and_taken_away():
    added = "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+x\n"
    assert parse_diff(added).apply(program("x")).files["a.py"] == "x\n"
    removal = "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x\n+x\n\\ No newline at end of file\n"
    assert parse_diff(removal).apply(program("x\n")).files["a.py"] == "x"
    with pytest.raises(DiffProblem, match="no line end"):
        parse_diff(removal).apply(program("x\ny\n"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("nothing here", "no change found"),
        ("--- a/a.py\n+++ b/a.py\n@@ -1,3 +1,3 @@\n one\n-two\n", "ends early"),
        ("--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-one\n+1\n+2\n", "more lines than its header says"),
        (
            "diff --git a/a.py b/b.py\nsimilarity index 90%\nrename from a.py\nrename to b.py\n",
            "renames, copies",
        ),
        ("--- a/a.py\n+++ b/b.py\n@@ -1 +1 @@\n-one\n+1\n", "renames are not supported"),
        (
            "diff --git a/l b/l\nnew file mode 120000\n"
            "--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc\n",
            "120000 is not that of a regular file",
        ),
        (
            "diff --git a/a.py b/a.py\nindex 1..2\nBinary files a/a.py and b/a.py differ\n",
            "not supported",
        ),
    ],
)
def test_what_is_not_understood_is_refused(text, problem):
    with pytest.raises(DiffProblem, match=problem):
        parse_diff(text).apply(program("one\ntwo\nthree\n"))


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_what_git_writes_is_read(tmp_path):
    old = Program({"a.py": "one\ntwo\nthree\n", "ü b.py": "x\n", "gone.py": "1\n2\n"})
    new = Program(
        {"a.py": "one\n2\nthree", "ü b.py": "x\ny\n", "fresh.py": ""}, frozenset({"a.py"})
    )
    old.write(tmp_path / "old")
    new.write(tmp_path / "new")
    command = ["git", "diff", "--no-index", "--no-renames", "old", "new"]
    text = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    text = (
        text.replace("a/old/", "a/")
        .replace("b/new/", "b/")
        .replace("a/new/", "a/")
        .replace("b/old/", "b/")
    )
    assert parse_diff(text).apply(old) == new
