"""Scores a language model that trains and answers elsewhere.

This process holds the hidden text and computes the loss itself.

Three sandboxes, one after the other. The first gets the training text and leaves weights. The
second gets the weights and the validation windows and answers with log-probabilities. The third,
fresh, gets windows cut off at positions drawn only then: what follows a position must not change
its answer. No candidate code is imported here, no number that it reports enters the score.
"""

import io
import math
import secrets
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import corpus
import numpy as np

from workbench.evaluate import Array, CandidateFailed, Cheated

VOCABULARY = 256
REFERENCE_BATCH = 16  # `steps` counts the token budget in steps of this many windows
CHUNK = 64  # windows per call
NORMALISATION = 1e-3  # nats that logsumexp may be off
AUDIT_TOLERANCE = {"cpu": 1e-3, "cuda": 0.02}  # nats; honest float32 differs by about 1e-6
WEIGHTS_BYTES = 64 << 20
CUDA_WEIGHTS_BYTES = 240 << 20  # 60 million float32
PARAMETER_BYTES = 4  # float32
HEADER_BYTES = 1024  # per array of a .npz, and for the rest: names and headers
START_UP_SECONDS = 240.0  # cuda: importing, compiling and saving, on top of train_seconds
FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Budget:
    """What a trial may use, read from the settings.

    Attributes:
        context: bytes that the model sees. tokens: for training on a CPU, else 0. seconds: for
            training on a GPU, else 0.
        cpu_cap: CPU seconds of one sandbox on a CPU, else 0. timeout_seconds: wall clock of
            `train`, or None.
    """

    device: str
    context: int
    tokens: int
    seconds: float
    cpu_cap: float
    timeout_seconds: float | None
    weights_bytes: int

    @classmethod
    def read(cls, settings: Mapping[str, Any], device: str) -> "Budget":
        """Raises ValueError for a profile that does not exist here."""
        profile = settings["profile"]
        if profile not in ("auto", "cpu", "cuda"):
            raise ValueError(f"profile = {profile!r}; it is cpu, cuda or auto")
        if profile == "cuda" and device != "cuda":
            raise ValueError(
                "profile = 'cuda', but this trial has no GPU; use profile = cpu or auto"
            )
        if profile == "cuda" or (profile == "auto" and device == "cuda"):
            seconds = float(settings["train_seconds"])
            return cls(
                "cuda",
                int(settings["cuda_context"]),
                0,
                seconds,
                0.0,
                seconds + START_UP_SECONDS,
                CUDA_WEIGHTS_BYTES,
            )
        context = int(settings["context"])
        tokens = int(settings["steps"]) * REFERENCE_BATCH * context
        return cls("cpu", context, tokens, 0.0, float(settings["cpu_cap"]), None, WEIGHTS_BYTES)


def prepare(folder: Path, settings: Mapping[str, Any]) -> None:
    """Makes the training, validation and test text, once per study."""
    corpus.build(folder, settings)


def evaluate(trial: Any) -> dict[str, float]:
    """The metrics of one trial.

    `val_bpb` is the mean of -log2 p(next byte) over all positions of the hidden windows.

    Raises:
        CandidateFailed: no usable weights, log-probabilities that are not finite, more CPU time
        than allowed. Cheated: probabilities that do not sum to 1, or that change when the future is
        withheld.
    """
    budget = Budget.read(trial.settings, trial.device)
    trial.exact = budget.device == "cpu"
    windows = read_windows(
        trial.data / f"{trial.settings['split']}.bin",
        int(trial.settings["windows"]),
        budget.context,
    )

    weights, training = train(trial, budget, trial.data / "train.bin")
    metrics = {"n_parameters": float(count_parameters(weights))}
    picked = score(trial, budget, weights, windows)
    difference = audit(trial, budget, weights, windows, picked)

    val_bpb = -float(picked.mean()) / math.log(2)
    trial.report("val_bpb", trial.settings["steps"] if budget.tokens else budget.seconds, val_bpb)
    return {"val_bpb": val_bpb, "audit_difference": difference} | training | metrics


def check(trial: Any) -> None:
    """A smoke run: a few steps on made-up bytes, then answers of the right form.

    A second process answers. No text of the study is used.

    Where trials train on a GPU only the import: a smoke run has none, and a program may be written
    for one.

    Raises:
        CandidateFailed: the program would fail in a trial.
    """
    profile = trial.settings["profile"]
    if profile == "cuda" or (profile == "auto" and trial.device == "cuda"):
        trial.start("train.py").close()
        return
    whole = Budget.read(trial.settings, "cpu")
    budget = replace(whole, tokens=2 * REFERENCE_BATCH * whole.context)
    text = trial.folder / "made-up.bin"
    text.write_bytes(bytes(range(VOCABULARY)) * 256)
    weights, _ = train(trial, budget, text)
    count_parameters(weights)
    with start_scorer(trial, budget, weights) as process:
        ask(process, budget, np.arange(2 * budget.context).reshape(2, -1) % VOCABULARY)


def read_windows(file: Path, count: int, context: int) -> np.ndarray:
    """`(count, context + 1)` bytes as int64, evenly spaced and disjoint; equal for all trials.

    Raises:
        ValueError: the split is too small, or the numbers are.
    """
    text = np.fromfile(file, dtype=np.uint8)
    if count < 1 or context < 2 or len(text) < count * (context + 1):
        raise ValueError(
            f"{count} windows of {context} + 1 bytes do not fit into {file.name} with "
            f"{len(text)} bytes"
        )
    starts = np.arange(count) * (len(text) // count)
    windows: np.ndarray = text[starts[:, None] + np.arange(context + 1)].astype(np.int64)
    return windows


def train(trial: Any, budget: Budget, text: Path) -> tuple[bytes, dict[str, float]]:
    """Lets the candidate train on a text; its weights as opaque bytes, and what that cost."""
    task = {
        "seed": trial.seed,
        "context": budget.context,
        "device": budget.device,
        "tokens": budget.tokens,
        "seconds": budget.seconds,
    }
    files = {"driver.py": FOLDER / "driver.py"}
    data = {"train.bin": text}
    threads = 1 if budget.device == "cpu" else 8
    started = time.perf_counter()
    with trial.start("driver.py", files=files, data=data, threads=threads) as process:
        task["data"] = process.data_path("train.bin")
        process.call("train", task, budget.cpu_cap, returns=None, timeout=budget.timeout_seconds)
        weights = process.read_file("weights.npz", max_bytes=budget.weights_bytes)
    cpu_seconds = float(process.cpu_seconds)
    if budget.cpu_cap and cpu_seconds > budget.cpu_cap + 3:  # several processes, each below the cap
        raise CandidateFailed(
            f"training took {cpu_seconds:.1f} CPU seconds; allowed are {budget.cpu_cap:g} "
            "(setting cpu_cap)"
        )
    return weights, {
        "train_cpu_seconds": cpu_seconds,
        "train_seconds": time.perf_counter() - started,
    }


def count_parameters(weights: bytes) -> int:
    """How many float32 a .npz could hold, from the headers of its arrays.

    Nothing is unpacked or unpickled.

    Where the file itself is larger than these bytes, beyond names and headers, its own count: they
    may lie outside of the arrays.

    Raises:
        CandidateFailed: it is no .npz of plain numbers.
    """
    n_arrays = n_bytes = 0
    try:
        with zipfile.ZipFile(io.BytesIO(weights)) as archive:
            for entry in archive.infolist():
                with archive.open(entry) as file:
                    version = np.lib.format.read_magic(file)
                    read = (
                        np.lib.format.read_array_header_1_0
                        if version == (1, 0)
                        else np.lib.format.read_array_header_2_0
                    )
                    shape, _, dtype = read(file)
                if dtype.kind not in "fiub":
                    raise ValueError(f"array {entry.filename!r} has dtype {dtype}")
                n_arrays = n_arrays + 1
                n_bytes = n_bytes + math.prod(shape) * dtype.itemsize
    except (
        zipfile.BadZipFile,
        ValueError,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise CandidateFailed(f"weights.npz is not a .npz file of plain numbers: {error}") from None
    return max(n_bytes, len(weights) - HEADER_BYTES * (n_arrays + 1)) // PARAMETER_BYTES


def score(trial: Any, budget: Budget, weights: bytes, windows: np.ndarray) -> np.ndarray:
    """Log-probabilities of the true next bytes, in nats: `(windows, context)` float64.

    They come from a sandbox that sees all inputs.
    """
    picked = []
    with start_scorer(trial, budget, weights) as process:
        for first in range(0, len(windows), CHUNK):
            rows = windows[first : first + CHUNK]
            picked.append(pick(ask(process, budget, rows[:, :-1]), rows[:, 1:]))
    return np.concatenate(picked)


def audit(
    trial: Any, budget: Budget, weights: bytes, windows: np.ndarray, picked: np.ndarray
) -> float:
    """Largest change of log p(next byte), in nats, if nothing after the position is visible.

    Positions are drawn once that process is ready, in up to 64 lengths with equally many windows
    each. A model that looks ahead at a share f of the positions stays undetected with probability
    (1 - f)^n for n audited ones: 0.004 % for 1 % and n = 1024. Truncated prefixes and not perturbed
    futures: in a prefix there is nothing left to look at.

    Raises:
        Cheated: the change exceeds the tolerance somewhere.
    """
    with start_scorer(trial, budget, weights) as process:
        rng = np.random.default_rng(secrets.randbits(128))
        context = windows.shape[1] - 1
        lengths = np.sort(
            rng.permutation(np.arange(1, context + 1))[:64]
        )  # ascending: it never saw more of a window before
        per_length = min(len(windows), math.ceil(int(trial.settings["audited"]) / len(lengths)))
        changes = []
        for length in lengths:
            rows = rng.permutation(len(windows))[:per_length]
            alone = pick(
                ask(process, budget, windows[rows, :length])[:, -1:],
                windows[rows, length : length + 1],
            )[:, 0]
            changes += [
                (abs(a - b), b, a, row, length - 1)
                for row, a, b in zip(rows, alone, picked[rows, length - 1], strict=True)
            ]
    tolerance = AUDIT_TOLERANCE[budget.device]
    caught = sum(change > tolerance for change, *_ in changes)
    worst, full, prefix, row, position = max(changes)
    if caught:
        raise Cheated(
            f"answers depend on more than the past: {caught} of {len(changes)} audited "
            f"positions change by more than {tolerance} nats "
            f"without what follows, most at position {position} of window {row}: log p = "
            f"{full:.4f} with it, {prefix:.4f} without"
        )
    return float(worst)


def start_scorer(trial: Any, budget: Budget, weights: bytes) -> Any:
    """A fresh sandbox with the program and the weights, and no text of any split."""
    files = {"driver.py": FOLDER / "driver.py", "weights.npz": weights}
    return trial.start("driver.py", files=files, threads=1 if budget.device == "cpu" else 8)


def ask(process: Any, budget: Budget, tokens: np.ndarray) -> np.ndarray:
    """Checked log-probabilities for `(B, T)` tokens.

    `(B, T, 256)` float32, finite (that an Array is), normalised within 1e-3 nats.
    """
    shape = (*tokens.shape, VOCABULARY)
    tokens = np.ascontiguousarray(tokens)
    log_probs: np.ndarray = process.call(
        "log_probs", "weights.npz", tokens, budget.cpu_cap, returns=Array("float32", shape)
    )
    largest = log_probs.max(axis=-1)
    totals = largest + np.log(
        np.exp(log_probs - largest[..., None]).sum(axis=-1)
    )  # (B, T) logsumexp, in nats
    off = np.abs(totals)
    if off.max() > NORMALISATION:
        raise Cheated(
            f"probabilities do not sum to 1: {int((off > NORMALISATION).sum())} of {off.size} "
            "positions, "
            f"logsumexp up to {totals.flat[off.argmax()]:.4g} nats instead of 0"
        )
    return log_probs


def pick(log_probs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """`(B, T, 256)` and `(B, T)` to the log-probabilities of the targets, `(B, T)` float64."""
    picked: np.ndarray = np.take_along_axis(log_probs, targets[..., None], axis=-1)[..., 0]
    return np.asarray(picked, dtype=np.float64)
