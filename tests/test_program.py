import subprocess
from itertools import chain, combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import UsageError
from workbench.program import Patch, Program, lines_of

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
    assert "".join(lines_of(body)) == body


@settings(max_examples=25, deadline=None)
@given(programs(), programs())
def test_git_reads_the_unified_diff(tmp_path_factory: pytest.TempPathFactory, old: Program, new: Program) -> None:
    folder = tmp_path_factory.mktemp("git")
    old.write(folder)
    diff = Patch.between(old, new).unified()
    if not diff:
        assert old == new
        return
    done = subprocess.run(
        ["git", "apply", "--whitespace=nowarn", "-"], cwd=folder, input=diff.encode(), capture_output=True, env={"PATH": "/usr/bin:/bin"}
    )
    assert done.returncode == 0, done.stderr
    assert Program.read(folder, new.files) == new
    assert not [path for path in set(old.files) - set(new.files) if (folder / path).exists()]


def test_creation_deletion_and_mode_are_hunks_of_their_own() -> None:
    old = Program({"a.py": "x\n", "b.py": "y\n"})
    new = Program({"a.py": "x\n", "c.py": "z\n"}, frozenset({"a.py", "c.py"}))
    patch = Patch.between(old, new)
    assert [(hunk.path, hunk.kind) for hunk in patch.hunks] == [("a.py", "mode"), ("b.py", "delete"), ("c.py", "create")]
    assert patch.apply(old, [1]) == Program(old.files, frozenset({"a.py"}))
    assert set(patch.apply(old, [3]).files) == {"a.py", "b.py", "c.py"}


def test_an_unknown_hunk_says_which_there_are() -> None:
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
    programs = [Program({"a": "x"}), Program({"a": "x"}, frozenset({"a"})), Program({"b": "x"}), Program({"a": "y"})]
    assert len({program.digest for program in programs}) == 4
