"""The number of shards changes: everything moves, and a reader of the topic notices nothing."""

import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from uuid import UUID

import pytest

from contracts.postings import PostingClosed, PostingPublished, PostingRevised
from contracts.topics import POSTINGS, SEEKERS
from contracts.values import SeekerId
from services.kit.database import Database
from services.kit.migrations import migrate
from services.matcher.actions import inherit
from services.matcher.handlers import arrivals_of
from services.matcher.settings import Shard, shard_of
from services.matcher.store.shard import ShardTaken, shard_lock
from tests.kit.bus import until
from tests.matcher.harness import Matcher, running
from tests.matcher.market import Market, MarketEvent, deliveries, seeker_id
from tests.support import opened


@pytest.mark.parametrize("counts", [(1, 2, 1), (2, 3, 1, 2), (5, 1)], ids=str)
async def test_any_number_of_shards_goes_on_where_another_stopped(
    empty_database: str, counts: Sequence[int]
) -> None:
    market, draw = Market(sum(counts)), random.Random(1)
    stopped: set[Shard] = set()
    sent: list[MarketEvent] = []
    for count in counts:
        async with AsyncExitStack() as stack:
            shards = [
                await stack.enter_async_context(running(empty_database, shard=Shard(index, count)))
                for index in range(count)
            ]
            for shard in shards:
                await shard.assert_exact()
                assert await held(shard) == newest(sent, shard.shard)
            for batch in deliveries(draw, market.events(60)):
                sent += batch
                for shard in shards:
                    await shard.take(*(event for event in batch if is_for(event, shard.shard)))
            for shard in shards:
                await shard.assert_exact()
        stopped.update(shard.shard for shard in shards)
        assert await left_behind(empty_database, stopped, count) == 0


def is_for(event: MarketEvent, shard: Shard) -> bool:
    match event:
        case PostingPublished() | PostingRevised() | PostingClosed():
            return True
        case _:
            return shard.owns(SeekerId(event.data.seeker_id))


def newest(sent: Sequence[MarketEvent], shard: Shard) -> set[tuple[str, UUID, int]]:
    """What the shard must hold after these events: kind, id and version of each document."""
    arrived = arrivals_of(event for event in sent if is_for(event, shard))
    return (
        {("posting", each.posting_id, each.version) for each in arrived.postings}
        | {("seeker", each.seeker_id, each.version) for each in arrived.seekers}
        | {("folder", each.seeker_id, each.version) for each in arrived.folders}
    )


async def held(matcher: Matcher) -> set[tuple[str, UUID, int]]:
    """What the shard holds, in the same terms."""
    async with matcher.db.transaction() as tx:
        rows = await tx.fetch(
            "SELECT 'posting', posting_id, version FROM postings UNION ALL "
            "SELECT 'seeker', seeker_id, version FROM seekers UNION ALL "
            "SELECT 'folder', seeker_id, version FROM certificates"
        )
    return {(row[0], row[1], row[2]) for row in rows}


async def left_behind(url: str, stopped: set[Shard], count: int) -> int:
    """Rows about seekers in schemas of shards of another count."""
    rows = 0
    async with opened(url) as db, db.transaction() as tx:
        for shard in stopped:
            for table in ("seekers", "certificates", "matches", "outbox"):
                if shard.count != count:
                    rows += await tx.fetchval(f"SELECT count(*) FROM {shard.schema}.{table}")
    return rows


async def test_a_shard_takes_nothing_over_from_one_that_runs(matcher: Matcher) -> None:
    await matcher.take(*Market(1).events(60))
    before, half = await matcher.live(), Shard(0, 2)
    await migrate(matcher.url, "services.matcher", schema=half.schema)
    db = Database(matcher.url, schema=half.schema)
    await db.open()
    async with shard_lock(matcher.url, matcher.shard.schema):
        assert await inherit(db, 2, half.owns) == matcher.shard.schema
        assert await matcher.live() == before

    async def taken() -> bool:
        # The server lets a lock go a moment after its connection has ended.
        return await inherit(db, 2, half.owns) is None

    await until(taken, within_s=30)
    assert 0 < len(await matcher.live()) < len(before)
    await db.close()


async def test_a_shard_that_was_taken_over_from_writes_no_more(empty_database: str) -> None:
    """Nor does it, when it is started again, before the others have stopped."""
    market = Market(2)
    async with running(empty_database) as one:
        await one.take(*market.events(60))
        async with running(empty_database, shard=Shard(1, 2)) as half:
            with pytest.raises(ShardTaken):
                await one.take(*market.events(1))
            async with shard_lock(half.url, half.shard.schema):
                assert await inherit(one.db, 1, one.shard.owns) == half.shard.schema


async def test_a_shard_in_service_takes_nothing_over(matcher: Matcher) -> None:
    async with running(matcher.url, shard=Shard(0, 2)) as half:
        await half.take(*Market(3).events(40))
        kept = await half.live()
        async with running(matcher.url, shard=Shard(1, 2)):
            assert await half.live() == kept


def test_every_seeker_belongs_to_one_shard_and_lies_in_its_partitions() -> None:
    for count in (1, 2, 3, 7, 24):
        shards = [Shard(index, count) for index in range(count)]
        assert sorted(p for shard in shards for p in shard.partitions(SEEKERS)) == list(
            range(SEEKERS.partitions)
        )
        assert all(len(shard.partitions(POSTINGS)) == POSTINGS.partitions for shard in shards)
        for number in range(50):
            who = SeekerId(seeker_id(number))
            assert sum(shard.owns(who) for shard in shards) == 1


@pytest.mark.parametrize("text", ["", "1", "2/2", "-1/2", "0/0", "0/25", "a/b", "0/1/2"])
def test_a_shard_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"i/n|no shard"):
        shard_of(text)
