"""The tables refuse what must never be, whoever writes; and each list has its index."""

import asyncpg
import httpx
import pytest

from services.kit.database import Database
from tests.seekers.conftest import Door
from tests.seekers.samples import LI_NA_ID, a_posting_id, changed, found, withdrawn

WRONG = {
    "a withdrawn first version": "UPDATE seekers SET status = 'withdrawn'",
    "a status nobody knows": "UPDATE seekers SET status = 'hidden'",
    "version 0": "UPDATE seekers SET version = 0",
    "no title": "UPDATE seekers SET titles = '{}'",
    "no county": "UPDATE seekers SET counties = '{}'",
    "pay without a unit": "UPDATE seekers SET pay_floor_unit = NULL",
    "a kind of employment nobody knows": "UPDATE seekers SET employment = '{slavery}'",
    "a phone in another form": "UPDATE persons SET phone = '138 0000 1234'",
    "a person without a profile": "UPDATE persons SET seeker_id = gen_random_uuid()",
    "a seen match without reasons": "UPDATE matches SET told_seq = NULL WHERE standing = 'seen'",
    "a seen match without a score": "UPDATE matches SET score_ppm = NULL WHERE standing = 'seen'",
    "a tombstone with a score": "UPDATE matches SET score_ppm = 1 WHERE standing = 'gone'",
    "a score above 1": "UPDATE matches SET score_ppm = 1000001 WHERE standing = 'seen'",
    "a head behind what was trimmed": "UPDATE feed_heads SET trimmed_seq = last_seq + 1",
    "a withdrawal that interrupts": "UPDATE feed SET notify = true WHERE kind = 'withdrawn'",
    "a withdrawal with reasons": "UPDATE feed SET content = '{}' WHERE kind = 'withdrawn'",
    "an improvement that is silent": "UPDATE feed SET notify = false WHERE kind = 'improved'",
    "a delivery of nothing": "UPDATE webhook_deliveries SET seq = 99",
    "a delivery in no state": "UPDATE webhook_deliveries SET state = 'lost'",
    "a short secret": "UPDATE webhooks SET secret = 'short'",
}


@pytest.fixture
async def lived(door: Door, looking: httpx.AsyncClient) -> Database:
    """A seeker's tables after some life, a row of each kind in them."""
    await looking.put(f"/v1/seekers/{LI_NA_ID}/webhook", json={"url": "http://127.0.0.1:9/"})
    one, other = a_posting_id(), a_posting_id()
    await door.hear(found(one), changed(one, 2, 600_000), found(other), withdrawn(other, 2))
    return door.db


async def test_impossible_states_are_refused(lived: Database) -> None:
    accepted = []
    for what, statement in WRONG.items():
        try:
            async with lived.transaction() as tx:
                assert (await tx.execute(statement)) != "UPDATE 0", what
        except asyncpg.IntegrityConstraintViolationError:
            continue
        accepted.append(what)
    assert accepted == []


LISTS = {
    "matches_seen": (
        "SELECT * FROM matches WHERE seeker_id = $1 AND standing = 'seen' "
        "ORDER BY score_ppm DESC, posting_id LIMIT 50"
    ),
    "feed_pkey": "SELECT * FROM feed WHERE seeker_id = $1 AND seq > 0 ORDER BY seq LIMIT 200",
    "webhook_deliveries_listed": (
        "SELECT * FROM webhook_deliveries WHERE seeker_id = $1 AND state = 'dead' "
        "ORDER BY seq DESC LIMIT 50"
    ),
}


@pytest.mark.parametrize(("index", "query"), LISTS.items(), ids=LISTS)
async def test_each_list_is_served_by_its_index(lived: Database, index: str, query: str) -> None:
    async with lived.transaction() as tx:
        # With a handful of rows a scan is cheaper; what counts is whether the index could serve.
        await tx.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        plan = "\n".join(row[0] for row in await tx.fetch(f"EXPLAIN {query}", LI_NA_ID))
    assert index in plan
    assert "Sort" not in plan
