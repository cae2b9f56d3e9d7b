"""The whole service on real Kafka and PostgreSQL, as one shard and as two."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from uuid import UUID

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from contracts.events import AnyEvent, parse
from contracts.matches import MatchChanged, MatchFound, MatchWithdrawn
from contracts.topics import MATCHES
from services.kit.provision import provision
from services.matcher.handlers import arrivals_of
from services.matcher.settings import Shard
from services.matcher.verify import verify
from tests.kit.door import eventually
from tests.matcher.harness import TIGHT, Announcement, folded
from tests.matcher.market import Market, MarketEvent
from tests.matcher.running import is_ready, living, settings
from tests.support import opened

PATIENCE_S = 60


async def test_events_of_the_bus_become_matches_on_the_bus(
    empty_database: str, kafka_server: str
) -> None:
    await check_shards(empty_database, kafka_server, [Shard(0, 1)], Market(1, first=10_000))


async def test_two_shards_share_the_seekers(empty_database: str, kafka_server: str) -> None:
    await check_shards(
        empty_database, kafka_server, [Shard(0, 2), Shard(1, 2)], Market(2, first=20_000)
    )


async def check_shards(url: str, kafka: str, shards: Sequence[Shard], market: Market) -> None:
    """Shards that are stopped and started while events come in end exact, and have told all."""
    await provision(kafka)
    before, meanwhile, after = market.events(100), market.events(60), market.events(60)
    sent = [*before, *meanwhile, *after]
    async with hearing(kafka) as heard:
        async with running(url, kafka, shards):
            await send(kafka, before)
            await eventually(lambda: all_arrived(url, shards, before), PATIENCE_S)
        await send(kafka, meanwhile)
        async with running(url, kafka, shards):
            await send(kafka, [*after, *meanwhile])
            await eventually(lambda: all_arrived(url, shards, sent), PATIENCE_S)
            reports = [await verify(url, shard) for shard in shards]
            assert [report.differences for report in reports] == [0] * len(shards)
            live = sum(report.live_stored for report in reports)
            assert live > 20
            await eventually(lambda: has_heard(heard, live), PATIENCE_S)


async def has_heard(heard: Sequence[Announcement], live: int) -> bool:
    """Whether this leads to so many live matches, for a reader who ignores what it has seen."""
    versions: dict[str, int] = {}
    first: list[Announcement] = []
    for event in heard:
        # The relay sends again what it was stopped in the middle of.
        if event.version > versions.get(event.subject, 0):
            versions[event.subject] = event.version
            first.append(event)
    return len(folded(first)) == live


@asynccontextmanager
async def running(url: str, kafka: str, shards: Sequence[Shard]) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for shard in shards:
            chosen = settings(url, kafka, shard=shard, **TIGHT)
            door = await stack.enter_async_context(living(chosen))
            await eventually(partial(is_ready, door), PATIENCE_S)
        yield


async def all_arrived(url: str, shards: Sequence[Shard], sent: Iterable[MarketEvent]) -> bool:
    """Whether every shard has all postings, and together they have all seekers and folders."""
    arrived = arrivals_of(sent)
    postings = {(posting.posting_id, posting.version) for posting in arrived.postings}
    people = {(seeker.seeker_id, seeker.version) for seeker in arrived.seekers}
    people |= {(folder.seeker_id, folder.version) for folder in arrived.folders}
    found: set[tuple[UUID, int]] = set()
    async with opened(url) as db, db.transaction() as tx:
        for shard in shards:
            rows = await tx.fetch(f"SELECT posting_id, version FROM {shard.schema}.postings")
            if not postings <= {(row["posting_id"], row["version"]) for row in rows}:
                return False
            for table in ("seekers", "certificates"):
                rows = await tx.fetch(f"SELECT seeker_id, version FROM {shard.schema}.{table}")
                found |= {(row["seeker_id"], row["version"]) for row in rows}
    return people <= found


async def send(kafka: str, events: Iterable[AnyEvent]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        for event in events:
            await producer.send(event.topic.name, event.encoded(), key=event.key.encode())
    finally:
        await producer.stop()


@asynccontextmanager
async def hearing(kafka: str) -> AsyncIterator[list[Announcement]]:
    """What is announced from now on."""
    heard: list[Announcement] = []
    consumer = AIOKafkaConsumer(
        MATCHES.name, bootstrap_servers=kafka, auto_offset_reset="latest", group_id=None
    )
    await consumer.start()
    # Where "now" is must be settled before anything is announced.
    await asyncio.gather(*map(consumer.position, consumer.assignment()))

    async def hear() -> None:
        async for record in consumer:
            event = parse(record.value)
            assert isinstance(event, MatchFound | MatchChanged | MatchWithdrawn)
            assert record.key == str(event.data.seeker_id).encode()
            heard.append(event)

    listening = asyncio.create_task(hear())
    try:
        yield heard
    finally:
        listening.cancel()
        await consumer.stop()
