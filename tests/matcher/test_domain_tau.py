"""τ lies where trades part: below it pairs of trades apart, above it pairs of one trade.

Measured on the sample market, whose trades are known; `model.Limits` says what else was found.
"""

from itertools import product
from typing import NamedTuple

import pytest

from dev.sample.trades import TRADES
from services.matcher.domain.base_model import base_model
from services.matcher.domain.eligibility import broken_rules
from services.matcher.domain.language import lexicon
from services.matcher.domain.prepare import prepare_posting, prepare_seeker
from services.matcher.domain.scoring import score
from services.matcher.handlers import arrivals_of
from tests.matcher.market import sample_market

TAU_PPM = base_model().limits.tau_ppm
OCCUPATION = {title: trade.occupation for trade in TRADES for title in trade.titles}
FIELDS = {trade.occupation: frozenset(trade.fields) for trade in lexicon.trades()}


class Scores(NamedTuple):
    """Of eligible pairs. Akin: two occupations of one field of work, or of one minor group."""

    same: list[int]
    akin: list[int]
    apart: list[int]


@pytest.fixture(scope="module")
def scores() -> Scores:
    model, arrived = base_model(), arrivals_of(list(sample_market(150, 250, seed=3)))
    held = {folder.seeker_id: folder.held for folder in arrived.folders}
    jobs = [prepare_posting(model, doc) for doc in arrived.postings]
    people = [prepare_seeker(model, doc, held.get(doc.seeker_id, ())) for doc in arrived.seekers]
    found = Scores([], [], [])
    for job, person in product(jobs, people):
        if not broken_rules(job, person):
            of_pair = kin(OCCUPATION[job.doc.title], OCCUPATION[person.doc.titles[0]], found)
            of_pair.append(score(job, person).score_ppm)
    return found


def kin(wanted: str, done: str, scores: Scores) -> list[int]:
    """Where the score of a pair of these occupations belongs."""
    if wanted == done:
        return scores.same
    akin = FIELDS[wanted] & FIELDS[done] or wanted[:4] == done[:4]
    return scores.akin if akin else scores.apart


def test_there_are_pairs_enough_to_tell(scores: Scores) -> None:
    assert len(scores.same) > 200
    assert len(scores.akin) > 500
    assert len(scores.apart) > 8000


def test_every_pair_of_one_trade_is_far_above_tau(scores: Scores) -> None:
    assert min(scores.same) > 2 * TAU_PPM


def test_of_pairs_of_trades_apart_few_are_above_tau(scores: Scores) -> None:
    assert share_above(TAU_PPM, scores.apart) < 0.03
    assert share_above(TAU_PPM * 3 // 2, scores.apart) < 0.01


def test_a_trade_is_open_to_many_of_its_own_field(scores: Scores) -> None:
    assert share_above(TAU_PPM, scores.akin) > 0.5


def share_above(tau_ppm: int, scores: list[int]) -> float:
    return sum(score >= tau_ppm for score in scores) / len(scores)
