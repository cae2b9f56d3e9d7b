"""The one way to subscribe, on real Kafka. Each trap of the tools has a test that it is closed."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from contracts.deadletters import GROUP, ORIGIN, REASON
from contracts.events import AnyEvent
from contracts.topics import TOPICS, Topic, provisioned
from services.kit import consumer as kit_consumer
from services.kit.background import background
from services.kit.consumer import BrokerUnavailable, Bus, Keeping
from services.kit.database import DatabaseUnavailable
from services.kit.deadletters import header
from services.kit.provision import provision
from tests.kit.bus import a_topic, an_event, consuming, read, send, until


class Seen:
    """A handler that remembers, and fails as it is told."""

    def __init__(self, *faults: Exception, poison: str | None = None) -> None:
        self.events: list[AnyEvent] = []
        self.calls = 0
        self._faults = list(faults)
        self._poison = poison

    async def __call__(self, events: Sequence[AnyEvent]) -> None:
        self.calls += 1
        if self._faults:
            raise self._faults.pop(0)
        if any(event.subject == self._poison for event in events):
            raise KeyError("a fault of the handler")
        self.events += events

    @property
    def subjects(self) -> list[str]:
        return [event.subject for event in self.events]


async def committed(kafka: str, group: str, topic: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(group)
        place = offsets.get(TopicPartition(topic, 0))
        return 0 if place is None else int(place.offset)
    finally:
        await admin.close()


async def test_events_arrive_in_order_and_are_committed_after_the_work(kafka_server: str) -> None:
    topic, seen, group = await a_topic(kafka_server), Seen(), uuid4().hex
    events = [an_event(version=n) for n in range(1, 51)]
    await send(kafka_server, topic.name, *(event.encoded() for event in events))
    async with consuming(kafka_server, topic, seen, group):
        await until(lambda: len(seen.events) == 50)
        await until(lambda: _is(committed(kafka_server, group, topic.name), 50))
    assert [event.id for event in seen.events] == [event.id for event in events]
    assert seen.calls < 50, "a batch is handled at once"


async def _is(value: Any, wanted: int) -> bool:
    return bool(await value == wanted)


BAD_RECORDS = {
    "a tombstone": None,
    "no value": b"",
    "not JSON": b"\xff\xfe",
    "half a UTF-8 character": '{"specversion":"1.0","type":"焊'.encode()[:-1],
    "truncated": an_event().encoded()[:40],
    "no envelope": b'{"title": "no envelope"}',
    "not an object": b"[1, 2]",
    "a type that is no text": b'{"specversion":"1.0","type":7}',
    "wrong data": an_event().encoded().replace(b'"min":6000', b'"min":"many"'),
}


@pytest.mark.parametrize("what", BAD_RECORDS)
async def test_a_bad_record_is_parked_and_the_next_goes_through(
    kafka_server: str, what: str
) -> None:
    topic, seen, group = await a_topic(kafka_server), Seen(), uuid4().hex
    good = an_event()
    await send(kafka_server, topic.name, BAD_RECORDS[what], good.encoded())
    async with consuming(kafka_server, topic, seen, group):
        await until(lambda: seen.subjects == [good.subject])
        [parked] = await read(kafka_server, topic.dead.name, 1)
    assert (parked.value or None) == (BAD_RECORDS[what] or None)
    assert header(parked, ORIGIN) == f"{topic.name}/0/0"
    assert header(parked, GROUP) == group
    assert header(parked, REASON)


async def test_a_header_that_is_null_or_not_utf8_does_not_lose_the_record(
    kafka_server: str,
) -> None:
    topic, seen = await a_topic(kafka_server), Seen()
    first, second, third = an_event(), an_event(), an_event()
    await send(kafka_server, topic.name, first.encoded(), headers=[("x", b"\xff\xfe")])
    await send(kafka_server, topic.name, second.encoded(), headers=[("x", None)])
    await send(kafka_server, topic.name, third.encoded())
    async with consuming(kafka_server, topic, seen, uuid4().hex):
        await until(lambda: seen.subjects == [first.subject, second.subject, third.subject])


async def test_a_type_not_known_is_skipped_and_a_field_not_known_ignored(
    kafka_server: str,
) -> None:
    topic, seen = await a_topic(kafka_server), Seen()
    event = an_event()
    stranger = event.encoded().replace(b'"PostingPublished"', b'"PostingFromTomorrow"')
    extended = event.encoded().replace(b'"data":{', b'"data":{"from_tomorrow":1,')
    await send(kafka_server, topic.name, stranger, extended)
    async with consuming(kafka_server, topic, seen, uuid4().hex):
        await until(lambda: seen.subjects == [event.subject])


async def test_poison_is_parked_after_one_try_alone_and_its_batch_goes_through(
    kafka_server: str,
) -> None:
    topic, group = await a_topic(kafka_server), uuid4().hex
    events = [an_event() for _ in range(10)]
    seen = Seen(poison=events[4].subject)
    await send(kafka_server, topic.name, *(event.encoded() for event in events))
    async with consuming(kafka_server, topic, seen, group):
        await until(lambda: len(seen.events) == 9)
        [parked] = await read(kafka_server, topic.dead.name, 1)
        await until(lambda: _is(committed(kafka_server, group, topic.name), 10))
    assert parked.value == events[4].encoded()
    assert "KeyError" in (header(parked, REASON) or "")
    # The library's own "nack" called its handler fourteen thousand times for this.
    assert seen.calls <= 2 * len(events) + 2


async def test_a_handler_may_keep_less_of_an_event_and_what_it_refuses_is_parked(
    kafka_server: str,
) -> None:
    topic, group = await a_topic(kafka_server), uuid4().hex
    first, refused, last = an_event(), an_event(), an_event()
    handled: list[tuple[str, bytes]] = []

    def keep(event: AnyEvent, value: bytes) -> tuple[str, bytes]:
        if event.subject == refused.subject:
            raise KeyError("nothing to keep")
        return event.subject, value

    async def handle(kept: Sequence[tuple[str, bytes]]) -> None:
        handled.extend(kept)

    values = [event.encoded() for event in (first, refused, last)]
    await send(kafka_server, topic.name, *values)
    bus = Bus(kafka_server)
    bus.subscribe(topic, group=group, handle=Keeping(keep, handle))
    async with background(bus=bus.run):
        await until(lambda: len(handled) == 2)
        [parked] = await read(kafka_server, topic.dead.name, 1)
        await until(lambda: _is(committed(kafka_server, group, topic.name), 3))
    assert handled == [(first.subject, values[0]), (last.subject, values[2])]
    assert parked.value == values[1]
    assert "KeyError" in (header(parked, REASON) or "")


async def test_what_may_pass_is_tried_again(kafka_server: str) -> None:
    topic, seen = await a_topic(kafka_server), Seen(TimeoutError(), ConnectionResetError())
    event = an_event()
    await send(kafka_server, topic.name, event.encoded())
    async with consuming(kafka_server, topic, seen, uuid4().hex):
        await until(lambda: seen.subjects == [event.subject])
    assert seen.calls == 3


async def test_what_might_pass_but_does_not_is_parked(kafka_server: str) -> None:
    topic, event = await a_topic(kafka_server), an_event()
    seen = Seen(*[TimeoutError()] * (kit_consumer.TRIES + 1))
    await send(kafka_server, topic.name, event.encoded())
    async with consuming(kafka_server, topic, seen, uuid4().hex):
        [parked] = await read(kafka_server, topic.dead.name, 1)
    assert parked.value == event.encoded()
    assert seen.calls == kit_consumer.TRIES


async def test_while_the_database_is_away_nothing_is_parked(kafka_server: str) -> None:
    topic, group = await a_topic(kafka_server), uuid4().hex
    seen = Seen(*[DatabaseUnavailable("away")] * (kit_consumer.TRIES + 2))
    event = an_event()
    await send(kafka_server, topic.name, event.encoded())
    async with consuming(kafka_server, topic, seen, group):
        await until(lambda: seen.subjects == [event.subject], within_s=40)
    assert await committed(kafka_server, group, topic.name) == 1


async def test_a_batch_cut_off_in_the_middle_comes_again(kafka_server: str) -> None:
    topic, group = await a_topic(kafka_server), uuid4().hex
    event, begun = an_event(), asyncio.Event()

    async def hangs(_: Sequence[AnyEvent]) -> None:
        begun.set()
        await asyncio.sleep(3600)

    await send(kafka_server, topic.name, event.encoded())
    bus = Bus(kafka_server)
    bus.subscribe(topic, group=group, handle=hangs)
    bus.broker.config.broker_config.graceful_timeout = 0.1
    running = asyncio.create_task(bus.run())
    await asyncio.wait_for(begun.wait(), 20)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert await committed(kafka_server, group, topic.name) == 0

    seen = Seen()
    async with consuming(kafka_server, topic, seen, group):
        await until(lambda: seen.subjects == [event.subject])


async def test_a_replayed_record_reaches_the_group_that_parked_it_alone(
    kafka_server: str,
) -> None:
    topic, mine, other = await a_topic(kafka_server), Seen(), Seen()
    event, group = an_event(), uuid4().hex
    replayed = [(GROUP, group.encode()), (ORIGIN, f"{topic.name}/0/7".encode())]
    await send(kafka_server, topic.replay.name, event.encoded(), headers=replayed)
    marker = an_event()
    await send(kafka_server, topic.name, marker.encoded())
    async with (
        consuming(kafka_server, topic, mine, group),
        consuming(kafka_server, topic, other, uuid4().hex),
    ):
        await until(lambda: set(mine.subjects) == {event.subject, marker.subject})
        await until(lambda: other.subjects == [marker.subject])


async def test_a_record_parked_again_keeps_its_first_origin(kafka_server: str) -> None:
    topic, group, event = await a_topic(kafka_server), uuid4().hex, an_event()
    replayed = [(GROUP, group.encode()), (ORIGIN, f"{topic.name}/0/7".encode())]
    await send(kafka_server, topic.replay.name, event.encoded(), headers=replayed)
    async with consuming(kafka_server, topic, Seen(poison=event.subject), group):
        [parked] = await read(kafka_server, topic.dead.name, 1)
    assert header(parked, ORIGIN) == f"{topic.name}/0/7"


async def test_fixed_assignment_reads_its_partitions_and_resumes(kafka_server: str) -> None:
    topic, group = await a_topic(kafka_server, partitions=4), uuid4().hex
    events = [an_event() for _ in range(40)]
    for event in events:
        await send(kafka_server, topic.name, event.encoded(), key=event.key.encode())

    async def half(which: Sequence[int]) -> Seen:
        seen = Seen()
        bus = Bus(kafka_server)
        bus.subscribe(topic, group=group, handle=seen, partitions=lambda _: which)
        running = asyncio.create_task(bus.run())
        await asyncio.sleep(4)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return seen

    even, odd = await half([0, 2]), await half([1, 3])
    assert sorted(even.subjects + odd.subjects) == sorted(event.subject for event in events)
    assert even.events
    assert odd.events
    assert not (await half([0, 2])).events, "what was committed does not come again"


async def test_it_waits_for_topics_that_are_not_made_yet(kafka_server: str) -> None:
    topic, seen, event = Topic(f"test.{uuid4().hex}", key="k", partitions=1), Seen(), an_event()
    async with consuming(kafka_server, topic, seen, uuid4().hex) as bus:
        await asyncio.sleep(1.5)
        with pytest.raises(BrokerUnavailable):
            await bus.ping()
        await provision(kafka_server, [topic, topic.dead, topic.replay])
        await send(kafka_server, topic.name, event.encoded())
        await until(lambda: seen.subjects == [event.subject])
        await bus.ping()


def test_every_subscriber_commits_by_hand_and_has_a_group() -> None:
    bus = Bus("127.0.0.1:1")
    bus.subscribe(*TOPICS, group="g", handle=Seen())
    subscribers: list[Any] = list(bus.broker.subscribers)
    assert subscribers
    for subscriber in subscribers:
        options: dict[str, Any] = subscriber._connection_args
        assert subscriber.group_id == "g"
        assert options["enable_auto_commit"] is False
        assert subscriber.ack_policy.name == "MANUAL"
        assert options["auto_offset_reset"] == "earliest"


async def test_topics_are_provisioned_with_their_partitions_and_never_by_accident(
    kafka_server: str,
) -> None:
    await provision(kafka_server)
    assert await provision(kafka_server) == []
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_server)
    await admin.start()
    try:
        names = [topic.name for topic in provisioned()]
        told = {t["topic"]: t["partitions"] for t in await admin.describe_topics(names)}
    finally:
        await admin.close()
    assert {name: len(parts) for name, parts in told.items()} == {
        topic.name: topic.partitions for topic in provisioned()
    }
    assert all(len(told[topic.name]) == 24 for topic in TOPICS)
