"""Lag: how much each service has still to read, over all its groups and partitions."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from dev.stack.lag import lags, service_of


@pytest.fixture
async def topic(kafka_server: str) -> AsyncIterator[str]:
    """A topic of two partitions with ten records in each."""
    name = f"lag-{uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_server)
    await admin.start()
    await admin.create_topics([NewTopic(name, num_partitions=2, replication_factor=1)])
    async with AIOKafkaProducer(bootstrap_servers=kafka_server) as producer:
        for number in range(20):
            await producer.send_and_wait(name, b"x", partition=number % 2)
    yield name
    await admin.delete_topics([name])
    await admin.close()


async def commit(kafka: str, group: str, offsets: dict[TopicPartition, int]) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(list(offsets))
        await consumer.commit(offsets)
    finally:
        await consumer.stop()


async def test_lag_counts_partitions_that_were_never_committed(
    kafka_server: str, topic: str
) -> None:
    service = f"s{uuid4().hex}"
    await commit(kafka_server, f"rengang.{service}", {TopicPartition(topic, 0): 7})
    assert await lags(kafka_server, (service,)) == {service: 3 + 10}


async def test_the_slowest_shard_counts(kafka_server: str, topic: str) -> None:
    service = f"s{uuid4().hex}"
    both = (TopicPartition(topic, 0), TopicPartition(topic, 1))
    await commit(kafka_server, f"rengang.{service}.0-of-2", dict.fromkeys(both, 10))
    await commit(kafka_server, f"rengang.{service}.1-of-2", {both[0]: 4, both[1]: 10})
    assert await lags(kafka_server, (service,)) == {service: 6}


async def test_a_service_that_reads_nothing_has_no_lag(kafka_server: str) -> None:
    assert await lags(kafka_server, ("nobody",)) == {}


async def test_without_kafka_there_is_no_lag_to_tell() -> None:
    assert await lags("127.0.0.1:1", ("matcher",)) == {}


@pytest.mark.parametrize(
    ("group", "service"),
    [
        ("rengang.matcher", "matcher"),
        ("rengang.matcher.0-of-2", "matcher"),
        ("console-consumer", None),
        ("elsewhere.matcher", None),
    ],
)
def test_a_group_says_whose_it_is(group: str, service: str | None) -> None:
    assert service_of(group) == service
