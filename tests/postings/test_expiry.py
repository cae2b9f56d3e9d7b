"""Postings past their time close by themselves, once, however many jobs look after them."""

import asyncio
from datetime import timedelta
from uuid import UUID

import asyncpg
import httpx
import pytest

from contracts.postings import PostingClosed
from contracts.values import ClosedReason, PostingId, PostingStatus
from services.kit.database import Database
from services.postings import store
from services.postings.actions import expire_postings
from tests.postings.conftest import Door
from tests.postings.requests import close, published
from tests.postings.samples import a_posting, an_offer
from tests.support import NOW

DUE = NOW + timedelta(days=30)


async def keep(db: Database, count: int) -> None:
    """That many open postings whose time is over at DUE."""
    async with db.transaction() as tx:
        await store.insert_postings(tx, [a_posting() for _ in range(count)])


async def test_a_posting_closes_when_its_time_is_over_and_not_before(
    door: Door, employer: httpx.AsyncClient
) -> None:
    url = await published(employer)
    assert await expire_postings(door.db, DUE - timedelta(microseconds=1), batch=10) == 0
    assert (await employer.get(url)).json()["status"] == "open"
    assert await expire_postings(door.db, DUE, batch=10) == 1
    posting = (await employer.get(url)).json()
    assert (posting["status"], posting["closed_reason"]) == ("closed", "expired")
    assert (posting["version"], posting["changed_at"]) == (2, "2026-03-31T08:00:00Z")
    first, second = await door.announced()
    assert isinstance(second, PostingClosed)
    assert (second.version, second.time) == (2, DUE)
    assert second.data == first.data.model_copy(
        update={"status": PostingStatus.CLOSED, "closed_reason": ClosedReason.EXPIRED}
    )


async def test_expiring_again_announces_nothing(door: Door, employer: httpx.AsyncClient) -> None:
    await published(employer)
    await close(employer, await published(employer), 1)
    assert [await expire_postings(door.db, DUE, batch=10) for _ in range(2)] == [1, 0]
    assert len(await door.announced()) == 4


async def test_a_posting_prolonged_in_time_stays(door: Door, employer: httpx.AsyncClient) -> None:
    url = await published(employer)
    body = (await employer.get(url)).json()
    sent = {name: body[name] for name in ("title", "county", "pay")}
    later = (DUE + timedelta(days=1)).isoformat()
    await employer.put(url, json={**sent, "valid_until": later}, headers={"If-Match": '"1"'})
    assert await expire_postings(door.db, DUE, batch=10) == 0


@pytest.mark.parametrize("batch", [1, 7, 1000])
async def test_all_that_are_due_close_whatever_the_batch(door: Door, batch: int) -> None:
    await keep(door.db, 25)
    assert await expire_postings(door.db, DUE, batch=batch) == 25
    assert await door.told() == [("PostingClosed", 2)] * 25


async def test_two_jobs_at_once_announce_each_posting_once(door: Door) -> None:
    await keep(door.db, 300)
    done = await asyncio.gather(*(expire_postings(door.db, DUE, batch=20) for _ in range(2)))
    assert sum(done) == 300
    events = await door.announced()
    assert len(events) == len({event.subject for event in events}) == 300


async def test_a_job_does_not_wait_for_a_posting_that_another_works_on(door: Door) -> None:
    await keep(door.db, 3)
    async with door.db.transaction() as tx:
        (held,) = await store.lock_due(tx, DUE, 1)
        async with asyncio.timeout(5):
            assert await expire_postings(door.db, DUE, batch=2) == 2
    assert await expire_postings(door.db, DUE, batch=2) == 1
    assert (await door.announced())[-1].subject == str(held.posting_id)


async def test_a_posting_revised_while_the_job_looks_is_left_open(
    door: Door, employer: httpx.AsyncClient
) -> None:
    url = await published(employer)
    async with door.db.transaction() as tx:
        # The revision holds the row, so the job passes it by; then it is due no more.
        posting = await store.lock_posting(tx, PostingId(UUID(url.rpartition("/")[2])))
        assert posting is not None
        offer = an_offer(valid_until=DUE + timedelta(days=9))
        await store.update_postings(tx, [posting.revised(offer, NOW)])
        assert await expire_postings(door.db, DUE, batch=2) == 0
    assert await expire_postings(door.db, DUE, batch=2) == 0
    assert (await employer.get(url)).json()["status"] == "open"


async def test_a_job_that_dies_has_closed_nothing_and_announced_nothing(door: Door) -> None:
    await keep(door.db, 5)
    async with door.db.transaction() as tx:
        await tx.execute("ALTER TABLE outbox ADD CONSTRAINT no_more CHECK (false)")
    with pytest.raises(asyncpg.CheckViolationError):
        await expire_postings(door.db, DUE, batch=2)
    async with door.db.transaction() as tx:
        assert len(await store.lock_due(tx, DUE, 10)) == 5
        await tx.execute("ALTER TABLE outbox DROP CONSTRAINT no_more")
    assert await expire_postings(door.db, DUE, batch=2) == 5
    assert await door.told() == [("PostingClosed", 2)] * 5
