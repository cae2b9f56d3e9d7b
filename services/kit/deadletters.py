"""Dead letters: a record that no retry can help is parked with its reason, and can come back."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import KafkaError
from prometheus_client import Counter

from contracts.deadletters import GROUP, ORIGIN, PARKED_AT, REASON
from services.kit.producing import drop_producer, start_producer

log = structlog.get_logger(__name__)

PARKED = Counter("rengang_dead_letters_total", "Records parked", ["topic", "group"])

MAX_RECORD_BYTES = 4_000_000
_REASON_BYTES = 2_000


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a record stood first."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @classmethod
    def of(cls, record: "ConsumerRecord[Any, Any]") -> "Origin":
        """From the record itself, or from the header it carries on its way back."""
        known = header(record, ORIGIN)
        if known is not None and known.count("/") == 2:
            topic, partition, offset = known.split("/")
            if partition.isdigit() and offset.isdigit():
                return cls(topic, int(partition), int(offset))
        return cls(record.topic, record.partition, record.offset)


def header(record: "ConsumerRecord[Any, Any]", name: str) -> str | None:
    """The last header of that name; None where it is absent, null or not UTF-8."""
    for key, value in reversed(record.headers):
        if key == name and value is not None:
            try:
                return bytes(value).decode()
            except UnicodeDecodeError:
                return None
    return None


class DeadLetters:
    """Parks records of one consumer group.

    The record keeps its bytes, key and headers; beside them stand the group, the reason, where it
    came from and when it was parked.
    """

    def __init__(self, kafka: str, group: str) -> None:
        self._kafka = kafka
        self._group = group
        self._producer: AIOKafkaProducer | None = None

    async def park(self, record: "ConsumerRecord[Any, Any]", reason: str) -> None:
        """Return only when Kafka has acknowledged the parked record."""
        origin = Origin.of(record)
        headers = [
            *((key, value) for key, value in record.headers if not key.startswith("rengang-")),
            (GROUP, self._group.encode()),
            (REASON, reason.encode()[:_REASON_BYTES]),
            (ORIGIN, str(origin).encode()),
            (PARKED_AT, datetime.now(UTC).isoformat().encode()),
        ]
        while True:
            try:
                async with asyncio.timeout(10):
                    producer = await self._ready()
                    await producer.send_and_wait(
                        f"{origin.topic}.dead", record.value, key=record.key, headers=headers
                    )
            except (KafkaError, TimeoutError, OSError) as error:
                log.warning("dead_letters.kafka_away", reason=str(error) or type(error).__name__)
                await self.close()
                await asyncio.sleep(1)
            else:
                break
        PARKED.labels(origin.topic, self._group).inc()
        log.error("dead_letters.parked", origin=str(origin), group=self._group, reason=reason)

    async def close(self) -> None:
        """Let the producer go."""
        producer, self._producer = self._producer, None
        await drop_producer(producer)

    async def _ready(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = await start_producer(
                self._kafka, max_request_size=MAX_RECORD_BYTES, request_timeout_ms=8_000
            )
        return self._producer
