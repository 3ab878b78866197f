"""One trial through the real path: trial process, sandboxes, evaluator."""

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from workbench import experiment_file
from workbench.evaluate.executor import Points
from workbench.evaluate.single_trial import run_trial
from workbench.program import Program


@pytest.fixture(scope="session")
def score_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., SimpleNamespace]:
    """Returns `score_once(folder, files, settings, seed=0, data=None, sandbox="auto")`: the trial's record, and its curves by name.

    `data` is a folder that an earlier `prepare` has filled; without it, it is prepared anew.
    """
    numbers = itertools.count()

    def score(
        folder: Path,
        files: Mapping[str, str],
        settings: Mapping[str, object],
        seed: int = 0,
        data: Path | None = None,
        sandbox: str = "auto",
    ) -> SimpleNamespace:
        experiment = experiment_file.read(folder).with_settings(
            {key: str(value) for key, value in settings.items()}
        )
        place = tmp_path_factory.mktemp(f"trial-{next(numbers)}")
        if data is not None:
            (place / "data").symlink_to(data)
        curves: dict[tuple[str, bool], list[tuple[float, float]]] = {}

        def keep(points: Points) -> None:
            curves.setdefault((points.series, points.self_reported), []).extend(points.points)

        trial = run_trial(
            experiment, Program(dict(files)), seed, sandbox=sandbox, folder=place, on_points=keep
        )
        return SimpleNamespace(
            **{
                name: getattr(trial, name)
                for name in (
                    "status",
                    "score",
                    "metrics",
                    "reason",
                    "exact",
                    "cpu_seconds",
                    "fault",
                )
            },
            reported={
                name: points for (name, by_candidate), points in curves.items() if by_candidate
            },
            measured={
                name: points for (name, by_candidate), points in curves.items() if not by_candidate
            },
        )

    return score
