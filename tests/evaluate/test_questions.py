"""What a candidate may ask while it is called, and that asking gains it nothing else; at both levels."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.evaluate import Question
from workbench.records import Trial

Run = Callable[..., Trial]
ASKED = """
from workbench.evaluate import CandidateFailed, Question

def evaluate(trial):
    asked = []
    def double(number):
        asked.append(number)
        return 2 * number
    with trial.start("train.py") as process:
        value = process.call("answer", questions={"double": Question(int, double)}, max_questions=20)
    return {"score": value, "asked": len(asked)}
"""
HEAD = "from workbench_evaluator import ask\n"
FORGE = """
import os, sys
def forge(message):
    host = sys.modules["__main__"]
    host.wire.send(int(sys.orig_argv[-1]), message)
def id_now():
    from workbench_evaluator import ask
    return ask.__self__.id
"""


def test_a_question_is_answered_while_the_call_runs(run: Run) -> None:
    trial = run(HEAD + "def answer(): return sum(ask('double', n) for n in range(10))\n", ASKED)
    assert (trial.status, trial.score, trial.metrics["asked"]) == ("ok", 90.0, 10.0), trial.reason


def test_questions_and_answers_are_any_plain_data(run: Run) -> None:
    trial = run(
        """
        import numpy
        from workbench_evaluator import ask
        def answer(x):
            told = ask("model", {"prompt": "é", "x": x, "raw": b"ab", "more": [None, True, 1.5]})
            assert told == {"text": "é", "raw": b"ab"}, told
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
            questions = {"model": Question(dict, model), "sum": Question(Array("float64", (3,)), lambda x: float(x.sum()))}
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
        ("ask('double', object())", "no plain type"),
        ("ask('double', 10 ** 400000)", ""),
        ("ask('double', float('nan'))", "only finite numbers can be sent"),
    ],
)
def test_what_is_not_offered_is_the_failure_of_who_asks(run: Run, body: str, reason: str) -> None:
    trial = run(f"{HEAD}def answer():\n    {body}\n    return 1.0\n", ASKED)
    assert (trial.status, trial.score, trial.fault) == ("failed", None, ""), trial
    assert reason in trial.reason


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("ask('double', 1)\ndef answer(): return 1.0\n", "only while the evaluator calls a function"),
        (
            "import _thread, time\ntold = []\ndef elsewhere():\n    try: ask('double', 1)\n"
            "    except RuntimeError as error: told.append(str(error))\n"
            "def answer():\n    _thread.start_new_thread(elsewhere, ())\n    while not told: time.sleep(0.01)\n"
            "    raise ValueError(told[0])\n",
            "only the thread that the evaluator called",
        ),
        (
            "import os\ndef answer():\n    pid = os.fork()\n    if pid == 0:\n        try: ask('double', 1)\n"
            "        except RuntimeError: os._exit(3)\n        os._exit(0)\n"
            "    raise ValueError(f'status {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}')\n",
            "status 3",
        ),
    ],
)  # fmt: skip
def test_only_the_function_that_is_called_can_ask(run: Run, source: str, reason: str) -> None:
    trial = run(HEAD + source, ASKED)
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
            "forge({'id': id_now(), 'ask': 'secret', 'question': 1})",
            "answer() asked 'secret', which the evaluator does not offer here",
        ),
        (
            "forge({'id': id_now(), 'ask': ['double'], 'question': 1})",
            "which the evaluator does not offer here (offered: double)",
        ),
        ("forge({'id': id_now(), 'ask': 'double'})", "answer() asked 'double' with None"),
        (
            "forge({'id': id_now(), 'ask': 'double', 'question': 'x', 'value': 9.0, 'score': 9.0})",
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
            "[forge({'id': id_now(), 'ask': 'double', 'question': 1}) for _ in range(9)]",
            "the candidate broke the protocol",
        ),
        (
            "forge({'id': id_now(), 'ask': 'double', 'question': 'x' * (8 << 20)})",
            "the candidate broke the protocol: a frame of",
        ),
        (
            "os.write(int(sys.orig_argv[-1]), b'ask' * 100)",
            "the candidate broke the protocol: bytes that are no frame",
        ),
    ],
)
def test_a_forged_question_ends_the_trial(run: Run, body: str, reason: str) -> None:
    trial = run(f"{FORGE}def answer():\n    {body}\n    return 1.0\n", ASKED)
    assert (trial.status, trial.score, trial.fault) == ("failed", None, ""), trial
    assert reason in trial.reason


def test_a_question_forged_while_nothing_is_called_is_no_import(run: Run) -> None:
    trial = run(
        f"{FORGE}forge({{'id': id_now(), 'ask': 'double', 'question': 1}})\ndef answer(): return 1.0\n",
        ASKED,
    )
    assert trial.status == "failed", trial
    assert "broke the protocol: an answer without a value" in trial.reason


def test_an_endless_line_of_questions_meets_the_deadline(run: Run) -> None:
    began = time.monotonic()
    trial = run(
        HEAD + "def answer():\n    while True: ask('double', 1)\n",
        ASKED.replace("max_questions=20", "max_questions=10**9"),
        limits={"wall_seconds": 2},
    )
    assert trial.status == "timeout", trial
    assert time.monotonic() - began < 20


def test_a_question_has_a_largest_size(run: Run) -> None:
    source = HEAD + "def answer(): return ask('length', 'x' * SIZE)\n"
    evaluate = """
        from workbench.evaluate import Question
        def evaluate(trial):
            with trial.start("train.py") as process:
                return {"score": process.call("answer", questions={"length": Question(str, len, max_bytes=100_000)})}
    """
    fits, too_large, huge = (
        run(f"SIZE = {size}\n{source}", evaluate) for size in (90_000, 110_000, 100_000_000)
    )
    assert (fits.status, fits.score) == ("ok", 90_000.0), fits.reason
    assert "answer() asked 'length' with 1100" in too_large.reason
    assert "at most 100000 are answered" in too_large.reason
    assert "broke the protocol: a frame of" in huge.reason


@pytest.mark.parametrize(
    ("answer", "status", "fault", "words"),
    [
        ("raise KeyError('no model')", "lost", "evaluator", "KeyError: 'no model'"),
        ("return object()", "lost", "evaluator", "no plain type"),
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
    trial = run(
        HEAD
        + "def answer():\n    try: return ask('model', 'x')\n    except BaseException: return 1.0\ndef other(): return 2.0\n",
        f"""
        from workbench.evaluate import CandidateFailed, Question
        def evaluate(trial):
            with trial.start("train.py") as process:
                def model(prompt):
                    {answer}
                return {{"score": process.call("answer", questions={{"model": Question(str, model)}})}}
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
                    (trial.folder / "said.json").write_text(json.dumps(str(error)))
            (trial.folder / "cpu.json").write_text(json.dumps(process.cpu_seconds))
            return {"score": score}
        """,
    )
    assert (trial.status, trial.score) == ("ok", 3.0), trial.reason
    folder = tmp_path / "out" / "trial"
    assert json.loads((folder / "said.json").read_text()) == "late() took longer than 1.2 s"
    assert json.loads((folder / "cpu.json").read_text()) < 1.0


def test_a_file_of_the_candidate_does_not_stand_in_for_the_evaluator(run: Run) -> None:
    source = "import os\nif not os.path.exists('workbench_evaluator.py'): open('workbench_evaluator.py', 'w').write('ask = None')\n"
    trial = run(f"{source}{HEAD}def answer(): return ask('double', 4)\n", ASKED)
    assert (trial.status, trial.score) == ("ok", 8.0), trial.reason


@pytest.mark.parametrize("form", [complex, set, "str"])
def test_a_question_has_a_known_form(form: Any) -> None:
    with pytest.raises(TypeError, match="choose float"):
        Question(form, len)
