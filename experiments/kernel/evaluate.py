"""Scores a kernel by its speed-up over the study's baseline.

Draws inputs, checks every answer in float64, and holds the clock.

Candidate, incumbent and baseline run in a sandbox each and never in this process; nothing that a
kernel says about time or correctness enters the score.
"""

import ast
import contextlib
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import clock
import numpy as np
from kernel import DRIVERS, Kernel, Request
from tasks import TASKS, Dims, Task

from workbench.evaluate import CandidateFailed, Cheated
from workbench.program import Program

N_CHECKS = 3  # requests of a single call for each shape on the edge
STARTS = 3  # times what starting the baseline takes
BESIDE = 0.1  # share of the clocked seconds that may be used outside of requests
BESIDE_SECONDS = 0.5  # for Python, bubblewrap, and counters in hundredths of a second
TRITON_IMPORTS = ("triton", "build", "math")


def prepare(folder: Path, settings: Mapping[str, Any]) -> None:
    """Notes the device that this study is tied to."""
    (folder / "device.txt").write_text(clock.machine(settings["backend"]))


def evaluate(trial: Any) -> dict[str, float]:
    """`log_speedup`: the mean over the shapes of ln(baseline's seconds / candidate's).

    Both are those of the fastest of interleaved requests.

    Beside it `over_incumbent`, the same with the incumbent in the baseline's place, timed in the
    same rounds; left out where there is none but the baseline. The incumbent is treated as the
    candidate is, so that no kernel can tell which of the two it is.

    Raises:
        CandidateFailed: it does not build, or an answer is wrong.
        Cheated: it computes beside its requests, or is faster than the hardware.
        RuntimeError: one of these is true of the incumbent, which is not the candidate's failure.
    """
    settings = trial.settings
    task = _task(settings)
    backend = settings["backend"]
    _demand_device(trial, backend)
    rng = np.random.default_rng()
    device = trial.device if backend == "triton" else "cpu"
    if backend == "triton":
        demand_own_kernels(trial.program, task)
    shipped = trial.experiment.program()
    programs = {"mine": trial.program, "base": shipped, "none": shipped}
    if trial.incumbent is not None and trial.incumbent != shipped:
        programs["incumbent"] = trial.incumbent
    with contextlib.ExitStack() as stack:
        # In random order: how many sandboxes there were before its own would tell a program which
        # it is.
        order = [str(role) for role in rng.permutation(list(programs))]
        kernels = {
            role: stack.enter_context(Kernel(trial, task, programs[role], role)) for role in order
        }
        for dims in N_CHECKS * task.edges:
            probe(kernels, rng, dims)
        timed: dict[Dims, clock.Times] = {}
        for dims in task.shapes(settings["shapes"], backend):
            timed[dims] = measure(kernels, rng, dims, int(settings["repeats"]), device)
            trial.report(
                "log_speedup",
                len(timed),
                float(np.mean([times.log_speedup for times in timed.values()])),
            )
    if backend == "c":
        for kernel in untrusted_files(kernels):
            demand_no_work_beside(kernel, kernels["base"])
    return metrics(task, timed, kernels["mine"].error)


def check(trial: Any) -> None:
    """A smoke run.

    The kernel builds, and is right on small and odd shapes. Of Triton, which needs a GPU, only the
    imports are seen.
    """
    task = _task(trial.settings)
    rng = np.random.default_rng()
    if trial.settings["backend"] == "triton":
        demand_own_kernels(trial.program, task)
        return
    with Kernel(trial, task, trial.program, "mine") as mine:
        for dims in task.edges:
            probe({"mine": mine}, rng, dims)


def untrusted_files(kernels: Mapping[str, Kernel]) -> list[Kernel]:
    """The kernels that were proposed, and so are not trusted.

    The candidate's, and the incumbent's where that is timed.
    """
    return [kernels[role] for role in ("mine", "incumbent") if role in kernels]


def probe(kernels: Mapping[str, Kernel], rng: np.random.Generator, dims: Dims) -> None:
    """One call on one shape, judged, and the whole of its memory seen."""
    for kernel in untrusted_files(kernels):
        request = Request.draw(rng, kernel.task, dims, 1)
        _, answer = kernel.run(request)
        kernel.judge(request, answer)
        kernel.inspect(request)


def measure(
    kernels: Mapping[str, Kernel], rng: np.random.Generator, dims: Dims, repeats: int, device: str
) -> clock.Times:
    """Times one shape, on new inputs in each round, every answer checked.

    Every kernel is called once in a round, in random order: one that is called twice has its data
    in the caches, and wins.

    Args:
        kernels: by role: `mine`, `base`, `none`, and `incumbent` where there is one.

    Raises:
        CandidateFailed: an answer is wrong. Cheated: it is faster than the hardware.
    """
    task = kernels["mine"].task
    probe(kernels, rng, dims)
    flops, moved = clock.peaks(device)
    floor = max(task.flops(dims) / flops, task.n_bytes(dims) / moved)
    times = clock.Times(task.n_calls, floor)
    answers = dict[str, bytes]()
    for _ in range(repeats):
        request = Request.draw(rng, task, dims, task.n_calls)
        with clock.alone():
            times.torch.append(_torch_seconds(task, request, device))
            for role in rng.permutation(list(kernels)):
                seconds, answers[role] = kernels[role].run(request)
                times.durations.setdefault(role, []).append(seconds)
        for kernel in untrusted_files(kernels):
            kernel.judge(request, answers[kernel.role])
    for kernel in untrusted_files(kernels):
        if times.is_implausible(kernel.role):
            us = (
                1e6
                * (min(times.durations[kernel.role]) - min(times.durations["none"]))
                / task.n_calls
            )
            rates = f"{flops / 1e9:.0f} GFLOP/s and {moved / 1e9:.0f} GB/s"
            needed = f"needs {1e6 * floor:.1f} us at {rates}"
            raise kernel.failure(
                f"{task.name} {dims}: faster than the hardware, {us:.1f} us for a call that "
                f"{needed}",
                Cheated,
            )
    return times


def metrics(task: Task, timed: Mapping[Dims, clock.Times], error: float) -> dict[str, float]:
    """The score, and what goes with it.

    `fast_p`: share of the shapes that are right and more than p times as fast as PyTorch eager.
        Source: KernelBench (Ouyang et al.,
    2025, arXiv 2502.10517), section 3, with the shapes of one task in place of its tasks.
    """
    runs = list(timed.values())
    score = float(np.mean([times.log_speedup for times in runs]))
    values = {
        "log_speedup": score,
        "speedup": math.exp(score),
        "aa_spread": _root_mean_square([times.spread("base") for times in runs]),
        "torch_speedup": float(np.exp(np.mean(np.log([times.torch_speedup for times in runs])))),
        "error": error,
    }
    if all("incumbent" in times.durations for times in runs):
        values["over_incumbent"] = float(np.mean([times.gain("incumbent") for times in runs]))
        values["aa_incumbent"] = _root_mean_square([times.spread("incumbent") for times in runs])
    for p in (1, 2):
        values[f"fast_{p}"] = sum(times.torch_speedup > p for times in runs) / len(runs)
    for dims, times in timed.items():
        name = "x".join(map(str, dims))
        seconds = times.of_call("mine")
        values |= {f"us_{name}": 1e6 * seconds, f"gflops_{name}": task.flops(dims) / seconds / 1e9}
    return values


def _root_mean_square(values: list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _torch_seconds(task: Task, request: Request, device: str) -> float:
    import torch

    inputs = [
        [torch.from_numpy(array).to(device) for array in request.of_call(index)]
        for index in range(task.n_calls)
    ]
    with torch.inference_mode():
        return clock.seconds(lambda: [task.torch(*arrays) for arrays in inputs], device)


def demand_no_work_beside(kernel: Kernel, base: Kernel) -> None:
    """Raises Cheated where much more was computed than the clock saw.

    Ahead of requests, after them, or to slow the others down.
    """
    unclocked = kernel.cpu_seconds - kernel.clocked_seconds
    allowed = (
        STARTS * (base.cpu_seconds - base.clocked_seconds)
        + BESIDE * kernel.clocked_seconds
        + BESIDE_SECONDS
    )
    if unclocked > allowed:
        problem = (
            f"computes beside its calls: {unclocked:.2f} s of CPU that no request asked for, "
            f"{allowed:.2f} s are allowed"
        )
        raise kernel.failure(problem, Cheated)


def demand_own_kernels(program: Program, task: Task) -> None:
    """Raises CandidateFailed if a Triton file that is used is not the candidate's work."""
    for path in ("build.py", f"kernels/{task.name}.py"):
        demand_own_kernel(path, program.files[path])


def demand_own_kernel(path: str, text: str) -> None:
    """Raises CandidateFailed where a Triton file imports more than Triton.

    With PyTorch it could call the kernel it is compared with.
    """
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError, RecursionError) as error:
        raise CandidateFailed(f"{path} does not parse: {error}") from None
    named = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    named += [node.module or "." for node in nodes if isinstance(node, ast.ImportFrom)]
    if strangers := sorted(
        {name for name in named if name.partition(".")[0] not in TRITON_IMPORTS}
    ):
        raise CandidateFailed(
            f"{path} imports {', '.join(strangers)}; a kernel imports "
            f"{', '.join(TRITON_IMPORTS)} and nothing else"
        )


def _task(settings: Mapping[str, Any]) -> Task:
    if settings["task"] not in TASKS:
        raise ValueError(f"task = {settings['task']!r}; it is one of {', '.join(TASKS)}")
    if settings["backend"] not in DRIVERS:
        raise ValueError(f"backend = {settings['backend']!r}; it is c or triton")
    if int(settings["repeats"]) < 2:
        raise ValueError(
            f"repeats = {settings['repeats']}; the spread between two halves of them needs 2 or "
            "more"
        )
    return TASKS[settings["task"]]


def _demand_device(trial: Any, backend: str) -> None:
    if backend == "c" and not (shutil.which("gcc") or shutil.which("clang")):
        raise RuntimeError("no C compiler is installed; say apt install gcc")
    if backend == "triton" and trial.device == "cpu":
        raise RuntimeError(
            "backend = triton is timed on a CUDA device, and there is none; say --set backend=c"
        )
    first_machine = (trial.data / "device.txt").read_text()
    this_machine = clock.machine(backend)
    if first_machine != this_machine:
        raise RuntimeError(
            f"this study was begun on {first_machine}, and this is {this_machine}: times are "
            "not comparable, start another study"
        )
