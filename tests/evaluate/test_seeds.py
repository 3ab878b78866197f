"""The key from which an evaluator draws what candidates must not know."""

import hashlib
import time

from workbench.evaluate import hidden


def test_a_seed_has_the_same_key_of_128_bits_on_every_machine() -> None:
    keys = [hidden(seed) for seed in (0, 1, 2, (1 << 31) - 1)]
    assert len(set(keys)) == 4
    assert max(keys).bit_length() > 120
    assert hidden(1) == hidden(1) == 116335286925359010065403505080155783874, (
        "what an earlier trial drew could not be drawn again"
    )


def test_trying_all_seeds_takes_far_longer_than_a_candidate_may() -> None:
    """Hashing every seed takes minutes of one core.

    What matters is how many times as long a key takes as a hash.
    """
    started = time.process_time()
    for seed in range(20_000):
        hashlib.sha256(str(seed).encode()).digest()
    plain = (time.process_time() - started) / 20_000
    started = time.process_time()
    for seed in range(3):
        hidden(seed)
    assert (time.process_time() - started) / 3 > 1000 * plain
