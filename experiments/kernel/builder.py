"""Builds a C kernel in a separate sandbox, with the options that the candidate names.

Only the library leaves that sandbox.
"""

import shutil
import subprocess

import build


def compile_kernel(task: str, library: str) -> None:
    """Builds `kernels/<task>.c`; what the compiler says is the error."""
    compiler = next(name for name in ("gcc", "clang") if shutil.which(name))
    command = [
        compiler,
        *build.flags(),
        "-shared",
        "-fPIC",
        "-o",
        library,
        f"kernels/{task}.c",
        "-lm",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        print(done.stderr)
        complaints = [
            line for line in done.stderr.splitlines() if "error" in line
        ] or done.stderr.splitlines()
        raise RuntimeError(
            f"{compiler}: {' | '.join(complaints[:5]) or f'exit status {done.returncode}'}"
        )
