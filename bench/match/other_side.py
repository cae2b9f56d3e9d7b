"""The other direction: the best postings for a seeker, and whether they are the exact ones.

The direction from a posting to seekers is measured beside others in `running`.
"""

import time

from bench.contenders.contender import TOP
from bench.documents import Seekers
from bench.match.result import Exactness, Extra
from bench.match.timing import median_ms, p99_ms, undisturbed
from bench.population import Population
from bench.queries import make_queries
from services.matcher.domain.eligibility import broken_rules
from services.matcher.domain.facts import PostingFacts
from services.matcher.domain.fast.engine import FastEngine
from services.matcher.domain.fast.known import KnownPosting
from services.matcher.domain.prepare import PreparedPosting, PreparedSeeker
from services.matcher.domain.scoring import score

POSTINGS = 20_000
_SEEKERS, _CHECKED = 400, 4


def measure(
    population: Population, seed: int, n_postings: int = POSTINGS
) -> tuple[Extra, Exactness]:
    """Search among so many postings, for the first seekers of the population."""
    postings = [query.posting for query in make_queries(seed + 1, population, n_postings)]
    engine = FastEngine(population.model)
    engine.load(
        [KnownPosting(each.doc.posting_id, PostingFacts.of(each), each.terms) for each in postings],
        [],
    )
    seekers = list(Seekers(population).documents(0, min(_SEEKERS, population.fitted)))
    for seeker in seekers:
        engine.best_postings(seeker, TOP)
    seconds = []
    with undisturbed():
        for seeker in seekers:
            began = time.perf_counter()
            engine.best_postings(seeker, TOP)
            seconds.append(time.perf_counter() - began)
    equal = sum(
        engine.best_postings(seeker, TOP).pairs() == _exact(postings, seeker)
        for seeker in seekers[:_CHECKED]
    )
    name = f"a seeker's best of {n_postings:,} postings"
    return (
        Extra(name, population.fitted, median_ms(seconds), p99_ms(seconds), len(seconds)),
        Exactness(population.fitted, len(seekers[:_CHECKED]), equal),
    )


def _exact(postings: list[PreparedPosting], seeker: PreparedSeeker) -> list[tuple[int, object]]:
    """By the definition, pair by pair."""
    scored = [
        (-score(posting, seeker).score_ppm, posting.doc.posting_id)
        for posting in postings
        if not broken_rules(posting, seeker)
    ]
    return [(-points, posting_id) for points, posting_id in sorted(scored)[:TOP]]
