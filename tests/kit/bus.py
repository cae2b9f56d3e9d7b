"""What the tests of the bus share: topics of their own, records to send, a reader."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord

from contracts.postings import Pay, PostingPublished, PostingState
from contracts.topics import Topic
from contracts.values import PayUnit, PostingStatus
from services.kit.background import background
from services.kit.consumer import Bus, Handler
from services.kit.provision import provision

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)


def an_event(posting_id: UUID | None = None, version: int = 1, **changes: Any) -> PostingPublished:
    posting_id = posting_id or uuid4()
    state = PostingState(
        posting_id=posting_id,
        employer_id="样例企业",
        status=PostingStatus.OPEN,
        title="焊工",
        county="530102",
        pay=Pay(min=6000, max=9000, unit=PayUnit.MONTH),
        valid_until=NOW + timedelta(days=30),
    )
    return PostingPublished(
        subject=str(posting_id), time=NOW, version=version, data=state, **changes
    )


async def a_topic(kafka: str, partitions: int = 1) -> Topic:
    topic = Topic(f"test.{uuid4().hex}", key="posting id", partitions=partitions)
    await provision(kafka, [topic, topic.dead, topic.replay])
    return topic


async def send(
    kafka: str,
    topic: str,
    *values: bytes | None,
    key: bytes = b"k",
    headers: Sequence[tuple[str, bytes | None]] = (),
) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(topic, value, key=key, headers=list(headers))
    finally:
        await producer.stop()


async def read(kafka: str, topic: str, count: int) -> list["ConsumerRecord[Any, Any]"]:
    """The first `count` records of the topic; fails after 20 s."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(20):
            return [await consumer.getone() for _ in range(count)]
    finally:
        await consumer.stop()


async def until(true: Callable[[], bool | Awaitable[bool]], within_s: float = 20) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(within_s):
        while True:
            holds = true()
            if (await holds) if isinstance(holds, Awaitable) else holds:
                return
            await asyncio.sleep(0.05)


@asynccontextmanager
async def consuming(kafka: str, topic: Topic, handle: Handler, group: str = "g"):  # type: ignore[no-untyped-def]
    bus = Bus(kafka)
    bus.subscribe(topic, group=group, handle=handle)
    async with background(bus=bus.run):
        yield bus
