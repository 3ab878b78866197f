"""The tuner's settings: what `workbench.propose.settings.TunerSettings` explains, in capitals."""

REACH = 2.0
N_BEST = 14
COMPANY = 0.88
REPETITION = 0.2
TRIED = 2
NEW_TOGETHER = 1
SHADOWED = 0.3
ELSEWHERE = 0.05
LENGTH = 1.5
LINEAR = 0.15
TOGETHER = 0.3
LEAN = 0.3
FLATTEN = 0.04
