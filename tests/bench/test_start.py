"""A start that is measured: what the store is filled with, what is told, and what is held to it."""

import json
from typing import Any

import pytest

from bench.exact import Exact
from bench.population import Population, as_stored
from bench.queries import Query, make_queries
from bench.start.figures import MILLION, Filled, Result, Start, Step
from bench.start.pairs import Live, pairs_of_postings, true_pairs
from bench.start.telling import as_json, told
from services.matcher.domain.model import Limits
from tests.dev.programs import rengang

LIMITS = Limits(tau_ppm=150_000, k_s=4, k_p=12)
Scores = list[list[int]]


@pytest.fixture(scope="module")
def market(population: Population) -> Population:
    limits = {"tau_ppm": LIMITS.tau_ppm, "k_s": LIMITS.k_s, "k_p": LIMITS.k_p}
    return as_stored(population, **limits)


@pytest.fixture(scope="module")
def asked(market: Population) -> list[Query]:
    return make_queries(7, market, 60)


@pytest.fixture(scope="module")
def scores(market: Population, asked: list[Query]) -> Scores:
    """Of each posting, of each row; by the plain way."""
    exact = Exact(market)
    return [exact.scores(query.posting).tolist() for query in asked]


def test_true_pairs_are_the_best_of_either_side(
    market: Population, asked: list[Query], scores: Scores
) -> None:
    live = true_pairs(market.model, market, asked)
    assert live.exact
    everything = [
        (posting, row)
        for posting, of_posting in enumerate(scores)
        for row, score in enumerate(of_posting)
        if score >= LIMITS.tau_ppm
    ]
    assert sides(live, live.for_posting) == best_for_postings(everything, scores, live)
    assert sides(live, live.for_seeker) == best_for_seekers(everything, scores, live)
    assert live.scores.tolist() == [scores[at][row] for at, row in in_order(live)]
    assert (live.for_seeker | live.for_posting).all()


@pytest.mark.parametrize("per_seeker", [1, 3])
def test_pairs_of_postings_have_the_right_scores_and_keep_to_the_limits(
    market: Population, asked: list[Query], scores: Scores, per_seeker: int
) -> None:
    live = pairs_of_postings(market.model, market, asked, per_seeker)
    assert not live.exact
    everything = [
        (posting, row)
        for posting, of_posting in enumerate(scores)
        for row, score in enumerate(of_posting)
        if score >= LIMITS.tau_ppm
    ]
    assert sides(live, live.for_posting) == best_for_postings(everything, scores, live)
    k = max(LIMITS.k_p, -(-per_seeker * len(market) // len(asked)))
    found = list(best_for_postings(everything, scores, live, k))
    assert sides(live, live.for_seeker) == best_for_seekers(found, scores, live)
    assert live.scores.tolist() == [scores[at][row] for at, row in in_order(live)]
    rows = list(live.rows())
    assert len(rows) == len(set(rows)) == len(live) > len(asked) * LIMITS.k_p // 2


def in_order(live: Live) -> list[tuple[int, int]]:
    return list(zip(live.postings.tolist(), live.seekers.tolist(), strict=True))


def sides(live: Live, chosen: Any) -> set[tuple[int, int]]:
    return {pair for pair, taken in zip(in_order(live), chosen.tolist(), strict=True) if taken}


def best_for_postings(
    pairs: list[tuple[int, int]], scores: Scores, live: Live, k: int = LIMITS.k_p
) -> set[tuple[int, int]]:
    """(posting, row) of the k best rows of each posting; equal scores by id."""
    page = live.population.page
    ids = [(int(high), int(low)) for high, low in zip(page.id_high, page.id_low, strict=True)]
    ranked = sorted(pairs, key=lambda pair: (pair[0], -scores[pair[0]][pair[1]], ids[pair[1]]))
    return first(ranked, 0, k)


def best_for_seekers(
    pairs: list[tuple[int, int]], scores: Scores, live: Live
) -> set[tuple[int, int]]:
    """(posting, row) of the K_s best postings of each row; equal scores by id."""
    ids = live.posting_ids
    ranked = sorted(pairs, key=lambda pair: (pair[1], -scores[pair[0]][pair[1]], ids[pair[0]]))
    return first(ranked, 1, LIMITS.k_s)


def first(ranked: list[tuple[int, int]], side: int, k: int) -> set[tuple[int, int]]:
    taken: dict[int, int] = {}
    kept = set()
    for pair in ranked:
        taken[pair[side]] = taken.get(pair[side], 0) + 1
        if taken[pair[side]] <= k:
            kept.add(pair)
    return kept


def a_result(seekers: int, begun_s: float) -> Result:
    return Result(
        filled=Filled(seekers, 20_000, 3 * seekers, exact=False, bytes=1, seconds=1.0),
        start=Start(
            steps=(Step("reading documents", begun_s / 2, begun_s / 2),),
            begun_s=begun_s,
            cpu_s=begun_s,
            process_s=begun_s + 3,
            peak_bytes=5 * seekers,
            nbytes={"seekers.index": 4 * seekers},
            restored=True,
            answers=(),
            agreeing=1,
            asked=1,
        ),
        server_cpu_s=1.0,
        right=5,
        checked=5,
        machine={"cores": 2},
    )


@pytest.mark.parametrize(
    ("seekers", "begun_s", "met", "says"),
    [
        (MILLION, 59.9, True, "  met "),
        (MILLION, 60.0, False, "  NOT met "),
        (MILLION // 10, 5.9, None, "  - "),
        (MILLION // 10, 61.0, False, "  NOT met "),
    ],
)
def test_only_a_million_in_time_is_called_met(
    seekers: int, begun_s: float, met: bool | None, says: str
) -> None:
    result = a_result(seekers, begun_s)
    assert as_json(result)["met"] is met
    assert says in told(result).splitlines()[-1]


def test_what_no_step_accounts_for_is_told() -> None:
    lines = told(a_result(MILLION, 40.0)).splitlines()
    (rest,) = [line for line in lines if line.startswith("the model, and the rest")]
    assert "20.00" in rest


def test_a_small_start_holds_what_was_stored() -> None:
    size = ("--seekers", "2,500", "--postings", "400", "--typos", "5,000")
    done = rengang("bench", "start", *size, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["filled"]["exact"] is True
    assert said["filled"]["live"] > 500
    assert said["start"]["restored"] is True
    assert said["start"]["agreeing"] == said["start"]["asked"] > 500
    assert said["right"] == said["checked"] == 5
    assert [step["name"] for step in said["start"]["steps"]] == [
        "reading texts",
        "reading documents",
        "laying out",
        "reading live matches",
    ]
    assert '"event": "index.built"' in done.stderr
    assert said["met"] is None
