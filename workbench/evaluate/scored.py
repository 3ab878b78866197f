"""The former name of `self_scoring`: evaluators that older versions generated import it."""

from workbench.evaluate.self_scoring import evaluate

__all__ = ["evaluate"]
