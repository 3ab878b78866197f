from collections.abc import Callable, Iterator

import pytest

from tests.loop.toy import Toy
from tests.studies import records
from workbench.loop import duplicates
from workbench.loop.duplicates import normal_form
from workbench.program import Program
from workbench.propose.null import Null
from workbench.propose.proposer import Brief, Proposal
from workbench.records import Options, ProposalFailed
from workbench.testing import PROGRAM

SOURCE = PROGRAM.files["train.py"]
EQUAL: dict[str, tuple[str, str]] = {
    "comments": ("a.py", "# new\nx = 1  # one\n"),
    "layout": ("a.py", "\n\nx   =  (1)\n"),
    "a docstring": ("a.py", '"""What it is."""\nx = 1\n'),
    "spaces of another text": ("a.txt", "  one\n\n two \n"),
}
DIFFERENT: dict[str, tuple[str, str, str]] = {
    "a number": ("a.py", "x = 1\n", "x = 2\n"),
    "a type of number": ("a.py", "x = 1\n", "x = 1.0\n"),
    "a text that is no docstring": ("a.py", 'x = "a"\n', 'x = "b"\n'),
    "a docstring that the code reads": (
        "a.py",
        '"""A."""\nx = __doc__\n',
        '"""B."""\nx = __doc__\n',
    ),
    "indentation": ("a.py", "if x:\n    y = 1\nz = 1\n", "if x:\n    y = 1\n    z = 1\n"),
    "words of another text": ("a.txt", "one", "two"),
}


@pytest.mark.parametrize("name", EQUAL)
def test_programs_have_one_normal_form_that_differ_in(name: str) -> None:
    path, text = EQUAL[name]
    plain = "x = 1\n" if path == "a.py" else "one\ntwo"
    assert normal_form(Program({path: text})) == normal_form(Program({path: plain}))


@pytest.mark.parametrize("name", DIFFERENT)
def test_programs_differ_in_normal_form_by(name: str) -> None:
    path, one, other = DIFFERENT[name]
    assert normal_form(Program({path: one})) != normal_form(Program({path: other}))


def test_a_file_under_another_name_or_made_executable_is_another_program() -> None:
    files = {"a.py": "x = 1\n"}
    forms = {
        normal_form(Program(files)),
        normal_form(Program({"b.py": "x = 1\n"})),
        normal_form(Program(files, frozenset(["a.py"]))),
    }
    assert len(forms) == 3


def test_python_that_does_not_parse_or_nests_too_deep_is_taken_as_text() -> None:
    deep = "x = " + "-" * 100_000 + "1\n"
    for text in ("def f(:\n", deep):
        assert normal_form(Program({"a.py": text})) == normal_form(Program({"a.py": text + "\n\n"}))


def in_order(texts: Iterator[str]) -> Callable[[Brief], Proposal]:
    return lambda brief: Proposal(program=Program({"train.py": next(texts)}), hypothesis="next")


def failures(toy: Toy) -> list[str]:
    return [record.reason for record in records(toy.folder, ProposalFailed)]


def test_what_was_tried_before_costs_no_trial_and_says_which_it_is(toy: Toy) -> None:
    worse = SOURCE.replace("0.1", "0.05")
    toy.propose = in_order(
        iter(
            [worse, f"# again\n{worse}", f"{SOURCE}\n# the baseline\n", SOURCE.replace("0.1", "3")]
        )
    )
    toy.create(candidates=2)
    study = toy.run()
    assert failures(toy) == [
        "it is candidate 1 but for comments or formatting",
        "it is candidate 0 but for comments or formatting",
    ]
    assert (study.costs.n_trials, study.proposals.n_made) == (3, 2)


def test_what_failed_before_is_refused_too(toy: Toy) -> None:
    broken = SOURCE.replace("0.1", "0")
    toy.score = lambda program, seed: None if "RATE = 0\n" in program.files["train.py"] else 1.0
    toy.propose = in_order(iter([broken, broken + "# once more\n", SOURCE.replace("0.1", "3")]))
    toy.create(candidates=2)
    toy.run()
    assert failures(toy) == ["it is candidate 1 but for comments or formatting"]


def test_a_resumed_loop_knows_what_was_tried_without_looking_at_the_programs_again(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    variants = [SOURCE.replace("0.1", str(rate)) for rate in (2, 3, 4)]
    toy.propose = in_order(iter(variants))
    toy.create(candidates=3)
    toy.run()
    looked: list[str] = []
    real = normal_form

    def watched(program: Program) -> str:
        looked.append(program.digest)
        return real(program)

    monkeypatch.setattr(duplicates, "normal_form", watched)
    again = variants[1] + "# again\n"
    toy.propose = in_order(iter([again, SOURCE.replace("0.1", "5")]))
    toy.request("set", key="candidates", value=4)
    toy.run()
    assert failures(toy) == ["it is candidate 2 but for comments or formatting"]
    assert len(looked) == 3  # the two proposals and the baseline


def test_what_a_person_made_is_known_too(toy: Toy) -> None:
    toy.propose = in_order(iter([SOURCE.replace("0.1", "2")]))
    toy.create(candidates=1, review="keeps")
    toy.run()
    own = SOURCE.replace("0.1", "7")
    toy.request("edit", candidate=1, files={"train.py": own})
    toy.propose = in_order(iter([own + "# mine\n", SOURCE.replace("0.1", "5")]))
    toy.request("set", key="candidates", value=2)
    toy.run()
    assert failures(toy) == ["it is candidate 2 but for comments or formatting"]


def test_a_repetition_on_purpose_is_tried_so_an_a_a_study_still_works(toy: Toy) -> None:
    null: list[Null] = []

    def propose(brief: Brief) -> Proposal:
        if not null:
            null.append(Null("", brief.experiment, Options()))
        return null[0].propose(brief)

    toy.propose = propose
    toy.create(candidates=5)
    study = toy.run()
    assert (failures(toy), study.proposals.n_made) == ([], 5)
