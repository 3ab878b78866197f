"""The list of protections fits the code: else a drill would remove nothing, or run no test."""

import ast
from pathlib import Path

import pytest

from tests.drills.protections import ROOT, Protection, Stale, read

KNOWN = read()


@pytest.mark.parametrize("protection", KNOWN.values(), ids=list(KNOWN))
def test_what_is_to_be_removed_is_there_once_and_its_tests_exist(protection: Protection) -> None:
    text = (ROOT / protection.file).read_text(encoding="utf-8")
    ast.parse(protection.removed_from(text))
    assert protection.needs in ("", "root", "user", "cgroup")
    assert set(protection.doubled_by) <= set(KNOWN) - {protection.name}
    assert protection.tests
    for test in protection.tests:
        file, _, name = test.partition("::")
        found = {
            node.name
            for node in ast.parse((ROOT / "tests" / file).read_text()).body
            if isinstance(node, ast.FunctionDef)
        }
        assert name.partition("[")[0] in found, test


def test_no_name_is_there_twice() -> None:
    assert Path(__file__).with_name("protections.toml").read_text(encoding="utf-8").count(
        "[[protection]]"
    ) == len(KNOWN)


def test_text_that_is_missing_or_ambiguous_is_said() -> None:
    protection = Protection(name="n", against="a", file="f.py", old="x", new="y", tests=("t",))
    assert protection.removed_from("a x b") == "a y b"
    for text in ("", "x x"):
        with pytest.raises(Stale, match=r"n: f.py has its text [02] times and not once"):
            protection.removed_from(text)
