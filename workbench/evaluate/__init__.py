"""Evaluate: runs candidates in isolation and scores them; the candidate computes answers, the evaluator the score.

Read in this order: `trial` (what an `evaluate.py` is given), `supervisor` (one sandboxed process tree, held to its limits),
`sandbox` (what is protected and what is not), `host` (what runs inside), `process` and `local` (trials in slots).
"""

from workbench.evaluate.answers import Array, CandidateFailed, Cheated

__all__ = ["Array", "CandidateFailed", "Cheated"]
