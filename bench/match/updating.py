"""The search while seekers come, change and go, and whether it is exact afterwards.

What an update costs the whole system is `bench.flow`'s.
"""

import random
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.contenders.ours import Ours
from bench.documents import Seekers, ids_of
from bench.exact import Exact
from bench.match.result import Exactness, Updates
from bench.match.timing import median_ms, p99_ms, undisturbed, warm
from bench.population import Population
from bench.queries import Query
from contracts.values import SeekerId
from services.matcher.domain.engine import DropSeeker, PutSeeker

A_QUERY = 20
"""Updates before each question."""

_REVISED, _NEW = 0.7, 0.9
_CHECKED = 40
_TOP = 100


def measure(ours: Ours, population: Population, queries: Sequence[Query], seed: int) -> Updates:
    """Updates before each query; then the exact answer of some. ours: holds the fitted rows.

    Rows of the population beyond those are used up. Their ids become those of revised seekers.
    """
    (way,) = ours.ways()
    alive = np.arange(len(population)) < population.fitted
    # One query's more than are measured: the first ones meet code that was not run before.
    changes = _changes(population, alive, A_QUERY * (1 + len(queries)), random.Random(seed))
    first, changes = changes[:A_QUERY], changes[A_QUERY:]
    ours.apply(first)
    warm(way, queries)
    searching: list[float] = []
    updating = 0.0
    for at, query in enumerate(queries):
        with undisturbed():
            began = time.perf_counter()
            for change in changes[A_QUERY * at : A_QUERY * (at + 1)]:
                ours.apply([change])
            middle = time.perf_counter()
            way.ask(way.ready(query))
            searching.append(time.perf_counter() - middle)
        updating += middle - began
    exact = Exact(population)
    equal = sum(
        way.ask(way.ready(query)).pairs() == _pairs(population, *exact.best(query, _TOP, alive))
        for query in queries[:_CHECKED]
    )
    return Updates(
        population.fitted,
        len(queries),
        len(changes),
        median_ms(searching),
        p99_ms(searching),
        1e6 * updating / len(changes),
        Exactness(population.fitted, len(queries[:_CHECKED]), equal),
    )


def _pairs(
    population: Population, rows: NDArray[np.int64], scores: NDArray[np.int64]
) -> list[tuple[int, SeekerId]]:
    return list(zip(scores.tolist(), ids_of(population, rows), strict=True))


def _changes(
    population: Population, alive: NDArray[np.bool_], count: int, rng: random.Random
) -> list[PutSeeker | DropSeeker]:
    """Most revise a seeker, some bring one, some take one away; alive says what is left."""
    page = population.page
    seekers = Seekers(population)
    changes: list[PutSeeker | DropSeeker] = []
    fresh = population.fitted
    while len(changes) < count:
        kind = rng.random()
        row = rng.randrange(fresh)
        if not alive[row]:
            continue
        if kind >= _NEW:
            alive[row] = False
            changes.append(DropSeeker(ids_of(population, np.array([row]))[0]))
            continue
        if kind < _REVISED:
            alive[row] = False
            page.id_high[fresh], page.id_low[fresh] = page.id_high[row], page.id_low[row]
        alive[fresh] = True
        changes.append(PutSeeker(seekers.document(fresh, version=len(changes) + 2)))
        fresh += 1
    return changes
