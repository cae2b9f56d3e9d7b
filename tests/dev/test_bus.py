"""Parked records from the terminal: listed with their reason, sent back, and listed no more."""

from uuid import uuid4

from contracts.deadletters import GROUP, ORIGIN, REASON
from dev.bus import parked, partitions_of, replay
from services.kit.deadletters import header
from tests.kit.bus import a_topic, an_event, read, send


async def test_a_parked_record_is_listed_sent_back_and_listed_as_sent(kafka_server: str) -> None:
    topic, group, event = await a_topic(kafka_server), uuid4().hex, an_event()
    headers = [
        (GROUP, group.encode()),
        (REASON, "样例：处理失败".encode()),
        (ORIGIN, f"{topic.name}/0/7".encode()),
        ("odd", b"\xff"),
    ]
    await send(kafka_server, topic.dead.name, event.encoded(), None, headers=headers)
    first, tombstone = await parked(kafka_server, [topic])
    assert (first.id, first.group, first.reason) == ("0/0", group, "样例：处理失败")
    assert first.origin == f"{topic.name}/0/7"
    assert tombstone.record.value is None
    assert not first.replayed

    assert [one.id async for one in replay(kafka_server, [first])] == ["0/0"]
    [back] = await read(kafka_server, topic.replay.name, 1)
    assert back.value == event.encoded()
    assert header(back, GROUP) == group
    assert [one.replayed for one in await parked(kafka_server, [topic])] == [True, False]


async def test_nothing_is_parked_where_there_is_no_topic(kafka_server: str) -> None:
    assert await partitions_of(kafka_server, f"test.{uuid4().hex}") == []
