"""Evaluate: runs candidates in isolation and scores them; the candidate computes answers, the evaluator the score.

Read in this order: `trial` (what an `evaluate.py` is given), `seeds` (what it draws in secret), `process` and `local` (trials in
slots), then the room `sandbox`: `levels` (what is protected and what is not), `supervisor` (one process tree, held to its
limits), `host` (what runs inside).
"""

from workbench.evaluate.answers import Array, CandidateFailed, Cheated, Question
from workbench.evaluate.seeds import hidden

__all__ = ["Array", "CandidateFailed", "Cheated", "Question", "hidden"]
