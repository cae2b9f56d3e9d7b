"""The market of the flow measurement is what the doors take, and each probe stands for itself."""

from datetime import UTC, datetime
from itertools import islice

import orjson
import pytest

from bench.flow import market
from services.postings.api.shapes import PostingIn
from services.postings.domain import offers
from services.seekers.api.imports import LineIn

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_no_two_probes_share_trade_and_county() -> None:
    probing = market.probes(500)
    assert len({(one.trade.titles, one.county) for one in probing}) == 500
    assert len({one.seeker_id for one in probing}) == 500
    with pytest.raises(ValueError, match="no 1000000 probes"):
        market.probes(1_000_000)


def test_the_doors_take_what_the_probes_say() -> None:
    for probe in market.probes(100):
        LineIn.model_validate(probe.profile())
        posting = PostingIn.model_validate(orjson.loads(probe.posting(NOW)))
        offers.check(posting.offer(), NOW)
        assert posting.county == probe.county


def test_the_seed_gives_the_same_postings_and_new_ones_are_others() -> None:
    new = list(islice(market.new_postings(seed=1, now=NOW), 20))
    assert new == list(islice(market.new_postings(seed=1, now=NOW), 20))
    assert new != list(islice(market.new_postings(seed=2, now=NOW), 20))
    for body in new:
        offers.check(PostingIn.model_validate(orjson.loads(body)).offer(), NOW)
    loaded = {orjson.loads(line)["text"] for line in market.postings(20, seed=1)}
    assert {orjson.loads(body)["text"] for body in new} != loaded
    assert all("reference" not in orjson.loads(body) for body in new)
