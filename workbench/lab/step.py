"""Where notebooks exported before version 0.2 look for `Step`; new ones say `from workbench import Step`."""

from workbench.steps.step import Step

__all__ = ["Step"]
