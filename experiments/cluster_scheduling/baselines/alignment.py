"""Alignment: the machine whose free CPU and memory point the same way as the job's needs.

Both are taken as shares of what the machine has.

Source: cosine form of the dot product of Grandl et al., Multi-resource packing for cluster
schedulers (SIGCOMM 2014), section 3.2."""

import numpy as np


def score(cpu, memory, free_cpu, free_memory, total_cpu, total_memory):
    """Arguments and result are those of `scheduler.py`."""
    job = np.stack([cpu / total_cpu, memory / total_memory])
    free = np.stack([free_cpu / total_cpu, free_memory / total_memory])
    return (job * free).sum(axis=0) / np.linalg.norm(free, axis=0) / np.linalg.norm(job, axis=0)
