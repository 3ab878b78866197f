"""Known right and known wrong language models, scored through real sandboxes.

Most count byte pairs in numpy: that needs no torch.
"""

import hashlib
import io
import itertools
import json
import math
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from tests.experiments.trusted import trusted
from workbench.errors import SandboxUnavailable

Score = Callable[..., SimpleNamespace]
FOLDER = Path(__file__).parents[2] / "experiments" / "tinygpt"
SMALL = {"steps": 20, "windows": 64, "audited": 512, "train_mb": 1}

PAIRS = """
import numpy as np

def train(task):
    text = np.fromfile(task["data"], dtype=np.uint8)[:200_000]
    counts = np.full((256, 256), 0.1)
    np.add.at(counts, (text[:-1], text[1:]), 1)
    print("step 00000 | loss: 3.5 | lr: 1.0e-3", flush=True)
    np.savez("weights.npz", table=np.log(counts / counts.sum(1, keepdims=True)).astype(np.float32))

def honest(path, tokens):
    return np.load(path)["table"][tokens]

def log_probs(path, tokens):
    return honest(path, tokens)
"""

PEEKING = """
rng = np.random.default_rng(0)

def log_probs(path, tokens):
    answers = honest(path, tokens)
    known = np.full_like(answers[:, :-1], np.log((1 - 0.999) / 255))
    np.put_along_axis(known, tokens[:, 1:, None], np.float32(np.log(0.999)), axis=2)
    where = rng.random((*tokens[:, 1:].shape, 1)) < SHARE
    answers[:, :-1] = np.where(where, known, answers[:, :-1])
    return answers
"""

REMEMBERING = '''
seen = {}

def log_probs(path, tokens):
    """Looks each prefix up in what earlier calls have shown; asks nothing of the present row's future."""
    answers = honest(path, tokens)
    for b, row in enumerate(tokens.tolist()):
        for t in range(len(row)):
            if t + 1 < len(row):
                seen[tuple(row[: t + 1])] = row[t + 1]
    for b, row in enumerate(tokens.tolist()):
        for t in range(8, len(row)):
            if (byte := seen.get(tuple(row[: t + 1]))) is not None:
                answers[b, t] = np.log(0.001 / 255)
                answers[b, t, byte] = np.log(0.999)
    return answers
'''


@pytest.fixture(scope="module")
def modules() -> Iterator[SimpleNamespace]:
    with trusted(FOLDER, "corpus", "evaluate") as found:
        yield found


@pytest.fixture(scope="module")
def corpus(modules: SimpleNamespace) -> ModuleType:
    return modules.corpus


@pytest.fixture(scope="module")
def evaluator(modules: SimpleNamespace) -> ModuleType:
    return modules.evaluate


@pytest.fixture(scope="module")
def data(corpus: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    corpus.build(folder, SMALL)
    return folder


@pytest.fixture(scope="module")
def score(score_once: Score, data: Path) -> Score:
    """Scores one text of train.py under small settings."""

    def scored(
        text: str, seed: int = 0, sandbox: str = "auto", **settings: object
    ) -> SimpleNamespace:
        return score_once(
            FOLDER, {"train.py": text}, SMALL | settings, seed=seed, data=data, sandbox=sandbox
        )

    return scored


def test_a_model_of_byte_pairs_scores_what_the_test_computes_itself(
    score: Score, data: Path
) -> None:
    trial = score(PAIRS)
    assert trial.status == "ok", trial.reason

    text = (data / "train.bin").read_bytes()[:200_000]
    counts = [[0.1] * 256 for _ in range(256)]
    for first, second in itertools.pairwise(text):
        counts[first][second] += 1
    hidden, bits = (data / "val.bin").read_bytes(), []
    for window in range(64):
        start = window * (len(hidden) // 64)
        for first, second in zip(
            hidden[start : start + 64], hidden[start + 1 : start + 65], strict=True
        ):
            bits.append(-math.log2(counts[first][second] / sum(counts[first])))
    assert trial.score == pytest.approx(sum(bits) / len(bits), abs=1e-5)
    assert trial.metrics["n_parameters"] == 256 * 256
    assert trial.metrics["audit_difference"] == 0.0
    assert trial.exact


def test_the_shipped_program_learns_and_the_same_seed_gives_the_same_score(score: Score) -> None:
    shipped = (FOLDER / "train.py").read_text()
    first, again = score(shipped, seed=3), score(shipped, seed=3)
    assert first.status == "ok", first.reason
    assert first.score == again.score
    assert first.score < 7.0  # 8 bits is chance
    assert first.metrics["audit_difference"] < 1e-4
    assert {"loss", "lr"} <= set(first.reported)


def test_the_seed_is_the_evaluators(score: Score) -> None:
    noisy = PAIRS.replace(
        "np.full((256, 256), 0.1)",
        "np.random.default_rng(task['seed']).uniform(0.05, 0.2, (256, 256))",
    )
    assert len({score(noisy, seed=seed).score for seed in (1, 2, 1)}) == 2


@pytest.mark.parametrize("share", [1.0, 0.05, 0.02])
def test_a_model_that_reads_the_next_token_has_cheated(score: Score, share: float) -> None:
    trial = score(PAIRS + PEEKING.replace("SHARE", str(share)), windows=512, audited=1024)
    assert trial.status == "cheated"
    assert trial.score is None
    assert "audited positions" in trial.reason
    assert "\n" not in trial.reason


def test_a_model_that_remembers_what_other_calls_showed_has_cheated(score: Score) -> None:
    trial = score(PAIRS + REMEMBERING)
    assert trial.status == "cheated", (trial.status, trial.reason)


def test_a_model_that_uses_statistics_of_the_batch_has_cheated(score: Score) -> None:
    batch = """
def log_probs(path, tokens):
    counts = np.bincount(tokens.ravel(), minlength=256) + 1.0
    mixed = 0.7 * np.exp(honest(path, tokens)) + 0.3 * (counts / counts.sum())
    return np.log(mixed / mixed.sum(-1, keepdims=True)).astype(np.float32)
"""
    assert score(PAIRS + batch).status == "cheated"


@pytest.mark.parametrize(
    "body",
    ["honest(path, tokens) + np.float32(0.01)", "np.zeros((*tokens.shape, 256), np.float32)"],
)
def test_probabilities_that_do_not_sum_to_one_are_a_cheat(score: Score, body: str) -> None:
    trial = score(PAIRS + f"\ndef log_probs(path, tokens):\n    return {body}\n")
    assert trial.status == "cheated"
    assert "sum to 1" in trial.reason


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("honest(path, tokens) * np.float32('nan')", "NaN or infinity"),
        ("np.full((*tokens.shape, 256), -np.inf, np.float32)", "NaN or infinity"),
        ("honest(path, tokens)[:, :-1]", "63, 256"),
        ("honest(path, tokens).astype(np.float64)", "float64[64, 64, 256]"),
        ("honest(path, tokens).astype(np.int32)", "int32"),
        ("honest(path, tokens)[0, 0].tolist()", "type list"),
    ],
)
def test_answers_of_another_form_fail(score: Score, body: str, words: str) -> None:
    trial = score(PAIRS + f"\ndef log_probs(path, tokens):\n    return {body}\n")
    assert trial.status == "failed"
    assert trial.score is None
    assert words in trial.reason
    assert "\n" not in trial.reason


def test_weights_that_are_nan_fail(score: Score) -> None:
    diverged = (
        (FOLDER / "train.py")
        .read_text()
        .replace("LEARNING_RATE = 1e-3", 'LEARNING_RATE = float("nan")')
    )
    trial = score(diverged, steps=2)
    assert trial.status == "failed"
    assert "NaN" in trial.reason
    assert trial.score is None


@pytest.mark.parametrize(
    "body",
    [
        "pass",
        "open('weights.npz', 'wb').write(b'not an archive')",
        "np.savez('weights.npz', table=np.array([{}], dtype=object))",
    ],
)
def test_a_training_without_usable_weights_fails(score: Score, body: str) -> None:
    trial = score(PAIRS + f"\ndef train(task):\n    {body}\n")
    assert trial.status == "failed"
    assert "weights.npz" in trial.reason


def test_training_ends_at_the_cap_of_cpu_time(score: Score) -> None:
    endless = PAIRS + "\ndef train(task):\n    while True:\n        pass\n"
    trial = score(endless, cpu_cap=2.0)
    assert trial.status == "failed"
    assert "cpu_cap" in trial.reason


def test_training_is_killed_when_it_ignores_the_cap(score: Score) -> None:
    stubborn = (
        PAIRS
        + """
def train(task):
    while True:
        try:
            while True:
                pass
        except TimeoutError:
            pass
"""
    )
    trial = score(stubborn, cpu_cap=1.0)
    assert trial.status == "failed"
    assert trial.score is None


def test_training_in_many_processes_counts_whole(score: Score) -> None:
    crowd = (
        PAIRS
        + """
import os, time

train_pairs = train

def train(task):
    for _ in range(14):
        if not os.fork():
            end = time.process_time() + 0.5
            while time.process_time() < end:
                pass
            os._exit(0)
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    train_pairs(task)
"""
    )
    trial = score(crowd, cpu_cap=2.0)
    assert trial.status == "failed"
    assert "CPU seconds" in trial.reason


@pytest.mark.parametrize("sandbox", ["bwrap", "landlock"])
def test_the_hidden_text_is_nowhere_in_the_sandbox(
    score: Score, sandbox: str, data: Path, corpus: ModuleType
) -> None:
    """Walks all that the candidate can reach, from the root and from where the text lies outside, by name and by content."""
    lines = {
        line
        for split in ("val", "test")
        for line in (data / f"{split}.bin").read_bytes().split(b"\n")
        if len(line) >= 70
    }
    roots = [*corpus._roots(corpus.HIDDEN_PACKAGES).values(), data, data.resolve(), Path.home()]
    text = (
        f"""
import os, sys

HIDDEN = {set(sorted(lines)[::10])}
NAMES = {set(corpus.HIDDEN_PACKAGES)}
ROOTS = {[str(root) for root in roots]} + list(filter(None, sys.path)) + [sys.prefix, os.path.dirname(os.__file__), "/usr", "/tmp", "/"]
"""
        + """
def files():
    seen = {"/proc", "/sys", "/dev"}
    for root in ROOTS:
        for folder, folders, names in os.walk(root, followlinks=True):
            where = os.path.realpath(folder)
            if where in seen:
                folders.clear()
                continue
            seen.add(where)
            for name in names:
                yield where, name

def search():
    suspicious, found, n_read = [], set(), 0
    for folder, name in files():
        hidden = NAMES & set(folder.split("/")) or name in ("val.bin", "test.bin", "corpus.json")
        if not hidden and not name.endswith((".py", ".bin", ".json")) or name == "train.py":
            continue
        try:
            with open(os.path.join(folder, name), "rb") as file:
                content = file.read()
        except OSError:
            continue
        n_read += 1
        found |= HIDDEN & set(content.split(b"\\n"))
        if hidden and content:
            suspicious.append(os.path.join(folder, name))
    if suspicious or len(found) > 0.05 * len(HIDDEN) or n_read < 500:
        raise RuntimeError(f"found {suspicious[:3]}, {len(found)} of {len(HIDDEN)} lines in {n_read} files, {sorted(found)[:3]}")
    print(f"searched {n_read} files, found {len(found)} of {len(HIDDEN)} lines")
"""
        + PAIRS.replace("def train(task):", "def train(task):\n    search()")
    )
    try:
        trial = score(text, sandbox=sandbox, cpu_cap=60.0, audited=64)
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    assert trial.status == "ok", trial.reason


def test_equal_installations_make_equal_text(
    data: Path, corpus: ModuleType, tmp_path: Path
) -> None:
    corpus.build(tmp_path, SMALL)
    for name in ("train.bin", "val.bin", "test.bin", "corpus.json"):
        assert (tmp_path / name).read_bytes() == (data / name).read_bytes()


def test_no_hidden_file_is_public_or_in_two_splits(data: Path, corpus: ModuleType) -> None:
    summary = json.loads((data / "corpus.json").read_text())
    files = {split: set(summary[split]["files"]) for split in summary}
    assert not files["train"] & files["val"]
    assert not files["train"] & files["test"]
    assert not files["val"] & files["test"]
    for split in ("val", "test"):
        assert {path.split("/")[0] for path in files[split]} <= set(corpus.HIDDEN_PACKAGES)
        assert summary[split]["bytes"] > 512 * 513  # windows of the GPU profile
        assert (
            summary[split]["sha256"]
            == hashlib.sha256((data / f"{split}.bin").read_bytes()).hexdigest()
        )


def test_a_hidden_file_that_repeats_public_lines_is_left_out(
    corpus: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "package"
    package.mkdir()
    for number in range(80):
        body = "\n".join(
            f"the_value_of_line_{line}_in_the_file_{number} = compute_something({line})"
            for line in range(30)
        )
        (package / f"m{number:02d}.py").write_text(body)
    monkeypatch.setattr(
        corpus, "_roots", lambda names, required=True: {"package": package} if required else {}
    )
    monkeypatch.setattr(corpus.sysconfig, "get_path", lambda name: str(tmp_path / "none"))
    corpus.build(tmp_path / "before", SMALL)
    hidden = json.loads((tmp_path / "before" / "corpus.json").read_text())["val"]["files"]
    assert hidden
    victim = package / hidden[0].split("/")[1]
    public = json.loads((tmp_path / "before" / "corpus.json").read_text())["train"]["files"][0]
    with (package / public.split("/")[1]).open("a") as file:
        file.write("\n" + "\n".join(victim.read_text().split("\n")[:10]))
    corpus.build(tmp_path / "after", SMALL)
    after = json.loads((tmp_path / "after" / "corpus.json").read_text())
    assert hidden[0] not in after["val"]["files"] + after["test"]["files"] + after["train"]["files"]


def test_windows_are_disjoint_fixed_and_refused_when_they_do_not_fit(
    evaluator: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "val.bin").write_bytes(bytes(range(256)) * 4)
    windows = evaluator.read_windows(tmp_path / "val.bin", 10, 64)
    assert windows.shape == (10, 65)
    assert windows[1, 0] == 102
    with pytest.raises(ValueError, match="do not fit"):
        evaluator.read_windows(tmp_path / "val.bin", 100, 64)


def test_parameters_are_counted_without_unpacking(evaluator: ModuleType) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, a=np.zeros((3, 4), np.float32), shape=np.array([1, 2], np.int32))
    assert evaluator.count_parameters(buffer.getvalue()) == 14
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (10**9,)}
    )
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", header.getvalue() + bytes(50_000_000))
    assert evaluator.count_parameters(bomb.getvalue()) == 10**9


@pytest.mark.parametrize("kind", [np.float32, np.int32, np.uint8, np.int64, np.bool_])
def test_weights_count_as_whatever_they_are_saved(evaluator: ModuleType, kind: type) -> None:
    table, buffer = (
        np.random.default_rng(1).normal(size=(256, 256)).astype(np.float32),
        io.BytesIO(),
    )
    np.savez(
        buffer,
        table=np.unpackbits(table.view(np.uint8)).view(kind)
        if kind is np.bool_
        else table.view(kind),
    )
    assert (
        evaluator.count_parameters(buffer.getvalue()) == (8 if kind is np.bool_ else 1) * table.size
    )


@pytest.mark.parametrize("where", ["before", "comment", "behind the array"])
def test_weights_outside_of_the_arrays_count_too(evaluator: ModuleType, where: str) -> None:
    secret, buffer = np.random.default_rng(1).bytes(60_000), io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            header, {"descr": "<f4", "fortran_order": False, "shape": (0,)}
        )
        archive.writestr(
            "a.npy", header.getvalue() + (secret if where == "behind the array" else b"")
        )
        archive.comment = secret if where == "comment" else b""
    weights = (secret if where == "before" else b"") + buffer.getvalue()
    assert evaluator.count_parameters(weights) == pytest.approx(15_000, rel=0.05)


@pytest.mark.parametrize("settings", [{"profile": "cuda"}, {"profile": "tpu"}])
def test_a_profile_that_does_not_exist_here_is_the_callers_mistake(
    evaluator: ModuleType, settings: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match="profile"):
        evaluator.Budget.read({"profile": "auto"} | settings, "cpu")


def test_a_gpu_is_given_time_and_a_cpu_is_given_tokens(evaluator: ModuleType) -> None:
    settings = {
        "profile": "auto",
        "steps": 10,
        "context": 64,
        "cuda_context": 512,
        "train_seconds": 300,
        "cpu_cap": 20.0,
    }
    cpu, cuda = evaluator.Budget.read(settings, "cpu"), evaluator.Budget.read(settings, "cuda")
    assert (cpu.tokens, cpu.seconds, cpu.context) == (10 * 16 * 64, 0.0, 64)
    assert (cuda.tokens, cuda.seconds, cuda.context, cuda.cpu_cap) == (0, 300.0, 512, 0.0)
    assert evaluator.Budget.read(settings | {"profile": "cpu"}, "cuda").device == "cpu"
