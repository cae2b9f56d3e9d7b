"""Kafka producers as the kit wants them: idempotent, acknowledged by all, never stuck."""

import asyncio
import contextlib

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError


async def start_producer(
    kafka: str, *, max_request_size: int, request_timeout_ms: int, max_batch_bytes: int = 16_384
) -> AIOKafkaProducer:
    """A connected producer. Raises KafkaError, OSError; leaves nothing open then."""
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka.split(","),
        acks="all",
        enable_idempotence=True,
        max_request_size=max_request_size,
        max_batch_size=max_batch_bytes,
        request_timeout_ms=request_timeout_ms,
        metadata_max_age_ms=30_000,
    )
    try:
        await producer.start()
    except BaseException:
        with contextlib.suppress(Exception):
            await producer.stop()
        raise
    return producer


async def drop_producer(producer: AIOKafkaProducer | None) -> None:
    """Let it go within two seconds, also where it is stuck: what it still held is lost."""
    if producer is not None:
        # stop() flushes, which is what a stuck producer cannot do.
        with contextlib.suppress(TimeoutError, KafkaError, OSError):
            await asyncio.wait_for(producer.stop(), 2)
