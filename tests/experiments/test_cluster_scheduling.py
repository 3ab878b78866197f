"""Known right and known wrong scheduling rules, in the evaluator's books and through real sandboxes."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from tests.experiments.trusted import carried, trusted
from workbench.evaluate import CandidateFailed, hidden

FOLDER = Path(__file__).parents[2] / "experiments" / "cluster_scheduling"
Score = Callable[..., SimpleNamespace]
HEAD = (
    "import numpy as np\n\n\ndef score(cpu, memory, "
    "free_cpu, free_memory, total_cpu, total_memory):\n"
)
BEST_FIT = "    return -((free_cpu - cpu) / total_cpu + (free_memory - memory) / total_memory)\n"
SMALL = {"workloads": 2, "warm_up": 0.4, "measured": 0.4}


@pytest.fixture(scope="module")
def modules() -> Iterator[SimpleNamespace]:
    with trusted(FOLDER, "workload", "evaluate") as found:
        yield found


@pytest.fixture(scope="module")
def workloads(modules: SimpleNamespace) -> ModuleType:
    return modules.workload


@pytest.fixture(scope="module")
def evaluator(modules: SimpleNamespace) -> ModuleType:
    return modules.evaluate


@pytest.fixture(scope="module")
def score(score_once: Score) -> Score:
    """Scores one text of scheduler.py under small settings."""
    return lambda text, seed=0, **settings: score_once(
        FOLDER, {"scheduler.py": text}, SMALL | settings, seed=seed
    )


@pytest.fixture
def by_hand(workloads: ModuleType) -> object:
    """Two machines, four jobs, measured from time 2 to time 6; worked out on paper below."""
    return workloads.Workload(
        capacity=np.array([[10, 10], [10, 20]]),
        demand=np.array([[10, 2], [4, 10], [8, 8], [1, 1]]),
        arrival=np.array([0.0, 1.0, 3.0, 6.0]),
        duration=np.array([4.0, 10.0, 5.0, 1.0]),
        start=2.0,
    )


def always(*machines: int) -> Callable[..., int]:
    answers = iter(machines)
    return lambda job, free, ended: next(answers)


def test_the_books_say_what_is_worked_out_on_paper(evaluator: ModuleType, by_hand: object) -> None:
    """Job 0 on machine 0 until 4, job 1 on machine 1; job 2 at time 3 has no room anywhere (machine 1 has 6 CPU); job 3 on machine 0.

    From 2 to 4: CPU 6 of 20 is free, memory 8 + 10 of 30; machine 0 has no CPU, so that its 8
    memory is stranded. From 4 to 6: CPU 10 + 6 of 20, memory 10 + 10 of 30, nothing is used up.
    """
    found = evaluator.simulate(by_hand, always(0, 1, 0))
    first, second = (6 / 20 + 18 / 30) / 2, (16 / 20 + 20 / 30) / 2
    assert found.idle == pytest.approx(100 * (first + second) / 2)
    assert found.stranded == pytest.approx(100 * (8 / 30) / 2 / 2)
    assert found.refused == pytest.approx(50.0)  # jobs 2 and 3 are measured
    cpu, memory = 8 * 5 / (8 * 5 + 1), 8 * 5 / (8 * 5 + 1)
    assert found.lost == pytest.approx(100 * (cpu + memory) / 2)


def test_who_chooses_hears_of_each_departure_once(evaluator: ModuleType, by_hand: object) -> None:
    heard = []

    def choose(job: np.ndarray, free: np.ndarray, ended: list[list[int]]) -> int:
        heard.append((job.tolist(), ended))
        return int((free >= job).all(axis=1).argmax())

    evaluator.simulate(by_hand, choose)
    assert heard == [([10, 2], []), ([4, 10], []), ([1, 1], [[0, 10, 2]])]


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        (2, "there are 2"),
        (-1, "there are 2"),
        (10**9, "there are 2"),
        (0, "where 0 and 8 are free"),
    ],
)
def test_a_machine_that_is_not_there_or_has_no_room_is_refused(
    evaluator: ModuleType, by_hand: object, machine: int, words: str
) -> None:
    with pytest.raises(CandidateFailed, match=words):
        evaluator.simulate(by_hand, always(0, machine))


def textbook_idle(workload: object, rule: Callable[..., np.ndarray]) -> float:
    """The idle share of capacity in percent, another way.

    All placements first, then used areas job by job.
    """
    free, running = workload.capacity.astype(float), list[tuple[float, int, int]]()  # type: ignore[attr-defined]
    end, used = workload.arrival[-1], np.zeros(2)  # type: ignore[attr-defined]
    for number, now in enumerate(workload.arrival):  # type: ignore[attr-defined]
        for gone in [one for one in running if one[0] <= now]:
            running.remove(gone)
            free[gone[1]] += workload.demand[gone[2]]  # type: ignore[attr-defined]
        cpu, memory = workload.demand[number]  # type: ignore[attr-defined]
        room = [m for m in range(len(free)) if free[m, 0] >= cpu and free[m, 1] >= memory]
        if room:
            total = workload.capacity[room].astype(float)  # type: ignore[attr-defined]
            machine = room[int(np.argmax(rule(float(cpu), float(memory), *free[room].T, *total.T)))]
            free[machine] -= (cpu, memory)
            leaves = now + workload.duration[number]  # type: ignore[attr-defined]
            running.append((leaves, machine, number))
            used += np.array([cpu, memory]) * max(0.0, min(leaves, end) - max(now, workload.start))  # type: ignore[attr-defined]
    capacity = workload.capacity.sum(axis=0) * (end - workload.start)  # type: ignore[attr-defined]
    return float(100 * (1 - used / capacity).mean())


def baseline(name: str) -> Callable[..., np.ndarray]:
    space: dict[str, Callable[..., np.ndarray]] = {}
    exec((FOLDER / "baselines" / f"{name}.py").read_text(), space)
    return space["score"]


@pytest.mark.parametrize("name", ["first_fit", "best_fit", "published", "alignment"])
def test_baselines_score_what_an_independent_simulation_gives(
    score: Score, workloads: ModuleType, name: str
) -> None:
    trial = score((FOLDER / "baselines" / f"{name}.py").read_text(), seed=3)
    assert trial.status == "ok", trial.reason
    drawn = [
        workloads.draw(workloads.MIXES["search"], 1.1, 0.4, 0.4, rng)
        for rng in np.random.default_rng(hidden(3)).spawn(2)
    ]
    idle = [textbook_idle(workload, baseline(name)) for workload in drawn]
    best = [textbook_idle(workload, baseline("best_fit")) for workload in drawn]
    assert trial.metrics["idle"] == pytest.approx(np.mean(idle))
    assert trial.score == pytest.approx(np.mean(best) - np.mean(idle), abs=1e-9)
    assert name != "best_fit" or trial.score == 0.0


def test_known_better_rules_recover_far_more_than_chance(
    evaluator: ModuleType, workloads: ModuleType
) -> None:
    def choose_by(name: str, workload: object) -> Callable[..., int]:
        def choose(job: np.ndarray, free: np.ndarray, ended: list[list[int]]) -> int:
            room = np.flatnonzero((free >= job).all(axis=1))
            total = workload.capacity[room].T  # type: ignore[attr-defined]
            return int(
                room[
                    baseline(name)(
                        *job.astype(float), *free[room].T.astype(float), *total.astype(float)
                    ).argmax()
                ]
            )

        return choose

    gains: dict[str, list[float]] = {"published": [], "alignment": []}
    for rng in np.random.default_rng(5).spawn(4):
        workload = workloads.draw(workloads.MIXES["search"], 1.1, 2.0, 1.5, rng)
        idle = evaluator.simulate(workload, evaluator.best_fit(workload)).idle
        for name, found in gains.items():
            found.append(idle - evaluator.simulate(workload, choose_by(name, workload)).idle)
    for name, found in gains.items():
        assert np.mean(found) > 3 * np.std(found, ddof=1) / 2, (name, found)


def test_the_shipped_program_scores_the_same_twice_and_the_seed_draws_the_workloads(
    score: Score,
) -> None:
    shipped = (FOLDER / "scheduler.py").read_text()
    first, again, other = (score(shipped, seed=seed) for seed in (1, 1, 2))
    assert first.status == "ok", first.reason
    assert first.score == again.score != other.score
    assert first.exact
    assert len(first.measured["recovered"]) == 2


def test_the_machines_and_the_first_job_do_not_give_the_trials_seed_away(score: Score) -> None:
    """Draws the workload of every seed that comes into question, and looks for the one that it is in."""
    looks = f"""
{carried(FOLDER / "workload.py")}
def recognise(total, job):
    for seed in range(50):
        known = workload.draw(workload.MIXES["search"], 1.1, 0.4, 0.4, np.random.default_rng(seed).spawn(1)[0])
        if (known.capacity == total).all() and tuple(known.demand[0]) == job:
            raise RuntimeError("FOUND THE FUTURE")

seen = []
"""
    body = (
        "    import driver\n    if not seen:\n        seen.append(recognise(driver.total, (cpu, "
        "memory)))\n" + BEST_FIT
    )
    trial = score(HEAD.replace("\n\n\ndef", f"\n{looks}\n\ndef") + body, seed=7)
    assert trial.status == "ok", trial.reason


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("    return np.full(len(free_cpu), np.nan)\n", "NaN"),
        ("    return np.zeros(len(free_cpu) + 1)\n", "shape"),
        ("    return 0.0\n", "shape"),
        ("    return np.array(['a'] * len(free_cpu))\n", "dtype"),
        ("    raise RuntimeError('not today')\n", "not today"),
    ],
)
def test_an_unusable_score_fails_with_one_line(score: Score, body: str, words: str) -> None:
    trial = score(HEAD + body)
    assert trial.status == "failed"
    assert trial.score is None
    assert words in trial.reason
    assert "\n" not in trial.reason


def test_the_arrays_handed_to_the_rule_are_copies(score: Score) -> None:
    body = BEST_FIT.replace("return", "wanted =") + (
        "    free_cpu[:] = free_memory[:] = total_cpu[:] = total_memory[:] = 1e9\n"
        "    return wanted\n"
    )
    trial = score(HEAD + body)
    assert trial.status == "ok", trial.reason
    assert trial.score == 0.0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("driver.free[:] = 1e9", "are free"),
        ("driver.place = lambda cpu, memory, departed: 0", "was put on machine 0, where"),
        ("driver.place = lambda cpu, memory, departed: 32", "there are 32"),
        ("driver.place = lambda cpu, memory, departed: True", "True"),
    ],
)
def test_a_program_that_cooks_the_books_of_the_driver_is_refused(
    score: Score, line: str, words: str
) -> None:
    """It shares a process with the driver and can change it; the evaluator's own books decide."""
    trial = score(HEAD + f"    import driver\n    {line}\n    return np.zeros(len(free_cpu))\n")
    assert trial.status == "failed", trial.reason
    assert words in trial.reason


def test_workloads_are_what_their_mix_says(workloads: ModuleType) -> None:
    for mix in workloads.MIXES.values():
        drawn = workloads.draw(mix, 1.1, 10.0, 40.0, np.random.default_rng(1))
        work = drawn.demand / drawn.capacity.sum(axis=0) * drawn.duration[:, None]
        assert work.sum(axis=0).mean() / drawn.arrival[-1] == pytest.approx(1.1, rel=0.05)
        assert drawn.duration.mean() == pytest.approx(1.0, rel=0.05)
        assert drawn.demand.min() >= 1
        assert (drawn.demand <= max(max(kind.cpu[1], kind.memory[1]) for kind in mix.jobs)).all()
        assert sorted(map(tuple, drawn.capacity)) == sorted(
            (m.cpu, m.memory) for m in mix.machines for _ in range(m.count)
        )


@pytest.mark.parametrize(
    ("name", "value"), [("mix", "borg"), ("load", 0), ("workloads", 1), ("measured", -1)]
)
def test_a_setting_that_cannot_be_is_the_callers_mistake(
    score: Score, name: str, value: object
) -> None:
    trial = score(HEAD + BEST_FIT, **{name: value})
    assert (trial.status, trial.fault) == ("lost", "evaluator")
    assert f"{name} = " in trial.reason
