"""A smoke run in the real loop.

Who fails is told why, and a check that the baseline does not pass blames nobody.
"""

from threading import Event

import pytest

from tests.loop.toy import Toy, rate, with_rate
from workbench.loop.workspace import StudyWorkspace
from workbench.program import Program
from workbench.propose.proposer import Brief, Proposal
from workbench.propose.workspace import SmokeResult

pytestmark = pytest.mark.slow


def checked_in(toy: Toy, program: str = "", imports: bool = True) -> list[SmokeResult | None]:
    """What the workspace of a one-candidate study says of its parent with a line more."""
    found: list[SmokeResult | None] = []

    def propose(brief: Brief) -> Proposal:
        new = Program({"train.py": brief.program.files["train.py"] + program})
        found.append(brief.workspace.check(new, brief.cancelled, imports))
        assert isinstance(brief.workspace, StudyWorkspace)
        return Proposal(
            program=with_rate(brief.program, rate(brief.program) + 1), hypothesis="more"
        )

    toy.propose = propose
    toy.create(candidates=1)
    toy.run()
    return found


def test_a_program_that_fails_at_once_is_told_why(toy: Toy) -> None:
    (found,) = checked_in(toy, "print('on the way')\nno_such_name\n")
    assert found is not None
    assert found.problem.startswith("NameError: name 'no_such_name' is not defined (train.py line")
    assert "on the way" in found.output
    assert found.seconds > 0


def test_a_program_that_passes_has_no_problem(toy: Toy) -> None:
    (found,) = checked_in(toy)
    assert found is not None
    assert found.problem == ""


def test_whoever_wants_no_imports_tried_has_only_the_experiments_own_check(toy: Toy) -> None:
    toy.evaluator += '\n\ndef check(trial):\n    trial.start("train.py").close()\n'
    (found,) = checked_in(toy, "no_such_name\n", imports=False)
    assert found is not None
    assert found.problem.startswith("NameError")


def test_without_one_nothing_is_run_for_those_who_want_no_imports_tried(toy: Toy) -> None:
    assert checked_in(toy, "no_such_name\n", imports=False) == [None]


def test_where_the_baseline_does_not_pass_there_is_no_smoke_run(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from workbench.evaluate.checker import Checker
    from workbench.evaluate.smoke import Finding

    asked: list[Program] = []

    def run(checker: Checker, program: Program, cancelled: Event) -> Finding:
        asked.append(program)
        return Finding(problem="it always fails")

    monkeypatch.setattr(Checker, "run", run)
    assert checked_in(toy, "x = 1\n") == [None]
    assert len(asked) == 1
    assert "the baseline does not pass it: it always fails" in capfd.readouterr().err
