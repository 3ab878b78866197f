"""Runs in the sandbox: sets the CPU cap before the candidate's code is imported.

Trusted code in an untrusted place: the kernel holds the cap from then on, but nothing that this
file returns is believed.
"""

import math
import resource
import signal

import numpy as np

GRACE_SECONDS = 2  # to end by an exception, before the kernel kills


def train(task: dict, cpu_cap: float) -> None:
    _cap(cpu_cap)
    import train as candidate

    candidate.train(task)


def log_probs(weights_path: str, tokens: np.ndarray, cpu_cap: float) -> np.ndarray:
    _cap(cpu_cap)
    import train as candidate

    return candidate.log_probs(weights_path, tokens)


def _cap(seconds: float) -> None:
    """Limits this process's CPU time for good.

    Nothing in it can raise a hard limit. 0 means none.
    """
    if not seconds:
        return

    def stop(number: int, frame: object) -> None:
        raise TimeoutError(f"used more than {seconds:g} s of CPU (setting cpu_cap)")

    signal.signal(signal.SIGXCPU, stop)
    resource.setrlimit(
        resource.RLIMIT_CPU, (math.ceil(seconds), math.ceil(seconds) + GRACE_SECONDS)
    )
