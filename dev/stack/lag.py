"""How many records each service has still to read.

Its own clock, not the service's: a service that hangs does not get to say that it is well.
"""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

_TIMEOUT_S = 8.0


def service_of(group: str) -> str | None:
    """The service of a consumer group: rengang.SERVICE, or rengang.SERVICE.SHARD."""
    house, _, rest = group.partition(".")
    return rest.partition(".")[0] if house == "rengang" else None


async def lags(kafka: str, services: Sequence[str]) -> dict[str, int]:
    """Records between each group's committed offsets and the ends; only groups that committed.

    All partitions of a topic count once the group committed to one of them. Empty if Kafka does
    not answer.
    """
    try:
        return await asyncio.wait_for(_lags(kafka.split(","), services), _TIMEOUT_S)
    except (KafkaError, OSError, TimeoutError):
        return {}


async def _lags(kafka: list[str], services: Sequence[str]) -> dict[str, int]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
    try:
        await admin.start()
        await consumer.start()
        committed: dict[str, dict[TopicPartition, int]] = {}
        for group, *_ in await admin.list_consumer_groups():
            service = service_of(group)
            if service is not None and service in services:
                offsets = await admin.list_consumer_group_offsets(group)
                read = committed.setdefault(service, {})
                # A shard keeps its own offset of a topic that all shards read: the slowest counts.
                for place, commit in offsets.items():
                    if commit.offset >= 0:
                        read[place] = min(commit.offset, read.get(place, commit.offset))
        topics = sorted({place.topic for read in committed.values() for place in read})
        described = await admin.describe_topics(topics) if topics else []
        partitions = {
            topic["topic"]: [
                TopicPartition(topic["topic"], partition["partition"])
                for partition in topic["partitions"]
            ]
            for topic in described
        }
        places = [place for of_topic in partitions.values() for place in of_topic]
        begins = await consumer.beginning_offsets(places) if places else {}
        ends = await consumer.end_offsets(places) if places else {}
        return {
            service: sum(
                max(0, ends[place] - read.get(place, begins[place]))
                for topic in {place.topic for place in read}
                for place in partitions[topic]
            )
            for service, read in committed.items()
            if read
        }
    finally:
        await consumer.stop()
        await admin.close()
