"""The strategy `islands`: an evolving population of programs in parts that seldom meet.

Each island spreads its programs over cells (FunSearch, MAP-Elites).
"""

import random
from collections.abc import Sequence

from workbench.experiment import Experiment
from workbench.ledger.study import Study
from workbench.ledger.turns import Turn
from workbench.records import Options
from workbench.search.archive import Turns, value
from workbench.search.features import Features
from workbench.search.population import Population
from workbench.search.strategy import Ask, question_number

N_FROM_ISLAND = 2
N_FROM_ELSEWHERE = 1


class Islands:
    """Takes parents from the elites of one island after the other; better elites are likelier.

    - *Who lives there.* Every candidate that was decided, has a score, and did not fail or cheat.
      Those that a person vetoed are excluded, with everything made from them. The policy's discards
      are in: the policy asks whether a gain is true, and a program that failed to prove one is
      still a place to start from. A lucky trial may make a parent here, but never a keep.
      Candidates that wait for a person are not in yet.
    - *Cells.* On each island, the best program of each cell of the declared features is its elite
      (MAP-Elites, see `Features`).
    - *Parent.* The elite of rank r, with probability proportional to 1/r. Inspirations are other
      elites of the island, drawn the same way, and the best of another island.
    - *Where a child lives.* With its parent. If the parent lives on several islands, on the one
      that the question was about. The baseline founds all islands.
    - *Migration.* After every `migrate` programs, the best of each island also settles on the next
      one.
    - *Reset.* After every `reset` programs, and on a plateau, the worse half of the islands is
      emptied, and each is founded again with the best of a surviving one. After a person's fork all
      islands start again with the forked candidate.

    If an island is empty, the parent is the incumbent. The work per question grows with the elites
    of one island (at most bins to the power of features); per program it is a logarithm; a veto
    looks at all programs.

    Sources. Islands, resets and their founders: FunSearch (Romera-Paredes et al., Nature 2024),
    Methods, programs database, where clusters are drawn by a softmax over scores. The power law
    over ranks, which
    needs no scale of the score, and ring migration between the resets: ShinkaEvolve (Lange et al.,
        2025)
    and OpenEvolve. AlphaEvolve says only that it combines the two archives.
    """

    name = "islands"

    def __init__(self, experiment: Experiment, options: Options) -> None:
        self._search = experiment.search
        self._objective = experiment.objective
        self._seed = options.seed
        self._features = Features(experiment.search)
        self._turns = Turns()
        self._population = Population(experiment.search.islands)
        self._n_programs = 0

    def ask(self, study: Study) -> Ask:
        incumbent = study.require_incumbent()
        for turn in self._turns.new(study):
            self._learn(study, turn)
        number = question_number(study)
        n_islands = len(self._population)
        rng = random.Random(f"{self._seed}/{number}")
        island = number % n_islands
        elites = self._population.elites(island) or [incumbent]
        parent = _draw_by_rank(elites, rng)
        chosen = [parent]
        for _ in range(N_FROM_ISLAND):
            others = [elite for elite in elites if elite not in chosen]
            if others:
                chosen.append(_draw_by_rank(others, rng))
        other_islands = [index for index in range(n_islands) if index != island]
        for other in rng.sample(other_islands, min(N_FROM_ELSEWHERE, len(other_islands))):
            best = self._population.elites(other)[:1]
            chosen += [elite for elite in best if elite not in chosen]
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
        islands: Sequence[int] = range(len(self._population))  # the baseline founds all of them
        if parent is not None:
            islands = [self._population.island_of(history.question, parent)]
        self._place(study, turn, islands)
        self._n_programs += 1
        if self._search.migrate and self._n_programs % self._search.migrate == 0:
            self._population.migrate()
        if self._search.reset and self._n_programs % self._search.reset == 0:
            self._reset()

    def _place(self, study: Study, turn: Turn, islands: Sequence[int]) -> None:
        score = value(study, turn, self._objective.name)
        if score is not None:
            cell = self._features.cell(study, turn)
            worth = self._objective.gain(score, 0.0)
            for island in islands:
                self._population.add(turn.candidate, cell, worth, island)

    def _reset(self) -> None:
        self._population.reset(random.Random(f"{self._seed}/reset/{self._turns.n_read}"))


def _draw_by_rank(ranked: Sequence[int], rng: random.Random) -> int:
    """Draws one of `ranked` (best first), with probability proportional to 1 over its rank."""
    return rng.choices(ranked, weights=[1 / rank for rank in range(1, len(ranked) + 1)])[0]
