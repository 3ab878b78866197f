"""Scores a harness around a frozen model: shows texts, and the truth only afterwards.

Protocol of Meta-Harness's text classification (arXiv 2603.28052): one pass over the training
examples, predicting each batch before its truths are shown; then the scored split, with what
`get_state` carried into a fresh process. No candidate code is imported here.
"""

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docstrings
import models

from workbench.evaluate import CandidateFailed, Question, hidden
from workbench.propose.proposer import Receipt

FOLDER = Path(__file__).parent
BATCH = 16
MAX_STATE = 4 << 20
Example = dict[str, str]


def prepare(folder: Path, settings: Mapping[str, Any]) -> None:
    """Fills the study's data folder with train, val and test.

    From `--set data=FOLDER`, else from docstrings.
    """
    if not settings["data"]:
        docstrings.write(folder)
        return
    source = Path(str(settings["data"])).expanduser()
    for split in ("train", "val", "test"):
        lines = [json.dumps(example, sort_keys=True) for example in read_examples(source, split)]
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_examples(source: Path, split: str) -> list[Example]:
    """A split as Meta-Harness stores it; `val` may be called `valid`.

    A `context` goes before its `input`.

    Raises:
        ValueError: the file is missing, or a line is not such an example.
    """
    names = ("val.jsonl", "valid.jsonl") if split == "val" else (f"{split}.jsonl",)
    file = next((source / name for name in names if (source / name).is_file()), None)
    if file is None:
        raise ValueError(
            f"no {' or '.join(names)} in {source}; --set data=FOLDER takes train.jsonl, "
            "val.jsonl and test.jsonl"
        )
    examples = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            example = json.loads(line)
            if not isinstance(example, dict) or not all(
                isinstance(example.get(key), str) for key in ("input", "target")
            ):
                raise ValueError(f"{file} line {number}: it needs the texts input and target")
            context = f"{example['context']}\n\n" if example.get("context") else ""
            examples.append({"input": context + example["input"], "target": example["target"]})
    return examples


def evaluate(trial: Any) -> dict[str, float]:
    """`accuracy` on the split that the settings name, and `context`.

    The latter is the mean number of characters of prompt per scored text.

    The seed draws the examples, the texts and their order. An answer is right when it is the label
    and the model said it: it has to be in a reply of the same prediction.

    Raises:
        CandidateFailed: the harness failed, or answered something else than a text.
    """
    settings = trial.settings
    counter = models.counter(settings)
    trial.exact = not settings["model"]
    splits = {split: read(trial.data, split) for split in ("train", settings["split"])}
    labels = sorted({example["target"] for example in splits["train"]})
    rng = random.Random(hidden(trial.seed))
    train = rng.sample(splits["train"], min(int(settings["examples"]), len(splits["train"])))
    items = rng.sample(
        splits[settings["split"]], min(int(settings["items"]), len(splits[settings["split"]]))
    )

    with start(trial) as process:
        process.call("begin", labels, returns=None)
        state, online = learn(process, counter, train, settings)
    units = []
    chars = []
    calls = []
    with start(trial) as process:  # a fresh one, whose box and memory hold nothing but the state
        process.call("begin", labels, returns=None)
        process.call("set_state", state, returns=None)
        for number, item in enumerate(items, 1):
            answer, _ = predict(process, counter, item["input"], settings)
            units.append(float(answer == item["target"]))
            chars.append(counter.chars)
            calls.append(counter.calls)
            if number % 20 == 0:
                trial.report("accuracy", number, sum(units) / number)
    trial.units(units)
    return {
        "accuracy": sum(units) / len(units),
        "context": sum(chars) / len(chars),
        "calls": sum(calls) / len(calls),
        "learning_accuracy": online,
        "state_chars": float(len(state)),
        "usd": counter.receipt.usd,
        "tokens": float(counter.receipt.tokens),
    }


def check(trial: Any) -> None:
    """A smoke run: learns one made-up text, and classifies another; asks no model.

    Raises:
        CandidateFailed: the harness would fail in a trial.
    """
    settings = trial.settings
    labels = ["left", "right"]
    counter = models.Counter(lambda prompt: labels[0], Receipt(), int(settings["prompt_chars"]))
    state = ""
    for number in range(2):
        with start(trial) as process:
            process.call("begin", labels, returns=None)
            if number:
                process.call("set_state", state, returns=None)
                predict(process, counter, "Turn the other way.", settings)
            else:
                state, _ = learn(
                    process, counter, [{"input": "Turn this way.", "target": labels[1]}], settings
                )


def start(trial: Any) -> Any:
    return trial.start("driver.py", files={"driver.py": FOLDER / "driver.py"})


def read(data: Path, split: str) -> list[Example]:
    """Raises ValueError if the split is unknown."""
    file = data / f"{split}.jsonl"
    if split not in ("val", "test", "train"):
        raise ValueError(
            f"split = {split!r}; it is val (what the search sees the scores of) or test (for "
            "audits)"
        )
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line]


def learn(
    process: Any, counter: models.Counter, train: list[Example], settings: Mapping[str, Any]
) -> tuple[str, float]:
    """One pass over the training examples; the state that is left, and the accuracy on the way."""
    n_right = 0
    for first in range(0, len(train), BATCH):
        results = []
        for example in train[first : first + BATCH]:
            answer, metadata = predict(process, counter, example["input"], settings)
            right = answer == example["target"]
            n_right += right
            results.append(
                {
                    "input": example["input"],
                    "prediction": answer,
                    "ground_truth": example["target"],
                    "was_correct": right,
                    "metadata": metadata,
                }
            )
        counter.begin()
        questions = {"model": Question(str, counter.ask)}
        process.call(
            "learn",
            results,
            returns=None,
            questions=questions,
            max_questions=int(settings["learn_calls"]),
        )
    state = process.call("get_state", returns=str)
    if len(state) > MAX_STATE:
        raise CandidateFailed(f"get_state() answered {len(state)} characters; at most {MAX_STATE}")
    return state, n_right / max(1, len(train))


def predict(
    process: Any, counter: models.Counter, text: str, settings: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Answer and metadata of one prediction.

    The answer is empty unless a reply of the model contains it.
    """
    counter.begin()
    questions = {"model": Question(str, counter.ask)}
    result = process.call(
        "predict", text, returns=list, questions=questions, max_questions=int(settings["calls"])
    )
    if [type(part) for part in result] != [str, dict]:
        raise CandidateFailed("predict() answered something else than a text and a dict")
    answer, metadata = result
    return (answer if any(answer in reply for reply in counter.replies) else ""), metadata
