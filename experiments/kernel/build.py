"""How the kernel is built.

Tile sizes, which both back ends receive, and the compiler's options for C.
"""

TILE_M = 16
TILE_N = 16
TILE_K = 16
OPTIMIZE = "O3"  # one of: O1, O2, O3
NATIVE = False  # instructions of this processor, beyond those that every x86-64 or ARM64 has
FAST_MATH = False  # lets the compiler reorder sums, which vectorising them needs
UNROLL = False


def flags() -> list[str]:
    """The compiler's options."""
    chosen = [f"-{OPTIMIZE}", f"-DTILE_M={TILE_M}", f"-DTILE_N={TILE_N}", f"-DTILE_K={TILE_K}"]
    switches = {"-march=native": NATIVE, "-ffast-math": FAST_MATH, "-funroll-loops": UNROLL}
    return chosen + [flag for flag, on in switches.items() if on]
