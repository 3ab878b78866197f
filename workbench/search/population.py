"""Islands of programs, each spread over cells: what lives where, and how it moves.

Knows nothing of studies.
"""

import random
from bisect import insort
from collections.abc import Callable

from workbench.search.features import Cell

Entry = tuple[float, int]  # the worth, negated so that the best sorts first, and the candidate


class Population:
    """Islands: dictionaries from a cell to its programs, best first; the first is its *elite*.

    A program lives on one island, or on several if it founded them or migrated. A program removed
    by a reset still remembers its island, so that children already in flight land there.
    """

    def __init__(self, n_islands: int) -> None:
        self._islands: list[dict[Cell, list[Entry]]] = [{} for _ in range(n_islands)]
        self._residents: list[set[int]] = [set() for _ in range(n_islands)]
        self._homes: dict[int, list[int]] = {}
        self._placed: dict[int, tuple[Cell, float]] = {}

    def __len__(self) -> int:
        return len(self._islands)

    def elites(self, island: int) -> list[int]:
        """The elites of an island's cells, the best first."""
        return [
            number for _, number in sorted(entries[0] for entries in self._islands[island].values())
        ]

    def island_of(self, question: int, parent: int) -> int:
        """Where an answer belongs.

        On the island of its question if its parent lives there (or nowhere), else with its parent.
        """
        homes = self._homes.get(parent)
        island = question % len(self)
        if not homes or island in homes:
            return island
        return homes[question % len(homes)]

    def add(self, number: int, cell: Cell, worth: float, island: int) -> None:
        """Places a program on an island; does nothing if it lives there already."""
        if number in self._residents[island]:
            return
        self._residents[island].add(number)
        if island not in self._homes.setdefault(number, []):
            self._homes[number].append(island)
        self._placed[number] = cell, worth
        insort(self._islands[island].setdefault(cell, []), (-worth, number))

    def migrate(self) -> None:
        """Settles the best of each island on the next one as well, in a ring."""
        best = [self.elites(island)[:1] for island in range(len(self))]
        for island, movers in enumerate(best):
            for number in movers:
                self._settle(number, (island + 1) % len(self))

    def reset(self, rng: random.Random) -> None:
        """Empties the worse half of the islands.

        Each is founded again with the best program of a surviving island, drawn at random.
        """
        order = sorted(range(len(self)), key=self._rank)
        n_lost = len(self) // 2
        for island in order[len(self) - n_lost :]:
            founders = self.elites(rng.choice(order[: len(self) - n_lost]))[:1]
            self._empty(island)
            for number in founders:
                self._settle(number, island)

    def clear(self) -> None:
        """Empties every island."""
        for island in range(len(self)):
            self._empty(island)

    def remove(self, is_ruled_out: Callable[[int], bool]) -> None:
        """Removes programs for good; looks at all of them."""
        gone = {number for number in self._homes if is_ruled_out(number)}
        for number in gone:
            del self._homes[number]
        for index, cells in enumerate(self._islands):
            remaining = {}
            for cell, entries in cells.items():
                survivors = [entry for entry in entries if entry[1] not in gone]
                if survivors:
                    remaining[cell] = survivors
            self._islands[index] = remaining
            self._residents[index] -= gone

    def _settle(self, number: int, island: int) -> None:
        cell, worth = self._placed[number]
        self.add(number, cell, worth, island)

    def _rank(self, island: int) -> Entry:
        """The island's best entry; an empty island comes last."""
        elites = [entries[0] for entries in self._islands[island].values()]
        return min(elites, default=(float("inf"), 0))

    def _empty(self, island: int) -> None:
        for number in self._residents[island]:
            homes = self._homes[number]
            if len(homes) > 1:  # the last home stays as the address for children in flight
                homes.remove(island)
        self._islands[island] = {}
        self._residents[island] = set()
