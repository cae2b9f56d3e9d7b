"""Term at a time, with nothing skipped: inverted lists in numba, and then everyone's whole score.

The same integers as the exact answer, so it finds all of it: what an index without bounds can do.
"""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.contenders.contender import TOP, Contender, Way
from bench.contenders.making import shown_skills
from bench.exact import Asking, Near, worth_of
from bench.kernels import add_impacts, add_worth, raise_similar, rank_everyone
from bench.population import Population
from bench.queries import Query
from services.matcher.domain.language.text import BUCKETS
from services.matcher.domain.prepare import PreparedPosting


class Exhaustive(Contender):
    """Inverted lists of terms and of skill spellings over all rows."""

    name = "exhaustive"

    def load(self, population: Population) -> float:
        self._population = population
        self._asking = Asking(population)
        self._near = Near(population.world.skills.spellings)
        began = time.perf_counter()
        terms = population.terms
        self._terms = _inverted(terms.starts, terms.buckets, BUCKETS)
        self._impacts = terms.impacts[self._terms[2]]
        starts, shown = shown_skills(population)
        self._skills = _inverted(starts, shown, len(population.world.skills.spellings))
        n = len(population)
        self._sums, self._best = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self._points, self._dense = np.zeros(n, np.int64), np.zeros(BUCKETS, np.int64)
        self._rows_found, self._scores_found = np.zeros(TOP, np.int64), np.zeros(TOP, np.int64)
        return time.perf_counter() - began

    def ways(self) -> list[Way]:
        return [Way("exhaustive, numba, fused", self._ready, self._search, _rows, fused=True)]

    def held_bytes(self) -> int:
        lists = (*self._terms[:2], self._impacts, *self._skills[:2])
        return sum(column.nbytes for column in (*lists, self._sums, self._best, self._points))

    def close(self) -> None:
        del self._population, self._asking, self._near, self._terms, self._impacts, self._skills
        del self._sums, self._best, self._points

    def _ready(self, query: Query) -> Any:
        """With the spellings near each skill, which ours too has found before it is timed."""
        skills = query.posting.skills
        near = [(asked.weighs, *self._near.near(asked.spelling)) for asked in skills]
        return query.posting, self._asking.job(query.posting), near

    def _search(self, question: Any) -> NDArray[np.int64]:
        posting: PreparedPosting
        posting, job, near = question
        self._sums[:] = 0
        self._points[:] = 0
        starts, rows, _ = self._terms
        add_impacts(
            posting.terms.buckets, posting.terms.impacts, starts, rows, self._impacts, self._sums
        )
        self._dense[posting.terms.buckets] = posting.terms.impacts
        add_worth(worth_of(self._population.shown, self._dense), *self._skills[:2], self._sums)
        self._dense[posting.terms.buckets] = 0
        whole = sum(weighs for weighs, _, _ in near)
        for weighs, numbers, similar in near:
            raise_similar(
                numbers,
                similar,
                posting.weights.skills * weighs,
                whole,
                *self._skills[:2],
                self._best,
                self._points,
            )
        found = rank_everyone(
            job,
            self._asking.weights(posting),
            self._asking.tree,
            self._asking.people,
            self._sums,
            self._points,
            self._population.page.id_high,
            self._rows_found,
            self._scores_found,
        )
        return self._rows_found[:found].copy()


def _inverted(
    starts: NDArray[np.int64], entries: NDArray[np.int32], n: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Lists by entry: starts (n + 1,), rows, and where each came from."""
    rows = np.repeat(np.arange(len(starts) - 1, dtype=np.int32), np.diff(starts))
    order = np.argsort(entries, kind="stable")
    ends = np.cumsum(np.bincount(entries, minlength=n))
    return np.concatenate(([0], ends)).astype(np.int64), rows[order], order


def _rows(answer: NDArray[np.int64]) -> list[int]:
    rows: list[int] = answer.tolist()
    return rows
