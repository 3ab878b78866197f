import random

from workbench.search.population import Population


def populated(n_islands: int) -> Population:
    """Program i lives on island i and is worth i; the baseline 100 founded all, worth nothing."""
    population = Population(n_islands)
    for island in range(n_islands):
        population.add(100, (0,), 0.0, island)
        if island:
            population.add(island, (1,), float(island), island)
    return population


def test_the_elites_are_the_best_of_each_cell_the_best_first() -> None:
    population = Population(1)
    for number, (cell, worth) in enumerate([(0, 1.0), (0, 3.0), (1, 2.0), (0, 2.0), (2, 9.0)]):
        population.add(number, (cell,), worth, 0)
    assert population.elites(0) == [4, 1, 2]


def test_of_equal_programs_the_earlier_is_the_elite() -> None:
    population = Population(1)
    population.add(7, (0,), 1.0, 0)
    population.add(5, (0,), 1.0, 0)
    assert population.elites(0) == [5]


def test_a_child_lives_with_its_parent_and_children_of_the_founder_everywhere() -> None:
    population = populated(4)
    assert {population.island_of(number, 3) for number in range(50)} == {3}
    assert {population.island_of(number, 100) for number in range(50)} == {0, 1, 2, 3}


def test_migration_takes_the_best_of_each_island_to_the_next_and_leaves_it_at_home() -> None:
    population = populated(4)
    population.migrate()
    assert population.elites(0)[:1] == [3]
    assert population.elites(3) == [3, 100]
    assert 1 in population.elites(1)
    assert population.elites(2)[0] == 2
    before = [population.elites(island) for island in range(4)]
    assert before[1] == [1, 100]


def test_a_reset_empties_the_worse_half_and_founds_it_from_the_better_one() -> None:
    population = populated(5)
    population.reset(random.Random(1))
    for island in (0, 1):
        assert len(population.elites(island)) == 1
        assert population.elites(island)[0] in (2, 3, 4)
    for island in (2, 3, 4):
        assert population.elites(island) == [island, 100]
    assert {population.island_of(number, 100) for number in range(50)} == {2, 3, 4}


def test_a_child_of_a_program_that_a_reset_took_away_comes_home_to_its_island() -> None:
    population = populated(4)
    population.reset(random.Random(1))
    assert population.island_of(77, 1) == 1


def test_what_is_ruled_out_leaves_every_island_and_the_next_best_is_elite() -> None:
    population = populated(3)
    population.migrate()
    population.add(50, (1,), 1.5, 2)
    population.remove(lambda number: number == 2)
    assert all(2 not in population.elites(island) for island in range(3))
    assert population.elites(2)[0] == 50


def test_a_population_of_one_island_neither_migrates_nor_loses_anything() -> None:
    population = populated(1)
    population.migrate()
    population.reset(random.Random(1))
    assert population.elites(0) == [100]
