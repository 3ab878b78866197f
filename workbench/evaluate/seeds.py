"""From a trial's seed to the key of what its evaluator draws in secret."""

import hashlib

COST = 2**14  # scrypt's N: 16 MB of memory, and some 50 ms of one core


def hidden(seed: int) -> int:
    """Returns 128 bits from which to draw what a candidate must not know before it is shown.

    Use it as `np.random.default_rng(hidden(trial.seed))`.

    A trial's seed has only 31 bits. Whatever is drawn directly from it gives it away: a candidate
    that sees the beginning tries all seeds, in a minute of one core, and then knows the rest. With
    this function each try takes as long as this call. Trying all seeds takes three years, and a
    candidate has CPU time for some thousand of them.

    So call it once per trial. Give no candidate the seed itself, nor a number from the generator
    that draws what is hidden, because numpy's generators are not ciphers. Where only a few seeds
    are possible, for instance because a person chose the study's, they can still be tried.

    Source: scrypt (RFC 7914).
    """
    key = hashlib.scrypt(str(seed).encode(), salt=b"drawn in secret", n=COST, r=8, p=1, dklen=16)
    return int.from_bytes(key)
