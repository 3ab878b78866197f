"""Honest kernels are timed, and each known way to a dishonest one is refused, through real compilers and sandboxes."""

import contextlib
import itertools
import math
import queue
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.experiments.trusted import trusted
from workbench import experiment_file
from workbench.evaluate import CandidateFailed, Cheated
from workbench.evaluate.answers import TimedOut
from workbench.evaluate.executor import Ended, Event, Incumbent, Task
from workbench.evaluate.local import LocalExecutor
from workbench.program import Program
from workbench.propose import knobs
from workbench.records import Options, Trial

FOLDER = Path(__file__).parents[2] / "experiments" / "kernel"
MODULES = ("layout", "tasks", "kernel", "clock", "evaluate")
TASKS = ("matmul", "softmax", "rmsnorm", "attention")
Score = Callable[..., Trial]

MATMUL = """
#include <string.h>
static void right(const float *a, const float *b, float *out, int m, int n, int k)
{
    memset(out, 0, sizeof(float) * m * n);
    for (int i = 0; i < m; i++)
        for (int p = 0; p < k; p++)
            for (int j = 0; j < n; j++)
                out[i * n + j] += a[i * k + p] * b[p * n + j];
}
"""
KERNEL = "void kernel(const float *a, const float *b, float *out, int m, int n, int k)\n"


@pytest.fixture(scope="module")
def modules() -> Iterator[SimpleNamespace]:
    with trusted(FOLDER, *MODULES) as found:
        yield found


@pytest.fixture(scope="module")
def score(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Score]:
    """Scores the shipped program with some files replaced, in one warm trial process; few repeats, since no test asks for an exact time.

    `beside`: what the incumbent, candidate 5, has replaced.
    """
    folder = tmp_path_factory.mktemp("frozen") / "kernel"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    experiment, events, numbers = (
        experiment_file.read(folder),
        queue.SimpleQueue[Event](),
        itertools.count(),
    )
    executor = LocalExecutor(experiment, Options(slots=1), events.put)
    shipped = experiment.program().files

    def scored(
        changes: dict[str, str] | None = None,
        beside: dict[str, str] | None = None,
        **settings: bool | int | float | str,
    ) -> Trial:
        place = tmp_path_factory.mktemp(f"kernel-{next(numbers)}")
        values = {**experiment.settings, "repeats": 2, **settings}
        incumbent = None if beside is None else Incumbent(5, Program({**shipped, **beside}))
        task = Task(
            candidate=0,
            trial=next(numbers),
            seed=0,
            program=Program({**shipped, **(changes or {})}),
            experiment=folder,
            digest=experiment.digest,
            data=place / "data",
            folder=place / "trial",
            settings=values,
            incumbent=incumbent,
        )
        executor.submit(task)
        while True:
            event = events.get(timeout=300)
            if isinstance(event, Ended):
                return event.trial

    try:
        yield scored
    finally:
        executor.close()


def build(**values: str) -> str:
    """build.py with some constants at other values."""
    lines = (FOLDER / "build.py").read_text().split("\n")
    return "\n".join(
        f"{name} = {values[name]}" if (name := line.partition(" = ")[0]) in values else line
        for line in lines
    )


@pytest.mark.parametrize("task", TASKS)
def test_every_shipped_kernel_is_right_and_timed_on_its_shapes(
    score: Score, modules: SimpleNamespace, task: str
) -> None:
    trial = score(task=task)
    assert trial.status == "ok", trial.reason
    assert trial.metrics["error"] < 1
    assert abs(trial.score) < 1.0  # against itself; how far chance moves it stands in the README
    for dims in modules.tasks.TASKS[task].search:
        assert trial.metrics[f"us_{'x'.join(map(str, dims))}"] > 0
    assert trial.metrics["speedup"] == pytest.approx(math.exp(trial.score))
    assert 0 <= trial.metrics["fast_2"] <= trial.metrics["fast_1"] <= 1


def test_a_faster_build_scores_higher_on_held_out_shapes_too(score: Score) -> None:
    trial = score({"build.py": FAST}, shapes="held_out", repeats=4)
    assert trial.status == "ok", trial.reason
    assert trial.score > 0.5
    assert "us_160x160x160" in trial.metrics


FAST = build(OPTIMIZE='"O3"', NATIVE="True", FAST_MATH="True", TILE_N="256")


def test_the_incumbent_is_timed_in_the_same_rounds_and_the_score_stays_that_over_the_baseline(
    score: Score,
) -> None:
    trial = score({}, {"build.py": FAST}, repeats=4)
    assert trial.status == "ok", trial.reason
    assert abs(trial.score) < 0.4  # the baseline against itself
    assert trial.metrics["over_incumbent"] < -0.5  # and a faster incumbent
    assert trial.metrics["aa_incumbent"] >= 0
    assert trial.beside == 5


def test_without_an_incumbent_or_with_the_baseline_as_such_only_the_score_is_there(
    score: Score,
) -> None:
    for beside in (None, {}):
        trial = score({}, beside, task="softmax")
        assert (trial.status, trial.beside) == ("ok", None)
        assert not {"over_incumbent", "aa_incumbent"} & trial.metrics.keys()


AHEAD = """
#include <time.h>
__attribute__((constructor)) static void begin(void) { while (clock() < 5 * CLOCKS_PER_SEC); }
"""


@pytest.mark.parametrize(
    ("beside", "settings", "words"),
    [
        ({"kernels/softmax.c": "void kernel(void) { return x; }\n"}, {}, "undeclared"),
        ({"kernels/softmax.c": "void kernel(void) { *(volatile int *)0 = 1; }\n"}, {}, "SIGSEGV"),
        ({"kernels/softmax.c": "void kernel(void) { }\n"}, {}, "never written"),
        (
            {"kernels/softmax.c": AHEAD + (FOLDER / "kernels" / "softmax.c").read_text()},
            {},
            "beside its calls",
        ),
    ],
)
def test_an_incumbent_that_fails_or_works_ahead_is_not_held_against_the_candidate(
    score: Score, beside: dict[str, str], settings: dict[str, int], words: str
) -> None:
    trial = score({}, beside, task="softmax", **settings)
    assert (trial.status, trial.fault, trial.score) == ("lost", "evaluator", None)
    assert "the incumbent fails beside a candidate (reject it" in trial.reason
    assert words in trial.reason


def test_a_trial_whose_time_ends_while_the_incumbent_is_called_is_out_of_time(
    modules: SimpleNamespace,
) -> None:
    class Slow:
        def start(self, *args: object, **keys: object) -> None:
            raise TimedOut("no time is left")

        def check(self) -> None:
            if self.is_over:
                raise TimedOut("the trial took longer than 300 s")

        settings, is_over = {"backend": "c"}, True

    trial, task = Slow(), modules.tasks.TASKS["softmax"]
    with pytest.raises(TimedOut, match="the trial took longer"):
        modules.kernel.Kernel(trial, task, Program({}), "incumbent")
    trial.is_over = False
    with pytest.raises(RuntimeError, match="the incumbent fails beside a candidate"):
        modules.kernel.Kernel(trial, task, Program({}), "incumbent")
    with pytest.raises(TimedOut, match="no time is left"):
        modules.kernel.Kernel(trial, task, Program({}), "mine")


DISHONEST = {
    "constant output": ("{ memset(out, 0, sizeof(float) * m * n); }", "wrong"),
    "output never written": ("{ }", "never written"),
    "a result remembered by address and size": (
        """{
    static struct { float *out; int m, n, k; float kept[1 << 18]; } last;
    if (last.out != out || last.m != m || last.n != n || last.k != k) {
        right(a, b, out, m, n, k);
        last.out = out, last.m = m, last.n = n, last.k = k;
        memcpy(last.kept, out, sizeof(float) * m * n);
    }
    memcpy(out, last.kept, sizeof(float) * m * n);
}""",
        "wrong",
    ),
    "input used as scratch": (
        "{ right(a, b, out, m, n, k); ((float *)a)[0] = 0.5f; }",
        "changes its input",
    ),
    "write past the output": (
        "{ right(a, b, out, m, n, k); out[m * n] = 0.0f; }",
        "outside of its buffers",
    ),
    "write before the output": (
        "{ right(a, b, out, m, n, k); out[-1] = 0.0f; }",
        "outside of its buffers",
    ),
    "read past an input": ("{ right(a, b, out, m, n, k); out[0] += 0.0f * b[k * n]; }", "NaN"),
    "NaN as a wildcard": ("{ right(a, b, out, m, n, k); out[m * n - 1] = 0.0f / 0.0f; }", "NaN"),
    "bfloat16 inside": (
        """static float cut(float x) { unsigned u; memcpy(&u, &x, 4); u = (u + 0x8000) & 0xffff0000; memcpy(&x, &u, 4); return x; }
KERNEL_HEAD
{
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            float sum = 0;
            for (int p = 0; p < k; p++)
                sum += cut(a[i * k + p]) * cut(b[p * n + j]);
            out[i * n + j] = sum;
        }
}""",
        "times what float32 is allowed",
    ),
    "whole tiles only": ("{ right(a, b, out, m / 4 * 4, n, k); }", "never written"),
    "a thread that finishes late": (
        """
#include <pthread.h>
#include <unistd.h>
static struct { const float *a, *b; float *out; int m, n, k; } job;
static void *late(void *x) { usleep(20000); right(job.a, job.b, job.out, job.m, job.n, job.k); return x; }
KERNEL_HEAD
{
    pthread_t thread;
    job.a = a, job.b = b, job.out = out, job.m = m, job.n = n, job.k = k;
    pthread_create(&thread, 0, late, 0);
    pthread_detach(thread);
}""",
        "never written",
    ),
    "a crash": ("{ *(volatile int *)0 = 1; }", "SIGSEGV"),
}


@pytest.mark.parametrize("how", DISHONEST)
def test_a_dishonest_kernel_is_refused(score: Score, how: str) -> None:
    body, words = DISHONEST[how]
    text = MATMUL + (
        body.replace("KERNEL_HEAD\n", KERNEL) if "KERNEL_HEAD" in body else KERNEL + body
    )
    trial = score({"kernels/matmul.c": text})
    assert trial.status == "failed", (trial.status, trial.score, trial.reason)
    assert words in trial.reason
    assert trial.score is None


def test_work_beside_the_calls_is_seen(score: Score) -> None:
    trial = score(
        {"kernels/matmul.c": AHEAD + MATMUL + KERNEL + "{ right(a, b, out, m, n, k); }\n"}
    )
    assert trial.status == "cheated", (trial.status, trial.score, trial.reason)
    assert "beside its calls" in trial.reason


def test_a_kernel_can_start_neither_thread_nor_process(score: Score) -> None:
    """Else a child could do the work of each call while the clock is not looking.

    What `flags()` does to Python changes nothing.
    """
    text = (
        "#include <pthread.h>\n#include <signal.h>\n#include <unistd.h>\n"
        + MATMUL
        + "static void *nothing(void *x) { return x; }\n"
    )
    text += """
static int refused(void)
{
    pthread_t thread;
    signal(SIGCHLD, SIG_IGN);
    return fork() < 0 && vfork() < 0 && pthread_create(&thread, 0, nothing, 0);
}
static int at_first;
__attribute__((constructor)) static void begin(void) { at_first = refused(); }
"""
    text += KERNEL + "{ if (at_first && refused()) right(a, b, out, m, n, k); }\n"
    trial = score(
        {"kernels/matmul.c": text, "build.py": (FOLDER / "build.py").read_text() + NO_LIMITS}
    )
    assert trial.status == "ok", trial.reason


NO_LIMITS = """
import os
import resource
import signal
import time

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
resource.setrlimit = lambda *given: None
if os.fork() == 0:
    os.setsid()
    time.sleep(600)
"""


def test_nothing_of_the_build_is_there_when_the_kernel_is_called(score: Score) -> None:
    """Neither a file beside the library, nor Python that `flags()` has changed."""
    patch = (
        "\nimport sys\n\nopen('left', 'w').write('x')\n"
        "sys.path.insert(0, '/nowhere')\nsys.modules['layout'] = None\n"
    )
    python = (
        "import os, sys; left = sorted({*os.listdir(), *sys.modules} "
        "& {'left', 'build', 'build.py', 'builder', 'kernels'})"
    )
    say = f"{python}; print('left:', left); os._exit(bool(left) + 40)"
    text = f"""
int PyGILState_Ensure(void);
int PyRun_SimpleString(const char *);
{MATMUL}
{KERNEL}{{ PyGILState_Ensure(); PyRun_SimpleString("{say}"); }}
"""
    trial = score({"kernels/matmul.c": text, "build.py": (FOLDER / "build.py").read_text() + patch})
    assert (trial.status, trial.reason) == (
        "failed",
        "the candidate exited with status 40 before it answered",
    )


def test_patched_clocks_gain_nothing(score: Score) -> None:
    slow = "#include <time.h>\n" + MATMUL + KERNEL
    slow += (
        "{ for (int i = 0; i < 12; i++) { right(a, b, out, "
        'm, n, k); __asm__ volatile("" ::: "memory"); } }\n'
    )
    slow += (
        "int clock_gettime(clockid_t id, struct timespec "
        "*t) { t->tv_sec = t->tv_nsec = 0; return 0; }\n"
    )
    patch = (
        "\nimport time\n\nfor name in ('time', 'perf_counter', 'monotonic', "
        "'process_time'):\n    setattr(time, name, lambda: 0.0)\n"
    )
    trial = score({"kernels/matmul.c": slow, "build.py": (FOLDER / "build.py").read_text() + patch})
    assert trial.status == "ok", trial.reason
    assert trial.score < -0.5


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            "bytes([0, 0, 128, 63]) * (shape[0] * shape[1])",
            "wrong",
        ),  # 1.0; a single 0.0 may be right
        ("b''", "0 bytes"),
        ("[1.0]", "expects bytes"),
        ("LAST.setdefault(str(dims), driver_run(inputs, dims, shape, calls, skip))", "wrong"),
    ],
)
def test_a_kernel_that_replaces_the_driver_has_still_to_be_right(
    score: Score, answer: str, words: str
) -> None:
    arguments = "inputs, dims, shape, calls, skip"
    lie = (
        f"import sys; driver = sys.modules['driver']; driver_run, LAST "
        f"= driver.run, {{}}; driver.run = lambda {arguments}: {answer}"
    )
    text = f"""
int PyGILState_Ensure(void);
void PyGILState_Release(int);
int PyRun_SimpleString(const char *);
__attribute__((constructor)) static void begin(void)
{{
    int state = PyGILState_Ensure();
    PyRun_SimpleString("{lie}");
    PyGILState_Release(state);
}}
{MATMUL}
{KERNEL}{{ right(a, b, out, m, n, k); }}
"""
    trial = score({"kernels/matmul.c": text})
    assert trial.status == "failed", (trial.status, trial.score, trial.reason)
    assert words in trial.reason


def test_a_program_cannot_tell_its_role_by_the_order_in_which_they_are_started(
    modules: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    shipped, other = Program({"build.py": "1"}), Program({"build.py": "2"})

    class Stub(contextlib.nullcontext[None]):
        def __init__(self, trial: object, task: object, program: Program, role: str) -> None:
            super().__init__()
            assert {"mine": other, "base": shipped, "none": shipped, "incumbent": Program({})}[
                role
            ] == program
            started[-1].append(role)

    def over(*given: object) -> None:
        raise InterruptedError

    monkeypatch.setattr(modules.evaluate, "Kernel", Stub)
    monkeypatch.setattr(modules.evaluate, "_demand_device", lambda *given: None)
    monkeypatch.setattr(modules.evaluate, "probe", over)
    settings = dict(experiment_file.read(FOLDER).settings)
    trial = SimpleNamespace(
        settings=settings,
        device="cpu",
        program=other,
        incumbent=Program({}),
        experiment=SimpleNamespace(program=lambda: shipped),
    )
    for _ in range(60):
        started.append([])
        with pytest.raises(InterruptedError):
            modules.evaluate.evaluate(trial)
    assert all(sorted(roles) == ["base", "incumbent", "mine", "none"] for roles in started)
    assert {roles[0] for roles in started} >= {"mine", "incumbent"}
    assert {roles[-1] for roles in started} >= {"mine", "incumbent"}


def test_what_the_compiler_says_is_the_reason(score: Score) -> None:
    trial = score({"kernels/matmul.c": "void kernel(void) { return x; }\n"})
    assert trial.status == "failed"
    assert "kernels/matmul.c:1" in trial.reason
    assert "undeclared" in trial.reason


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"task": "conv"}, "task = 'conv'"),
        ({"backend": "cuda"}, "c or triton"),
        ({"shapes": "all"}, "search or held_out"),
        ({"repeats": 1}, "2 or more"),
    ],
)
def test_an_unknown_setting_is_the_callers_mistake(
    score: Score, settings: dict[str, object], words: str
) -> None:
    trial = score(**settings)
    assert (trial.status, trial.fault) == ("lost", "evaluator")
    assert words in trial.reason


def test_triton_without_a_gpu_says_what_to_do(modules: SimpleNamespace, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="--set backend=c"):
        modules.evaluate._demand_device(SimpleNamespace(device="cpu", data=tmp_path), "triton")


def test_no_compiler_says_what_to_install(
    modules: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="apt install gcc"):
        modules.evaluate._demand_device(SimpleNamespace(device="cpu", data=tmp_path), "c")


def test_a_study_stays_on_its_device(modules: SimpleNamespace, tmp_path: Path) -> None:
    modules.evaluate.prepare(tmp_path, {"backend": "c"})
    modules.evaluate._demand_device(SimpleNamespace(device="cpu", data=tmp_path), "c")
    (tmp_path / "device.txt").write_text("another processor")
    with pytest.raises(RuntimeError, match="begun on another processor"):
        modules.evaluate._demand_device(SimpleNamespace(device="cpu", data=tmp_path), "c")


@pytest.mark.parametrize(
    "text",
    [
        "import torch\n",
        "from torch.nn import functional\n",
        "def f():\n    import numpy\n",
        "from . import x\n",
    ],
)
def test_a_triton_file_that_imports_more_than_triton_is_refused(
    modules: SimpleNamespace, text: str
) -> None:
    with pytest.raises(CandidateFailed, match="nothing else"):
        modules.evaluate.demand_own_kernel("kernels/matmul.py", text)
    for task in TASKS:
        modules.evaluate.demand_own_kernel(
            f"kernels/{task}.py", (FOLDER / "kernels" / f"{task}.py").read_text()
        )


def cut(array: np.ndarray, bits: int) -> np.ndarray:
    """float32 rounded to so many bits of mantissa: 10 is TF32's, 7 bfloat16's."""
    step = np.uint32(1 << (23 - bits))
    return ((array.astype(np.float32).view(np.uint32) + step // 2) & ~(step - np.uint32(1))).view(
        np.float32
    )


@pytest.mark.parametrize("task", TASKS)
def test_float32_is_exact_enough_and_less_is_not(modules: SimpleNamespace, task: str) -> None:
    rng, tested = np.random.default_rng(0), modules.tasks.TASKS[task]
    for dims in (*tested.search, *tested.held_out):
        for _ in range(2):
            inputs = tested.draw(rng, dims)
            right, size = tested.answer(*(array.astype(np.float64) for array in inputs))
            single, _ = tested.answer(*inputs)
            assert single.dtype == np.float32
            assert tested.error(single, right, size) < 0.5
            for bits in (7, 10):
                crude, _ = tested.answer(*(cut(array, bits) for array in inputs))
                assert tested.error(cut(crude, bits), right, size) > 1.5


def test_every_kind_of_draw_differs_and_split_shapes_do_not_meet(modules: SimpleNamespace) -> None:
    rng = np.random.default_rng(0)
    for task in modules.tasks.TASKS.values():
        assert not set(task.search) & set(task.held_out)
        assert len({task.draw(rng, task.edges[1])[0].tobytes() for _ in range(20)}) == 20


def times(modules: SimpleNamespace, mine: list[float], floor: float = 0.001) -> object:
    taken = {
        "mine": mine,
        "base": [0.5, 0.42, 0.44],
        "none": [0.02, 0.03],
        "incumbent": [0.22, 0.24],
    }
    return modules.clock.Times(2, floor, taken, torch=[0.3, 0.2])


def test_the_fastest_requests_count_less_what_requests_cost(modules: SimpleNamespace) -> None:
    found = times(modules, [0.9, 0.12, 0.3])
    assert found.log_speedup == pytest.approx(math.log(0.4 / 0.1))
    assert found.torch_speedup == pytest.approx(0.2 / 0.1)
    assert found.gain("incumbent") == pytest.approx(math.log(0.2 / 0.1))
    assert found.spread("base") == pytest.approx(math.log(0.42 / 0.4))
    assert found.spread("incumbent") == pytest.approx(math.log(0.22 / 0.2))
    assert not found.is_implausible("mine")


def test_faster_than_the_hardware_is_implausible_and_gains_nothing_beyond_it(
    modules: SimpleNamespace,
) -> None:
    found = times(modules, [0.0201], floor=0.005)
    assert found.is_implausible("mine")
    assert not found.is_implausible("incumbent")
    assert found.log_speedup == pytest.approx(math.log(0.2 / 0.005))


def test_an_implausible_time_is_called_a_cheat(
    modules: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Right answers in no time, which no kernel here can give: a stand-in for the sandbox does."""

    class Stub(modules.kernel.Kernel):  # type: ignore[misc, name-defined]
        def __init__(self, role: str, taken: float) -> None:
            self.task, self.role, self.taken, self.error = (
                modules.tasks.TASKS["matmul"],
                role,
                taken,
                0.0,
            )

        def run(self, request: object) -> tuple[float, bytes]:
            inputs = [request.of_call(index) for index in range(len(request.calls))]  # type: ignore[attr-defined]
            total = sum(
                weight * (a @ b) for (weight, _), (a, b) in zip(request.calls, inputs, strict=True)
            )  # type: ignore[attr-defined]
            return self.taken, np.float32(total).tobytes()

        def inspect(self, request: object) -> None:
            """There is no memory to look at."""

    monkeypatch.setattr(modules.clock, "peaks", lambda device: (1e10, 1e10))
    taken = {"mine": 0.0011, "base": 0.1, "none": 0.001, "incumbent": 0.003}

    def measured(**changes: float) -> object:
        kernels = {role: Stub(role, seconds) for role, seconds in {**taken, **changes}.items()}
        return modules.evaluate.measure(kernels, np.random.default_rng(0), (64, 64, 64), 2, "cpu")

    with pytest.raises(Cheated, match="faster than the hardware"):
        measured()
    with pytest.raises(
        RuntimeError, match=r"the incumbent fails beside a candidate .*faster than the hardware"
    ):
        measured(mine=0.003, incumbent=0.0011)
    assert measured(mine=0.003).log_speedup > 2


def test_the_clock_is_held_by_one_process_of_the_machine(modules: SimpleNamespace) -> None:
    path = Path(modules.clock.tempfile.gettempdir()) / modules.clock.LOCK
    probe = (
        f"import fcntl, os\nfcntl.flock(os.open({str(path)!r}, "
        f"os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    )
    with modules.clock.alone():
        done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    assert "BlockingIOError" in done.stderr


def test_the_tuner_finds_what_builds_the_kernel_and_nothing_else() -> None:
    found = knobs.find_knobs(experiment_file.read(FOLDER).program())
    names = ("TILE_M", "TILE_N", "TILE_K", "OPTIMIZE", "NATIVE", "FAST_MATH", "UNROLL")
    assert set(found) == {f"build.py:{name}" for name in names}
