"""The contracts themselves: whoever does nothing, or pretends to, fails them."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.decide.policy import Wanted
from workbench.evaluate.executor import Ended, Points, Report, Task
from workbench.experiment import Experiment
from workbench.ledger.study import Study
from workbench.program import Program
from workbench.propose.proposer import Brief, Exhausted, Proposal
from workbench.records import Decision, Evidence, Options, Trial
from workbench.search.strategy import Ask
from workbench.testing import (
    LARGER_PROGRAM,
    ExecutorContract,
    PolicyContract,
    ProposerContract,
    StandInExecutor,
    StrategyContract,
)


def find_failures(contract: type, make: Callable[..., Any], folder: Path) -> dict[str, str]:
    """The tests of a contract that an implementation fails, each with what is said."""
    failures = {}
    tests = inspect.getmembers(contract, inspect.isfunction)
    for name, test in tests:
        if not name.startswith("test_"):
            continue
        case = type("Case", (contract,), {"make": staticmethod(make), "PATIENCE_SECONDS": 0.2})()
        (folder / name).mkdir()
        try:
            test(case, folder / name)
        except Exception as error:
            failures[name] = f"{type(error).__name__}: {error}"
    return failures


class TestProposerContract:
    def fail(self, answer: Callable[[Brief], Any], folder: Path) -> dict[str, str]:
        class Lazy:
            name = "lazy"

            def propose(self, brief: Brief) -> Any:
                return answer(brief)

        return find_failures(ProposerContract, lambda experiment, options: Lazy(), folder)

    def check_that_nothing_was_proposed(self, failures: dict[str, str]) -> None:
        assert failures.keys() == {
            "test_it_proposes_programs_of_editable_files_with_a_hypothesis",
            "test_a_new_one_goes_on_where_another_one_stopped",
        }
        messages = {failure.partition(";")[0] for failure in failures.values()}
        assert messages == {"AssertionError: it proposed nothing"}

    @pytest.mark.parametrize("nothing", [None, [], ()])
    def test_one_that_never_proposes_fails(self, tmp_path: Path, nothing: Any) -> None:
        self.check_that_nothing_was_proposed(self.fail(lambda brief: nothing, tmp_path))

    def test_one_that_is_exhausted_from_the_start_fails(self, tmp_path: Path) -> None:
        def answer(brief: Brief) -> Proposal:
            raise Exhausted("no time")

        self.check_that_nothing_was_proposed(self.fail(answer, tmp_path))

    @pytest.mark.parametrize(
        ("files", "hypothesis", "message"),
        [
            ({}, "better", "it proposed a program a second time"),
            ({"train.py": "x = 1\n"}, " ", "a proposal needs a hypothesis"),
            ({"train.py": "x = ("}, "better", "train.py does not parse"),
            ({"evaluate.py": ""}, "better", "it changed files that are not editable"),
        ],
    )
    def test_one_whose_proposal_is_empty_fails(
        self, tmp_path: Path, files: dict[str, str], hypothesis: str, message: str
    ) -> None:
        def answer(brief: Brief) -> Proposal | None:
            if brief.number:
                return None
            program = Program({**brief.program.files, **files})
            return Proposal(program=program, hypothesis=hypothesis)

        failures = self.fail(answer, tmp_path)
        test = "test_it_proposes_programs_of_editable_files_with_a_hypothesis"
        assert message in failures[test]

    def test_one_that_has_a_single_idea_fails(self, tmp_path: Path) -> None:
        program = Program({**LARGER_PROGRAM.files, "train.py": "x = 1\n"})
        failures = self.fail(lambda brief: Proposal(program=program, hypothesis="x"), tmp_path)
        assert "it proposed a program a second time" in " ".join(failures.values())

    def test_one_may_say_why_it_cannot_propose_and_is_held_to_it(self, tmp_path: Path) -> None:
        class Declared(ProposerContract):
            cannot_propose = "it changes prompts only"

        class Silent:
            name = "silent"

            def propose(self, brief: Brief) -> None:
                return None

        class Talkative(Silent):
            def propose(self, brief: Brief) -> Any:
                text = f"x = {brief.number}\n"
                return Proposal(program=Program({"train.py": text}), hypothesis="x")

        (tmp_path / "silent").mkdir()
        assert find_failures(Declared, lambda *_: Silent(), tmp_path / "silent") == {}
        (tmp_path / "talkative").mkdir()
        failures = find_failures(Declared, lambda *_: Talkative(), tmp_path / "talkative")
        assert len(failures) == 2
        assert "it does propose, although: it changes prompts only" in " ".join(failures.values())


class TestStrategyContract:
    def fail(self, answer: Callable[[Study], Any], folder: Path) -> dict[str, str]:
        class Lazy:
            name = "lazy"

            def ask(self, study: Study) -> Any:
                return answer(study)

        return find_failures(StrategyContract, lambda experiment, options: Lazy(), folder)

    def test_one_that_answers_nothing_fails_everything(self, tmp_path: Path) -> None:
        assert len(self.fail(lambda study: None, tmp_path)) == 3

    def test_one_that_always_starts_from_the_baseline_fails(self, tmp_path: Path) -> None:
        failures = self.fail(lambda study: Ask(0), tmp_path)
        assert failures.keys() == {"test_it_goes_on_from_the_candidate_that_a_person_chose"}

    def test_one_that_always_starts_from_the_newest_candidate_fails(self, tmp_path: Path) -> None:
        failures = self.fail(lambda study: Ask(len(study.candidates) - 1), tmp_path)
        assert (
            "test_it_names_itself_and_asks_for_candidates_that_have_a_score_and_no_veto" in failures
        )


class TestPolicyContract:
    def fail(self, opening: Any, judgement: Any, folder: Path) -> dict[str, str]:
        class Lazy:
            name = "lazy"

            def opening(self, study: Study) -> Any:
                return opening

            def judge(self, study: Study, candidate: int) -> Any:
                return judgement

        return find_failures(PolicyContract, lambda experiment, options: Lazy(), folder)

    def test_one_that_wants_no_trial_of_the_baseline_fails_everything(self, tmp_path: Path) -> None:
        assert len(self.fail(Wanted(()), Wanted(()), tmp_path)) == 4

    def test_one_that_never_decides_fails_everything(self, tmp_path: Path) -> None:
        baseline = Wanted(((0, 0),))
        failures = self.fail(baseline, Wanted(((1, 0),)), tmp_path)
        assert len(failures) == 4
        assert "did not decide within 100 trials" in failures["test_a_clear_loser_is_discarded"]

    @pytest.mark.parametrize(
        ("verdict", "failed"),
        [
            (
                "discard",
                {
                    "test_a_clear_winner_is_kept_or_deferred_with_its_effect",
                    "test_the_direction_of_the_metric_is_honoured",
                },
            ),
            (
                "keep",
                {
                    "test_a_clear_loser_is_discarded",
                    "test_a_clear_winner_is_kept_or_deferred_with_its_effect",
                },
            ),
        ],
    )
    def test_one_that_always_decides_the_same_fails(
        self, tmp_path: Path, verdict: Any, failed: set[str]
    ) -> None:
        decision = Decision(candidate=1, verdict=verdict, by="lazy", evidence=Evidence())
        assert self.fail(Wanted(((0, 0),)), decision, tmp_path).keys() == failed


class SilentExecutor:
    """Takes every trial, and never says a word about it."""

    slots = 1
    sandbox = "off"

    def __init__(self, experiment: Experiment, options: Options, report: Report) -> None:
        self.report = report

    def submit(self, task: Task) -> None:
        pass

    def cancel(self, candidate: int, trial: int, reason: str) -> None:
        pass

    def close(self) -> None:
        pass


class RerunningExecutor(SilentExecutor):
    """Pretends to run what it is given; a trial that is lost is silently run again."""

    def submit(self, task: Task) -> None:
        log = Path(str(task.settings["log"]))
        runs = ["die", "run"] if task.settings["action"] == "die" else ["run"]
        with log.open("a") as file:
            file.writelines(f"{run}\n" for run in runs)
        points = tuple((float(step), 1 / step) for step in (1, 2, 3))
        self.report(Points(task, "progress", points))
        self.report(
            Ended(
                task,
                Trial(candidate=task.candidate, trial=0, seed=task.seed, status="ok", score=1.0),
            )
        )


class TestExecutorContract:
    EVERYTHING_BUT_SLOTS = 6

    def test_one_that_never_reports_fails_whatever_runs_something(self, tmp_path: Path) -> None:
        failures = find_failures(ExecutorContract, SilentExecutor, tmp_path)
        assert len(failures) == self.EVERYTHING_BUT_SLOTS
        assert "test_it_has_slots_and_says_its_sandbox" not in failures

    def test_one_that_runs_nothing_fails_although_it_reports_scores(self, tmp_path: Path) -> None:
        def make(experiment: Experiment, options: Options, report: Report) -> StandInExecutor:
            return StandInExecutor(lambda program, seed: 1.0, report)

        failures = find_failures(ExecutorContract, make, tmp_path)
        assert len(failures) == self.EVERYTHING_BUT_SLOTS

    def test_one_that_silently_runs_a_lost_trial_again_fails(self, tmp_path: Path) -> None:
        failures = find_failures(ExecutorContract, RerunningExecutor, tmp_path)
        assert "test_a_trial_whose_process_dies_is_lost_and_not_run_again" in failures
        assert "test_a_trial_ends_with_its_score_and_streams_its_curve" not in failures
