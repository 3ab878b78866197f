"""The local executor against the contract of its role, at every sandbox level."""

from dataclasses import replace

import pytest

from workbench.evaluate.executor import Report
from workbench.evaluate.local import LocalExecutor
from workbench.experiment import Experiment
from workbench.records import Options
from workbench.testing import ExecutorContract


class TestLocalExecutor(ExecutorContract):
    @pytest.fixture(autouse=True)
    def _at(self, level: str) -> None:
        self.level = level

    def make(self, experiment: Experiment, options: Options, report: Report) -> LocalExecutor:
        return LocalExecutor(experiment, replace(options, sandbox=self.level), report)
