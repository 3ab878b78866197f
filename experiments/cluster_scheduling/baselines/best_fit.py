"""Best Fit.

The machine with the least room left, CPU and memory as shares of what it has, added.
"""


def score(cpu, memory, free_cpu, free_memory, total_cpu, total_memory):
    """Arguments and result are those of `scheduler.py`."""
    return -((free_cpu - cpu) / total_cpu + (free_memory - memory) / total_memory)
