"""Outbox and relay, on real PostgreSQL and Kafka: nothing lost, nothing out of order."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

import asyncpg
import pytest

from contracts.topics import Topic
from services.kit import outbox
from services.kit.background import background
from services.kit.database import Database
from services.kit.migrations import MigrationChanged, migrate
from services.kit.outbox import Outgoing
from services.kit.partitions import partition_of
from services.kit.provision import provision
from services.kit.relay import MAX_EVENT_BYTES, Relay
from tests.kit.bus import a_topic, an_event, read, until

FreshDatabase = Callable[[str], Awaitable[str]]


async def _to(topic: Topic, db: Database, *values: tuple[str, bytes]) -> None:
    async with db.transaction() as tx:
        for key, value in values:
            await tx.execute(
                "INSERT INTO outbox (topic, key, value) VALUES ($1, $2, $3)", topic.name, key, value
            )


async def _waiting(db: Database) -> int:
    async with db.transaction() as tx:
        return await outbox.waiting(tx)


@pytest.fixture
async def db(fresh_database: FreshDatabase):  # type: ignore[no-untyped-def]
    database = Database(await fresh_database("kit"))
    await database.open()
    yield database
    await database.close()


async def test_events_are_shipped_in_order_and_deleted(db: Database, kafka_server: str) -> None:
    topic = await a_topic(kafka_server)
    await _to(topic, db, *((f"k{n % 3}", str(n).encode()) for n in range(300)))
    async with background(relay=Relay(db.url, kafka_server, batch=70).run):
        records = await read(kafka_server, topic.name, 300)
        await until(lambda: _none_waits(db))
    assert [int(record.value) for record in records] == list(range(300))
    assert dict(records[0].headers)["content-type"] == b"application/cloudevents+json"


async def _none_waits(db: Database) -> bool:
    return await _waiting(db) == 0


async def test_an_event_of_a_slow_transaction_is_not_stepped_over(
    db: Database, kafka_server: str
) -> None:
    topic = await a_topic(kafka_server)
    async with background(relay=Relay(db.url, kafka_server).run):
        async with db.transaction() as slow:
            await slow.execute(
                "INSERT INTO outbox (topic, key, value) VALUES ($1, 'slow', 'first id')", topic.name
            )
            await _to(topic, db, ("quick", b"second id"))
            [quick] = await read(kafka_server, topic.name, 1)
            assert quick.value == b"second id"
        records = await read(kafka_server, topic.name, 2)
    assert records[1].value == b"first id"


async def test_a_rolled_back_event_is_never_shipped(db: Database, kafka_server: str) -> None:
    async def fails() -> None:
        async with db.transaction() as tx:
            await outbox.add(tx, an_event())
            raise KeyError

    with pytest.raises(KeyError):
        await fails()
    assert await _waiting(db) == 0


async def test_an_event_wakes_the_relay_without_waiting_for_the_poll(
    db: Database, kafka_server: str
) -> None:
    await provision(kafka_server)
    topic = await a_topic(kafka_server)
    relay = Relay(db.url, kafka_server, poll_s=3600)
    async with background(relay=relay.run):
        await _to(topic, db, ("k", b"before"))
        async with db.transaction() as tx:
            await outbox.add(tx, an_event())
        await until(lambda: _none_waits(db))


async def test_one_relay_works_at_a_time_and_the_second_takes_over(
    db: Database, kafka_server: str
) -> None:
    topic = await a_topic(kafka_server)
    first = asyncio.create_task(Relay(db.url, kafka_server).run())
    await _to(topic, db, ("k", b"1"))
    await read(kafka_server, topic.name, 1)
    async with background(second=Relay(db.url, kafka_server).run):
        await _to(topic, db, *(("k", str(n).encode()) for n in range(2, 50)))
        await until(lambda: _none_waits(db))
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await _to(topic, db, ("k", b"50"))
        records = await read(kafka_server, topic.name, 50)
    assert [int(record.value) for record in records] == list(range(1, 51))


async def test_what_kafka_never_takes_is_kept_and_holds_up_nothing(
    db: Database, kafka_server: str
) -> None:
    topic = await a_topic(kafka_server)
    await _to(topic, db, ("k", b"x" * (MAX_EVENT_BYTES + 1)), ("k", b"next"))
    async with background(relay=Relay(db.url, kafka_server).run):
        [record] = await read(kafka_server, topic.name, 1)
        assert record.value == b"next"
        await until(lambda: _none_waits(db))
    async with db.transaction() as tx:
        reason = await tx.fetchval("SELECT refused FROM outbox")
    assert "MessageSizeTooLarge" in reason


async def test_each_key_keeps_its_order_over_batches_and_partitions(
    db: Database, kafka_server: str
) -> None:
    topic = await a_topic(kafka_server, partitions=5)
    filler = b"x" * 3_000
    values = [(f"key {n % 17}", b"%d %s" % (n, filler)) for n in range(800)]
    # One alone is larger than a batch.
    values.insert(400, ("key 3", b"400.5 " + filler * 200))
    await _to(topic, db, *values)
    async with background(relay=Relay(db.url, kafka_server, batch=300).run):
        records = await read(kafka_server, topic.name, len(values))
    told: dict[str, list[float]] = {}
    for record in records:
        told.setdefault(record.key.decode(), []).append(float(record.value.split()[0]))
        assert record.partition == partition_of(record.key, 5)
    assert sum(map(len, told.values())) == len(values)
    assert all(numbers == sorted(numbers) for numbers in told.values())


async def test_events_encoded_before_are_shipped_like_others(
    db: Database, kafka_server: str
) -> None:
    topic = await a_topic(kafka_server)
    async with db.transaction() as tx:
        await outbox.add_encoded(tx, [])
        await outbox.add_encoded(
            tx, [Outgoing(topic.name, "焊工", f"{n}".encode()) for n in range(100)]
        )
    async with background(relay=Relay(db.url, kafka_server).run):
        records = await read(kafka_server, topic.name, 100)
    assert [int(record.value) for record in records] == list(range(100))
    assert {record.key for record in records} == {"焊工".encode()}


async def test_a_lost_database_connection_is_taken_up_again(
    db: Database, kafka_server: str
) -> None:
    topic = await a_topic(kafka_server)
    async with background(relay=Relay(db.url, kafka_server).run):
        await _to(topic, db, ("k", b"1"))
        await until(lambda: _none_waits(db))
        async with db.transaction() as tx:
            await tx.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        await _to(topic, db, ("k", b"2"))
        records = await read(kafka_server, topic.name, 2)
    assert [record.value for record in records] == [b"1", b"2"]


async def test_while_kafka_is_away_events_wait_and_then_go_in_order(db: Database) -> None:
    await _to(Topic("t", key="k"), db, ("k", b"1"), ("k", b"2"))
    async with background(relay=Relay(db.url, "127.0.0.1:1", ack_timeout_s=0.5).run):
        await asyncio.sleep(2)
        assert await _waiting(db) == 2


async def test_migrations_run_once_and_a_changed_one_is_refused(
    fresh_database: FreshDatabase,
) -> None:
    url = await fresh_database("kit")
    assert await migrate(url, "services.kit", schema="shard_0") != []
    assert await migrate(url, "services.kit", schema="shard_0") == []
    connection = await asyncpg.connect(url)
    await connection.execute("UPDATE shard_0.schema_migrations SET sha256 = 'other'")
    await connection.close()
    with pytest.raises(MigrationChanged):
        await migrate(url, "services.kit", schema="shard_0")


async def test_two_processes_may_migrate_at_once(fresh_database: FreshDatabase) -> None:
    url, schema = await fresh_database("kit"), f"s_{uuid4().hex}"
    done = await asyncio.gather(*(migrate(url, "services.kit", schema=schema) for _ in range(4)))
    assert sum(1 for names in done if names) == 1
