"""The live pairs that a store is filled with: the true ones where that can be waited for.

Above that size, the true lists of the postings, and for the seekers what those hold of them.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.documents import Seekers, ids_of
from bench.population import Population, progress
from bench.queries import Query
from contracts.values import PostingId, SeekerId
from services.matcher.domain.facts import PostingFacts, SeekerFacts
from services.matcher.domain.fast.engine import FastEngine
from services.matcher.domain.fast.known import KnownPosting, KnownSeeker
from services.matcher.domain.fast.side import Found, Job
from services.matcher.domain.model import Model

_FILLED_AT_ONCE = 256
_TOLD_EVERY = 5_000

_Ints = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Live:
    """Live pairs in columns. seekers: rows of the population; postings: numbers of the queries.

    exact: whether they are the true ones of both sides.
    """

    population: Population
    posting_ids: Sequence[PostingId]
    seekers: _Ints
    postings: _Ints
    scores: _Ints
    for_seeker: NDArray[np.bool_]
    for_posting: NDArray[np.bool_]
    exact: bool

    def __len__(self) -> int:
        return len(self.seekers)

    def rows(self) -> Iterator[tuple[SeekerId, PostingId, int, bool, bool]]:
        """Seeker, posting, score, for_seeker, for_posting of each."""
        for start in range(0, len(self), 100_000):
            part = slice(start, start + 100_000)
            yield from zip(
                ids_of(self.population, self.seekers[part].astype(np.int64)),
                [self.posting_ids[at] for at in self.postings[part].tolist()],
                self.scores[part].tolist(),
                self.for_seeker[part].tolist(),
                self.for_posting[part].tolist(),
                strict=True,
            )


def true_pairs(model: Model, population: Population, queries: Sequence[Query]) -> Live:
    """The live pairs as the engine finds them for either side."""
    with _engine(model) as engine:
        seekers = list(_seekers(population))
        engine.load(_postings(queries), seekers)
        posting_ids = [query.posting.doc.posting_id for query in queries]
        for start in range(0, len(seekers), _FILLED_AT_ONCE):
            engine.fill_seekers(seekers[start : start + _FILLED_AT_ONCE])
        for start in range(0, len(posting_ids), _FILLED_AT_ONCE):
            engine.fill_postings(posting_ids[start : start + _FILLED_AT_ONCE])
    row_of = {each.seeker_id: row for row, each in enumerate(seekers)}
    number_of = {posting_id: at for at, posting_id in enumerate(posting_ids)}
    pairs = list(engine.live_of(row_of))
    standings = [each for each in engine.standing(pairs) if each is not None]
    return Live(
        population,
        posting_ids,
        np.array([row_of[seeker_id] for seeker_id, _ in pairs], np.int32),
        np.array([number_of[posting_id] for _, posting_id in pairs], np.int32),
        np.array([each.score_ppm for each in standings], np.int32),
        np.array([each.for_seeker for each in standings], np.bool_),
        np.array([each.for_posting for each in standings], np.bool_),
        exact=True,
    )


def pairs_of_postings(
    model: Model, population: Population, queries: Sequence[Query], per_seeker: int
) -> Live:
    """The best seekers of every posting, so many that there are about per_seeker for each.

    A pair is the posting's side's where it is among its K_p best, as in truth. It is the
    seeker's side's where it is among the seeker's K_s best of the pairs found, which need not be
    the K_s best of all.
    """
    limits = model.limits
    k = max(limits.k_p, -(-per_seeker * len(population) // len(queries)))
    order = np.argsort(population.page.id_high)
    highs = population.page.id_high[order]
    seekers, scores = [], []
    with _engine(model) as engine:
        engine.load([], _seekers(population))
        for start in range(0, len(queries), _FILLED_AT_ONCE):
            asked = [query.posting for query in queries[start : start + _FILLED_AT_ONCE]]
            for best in engine.best_seekers_of(asked, k):
                seekers.append(order[np.searchsorted(highs, best.high)].astype(np.int32))
                scores.append(best.scores)
            if len(seekers) // _TOLD_EVERY > start // _TOLD_EVERY:
                progress(f"seekers of {len(seekers):,} postings found")
    counts = np.array(list(map(len, seekers)))
    of = np.repeat(np.arange(len(queries), dtype=np.int32), counts)
    for_posting = _places(counts) < limits.k_p
    who, worth = np.concatenate(seekers), np.concatenate(scores)
    posting_ids = [query.posting.doc.posting_id for query in queries]
    place_of_id = np.empty(len(queries), np.int32)
    place_of_id[sorted(range(len(queries)), key=lambda at: posting_ids[at].int)] = np.arange(
        len(queries)
    )
    by_seeker = np.lexsort((place_of_id[of], -worth, who))
    for_seeker = np.empty(len(who), np.bool_)
    for_seeker[by_seeker] = _places(np.unique(who, return_counts=True)[1]) < limits.k_s
    live = for_seeker | for_posting
    return Live(
        population, posting_ids, who[live], of[live], worth[live], for_seeker[live],
        for_posting[live], exact=False,
    )  # fmt: skip


@contextmanager
def _engine(model: Model) -> Iterator[FastEngine]:
    """One that searches on all cores; one thread asks it."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:

        def run_all(jobs: Sequence[Job]) -> list[Found]:
            return list(pool.map(lambda job: job(), jobs))

        yield FastEngine(model, run_all=run_all)


def _places(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1, 2 … within each of these runs."""
    starts = np.cumsum(counts) - counts
    places: NDArray[np.int64] = np.arange(counts.sum()) - np.repeat(starts, counts)
    return places


def _seekers(population: Population) -> Iterator[KnownSeeker]:
    for each in Seekers(population).documents(0, len(population)):
        yield KnownSeeker(each.doc.seeker_id, SeekerFacts.of(each), each.terms)


def _postings(queries: Sequence[Query]) -> Iterator[KnownPosting]:
    for query in queries:
        posting = query.posting
        yield KnownPosting(posting.doc.posting_id, PostingFacts.of(posting), posting.terms)
