"""Islands: an evolving population of programs in parts that seldom meet, each spread over cells (FunSearch, MAP-Elites)."""

import random
from collections.abc import Sequence

from workbench.experiment import Experiment
from workbench.ledger.study import Study
from workbench.ledger.turns import Turn
from workbench.records import Options
from workbench.search.archive import Turns, value
from workbench.search.features import Features
from workbench.search.population import Population
from workbench.search.strategy import Ask, incumbent_of, question

N_FROM_ISLAND = 2
N_FROM_ELSEWHERE = 1


class Islands:
    """Parents from the elites of one island after the other, the better the likelier.

    - *Who lives there.* Every candidate that was decided, has a score, did not fail or cheat, and that no person vetoed (nor any it
      was made from). The policy's discards are in it too: its question is whether a gain is true, and a program that failed to
      prove one is still a place to start from. What is kept, and the incumbent that every candidate is compared with, stay with
      the policy; a lucky trial may make a parent here, never a keep. What waits for a person is not in it yet.
    - *Cells.* On an island the best program of each cell of the declared features is its elite (MAP-Elites, see `Features`).
    - *Parent.* The elite of rank r with probability proportional to 1/r. Inspirations: other elites of the island drawn likewise, and
      the best of another island.
    - *Where a child lives.* With its parent; where that lives on several islands, on the one that the question was about. The
      baseline founds all islands.
    - *Migration.* After every `migrate` programs the best of each island settles on the next one too.
    - *Reset.* After every `reset` programs, and on a plateau, the worse half of the islands is emptied and founded anew with the best
      of a surviving one. After a person's fork all islands begin anew with that candidate.

    Where an island is empty the parent is the incumbent. Work per question: the elites of one island, at most bins to the power of
    the features; per program a logarithm. A veto looks at all programs.

    Sources: islands, resets and their founders: FunSearch (Romera-Paredes et al., Nature 2024), Methods, programs database, whose
    clusters are drawn by a softmax over scores; power law over ranks, which needs no scale of the score, and ring migration between
    the resets: ShinkaEvolve (Lange et al., 2025) and OpenEvolve. AlphaEvolve says that it combines the two archives, and no more.
    """

    name = "islands"

    def __init__(self, experiment: Experiment, options: Options) -> None:
        self._search, self._objective, self._seed = (
            experiment.search,
            experiment.objective,
            options.seed,
        )
        self._features, self._turns = Features(experiment.search), Turns()
        self._population = Population(experiment.search.islands)
        self._n_programs = 0

    def ask(self, study: Study) -> Ask:
        incumbent = incumbent_of(study)
        for turn in self._turns.new(study):
            self._learn(study, turn)
        number, n_islands = question(study), len(self._population)
        rng = random.Random(f"{self._seed}/{number}")
        island = number % n_islands
        elites = self._population.elites(island) or [incumbent]
        parent = _by_rank(elites, rng)
        chosen = [parent]
        for _ in range(N_FROM_ISLAND):
            if others := [elite for elite in elites if elite not in chosen]:
                chosen.append(_by_rank(others, rng))
        for other in rng.sample(
            [index for index in range(n_islands) if index != island],
            min(N_FROM_ELSEWHERE, n_islands - 1),
        ):
            chosen += [elite for elite in self._population.elites(other)[:1] if elite not in chosen]
        return Ask(parent, tuple(chosen[1:]), is_one_of_several=len(chosen) > 1)

    def _learn(self, study: Study, turn: Turn) -> None:
        match turn.kind:
            case "scored" if not self._turns.is_barred(study, turn.candidate):
                self._add(study, turn)
            case "barred":
                self._population.remove(lambda number: self._turns.is_barred(study, number))
            case "forked":
                self._population.clear()
                self._place(study, turn, range(len(self._population)))
            case "plateau":
                self._reset()

    def _add(self, study: Study, turn: Turn) -> None:
        history = study.candidates[turn.candidate]
        parent = history.record.parent
        everywhere = range(len(self._population))
        self._place(
            study,
            turn,
            everywhere
            if parent is None
            else [self._population.island_of(history.question, parent)],
        )
        self._n_programs += 1
        if self._search.migrate and self._n_programs % self._search.migrate == 0:
            self._population.migrate()
        if self._search.reset and self._n_programs % self._search.reset == 0:
            self._reset()

    def _place(self, study: Study, turn: Turn, islands: Sequence[int]) -> None:
        score = value(study, turn, self._objective.name)
        if score is not None:
            cell, worth = self._features.cell(study, turn), self._objective.gain(score, 0.0)
            for island in islands:
                self._population.add(turn.candidate, cell, worth, island)

    def _reset(self) -> None:
        self._population.reset(random.Random(f"{self._seed}/reset/{self._turns.n_read}"))


def _by_rank(ranked: Sequence[int], rng: random.Random) -> int:
    """One of them, the best first, with probability proportional to 1 over its rank."""
    return rng.choices(ranked, weights=[1 / rank for rank in range(1, len(ranked) + 1)])[0]
