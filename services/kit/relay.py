"""The relay: ships the outbox to Kafka, at least once, in order for each key."""

import asyncio
import contextlib
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidTopicError, KafkaError, MessageSizeTooLargeError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from prometheus_client import Counter, Gauge

from services.kit import outbox
from services.kit.partitions import partition_of
from services.kit.producing import drop_producer, start_producer

log = structlog.get_logger(__name__)

SENT = Counter("rengang_outbox_sent_total", "Events acknowledged by Kafka", ["topic"])
FAILED = Counter("rengang_outbox_failed_rounds_total", "Rounds in which Kafka did not take all")
REFUSED = Counter("rengang_outbox_refused_total", "Events that Kafka will never take", ["topic"])
WAITING = Gauge("rengang_outbox_waiting", "Events not yet acknowledged by Kafka")

MAX_EVENT_BYTES = 1_000_000
# Far below what a broker must take for the largest event: a batch is refused as a whole.
_BATCH_BYTES = 65_536
_HEADERS = [("content-type", b"application/cloudevents+json")]

# A cursor over ids would lose events: ids are handed out before commit, so a reader that remembers
# the last one steps over a slow transaction's events. Rows are deleted instead.
_NEXT = "SELECT id, topic, key, value FROM outbox WHERE refused IS NULL ORDER BY id LIMIT $1"
_DELETE = "DELETE FROM outbox WHERE id = ANY($1::bigint[])"
_REFUSE = "UPDATE outbox SET refused = $2 WHERE id = $1"
_LOCK = "SELECT pg_try_advisory_lock(hashtext('rengang.outbox'), hashtext(current_schema()))"


class Relay:
    """Sends what waits in one database's outbox. One relay works at a time, by advisory lock.

    poll_s: how long an event may wait if its notification was lost. ack_timeout_s: how long Kafka
    may take to acknowledge a round before the producer is thrown away and the rest is sent again
    (an idempotent producer can stick for ever after an outage, aiokafka #1017).
    """

    def __init__(
        self,
        database_url: str,
        kafka: str,
        *,
        schema: str | None = None,
        batch: int = 1000,
        poll_s: float = 0.5,
        ack_timeout_s: float = 10.0,
    ) -> None:
        self._url = database_url
        self._kafka = kafka
        self._schema = schema
        self._batch = batch
        self._poll_s = poll_s
        self._ack_timeout_s = ack_timeout_s
        self._producer: AIOKafkaProducer | None = None

    async def run(self) -> None:
        """Relay until cancelled; whatever breaks is logged, waited out and begun again."""
        try:
            while True:
                try:
                    async with self._session() as connection:
                        await self._serve(connection)
                except (
                    OSError,
                    asyncpg.PostgresError,
                    asyncpg.InterfaceError,
                    TimeoutError,
                ) as error:
                    log.warning("relay.database_away", reason=str(error) or type(error).__name__)
                    await asyncio.sleep(0.5 + random.random() / 2)  # noqa: S311
        finally:
            await self._drop_producer()

    @asynccontextmanager
    async def _session(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        settings = {"search_path": self._schema} if self._schema else None
        connection = await asyncpg.connect(
            self._url, timeout=5, command_timeout=30, server_settings=settings
        )
        try:
            yield connection
        finally:
            # Ends the session and with it the lock, also where the connection hangs.
            connection.terminate()

    async def _serve(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        while not await connection.fetchval(_LOCK):  # noqa: ASYNC110 (held by another process)
            await asyncio.sleep(1.0)
        woken = asyncio.Event()
        await connection.add_listener(outbox.CHANNEL, lambda *_: woken.set())
        while True:
            woken.clear()
            rows = await connection.fetch(_NEXT, self._batch)
            WAITING.set(len(rows))
            if rows:
                await self._ship(connection, rows)
                continue
            # Not wait_for: before Python 3.12 it swallows a cancellation that comes with a wakeup,
            # and stopping would wait for ever.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll_s):
                    await woken.wait()

    async def _ship(
        self,
        connection: "asyncpg.Connection[asyncpg.Record]",
        rows: Sequence[asyncpg.Record],
    ) -> None:
        """Send a round and delete what was acknowledged."""
        faults: dict[int, BaseException | None] = {}
        try:
            async with asyncio.timeout(self._ack_timeout_s):
                producer = await self._producer_ready()
                faults = await _send(producer, rows)
        except (TimeoutError, KafkaError, OSError) as error:
            log.warning("relay.kafka_away", reason=str(error) or type(error).__name__)
        done: list[int] = []
        sent: defaultdict[str, int] = defaultdict(int)
        held: set[tuple[str, str]] = set()
        for row in rows:
            fault = faults.get(row["id"], TimeoutError())
            place = (row["topic"], row["key"])
            if isinstance(fault, MessageSizeTooLargeError | InvalidTopicError):
                reason = f"{type(fault).__name__}: {fault}"
                await connection.execute(_REFUSE, row["id"], reason)
                REFUSED.labels(row["topic"]).inc()
                log.error("relay.refused", topic=row["topic"], outbox_id=row["id"], reason=reason)
            elif fault is not None:
                held.add(place)
            elif place not in held:
                # After a failed one, later events of its key stay too and are sent again behind
                # it: what compaction keeps must be the newest.
                done.append(row["id"])
                sent[row["topic"]] += 1
        for topic, count in sent.items():
            SENT.labels(topic).inc(count)
        if done:
            await connection.execute(_DELETE, done)
        if held:
            FAILED.inc()
            await self._drop_producer()
            await asyncio.sleep(0.2 + random.random() / 2)  # noqa: S311

    async def _producer_ready(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = await start_producer(
                self._kafka,
                max_request_size=MAX_EVENT_BYTES,
                request_timeout_ms=int(self._ack_timeout_s * 1000),
                max_batch_bytes=_BATCH_BYTES,
            )
        return self._producer

    async def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        await drop_producer(producer)


async def _send(
    producer: AIOKafkaProducer, rows: Sequence[asyncpg.Record]
) -> dict[int, BaseException | None]:
    """Outcome by row id: None where acknowledged, else the fault."""
    faults: dict[int, BaseException | None] = {}
    waiting: dict[asyncio.Future[object], list[int]] = {}
    for batch in await _batches(producer, rows, faults):
        batch.builder.close()
        sent = await producer.send_batch(batch.builder, batch.topic, partition=batch.partition)
        # Nobody may be left to look at it when the round is given up.
        sent.add_done_callback(lambda done: done.cancelled() or done.exception())
        waiting[sent] = batch.row_ids
    if waiting:
        # Not gather: it would cancel the batches, which the producer still handles.
        await asyncio.wait(waiting)
    for sent, row_ids in waiting.items():
        faults |= dict.fromkeys(row_ids, sent.exception())
    return faults


@dataclass(frozen=True, slots=True)
class _Batch:
    topic: str
    partition: int
    builder: BatchBuilder
    row_ids: list[int]


async def _batches(
    producer: AIOKafkaProducer,
    rows: Sequence[asyncpg.Record],
    faults: dict[int, BaseException | None],
) -> list[_Batch]:
    """The rows as the producer sends them, in order for each partition.

    Batches of our own, because a future and a choice of partition for each event cost more than
    the sending. Adds the faults of what cannot be sent at all.
    """
    batches: list[_Batch] = []
    filling: dict[tuple[str, int], _Batch] = {}
    n_partitions: dict[str, int] = {}
    for row_id, topic, key_text, value in rows:
        key = key_text.encode()
        size = DefaultRecordBatchBuilder.estimate_size_in_bytes(key, value, _HEADERS)
        if size > MAX_EVENT_BYTES:
            faults[row_id] = MessageSizeTooLargeError(
                f"{size} bytes where {MAX_EVENT_BYTES} are most"
            )
            continue
        if topic not in n_partitions:
            n_partitions[topic] = len(await producer.partitions_for(topic))
        place = (topic, partition_of(key, n_partitions[topic]))
        batch = filling.get(place)
        while batch is None or not _appended(batch, row_id, key, value):
            batch = filling[place] = _Batch(*place, producer.create_batch(), [])
            batches.append(batch)
    return batches


def _appended(batch: _Batch, row_id: int, key: bytes, value: bytes) -> bool:
    """Whether there was room for it. There always is in an empty one."""
    added = batch.builder.append(timestamp=None, key=key, value=value, headers=_HEADERS)
    if added is None:
        return False
    batch.row_ids.append(row_id)
    return True
