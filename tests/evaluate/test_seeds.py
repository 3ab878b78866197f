"""The key from which an evaluator draws what candidates must not know."""

import hashlib
import time

from workbench.evaluate import hidden


def test_a_key_is_that_of_its_seed_on_any_machine_and_has_128_bits() -> None:
    keys = [hidden(seed) for seed in (0, 1, 2, (1 << 31) - 1)]
    assert len(set(keys)) == 4
    assert max(keys).bit_length() > 120
    assert hidden(1) == hidden(1) == 116335286925359010065403505080155783874, (
        "what was drawn in a trial that was made before could not be drawn again"
    )


def test_trying_all_seeds_takes_far_longer_than_a_candidate_may() -> None:
    """A plain hash of every seed is minutes of one core: what matters is how many times as long a key takes."""
    started = time.process_time()
    for seed in range(20_000):
        hashlib.sha256(str(seed).encode()).digest()
    plain = (time.process_time() - started) / 20_000
    started = time.process_time()
    for seed in range(3):
        hidden(seed)
    assert (time.process_time() - started) / 3 > 1000 * plain
