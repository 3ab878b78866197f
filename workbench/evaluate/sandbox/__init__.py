"""The sandbox in which a candidate runs.

Read in this order: `levels` says what is protected and what is not, and `probe` finds out which
level holds here. `supervisor` is one sandbox as the evaluator sees it, and `reaper` the thread that
holds it to its limits. `guest` is the program that runs inside.
"""
