"""Reading and writing topics from the command line: parked records, and any topic's tail."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from contracts.deadletters import GROUP, ORIGIN, PARKED_AT, REASON, REPLAYED
from contracts.topics import TOPICS, Topic

Record: TypeAlias = "ConsumerRecord[Any, Any]"


@dataclass(frozen=True, slots=True)
class Parked:
    """A parked record. id: its place in the dead topic. replayed: whether it was sent back."""

    topic: str
    id: str
    group: str
    reason: str
    origin: str
    parked_at: str
    replayed: bool
    record: Record


@asynccontextmanager
async def reader(kafka: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of no group: it leaves no trace."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka.split(","),
        enable_auto_commit=False,
        # Where to begin is set here alone: a seek after assign() is overrun by the first reset.
        auto_offset_reset="earliest",
        request_timeout_ms=8_000,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def partitions_of(kafka: str, topic: str) -> list[TopicPartition]:
    """The topic's partitions; none where there is no such topic."""
    # A consumer knows the partitions of what it reads, and nothing of other topics.
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.split(","))
    await admin.start()
    try:
        [told] = await admin.describe_topics([topic])
    finally:
        await admin.close()
    return [TopicPartition(topic, one["partition"]) for one in told["partitions"]]


async def whole(kafka: str, topic: str) -> list[Record]:
    """Every record that stands in the topic now."""
    places = await partitions_of(kafka, topic)
    if not places:
        return []
    async with reader(kafka) as consumer:
        return await _up_to_now(consumer, places)


async def _up_to_now(consumer: AIOKafkaConsumer, places: list[TopicPartition]) -> list[Record]:
    consumer.assign(places)
    ends = await consumer.end_offsets(places)
    records: list[Record] = []
    todo = {place for place in places if await consumer.position(place) < ends[place]}
    while todo:
        for batch in (await consumer.getmany(timeout_ms=500)).values():
            records.extend(batch)
        todo = {place for place in todo if await consumer.position(place) < ends[place]}
    return records


def text_header(record: Record, name: str) -> str:
    """The last header of that name, with what is not UTF-8 replaced; empty where absent."""
    for key, value in reversed(record.headers):
        if key == name and value is not None:
            return bytes(value).decode(errors="replace")
    return ""


async def parked(kafka: str, topics: Iterable[Topic] = TOPICS) -> list[Parked]:
    """All parked records of these topics, oldest first within each."""
    found: list[Parked] = []
    for topic in topics:
        back = {text_header(record, REPLAYED) for record in await whole(kafka, topic.replay.name)}
        for record in await whole(kafka, topic.dead.name):
            place = f"{record.partition}/{record.offset}"
            found.append(
                Parked(
                    topic=topic.name,
                    id=place,
                    group=text_header(record, GROUP),
                    reason=text_header(record, REASON),
                    origin=text_header(record, ORIGIN),
                    parked_at=text_header(record, PARKED_AT),
                    replayed=place in back,
                    record=record,
                )
            )
    return found


async def replay(kafka: str, records: Sequence[Parked]) -> AsyncIterator[Parked]:
    """Send parked records back to the groups that parked them; yields each once it is there."""
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka.split(","),
        acks="all",
        enable_idempotence=True,
        max_request_size=4_000_000,
        request_timeout_ms=8_000,
    )
    await producer.start()
    try:
        for one in records:
            headers = [*one.record.headers, (REPLAYED, one.id.encode())]
            await producer.send_and_wait(
                f"{one.topic}.replay", one.record.value, key=one.record.key, headers=headers
            )
            yield one
    finally:
        await producer.stop()
