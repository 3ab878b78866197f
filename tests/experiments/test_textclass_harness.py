"""Known right and known wrong harnesses, scored through real sandboxes.

And the frozen model, the data and a scripted real model.
"""

import functools
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.experiments.trusted import trusted
from tests.messages_server import Answer, MessagesServer
from workbench.evaluate.study_data import compute_digest

FOLDER = Path(__file__).parents[2] / "experiments" / "textclass_harness"
SHIPPED = (FOLDER / "harness.py").read_text()
SIMILAR = SHIPPED.replace('SELECT = "recent"', 'SELECT = "similar"')
ZERO, FEW = (
    (FOLDER / "baselines" / f"{name}.py").read_text() for name in ("zero_shot", "few_shot")
)
ALL = FEW.replace("N_EXAMPLES = 32", "N_EXAMPLES = None")
WORDS = {
    "fruit": ["apple", "pear", "plum", "cherry", "grape", "melon", "peach", "apricot"],
    "metal": ["iron", "copper", "silver", "nickel", "cobalt", "bronze", "brass", "chrome"],
    "river": ["danube", "volga", "loire", "thames", "ganges", "mekong", "amazon", "yukon"],
    "tool": ["hammer", "chisel", "wrench", "pliers", "spanner", "mallet", "clamp", "vise"],
}
TOY = {"examples": 64, "items": 40}
Score = Callable[..., SimpleNamespace]


with trusted(FOLDER, "frozen", "docstrings") as modules:
    FROZEN, DOCSTRINGS = modules.frozen, modules.docstrings


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four labels of eight words each.

    A text has three words of its label and two that say nothing.
    """
    folder, rng = tmp_path_factory.mktemp("toy"), random.Random(0)
    for name, count in {"train": 80, "val": 60, "test": 60}.items():
        lines = []
        for number in range(count):
            label = list(WORDS)[number % 4]
            text = " ".join(["about", *rng.sample(WORDS[label], 3), f"case{rng.randrange(10**6)}"])
            lines.append(json.dumps({"input": text, "target": label}))
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="session")
def score(score_once: Score, toy: Path) -> Score:
    """`score(text of harness.py, **settings)` on the toy data."""
    return lambda text, seed=0, **settings: score_once(
        FOLDER, {"harness.py": text}, {**TOY, "data": toy, **settings}, seed
    )


@pytest.fixture(scope="session")
def docstring_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docstrings")
    DOCSTRINGS.write(folder)
    return folder


@pytest.fixture(scope="session")
def docstring_score(score_once: Score, docstring_data: Path) -> Callable[[str], SimpleNamespace]:
    return functools.cache(
        lambda text: score_once(
            FOLDER, {"harness.py": text}, {"items": 150}, 1, data=docstring_data
        )
    )


def harness(
    predict: str = "return '', {}",
    learn: str = "pass",
    get: str = "return ''",
    set_: str = "pass",
    head: str = "",
) -> str:
    """A harness of these bodies; `self.llm` and `self.labels` are there."""
    methods = {
        "predict(self, input)": predict,
        "learn_from_batch(self, results)": learn,
        "get_state(self)": get,
        "set_state(self, state)": set_,
    }
    body = "".join(
        f"    def {name}:\n" + "".join(f"        {line}\n" for line in text.split("\n"))
        for name, text in methods.items()
    )
    return f"{head}\nclass MemorySystem:\n    def __init__(self, llm, labels): self.llm, self.labels = llm, labels\n{body}"


# ---- the score


def test_a_harness_that_shows_the_right_examples_is_right(score: Score) -> None:
    trial = score(SIMILAR)
    assert (trial.status, trial.reason) == ("ok", "")
    assert trial.score >= 0.9
    assert trial.exact
    assert trial.metrics["calls"] == 1
    assert trial.measured["accuracy"][-1] == (40.0, pytest.approx(trial.score))


def test_the_same_program_and_seed_score_the_same_and_another_seed_draws_other_texts(
    score: Score,
) -> None:
    first, again, other = score(FEW), score(FEW), score(FEW, seed=1)
    assert (first.score, first.metrics["context"]) == (again.score, again.metrics["context"])
    assert other.metrics["context"] != first.metrics["context"]


def test_the_context_is_what_the_model_was_shown_per_text(score: Score) -> None:
    prompt = "return 'fruit', {'said': self.llm('Only one of: fruit\\n' + 'x' * 79 + ':') + self.llm('')}"
    trial = score(harness(prompt))
    assert trial.status == "ok", trial.reason
    assert trial.metrics["context"] == 99
    assert trial.metrics["calls"] == 2


def test_on_docstrings_selection_beats_more_examples_and_those_beat_none(
    docstring_score: Callable[[str], SimpleNamespace],
) -> None:
    zero, few, everything, shipped, similar = (
        docstring_score(text) for text in (ZERO, FEW, ALL, SHIPPED, SIMILAR)
    )
    assert all(trial.status == "ok" for trial in (zero, few, everything, shipped, similar))
    assert zero.score < 0.2
    assert zero.score < few.score
    assert similar.score > max(everything.score, few.score, shipped.score) + 0.08
    assert (
        everything.metrics["context"] > 5 * few.metrics["context"] > 15 * similar.metrics["context"]
    )


# ---- what a harness cannot do


def test_an_answer_that_the_model_did_not_give_counts_for_nothing(score: Score) -> None:
    words = f"WORDS = {WORDS!r}\n"
    knows = "label = next((label for label, words in WORDS.items() if any(word in input for word in words)), '')\n"
    assert score(harness(f"{knows}return label, {{}}", head=words)).score == 0.0
    asks = f"{knows}reply = self.llm('hello')\nreturn label, {{}}"
    assert score(harness(asks, head=words)).score == 0.0
    empty = score(harness("self.llm('hello')\nreturn '', {}"))
    assert (empty.status, empty.score) == ("ok", 0.0)


def test_what_is_not_in_the_state_is_gone_when_it_counts(score: Score) -> None:
    forgets = (
        SIMILAR.replace(
            "return json.dumps(self.examples)",
            "EXAMPLES.extend(self.examples)\n        return '[]'",
        )
        + "\n\nEXAMPLES = []\n"
    )
    forgets = forgets.replace("in json.loads(state):", "in [*json.loads(state), *EXAMPLES]:")
    writes = SIMILAR.replace(
        "return json.dumps(self.examples)",
        "open('kept.json', 'w').write(json.dumps(self.examples))\n        return '[]'",
    )
    writes = writes.replace(
        "json.loads(state):",
        "json.loads(open('kept.json').read() if __import__('os').path.exists('kept.json') else "
        "state):",
    )
    zero = score(SIMILAR.replace("return json.dumps(self.examples)", "return '[]'"))
    for text in (forgets, writes):
        trial = score(text)
        assert trial.status == "ok", trial.reason
        assert trial.score == zero.score < 0.6
        assert trial.metrics["learning_accuracy"] > 0.6


def test_no_truth_is_in_the_sandbox_before_it_is_told(score: Score, toy: Path) -> None:
    look = (
        "import gc, os, sys\n"
        "def look(label):\n"
        f"    found = [path for path in ('{toy}', '{FOLDER}', '/data', 'val.jsonl', '../data') "
        "if os.path.exists(path)]\n"
        "    found += [name for name in os.listdir('.') if not name.startswith(('driver', "
        "'harness', '.', '__'))]\n"
        "    found += [o for o in gc.get_objects() if type(o) is dict and 'ground_truth' in o]\n"
        "    return found + [name for name in ('frozen', 'models', 'docstrings', 'evaluate') if "
        "name in sys.modules]\n"
    )
    predict = "found = look(input)\nif found: raise ValueError(repr(found)[:200])\nreturn '', {}"
    trial = score(harness(predict, learn="results.clear()", head=look))
    assert (trial.status, trial.score) == ("ok", 0.0), trial.reason


def test_truths_come_in_batches_after_their_predictions_and_say_what_was_predicted(
    score: Score,
) -> None:
    predict = "self.told = getattr(self, 'told', [])\nself.told.append(input)\nreturn '', {'n': len(self.told)}"
    learn = (
        "assert [r['input'] for r in results] == self.told and len(self.told) <= 16\n"
        "assert [r['metadata']['n'] for r in results] == list(range(1, len(self.told) + 1))\n"
        "assert all(set(r) == {'input', 'prediction', 'ground_truth', 'was_correct', "
        "'metadata'} for r in results)\n"
        "assert not any(r['was_correct'] for r in results) and all(r['ground_truth'] in "
        "self.labels for r in results)\n"
        "self.told = []"
    )
    trial = score(harness(predict, learn))
    assert trial.status == "ok", trial.reason


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (harness("[self.llm('x') for _ in range(4)]\nreturn '', {}"), "predict() asked more than 3 questions in one call"),
        (harness("self.llm('x' * 70000)\nreturn '', {}"), "70000 characters; at most 60000 (the setting prompt_chars)"),
        (harness("return None, {}"), "predict returned NoneType and dict; it must be (text, dict)"),
        (harness("return 'fruit'"), "ValueError"),
        (harness(get="return {'a': 1}"), "get_state() answered an object of type dict"),
        (harness(get="return 'x' * 5_000_000"), "get_state() answered 5000000 characters"),
        (harness(get="return self.llm('x')"), "LookupError: the evaluator answers no question 'model' here"),
        (harness(learn="[self.llm('x') for _ in range(5)]"), "learn() asked more than 4 questions in one call"),
        (harness("self.llm(b'x')\nreturn '', {}"), "a prompt is text"),
        ("raise RuntimeError('broken')\n", "broken"),
        ("x = 1\n", "MemorySystem"),
    ],
)  # fmt: skip
def test_a_harness_that_breaks_the_contract_fails_with_one_line(
    score: Score, text: str, words: str
) -> None:
    trial = score(text)
    assert (trial.status, trial.fault) == ("failed", ""), trial
    assert words in trial.reason
    assert "\n" not in trial.reason


def test_none_of_the_packages_that_the_docstrings_come_from_can_be_read(score: Score) -> None:
    names = sorted({package.split(".")[0] for package in DOCSTRINGS.LABELS.values()})
    head = (
        "import importlib.util, os, sys, zipfile\n"
        f"names = {names}\n"
        "found = [name for name in names if importlib.util.find_spec(name)]\n"
        "for root in sys.path + ['/usr/lib/python3/dist-packages', "
        "'/usr/local/lib/python3.11/site-packages']:\n"
        "    found += [root + '/' + name for name in names if os.path.exists(os.path.join(root, "
        "name))]\n"
        "    for folder, _, files in os.walk(root) if 'ensurepip' in str(os.listdir(root) if "
        "os.path.isdir(root) else '') else ():\n"
        "        for file in files:\n"
        "            if file.endswith('.whl'):\n"
        "                inside = zipfile.ZipFile(os.path.join(folder, file)).namelist()\n"
        "                found += [n for n in names if any(f'/{n}/' in '/' + entry for entry in "
        "inside)]\n"
        "if found: raise ValueError(repr(found))\n"
    )
    trial = score(harness(head=head))
    assert trial.status == "ok", trial.reason


# ---- data


def test_docstrings_make_the_same_splits_twice_and_no_label_stands_in_its_text(
    docstring_data: Path, tmp_path: Path
) -> None:
    DOCSTRINGS.write(tmp_path)
    assert compute_digest(tmp_path) == compute_digest(docstring_data) != ""
    splits = {
        file.stem: [json.loads(line) for line in file.read_text().splitlines()]
        for file in docstring_data.glob("*.jsonl")
    }
    texts = [example["input"] for split in splits.values() for example in split]
    assert len(texts) == len(set(texts))
    assert min(map(len, splits.values())) >= 150
    assert len({example["target"] for example in splits["train"]}) >= 10
    assert not [
        e
        for split in splits.values()
        for e in split
        if any(w.startswith(e["target"][:6]) for w in e["input"].lower().split())
    ]


def test_a_folder_in_the_released_form_is_taken(score: Score, toy: Path, tmp_path: Path) -> None:
    for name, target in {"train": "train", "val": "valid", "test": "test"}.items():
        rows = [json.loads(line) for line in (toy / f"{name}.jsonl").read_text().splitlines()]
        moved = [
            {"context": row["input"], "input": "Which is it?", "target": row["target"]}
            for row in rows
        ]
        (tmp_path / f"{target}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in moved))
    trial = score(SIMILAR, data=tmp_path)
    assert trial.status == "ok", trial.reason
    assert trial.score >= 0.9


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (lambda folder: (folder / "val.jsonl").unlink(), "no val.jsonl or valid.jsonl in"),
        (lambda folder: (folder / "test.jsonl").write_text('{"input": "x"}\n'), "test.jsonl line 1: it needs the texts input and target"),
    ],
)  # fmt: skip
def test_a_folder_that_is_none_is_the_evaluators_fault(
    score: Score, toy: Path, tmp_path: Path, broken: Callable[[Path], object], words: str
) -> None:
    for file in toy.glob("*.jsonl"):
        (tmp_path / file.name).write_text(file.read_text())
    broken(tmp_path)
    trial = score(SIMILAR, data=tmp_path)
    assert (trial.status, trial.fault) == ("lost", "evaluator")
    assert words in trial.reason


# ---- the frozen model


def prompt(
    examples: list[tuple[str, str]],
    query: str,
    head: str = "Labels: fruit, metal\nAnswer with the label only.\n\n",
) -> str:
    return (
        head
        + "".join(f"Text: {text}\nLabel: {label}\n\n" for text, label in examples)
        + f"Text: {query}\nLabel:"
    )


def test_the_frozen_model_copies_what_follows_the_nearest_example() -> None:
    examples = [("a red apple from the garden", "fruit"), ("a bar of copper and tin", "metal")]
    assert FROZEN.answer(prompt(examples, "copper wire")) == "metal"
    assert FROZEN.answer(prompt(examples, "an apple tree")) == "fruit"
    swapped = [(text, "metal" if label == "fruit" else "fruit") for text, label in examples]
    assert (
        FROZEN.answer(prompt(swapped, "copper wire")) == "fruit"
    )  # it knows nothing but the prompt


def test_the_frozen_model_reads_descriptions_of_labels() -> None:
    head = "Labels: a, b\na: sweet things that grow on trees\nb: hard things that conduct electricity\nAnswer with the label only.\n\n"
    assert FROZEN.answer(prompt([], "which things conduct electricity well", head)) == "b"
    assert FROZEN.answer(prompt([], "grow sweet trees", head)) == "a"


def test_too_many_examples_dilute_what_the_frozen_model_attends_to() -> None:
    near = ("copper wire for the house", "metal")
    filler = [
        (
            f"apples and pears number {n} in the long warm summer of the orchard, and more of "
            f"them {n}",
            "fruit",
        )
        for n in range(300)
    ]
    question = "wire of copper"
    assert FROZEN.answer(prompt([near, *filler[:10]], question)) == "metal"
    assert FROZEN.answer(prompt([near, *filler], question)) == "fruit"


def test_late_examples_count_for_more() -> None:
    first, last = ("copper wire", "metal"), ("copper wire", "fruit")
    assert FROZEN.answer(prompt([first, last], "copper wire")) == "fruit"
    assert FROZEN.answer(prompt([last, first], "copper wire")) == "metal"


def test_the_form_of_the_prompt_decides_the_form_of_the_reply() -> None:
    examples = [("an apple", "fruit")]
    said = FROZEN.answer(prompt(examples, "an apple", "Labels: fruit, metal\n\n"))
    assert said != "fruit"
    assert "fruit" in said
    assert (
        FROZEN.answer("Text: an apple\nCategory: fruit\n\nText: an apple\nLabel:") == FROZEN.UNSURE
    )  # another cue than the examples'
    for text in ("", "hello", "Text: an apple", ":"):
        assert FROZEN.answer(text) == FROZEN.UNSURE


def test_the_frozen_model_is_a_function_of_the_prompt() -> None:
    rng = random.Random(0)
    texts = [
        prompt(
            [
                (" ".join(rng.choices(["a", "bc", "def", "ghij"], k=5)), rng.choice("xy"))
                for _ in range(9)
            ],
            "bc def",
        )
        for _ in range(20)
    ]
    assert [FROZEN.answer(text) for text in texts] == [FROZEN.answer(text) for text in texts]


# ---- a real model


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[MessagesServer]:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-a-key-of-this-test")
    usage = {"input_tokens": 1000, "output_tokens": 10}
    with MessagesServer(
        lambda body: Answer(FROZEN.answer(body["messages"][-1]["content"][0]["text"]), usage=usage)
    ) as server:
        yield server


def test_a_real_model_stands_behind_the_same_interface_and_its_price_is_counted(
    score: Score, served: MessagesServer
) -> None:
    sees = (
        SIMILAR
        + "\n\nimport os\nassert not any('KEY' in name or 'sk-' in value for name, value in os.environ.items())\n"
    )
    settings = {"examples": 16, "items": 8, "model": "claude-haiku-4-5", "base_url": served.url}
    trial = score(sees, **settings)
    assert trial.status == "ok", trial.reason
    assert trial.score == score(SIMILAR, examples=16, items=8).score
    assert not trial.exact
    assert len(served.requests) == 24
    assert all(
        any("sk-a-key-of-this-test" in value for value in request["headers"].values())
        for request in served.requests
    )
    assert trial.metrics["tokens"] == 24 * 1010
    assert trial.metrics["usd"] == pytest.approx(24 * (1000 * 1.0 + 10 * 5.0) / 1e6)


def test_a_model_that_does_not_answer_is_the_evaluators_fault(score: Score, toy: Path) -> None:
    from tests.messages_server import Failure

    with MessagesServer(lambda body: Failure(404, "not_found_error", "model: nobody")) as server:
        trial = score(SIMILAR, examples=16, items=8, model="nobody", base_url=server.url)
    assert (trial.status, trial.fault, trial.score) == ("lost", "evaluator", None), trial
    assert "nobody" in trial.reason
