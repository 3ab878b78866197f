"""Recognises a checkout of karpathy/autoresearch, which is an experiment as it stands.

It only looks at the names of files; it reads, runs and writes nothing.
"""

from pathlib import Path

from workbench.experiment import Experiment, Limits, Objective

FILES = ("train.py", "prepare.py", "program.md")


def recognise_checkout(folder: Path) -> Experiment | None:
    """The experiment that an unmodified checkout is; None where the folder is something else.

    One file may change, and the score is what the checkout's own command prints.
    """
    if not all((folder / name).is_file() for name in FILES):
        return None
    # `uv sync` puts the interpreter with the checkout's packages there.
    python = folder / ".venv" / "bin" / "python"
    interpreter = str(python) if python.exists() else "python"
    return Experiment(
        folder=folder,
        name=folder.name,
        description=(
            "karpathy/autoresearch checkout; the score is what train.py prints (self-reported)"
        ),
        editable=("train.py",),
        # Each trial takes five minutes, so a decision gets only a few of them.
        objective=Objective(name="val_bpb", goal="minimize", noise="run", max_trials=4),
        limits=Limits(
            wall_seconds=600.0, cpu_seconds=36000.0, memory_mb=65536, processes=512, disk_mb=4096
        ),
        shape="claimed",
        evaluator="",
        command=(interpreter, "train.py"),
        packages=("*",),
        read_only=("~/.cache/autoresearch",),
    )
