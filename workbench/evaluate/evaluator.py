"""An experiment's `evaluate.py`, loaded: trusted code, from the study's frozen copy, once per trial process."""

import importlib.abc
import importlib.machinery
import math
import symtable
import sys
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.errors import EvaluatorFault
from workbench.evaluate import trial as trials
from workbench.evaluate.answers import CandidateFailed
from workbench.evaluate.prepared import Prepare
from workbench.evaluate.trial import Evaluation
from workbench.experiment import Experiment

MAX_METRICS, MAX_NAME = 200, 100


class Evaluator:
    """The functions of one evaluator; its failures come out as EvaluatorFault, those of the candidate as they are."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment, self.prepare = experiment, None
        self._check: Any = imported
        if not experiment.evaluator:
            self._evaluate: Any = trials.claimed
            return
        self.file = experiment.folder / experiment.evaluator
        module = types.ModuleType(self.file.stem)
        module.__file__ = str(self.file)
        sys.modules[self.file.stem] = module
        sys.path.insert(0, str(experiment.folder))
        sys.meta_path.insert(0, _CandidateCode(experiment.editable))
        try:
            exec(compile(self.file.read_bytes(), str(self.file), "exec"), module.__dict__)
            self._evaluate = module.evaluate
        except (Exception, SystemExit) as error:
            raise self.fault(error) from error
        if hasattr(module, "prepare"):
            self.prepare = self._guarded(module.prepare)
        self._check = getattr(module, "check", imported)

    def evaluate(self, trial: Evaluation) -> dict[str, float]:
        """The metrics, all finite, the objective's among them.

        Raises:
            EvaluatorFault: it failed, or returned something else.
        """
        try:
            metrics = self._evaluate(trial)
        except (CandidateFailed, OSError) as error:
            if isinstance(error, OSError):
                raise self.fault(error) from error
            raise
        except (Exception, SystemExit) as error:
            raise self.fault(error) from error
        name, file = self.experiment.objective.name, self.experiment.evaluator
        if not isinstance(metrics, Mapping):
            raise EvaluatorFault(
                f"{file} returned {type(metrics).__name__} and not a dict of metrics"
            )
        if name not in metrics:
            found = ", ".join(str(key)[:MAX_NAME] for key in list(metrics)[:20]) or "nothing"
            raise EvaluatorFault(f"{file} returned no metric {name!r}; it returned: {found}")
        if len(metrics) > MAX_METRICS or any(len(str(key)) > MAX_NAME for key in metrics):
            raise EvaluatorFault(
                f"{file} returned more than {MAX_METRICS} metrics, or a name longer than {MAX_NAME} characters"
            )
        return {str(key): self._number(str(key), value) for key, value in metrics.items()}

    def check(self, trial: Evaluation) -> None:
        """A smoke run: the evaluator's own `check`, or the import of each module.

        Raises:
            CandidateFailed: the program does not pass. EvaluatorFault: the check failed, or returned something.
        """
        try:
            found = self._check(trial)
        except CandidateFailed:
            raise
        except (Exception, SystemExit) as error:
            raise self.fault(error) from error
        if found is not None:
            kind = type(found).__name__
            raise EvaluatorFault(
                f"check in {self.experiment.evaluator} returned {kind}; it says by CandidateFailed what is wrong, or nothing"
            )

    def _number(self, name: str, value: Any) -> float:
        try:
            if isinstance(value, bool | str | bytes):
                raise TypeError
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            raise EvaluatorFault(
                f"{self.experiment.evaluator} returned {name} = {value!r:.60}, which is no number"
            ) from None
        if not math.isfinite(number):
            raise EvaluatorFault(
                f"{self.experiment.evaluator} returned {name} = {number}; only finite numbers can be compared"
            )
        return number

    def _guarded(self, prepare: Prepare) -> Prepare:
        def guarded(folder: Path, settings: Mapping[str, Any]) -> None:
            try:
                prepare(folder, settings)
            except (Exception, SystemExit) as error:
                raise self.fault(error) from error

        return guarded

    def fault(self, error: BaseException) -> EvaluatorFault:
        """The failure in one line, with the innermost line of the evaluator itself."""
        place, trace = self.experiment.evaluator, error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == str(self.file):
                place = f"{self.experiment.evaluator} line {trace.tb_lineno}"
            trace = trace.tb_next
        if isinstance(error, SyntaxError) and error.filename == str(self.file):
            return EvaluatorFault(
                f"{self.experiment.evaluator} line {error.lineno}: SyntaxError: {error.msg}"
            )
        text = " ".join(str(error).split())[:400]
        return EvaluatorFault(f"{place}: {type(error).__name__}{': ' + text if text else ''}")


def has_check(experiment: Experiment) -> bool:
    """Whether an evaluator has a `check` of its own, as its source says: nothing of it is run, for it costs a process to load one."""
    if not experiment.evaluator:
        return False
    source = (experiment.folder / experiment.evaluator).read_text(encoding="utf-8")
    try:
        names = symtable.symtable(source, experiment.evaluator, "exec")
    except SyntaxError:  # the first trial says where
        return False
    return "check" in names.get_identifiers() and (
        names.lookup("check").is_assigned() or names.lookup("check").is_imported()
    )


def imported(trial: Evaluation) -> None:
    """The smoke run of an experiment that has no `check`: every module of the program can be imported, each in a sandbox of its own."""
    for path in trial.program.files:
        if path.endswith(".py"):
            trial.start(path).close()


class _CandidateCode(importlib.abc.MetaPathFinder):
    """Refuses an import of the editable files: they lie in the same folder, and must not run in this process."""

    def __init__(self, editable: Sequence[str]) -> None:
        self.modules = {
            path.removesuffix(".py").replace("/", "."): path
            for path in editable
            if path.endswith(".py")
        }

    def find_spec(
        self, name: str, path: Any = None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name in self.modules:
            raise ImportError(
                f"{name} is candidate code; start it with trial.start({self.modules[name]!r}) and call its functions"
            )
        return None
