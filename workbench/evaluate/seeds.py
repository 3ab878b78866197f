"""From a trial's seed to the key of what its evaluator draws in secret. Standard library only."""

import hashlib

COST = 2**14  # scrypt's N: 16 MB, and some 50 ms of one core


def hidden(seed: int) -> int:
    """128 bits for what a candidate must not know before it is shown: `np.random.default_rng(hidden(trial.seed))`.

    A trial's seed has 31 bits. What is drawn from it directly gives it away: whoever sees the beginning tries all seeds, in a minute of
    one core, and has the rest. Through here each try takes as long as this call: all of them three years, and a candidate's CPU time is
    enough for some thousand. So call it once per trial, and hand no candidate the seed itself, nor a number from the generator that draws
    what is hidden: numpy's generators are no ciphers. A seed that is in doubt among few, as where a person chose the study's, stays so.

    Source: scrypt (RFC 7914).
    """
    return int.from_bytes(
        hashlib.scrypt(str(seed).encode(), salt=b"drawn in secret", n=COST, r=8, p=1, dklen=16)
    )
