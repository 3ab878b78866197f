"""Turns: what a search learns from, in the order of the journal, so that an archive built of them is a function of the journal."""

from typing import Literal, NamedTuple

TurnKind = Literal["scored", "barred", "forked", "plateau"]


class Turn(NamedTuple):
    """One thing that happened to the candidates that a search may start from.

    `scored`: it was decided (kept or not), and its score then is the mean of its first `n_scored` ok trials. `barred`: a person
    vetoed it, or kept only some of its hunks. `forked`: a person wants what follows to start from it. `plateau`: the newest
    candidate when a plateau was noticed.
    """

    kind: TurnKind
    candidate: int
    n_scored: int = 0
