"""One shard, two and three: whoever reads what they announce sees the same market.

A seeker's list is one shard's. A posting's is put together by the reader, with the reader's code.
"""

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka.partitioner import DefaultPartitioner

from contracts.events import AnyEvent, parse
from contracts.topics import CERTIFICATES, POSTINGS, SEEKERS
from contracts.values import PostingId, SeekerId
from services.kit.database import Database
from services.matcher.settings import Shard
from services.matcher.verify import Snapshot, expected_of, read
from services.talent.actions import posting_side
from services.talent.handlers import kept_of, on_news
from tests import servers
from tests.conftest import FreshDatabase
from tests.matcher.harness import TIGHT, Matcher, running
from tests.matcher.market import Market, MarketEvent, deliveries
from tests.support import opened

_partition_of = DefaultPartitioner()


def lies_in(event: AnyEvent, shard: Shard) -> bool:
    """Whether Kafka's producers lay the event where the shard reads."""
    everywhere = list(range(event.topic.partitions))
    return _partition_of(event.key.encode(), everywhere, everywhere) in shard.partitions(
        event.topic
    )


@dataclass
class HeardRegion:
    """All shards of a region, and the talent system that hears of all of them."""

    shards: list[Matcher]
    talent: Database
    draw: random.Random
    heard: dict[Shard, int] = field(default_factory=dict)

    async def take(self, batch: Sequence[MarketEvent]) -> None:
        for matcher in self.shards:
            mine = [event for event in batch if lies_in(event, matcher.shard)]
            if mine:
                await matcher.take(*mine)
        await self._tell([event for event in batch if event.topic is POSTINGS])

    async def hear(self) -> None:
        """What every shard announced since, as the bus mixes it: in order within a shard."""
        news: list[list[AnyEvent]] = []
        for matcher in self.shards:
            announced = await matcher.announced()
            news.append(list(announced[self.heard.get(matcher.shard, 0) :]))
            self.heard[matcher.shard] = len(announced)
        while waiting := [each for each in news if each]:
            chosen = self.draw.choice(waiting)
            batch = [chosen.pop(0) for _ in range(min(len(chosen), self.draw.randint(1, 9)))]
            await self._tell(batch)

    async def of_seekers(self) -> dict[SeekerId, list[tuple[int, PostingId]]]:
        """Each seeker's own list, (-score, posting), the best first."""
        lists: dict[SeekerId, list[tuple[int, PostingId]]] = {}
        for matcher in self.shards:
            for (seeker_id, posting_id), row in (await matcher.live()).items():
                if row.standing and row.standing.for_seeker:
                    own = lists.setdefault(seeker_id, [])
                    own.append((-row.standing.score_ppm, posting_id))
        return {seeker_id: sorted(own) for seeker_id, own in lists.items()}

    async def of_postings(
        self, posting_ids: Sequence[PostingId]
    ) -> dict[PostingId, list[tuple[int, SeekerId, Any]]]:
        """Each posting's list as an operator is shown it: (-score, seeker, reasons)."""
        lists: dict[PostingId, list[tuple[int, SeekerId, Any]]] = {}
        for posting_id in posting_ids:
            candidates, _ = await posting_side(
                self.talent, posting_id, None, k_p=TIGHT["k_p"], after=None, limit=100
            )
            if candidates:
                lists[posting_id] = [
                    (-c.score_ppm, c.seeker_id, reason(c.said)) for c in candidates
                ]
        return lists

    async def _tell(self, events: Sequence[AnyEvent]) -> None:
        await on_news(self.talent, [kept_of(event, event.encoded()) for event in events])

    async def listed_for_postings(self) -> int:
        """How many pairs all shards together announce for postings, before the merge."""
        live = [await matcher.live() for matcher in self.shards]
        return sum(
            row.standing is not None and row.standing.for_posting
            for each in live
            for row in each.values()
        )


def reason(said: bytes) -> Any:
    event: Any = parse(said)
    return event.data.reason


Region = Callable[[int], Awaitable[HeardRegion]]


@pytest.fixture
async def region(
    databases: servers.Databases, fresh_database: FreshDatabase
) -> AsyncIterator[Region]:
    """`await region(n)`: n shards on a database of their own, and a reader on another."""
    made: list[str] = []
    async with AsyncExitStack() as stack:

        async def region_of(count: int) -> HeardRegion:
            made.append(await databases.create_empty())
            shards = [
                await stack.enter_async_context(running(made[-1], shard=Shard(index, count)))
                for index in range(count)
            ]
            talent = await stack.enter_async_context(opened(await fresh_database("talent")))
            return HeardRegion(shards, talent, random.Random(count))

        yield region_of
    for url in made:
        await databases.drop(url)


@pytest.mark.parametrize("seed", range(2))
async def test_any_number_of_shards_gives_the_same_lists(region: Region, seed: int) -> None:
    one, two, three = regions = [await region(count) for count in (1, 2, 3)]
    market, draw = Market(seed, n_seekers=24), random.Random(seed)
    for _ in range(3):
        for batch in deliveries(draw, market.events(60)):
            for each in regions:
                await each.take(batch)
        for each in regions:
            await each.hear()
            for matcher in each.shards:
                await matcher.assert_exact()
        stored = await read(one.shards[0].url, Shard(0, 1))
        of_seekers, of_postings = by_definition(stored)
        ids = list(of_postings)
        shown = await one.of_postings(ids)
        assert {key: [entry[:2] for entry in own] for key, own in shown.items()} == of_postings
        for each in regions:
            assert await each.of_seekers() == of_seekers
            assert await each.of_postings(ids) == shown
    assert sum(map(len, of_seekers.values())) > 20
    assert sum(map(len, of_postings.values())) > 20
    # Each shard announces its own best, so there was something to be put together and cut.
    assert await one.listed_for_postings() == sum(map(len, of_postings.values()))
    for each in (two, three):
        assert await each.listed_for_postings() > await one.listed_for_postings()
        assert all([await matcher.live() for matcher in each.shards]), "each has seekers"


def by_definition(
    stored: Snapshot,
) -> tuple[
    dict[SeekerId, list[tuple[int, PostingId]]], dict[PostingId, list[tuple[int, SeekerId]]]
]:
    """The lists of both sides by brute force, over all documents at once."""
    of_seekers: dict[SeekerId, list[tuple[int, PostingId]]] = {}
    of_postings: dict[PostingId, list[tuple[int, SeekerId]]] = {}
    for (seeker_id, posting_id), live in expected_of(stored, 1).items():
        points = -live.standing.score_ppm
        if live.standing.for_seeker:
            of_seekers.setdefault(seeker_id, []).append((points, posting_id))
        if live.standing.for_posting:
            of_postings.setdefault(posting_id, []).append((points, seeker_id))
    return (
        {key: sorted(own) for key, own in of_seekers.items()},
        {key: sorted(own) for key, own in of_postings.items()},
    )


def test_an_event_lies_where_the_shard_of_its_seeker_reads() -> None:
    events = Market(5, n_seekers=50).events(400)
    for count in (1, 2, 3, 5):
        shards = [Shard(index, count) for index in range(count)]
        for event in events:
            reading = [shard for shard in shards if lies_in(event, shard)]
            if event.topic in (SEEKERS, CERTIFICATES):
                seeker_id: Any = event.data.seeker_id  # type: ignore[union-attr]
                assert reading == [shard for shard in shards if shard.owns(seeker_id)]
                assert len(reading) == 1
            else:
                assert reading == shards
