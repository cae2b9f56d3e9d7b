"""A population small enough to be scored pair by pair, in a world with few words and typos."""

import pytest

from bench.population import Population, make_population
from bench.queries import Query, make_queries
from bench.world import World, make_world

SEEKERS, TO_COME, QUERIES = 1_500, 300, 12


@pytest.fixture(scope="session")
def world() -> World:
    return make_world(7, n_words=5_000, n_typos=20_000)


@pytest.fixture(scope="session")
def population(world: World) -> Population:
    return make_population(7, world, SEEKERS)


@pytest.fixture(scope="session")
def queries(population: Population) -> list[Query]:
    return make_queries(7, population, QUERIES)
