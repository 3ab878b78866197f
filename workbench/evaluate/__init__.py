"""Runs candidates in isolation and scores them.

The candidate computes answers, and the evaluator computes the score from them.

Read in this order: `trial` is what an `evaluate.py` is given, `seeds` is what it draws in secret,
`trial_process`, `child` and `local` run trials in slots. Then read the room `sandbox`.
"""

from workbench.evaluate.answers import Array, CandidateFailed, Cheated, Question
from workbench.evaluate.seeds import hidden

__all__ = ["Array", "CandidateFailed", "Cheated", "Question", "hidden"]
