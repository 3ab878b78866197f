"""The list of protections fits the code; otherwise a drill would remove nothing, or run no test."""

import ast
from pathlib import Path

import pytest

from tests.drills.protections import ROOT, Protection, Stale, read

PROTECTIONS = read()


@pytest.mark.parametrize("protection", PROTECTIONS.values(), ids=list(PROTECTIONS))
def test_what_is_to_be_removed_is_in_the_code_once_and_its_tests_exist(
    protection: Protection,
) -> None:
    text = (ROOT / protection.file).read_text(encoding="utf-8")
    ast.parse(protection.remove_from(text))
    assert protection.needs in ("", "root", "user", "cgroup")
    assert set(protection.doubled_by) <= set(PROTECTIONS) - {protection.name}
    assert protection.tests
    for test in protection.tests:
        file, _, name = test.partition("::")
        body = ast.parse((ROOT / "tests" / file).read_text()).body
        functions = [node.name for node in body if isinstance(node, ast.FunctionDef)]
        assert name.partition("[")[0] in functions, test


def test_each_name_is_in_the_list_once() -> None:
    text = Path(__file__).with_name("protections.toml").read_text(encoding="utf-8")
    assert text.count("[[protection]]") == len(PROTECTIONS)


def test_text_that_is_missing_or_ambiguous_is_an_error() -> None:
    protection = Protection(name="n", against="a", file="f.py", old="x", new="y", tests=("t",))
    assert protection.remove_from("a x b") == "a y b"
    for text in ("", "x x"):
        with pytest.raises(Stale, match=r"n: f.py has its text [02] times and not once"):
            protection.remove_from(text)
