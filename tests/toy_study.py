"""A study that runs in seconds.

Real loop, real sandbox, and a folder of patches as its proposer.
"""

from pathlib import Path

from tests.waiting import until
from workbench.ledger import lease
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.records import Options
from workbench.verbs import create

EXPERIMENT = """\
editable = ["solution.py"]
[objective]
name = "value"
goal = "maximize"
noise = "none"
"""
EVALUATE = """\
def evaluate(trial):
    with trial.start("solution.py") as process:
        return {"value": process.call("answer", returns=float)}
"""
SOLUTION = "VALUE = 1\n\n\ndef answer():\n    return float(VALUE)\n"


def write_experiment(
    folder: Path, experiment: str = EXPERIMENT, evaluate: str = EVALUATE, solution: str = SOLUTION
) -> Path:
    folder.mkdir(parents=True)
    for name, text in {
        "experiment.toml": experiment,
        "evaluate.py": evaluate,
        "solution.py": solution,
    }.items():
        (folder / name).write_text(text)
    return folder


def make(
    root: Path, study: str, *values: int, review: str = "keeps", solution: str = SOLUTION
) -> StudyFolder:
    """A study whose candidates have these values, the baseline of the usual solution having 1.

    Its loop is not started.
    """
    source, patches = (
        write_experiment(root / f"{study}-experiment", solution=solution),
        root / f"{study}-patches",
    )
    patches.mkdir()
    for value in values:
        propose(root, study, value)
    options = Options(proposer=f"patches:{patches}", review=review, slots=1)  # type: ignore[arg-type]
    return create.create(str(source), study=study, root=root, options=options)


def propose(root: Path, study: str, value: int) -> None:
    lines = (
        "--- a/solution.py",
        "+++ b/solution.py",
        "@@ -1,3 +1,3 @@",
        "-VALUE = 1",
        f"+VALUE = {value}",
        " ",
        " ",
    )
    (root / f"{study}-patches" / f"{value}.patch").write_text(
        "".join(f"{line}\n" for line in lines)
    )


def propose_program(root: Path, study: str, name: str, solution: str, hypothesis: str) -> None:
    """A whole program, made from the incumbent of the time when it is taken.

    Names are taken in their order.
    """
    entry = root / f"{study}-patches" / name
    entry.mkdir()
    (entry / "hypothesis.txt").write_text(hypothesis)
    (entry / "solution.py").write_text(solution)


def end(folder: StudyFolder) -> None:
    """Stops the study's loop if one is alive, and waits for its end."""
    if lease.find_holder(folder) is not None:
        with Journal(folder) as journal:
            journal.file_request("stop", {})
    until(
        lambda: lease.find_holder(folder) is None,
        told=lambda: f"the loop of {folder.path} does not end",
    )
