"""An experiment's `evaluate.py`, loaded once per trial process from the study's frozen copy.

It is trusted code, and the only code of an experiment that runs outside a sandbox.
"""

import importlib.abc
import importlib.machinery
import math
import symtable
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.errors import EvaluatorFault
from workbench.evaluate import trial as trials
from workbench.evaluate.answers import CandidateFailed
from workbench.evaluate.study_data import Prepare
from workbench.evaluate.trial import Evaluation
from workbench.experiment import Experiment

MAX_METRICS = 200
MAX_NAME = 100  # characters
MAX_LISTED = 20
MAX_MESSAGE = 400  # characters


class Evaluator:
    """The functions of one evaluator.

    If one of them fails, it raises EvaluatorFault. A failure of the candidate is passed on.

    Attributes:
        experiment: the experiment.
        file: path of its `evaluate.py`. An experiment whose command prints its score has none.
        prepare: the evaluator's `prepare`, None where it has none.
    """

    def __init__(self, experiment: Experiment) -> None:
        """Runs the evaluator's module.

        Raises:
            EvaluatorFault: it cannot be run, or has no function `evaluate`.
        """
        self.experiment = experiment
        self.file = experiment.folder / experiment.evaluator
        self.prepare: Prepare | None = None
        self._evaluate: Callable[[Evaluation], Any] = trials.evaluate_claim
        self._check: Callable[[Evaluation], Any] = import_every_module
        if experiment.evaluator:
            self._load()

    def _load(self) -> None:
        module = types.ModuleType(self.file.stem)
        module.__file__ = str(self.file)
        sys.modules[self.file.stem] = module
        # Lets it import the modules next to it, but not the candidate's.
        sys.path.insert(0, str(self.experiment.folder))
        sys.meta_path.insert(0, _CandidateCode(self.experiment.editable))
        try:
            exec(compile(self.file.read_bytes(), str(self.file), "exec"), module.__dict__)
            self._evaluate = module.evaluate
        # SystemExit too: an evaluator that leaves must not take the trial process along.
        except (Exception, SystemExit) as error:
            raise self.make_fault(error) from error
        if hasattr(module, "prepare"):
            self.prepare = self._wrap_prepare(module.prepare)
        self._check = getattr(module, "check", import_every_module)

    def evaluate(self, trial: Evaluation) -> dict[str, float]:
        """Returns the metrics; all are finite, and the objective's is among them.

        Raises:
            EvaluatorFault: the evaluator failed, or returned something else.
            CandidateFailed: the candidate is to blame.
        """
        try:
            metrics = self._evaluate(trial)
        except CandidateFailed:
            raise
        except (Exception, SystemExit) as error:
            raise self.make_fault(error) from error
        name = self.experiment.objective.name
        file = self.experiment.evaluator
        if not isinstance(metrics, Mapping):
            kind = type(metrics).__name__
            raise EvaluatorFault(f"{file} returned {kind}; it must return a dict of metrics")
        if name not in metrics:
            names = [str(key)[:MAX_NAME] for key in list(metrics)[:MAX_LISTED]]
            returned = ", ".join(names) or "nothing"
            raise EvaluatorFault(f"{file} returned no metric {name!r}; it returned: {returned}")
        # The journal keeps every metric of every trial.
        if len(metrics) > MAX_METRICS or any(len(str(key)) > MAX_NAME for key in metrics):
            raise EvaluatorFault(
                f"{file} returned more than {MAX_METRICS} metrics, "
                f"or a name longer than {MAX_NAME} characters"
            )
        return {str(key): self._check_number(str(key), value) for key, value in metrics.items()}

    def check(self, trial: Evaluation) -> None:
        """Runs the evaluator's own `check`, or imports each module of the program.

        Raises:
            CandidateFailed: the program does not pass.
            EvaluatorFault: the check failed, or returned something.
        """
        try:
            result = self._check(trial)
        except CandidateFailed:
            raise
        except (Exception, SystemExit) as error:
            raise self.make_fault(error) from error
        if result is not None:
            kind = type(result).__name__
            raise EvaluatorFault(
                f"check in {self.experiment.evaluator} returned {kind}; "
                "it must return nothing, and raise CandidateFailed to say what is wrong"
            )

    def _check_number(self, name: str, value: Any) -> float:
        file = self.experiment.evaluator
        try:
            if isinstance(value, bool | str | bytes):
                raise TypeError
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            raise EvaluatorFault(
                f"{file} returned {name} = {value!r:.60}; a metric must be a number"
            ) from None
        if not math.isfinite(number):
            raise EvaluatorFault(
                f"{file} returned {name} = {number}; only finite numbers can be compared"
            )
        return number

    def _wrap_prepare(self, prepare: Prepare) -> Prepare:
        def prepare_or_fault(folder: Path, settings: Mapping[str, Any]) -> None:
            try:
                prepare(folder, settings)
            except (Exception, SystemExit) as error:
                raise self.make_fault(error) from error

        return prepare_or_fault

    def make_fault(self, error: BaseException) -> EvaluatorFault:
        """Returns a failure in one line, with the innermost line of the evaluator itself."""
        file = self.experiment.evaluator
        if isinstance(error, SyntaxError) and error.filename == str(self.file):
            return EvaluatorFault(f"{file} line {error.lineno}: SyntaxError: {error.msg}")
        place = file
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == str(self.file):
                place = f"{file} line {trace.tb_lineno}"
            trace = trace.tb_next
        text = " ".join(str(error).split())[:MAX_MESSAGE]
        parts = (place, type(error).__name__, text)
        return EvaluatorFault(": ".join(part for part in parts if part))


def has_check(experiment: Experiment) -> bool:
    """Returns whether an evaluator defines `check`.

    It reads the source and does not run it, because loading an evaluator takes a process.
    """
    if not experiment.evaluator:
        return False
    source = (experiment.folder / experiment.evaluator).read_text(encoding="utf-8")
    try:
        names = symtable.symtable(source, experiment.evaluator, "exec")
    except SyntaxError:  # the first trial says where
        return False
    if "check" not in names.get_identifiers():
        return False
    check = names.lookup("check")
    return check.is_assigned() or check.is_imported()


def import_every_module(trial: Evaluation) -> None:
    """The check of an evaluator that has none: imports each module in a sandbox by itself."""
    for path in trial.program.files:
        if path.endswith(".py"):
            trial.start(path).close()


class _CandidateCode(importlib.abc.MetaPathFinder):
    """Refuses to import the editable files.

    They are in the folder of the evaluator, and must not run in its process.
    """

    def __init__(self, editable: Sequence[str]) -> None:
        paths = [path for path in editable if path.endswith(".py")]
        self.modules = {path.removesuffix(".py").replace("/", "."): path for path in paths}

    def find_spec(
        self, name: str, path: Any = None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name in self.modules:
            raise ImportError(
                f"{name} is candidate code; "
                f"start it with trial.start({self.modules[name]!r}) and call its functions"
            )
        return None
