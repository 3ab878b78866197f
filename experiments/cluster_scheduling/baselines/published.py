"""The rule that AlphaEvolve found for Borg.

Source: AlphaEvolve (arXiv 2506.13131), section 3.3.1.
"""


def score(cpu, memory, free_cpu, free_memory, total_cpu, total_memory):
    """Arguments and result are those of `scheduler.py`."""
    c = cpu / free_cpu
    m = memory / free_memory
    return -(c + m + m / c + c / m)
