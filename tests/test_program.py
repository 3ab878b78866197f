"""Patches between programs: every subset applies, git reads them, and a change can be undone."""

import subprocess
from itertools import chain, combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import UsageError
from workbench.program import Patch, Program, revert, split_lines

line = st.sampled_from(["a\n", "b\n", "c\r\n", "\n", "\t x\n", "é\u2028\n", "a", "-- x\n", "+y\n"])
text = st.lists(line, max_size=14).map("".join)
paths = st.sampled_from(["train.py", "lib/model.py", "notes.txt"])


@st.composite
def programs(draw: st.DrawFn) -> Program:
    files = draw(st.dictionaries(paths, text, max_size=3))
    return Program(files, frozenset(path for path in files if draw(st.booleans())))


@given(programs(), programs())
def test_a_patch_turns_the_first_program_into_the_second(old: Program, new: Program) -> None:
    assert Patch.between(old, new).apply(old) == new


@settings(max_examples=60)
@given(programs(), programs())
def test_every_subset_of_the_hunks_applies(old: Program, new: Program) -> None:
    patch = Patch.between(old, new)
    ids = [hunk.id for hunk in patch.hunks][:6]
    for subset in chain.from_iterable(combinations(ids, n) for n in range(len(ids) + 1)):
        result = patch.apply(old, subset)
        touched = {hunk.path for hunk in patch.hunks if hunk.id in subset}
        assert {path: body for path, body in result.files.items() if path not in touched} == {
            path: body for path, body in old.files.items() if path not in touched
        }
    assert patch.apply(old, ()) == old


@given(text)
def test_lines_join_to_the_text_again(body: str) -> None:
    assert "".join(split_lines(body)) == body


@settings(max_examples=25, deadline=None)
@given(programs(), programs())
def test_git_reads_the_unified_diff(
    tmp_path_factory: pytest.TempPathFactory, old: Program, new: Program
) -> None:
    folder = tmp_path_factory.mktemp("git")
    old.write(folder)
    diff = Patch.between(old, new).to_unified_diff()
    if not diff:
        assert old == new
        return
    process = subprocess.run(
        ["git", "apply", "--whitespace=nowarn", "-"],
        cwd=folder,
        input=diff.encode(),
        capture_output=True,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert process.returncode == 0, process.stderr
    assert Program.read(folder, new.files) == new
    left = [path for path in set(old.files) - set(new.files) if (folder / path).exists()]
    assert left == []


@given(programs(), programs())
def test_undoing_the_last_change_gives_its_parent_and_undoing_nothing_gives_all(
    old: Program, new: Program
) -> None:
    assert revert(new, old, new) == old
    assert revert(old, new, new) == old


@given(st.sets(st.integers(0, 11)), st.sets(st.integers(0, 11)), st.sets(st.integers(0, 11)))
def test_a_change_can_be_undone_below_later_ones_of_other_lines(
    first: set[int], later: set[int], dropped: set[int]
) -> None:
    """No two lines of the old program are equal, so the right result is known line by line."""
    later -= first
    dropped -= first | later
    old = Program({"a": "".join(f"line {n}\n" for n in range(12))})

    def with_changes(*changes: set[int]) -> Program:
        lines = [f"line {n}\n" for n in range(12)]
        for number, change in enumerate(changes):
            for n in change:
                lines[n] = f"line {n} changed {number}\n"
        if len(changes) > 1:
            lines = [line for n, line in enumerate(lines) if n not in dropped]
        return Program({"a": "".join(lines)})

    new = with_changes(first)
    program = with_changes(first, later)
    assert revert(program, old, new) == with_changes(set(), later)


@given(programs(), programs(), programs())
def test_what_cannot_be_undone_is_refused_and_never_guessed(
    old: Program, new: Program, program: Program
) -> None:
    untouched = {
        path
        for path in old.files.keys() | new.files.keys()
        if old.files.get(path) == new.files.get(path)
    }
    try:
        result = revert(program, old, new)
    except UsageError:
        return
    for path in program.files.keys() - (old.files.keys() ^ new.files.keys()):
        if path in untouched or path not in new.files:
            assert result.files[path] == program.files[path]


def test_lines_that_a_later_change_replaced_or_grew_into_are_not_undone() -> None:
    old, new = Program({"a": "1\n2\n3\n"}), Program({"a": "1\nx\n3\n"})
    for later in ("1\ny\n3\n", "1\n3\n", "y\n3\n"):
        with pytest.raises(UsageError, match="later changes touch the same lines: a @@"):
            revert(Program({"a": later}), old, new)
    assert revert(Program({"a": "0\nx\n4\n"}), old, new) == Program({"a": "0\n2\n4\n"})
    # It was undone already.
    assert revert(old, old, new) == old


def test_created_deleted_and_marked_files_are_undone_unless_they_changed_since() -> None:
    old = Program({"a": "x\n", "b": "y\n"})
    new = Program({"a": "x\n", "c": "z\n"}, frozenset({"a"}))
    assert revert(Program({"a": "later\n", "c": "z\n"}, frozenset({"a"})), old, new) == Program(
        {"a": "later\n", "b": "y\n"}
    )
    with pytest.raises(UsageError, match="c: created"):
        revert(Program({"a": "x\n", "c": "grown\n"}), old, new)
    with pytest.raises(UsageError, match="b: deleted"):
        revert(Program({"a": "x\n", "b": "another\n", "c": "z\n"}), old, new)


def test_creation_deletion_and_mode_are_separate_hunks() -> None:
    old = Program({"a.py": "x\n", "b.py": "y\n"})
    new = Program({"a.py": "x\n", "c.py": "z\n"}, frozenset({"a.py", "c.py"}))
    patch = Patch.between(old, new)
    assert [(hunk.path, hunk.kind) for hunk in patch.hunks] == [
        ("a.py", "mode"),
        ("b.py", "delete"),
        ("c.py", "create"),
    ]
    assert patch.apply(old, [1]) == Program(old.files, frozenset({"a.py"}))
    assert set(patch.apply(old, [3]).files) == {"a.py", "b.py", "c.py"}


def test_an_unknown_hunk_is_answered_with_those_there_are() -> None:
    patch = Patch.between(Program({"a": "1\n"}), Program({"a": "2\n"}))
    with pytest.raises(UsageError, match="no hunk 7; this patch has hunks 1 to 1"):
        patch.apply(Program({"a": "1\n"}), [7])


def test_a_patch_does_not_fit_another_program() -> None:
    patch = Patch.between(Program({"a": "1\n"}), Program({"a": "2\n"}))
    with pytest.raises(UsageError, match="does not fit"):
        patch.apply(Program({"a": "3\n"}))


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../b", "", "a\\b", "./a"])
def test_a_path_that_leads_out_is_refused(path: str) -> None:
    with pytest.raises(UsageError, match="not a relative path"):
        Program({path: ""})


def test_a_link_that_leads_out_of_the_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("key")
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "train.py").symlink_to(tmp_path / "secret")
    with pytest.raises(UsageError, match="leads out"):
        Program.read(inside, ["train.py"])


def test_text_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_bytes(b"x = '\xff'")
    with pytest.raises(UsageError, match="not UTF-8"):
        Program.read(tmp_path, ["train.py"])


def test_the_digest_tells_modes_and_paths_apart() -> None:
    programs = [
        Program({"a": "x"}),
        Program({"a": "x"}, frozenset({"a"})),
        Program({"b": "x"}),
        Program({"a": "y"}),
    ]
    assert len({program.digest for program in programs}) == 4
