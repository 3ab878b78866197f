"""The former name of `single_trial`: notebooks that were written for older versions import it."""

from workbench.evaluate.single_trial import run_trial as run_once

__all__ = ["run_once"]
