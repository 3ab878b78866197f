"""What a candidate may ask while it is called, and that it gains nothing else by that.

At both levels.
"""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.evaluate.conftest import Run
from workbench.evaluate import Question

DOUBLE = """
from workbench.evaluate import CandidateFailed, Question

def evaluate(trial):
    numbers = []
    def double(number):
        numbers.append(number)
        return 2 * number
    questions = {"double": Question(int, double)}
    with trial.start("train.py") as process:
        value = process.call("answer", questions=questions, max_questions=20)
    return {"score": value, "n_questions": len(numbers)}
"""
HEAD = "from workbench_evaluator import ask\n"
ASK_IN_A_THREAD = """
import _thread, time
errors = []
def ask_and_note():
    try:
        ask("double", 1)
    except RuntimeError as error:
        errors.append(str(error))
def answer():
    _thread.start_new_thread(ask_and_note, ())
    while not errors:
        time.sleep(0.01)
    raise ValueError(errors[0])
"""
ASK_IN_A_CHILD = """
import os
def answer():
    pid = os.fork()
    if pid == 0:
        try:
            ask("double", 1)
        except RuntimeError:
            os._exit(3)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    raise ValueError(f"status {status}")
"""
FORGE = """
import os, sys
def forge(message):
    guest = sys.modules["__main__"]
    guest.wire.send(int(sys.orig_argv[-1]), message)
def read_id():
    from workbench_evaluator import ask
    return ask.__self__.id
"""


def test_a_question_is_answered_while_the_call_runs(run: Run) -> None:
    trial = run(HEAD + "def answer(): return sum(ask('double', n) for n in range(10))\n", DOUBLE)
    assert (trial.status, trial.score, trial.metrics["n_questions"]) == ("ok", 90.0, 10.0)


def test_questions_and_answers_are_any_plain_data(run: Run) -> None:
    trial = run(
        """
        import numpy
        from workbench_evaluator import ask
        def answer(x):
            reply = ask("model", {"prompt": "é", "x": x, "raw": b"ab", "more": [None, True, 1.5]})
            assert reply == {"text": "é", "raw": b"ab"}, reply
            return ask("sum", x)
        """,
        """
        import numpy
        from workbench.evaluate import Array, Question
        def model(question):
            assert question["more"] == [None, True, 1.5]
            assert question["x"].tolist() == [0.0, 1.0, 2.0]
            return {"text": question["prompt"], "raw": question["raw"]}
        def evaluate(trial):
            questions = {
                "model": Question(dict, model),
                "sum": Question(Array("float64", (3,)), lambda x: float(x.sum())),
            }
            with trial.start("train.py") as process:
                return {"score": process.call("answer", numpy.arange(3.0), questions=questions)}
        """,
        packages=["numpy"],
    )
    assert (trial.status, trial.score) == ("ok", 3.0), trial.reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("while True: ask('double', 1)", "answer() asked more than 20 questions in one call"),
        (
            "ask('score', 1)",
            "LookupError: the evaluator answers no question 'score' here; it answers: double",
        ),
        ("ask('double', 1.5)", "answer() asked 'double' with 1.5; the evaluator expects int"),
        ("ask('double', True)", "answer() asked 'double' with True; the evaluator expects int"),
        (
            "ask('double', '1')",
            "answer() asked 'double' with an object of type str; the evaluator expects int",
        ),
        ("ask('double', object())", "not plain data"),
        ("ask('double', 10 ** 400000)", ""),
        ("ask('double', float('nan'))", "only finite numbers can be sent"),
    ],
)
def test_asking_what_is_not_offered_is_the_candidates_failure(
    run: Run, body: str, reason: str
) -> None:
    trial = run(f"{HEAD}def answer():\n    {body}\n    return 1.0\n", DOUBLE)
    assert (trial.status, trial.score, trial.fault) == ("failed", None, ""), trial
    assert reason in trial.reason


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            "ask('double', 1)\ndef answer(): return 1.0\n",
            "only while the evaluator calls it",
        ),
        (ASK_IN_A_THREAD, "only the thread that the evaluator called"),
        (ASK_IN_A_CHILD, "status 3"),
    ],
)
def test_only_the_function_that_is_called_can_ask(run: Run, source: str, reason: str) -> None:
    trial = run(HEAD + source, DOUBLE)
    assert trial.status == "failed", trial
    assert reason in trial.reason


def test_a_call_that_offers_nothing_answers_nothing(run: Run) -> None:
    trial = run(HEAD + "def answer(): return ask('double', 1)\n")
    assert trial.status == "failed", trial
    assert "it answers: none" in trial.reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            "forge({'id': read_id(), 'ask': 'secret', 'question': 1})",
            "answer() asked 'secret', which the evaluator does not offer here",
        ),
        (
            "forge({'id': read_id(), 'ask': ['double'], 'question': 1})",
            "which the evaluator does not offer here (offered: double)",
        ),
        ("forge({'id': read_id(), 'ask': 'double'})", "answer() asked 'double' with None"),
        (
            "forge({'id': read_id(), 'ask': 'double', 'question': 'x', 'score': 9.0})",
            "asked 'double' with an object of type str",
        ),
        (
            "forge({'id': 1, 'ask': 'double', 'question': 1})",
            "the candidate broke the protocol: an answer without its request",
        ),
        (
            "forge({'ask': 'double', 'question': 1})",
            "the candidate broke the protocol: an answer without its request",
        ),
        (
            "[forge({'id': read_id(), 'ask': 'double', 'question': 1}) for _ in range(9)]",
            "the candidate broke the protocol",
        ),
        (
            "forge({'id': read_id(), 'ask': 'double', 'question': 'x' * (8 << 20)})",
            "the candidate broke the protocol: a frame of",
        ),
        (
            "os.write(int(sys.orig_argv[-1]), b'ask' * 100)",
            "the candidate broke the protocol: the bytes are not a frame",
        ),
    ],
)
def test_a_forged_question_ends_the_trial(run: Run, body: str, reason: str) -> None:
    trial = run(f"{FORGE}def answer():\n    {body}\n    return 1.0\n", DOUBLE)
    assert (trial.status, trial.score, trial.fault) == ("failed", None, ""), trial
    assert reason in trial.reason


def test_a_question_forged_during_an_import_ends_the_trial(run: Run) -> None:
    source = f"""{FORGE}
forge({{'id': read_id(), 'ask': 'double', 'question': 1}})
def answer(): return 1.0
"""
    trial = run(source, DOUBLE)
    assert trial.status == "failed", trial
    assert "broke the protocol: an answer without a value" in trial.reason


def test_an_endless_line_of_questions_meets_the_deadline(run: Run) -> None:
    began = time.monotonic()
    trial = run(
        HEAD + "def answer():\n    while True: ask('double', 1)\n",
        DOUBLE.replace("max_questions=20", "max_questions=10**9"),
        limits={"wall_seconds": 2},
    )
    assert trial.status == "timeout", trial
    assert time.monotonic() - began < 20


def test_a_question_has_a_largest_size(run: Run) -> None:
    source = HEAD + "def answer(): return ask('length', 'x' * SIZE)\n"
    evaluate = """
        from workbench.evaluate import Question
        def evaluate(trial):
            questions = {"length": Question(str, len, max_bytes=100_000)}
            with trial.start("train.py") as process:
                return {"score": process.call("answer", questions=questions)}
    """
    fits = run(f"SIZE = 90_000\n{source}", evaluate)
    too_large = run(f"SIZE = 110_000\n{source}", evaluate)
    huge = run(f"SIZE = 100_000_000\n{source}", evaluate)
    assert (fits.status, fits.score) == ("ok", 90_000.0), fits.reason
    assert "answer() asked 'length' with 1100" in too_large.reason
    assert "at most 100000 are answered" in too_large.reason
    assert "broke the protocol: a frame of" in huge.reason


@pytest.mark.parametrize(
    ("answer", "status", "fault", "words"),
    [
        ("raise KeyError('no model')", "lost", "evaluator", "KeyError: 'no model'"),
        ("return object()", "lost", "evaluator", "not plain data"),
        ("raise CandidateFailed('the prompt is empty')", "failed", "", "the prompt is empty"),
        (
            "return process.call('other')",
            "lost",
            "evaluator",
            "the candidate waits for the answer to its question",
        ),
    ],
)
def test_who_is_to_blame_for_an_answer_that_does_not_come(
    run: Run, answer: str, status: str, fault: str, words: str
) -> None:
    source = f"""{HEAD}
def answer():
    try: return ask('model', 'x')
    except BaseException: return 1.0
def other(): return 2.0
"""
    trial = run(
        source,
        f"""
        from workbench.evaluate import CandidateFailed, Question
        def evaluate(trial):
            with trial.start("train.py") as process:
                def model(prompt):
                    {answer}
                questions = {{"model": Question(str, model)}}
                return {{"score": process.call("answer", questions=questions)}}
        """,
    )
    assert (trial.status, trial.fault, trial.score) == (status, fault, None), trial
    assert words in trial.reason


def test_what_the_evaluator_takes_to_answer_is_not_the_candidates_time(
    run: Run, tmp_path: Path
) -> None:
    trial = run(
        HEAD
        + "import time\ndef answer(): return sum(ask('slow', n) for n in range(3))\n"
        + "def late():\n    ask('slow', 1)\n    time.sleep(20)\n",
        """
        import json, time
        from workbench.evaluate import CandidateFailed, Question
        def slow(number):
            end = time.process_time() + 0.5
            while time.process_time() < end: pass
            return number
        def evaluate(trial):
            questions = {"slow": Question(int, slow)}
            with trial.start("train.py") as process:
                score = process.call("answer", questions=questions, timeout=1.2)
                try:
                    process.call("late", questions=questions, timeout=1.2)
                except CandidateFailed as error:
                    (trial.folder / "error.json").write_text(json.dumps(str(error)))
            (trial.folder / "cpu.json").write_text(json.dumps(process.cpu_seconds))
            return {"score": score}
        """,
    )
    assert (trial.status, trial.score) == ("ok", 3.0), trial.reason
    folder = tmp_path / "out" / "trial"
    assert json.loads((folder / "error.json").read_text()) == "late() took longer than 1.2 s"
    assert json.loads((folder / "cpu.json").read_text()) < 1.0


def test_a_file_of_the_candidate_does_not_replace_the_evaluator(run: Run) -> None:
    source = f"""
open("workbench_evaluator.py", "w").write("ask = None")
{HEAD}
def answer(): return ask("double", 4)
"""
    trial = run(source, DOUBLE)
    assert (trial.status, trial.score) == ("ok", 8.0), trial.reason


@pytest.mark.parametrize("form", [complex, set, "str"])
def test_a_question_has_a_known_form(form: Any) -> None:
    with pytest.raises(TypeError, match="choose float"):
        Question(form, len)
