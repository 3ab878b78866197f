"""Where notebooks exported before version 0.2 find `Step`, which new ones take from `workbench`."""

from workbench.steps.step import Step

__all__ = ["Step"]
