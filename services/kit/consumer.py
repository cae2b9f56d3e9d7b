"""The one way to subscribe: tolerant, batched, retried, parked, committed after the work.

FastStream's own policies each lose or repeat something (docs/decisions/0003); what holds is a raw
batch subscriber that acknowledges by hand. No service builds another kind.
"""

import asyncio
import random
import time
from collections import Counter as Counts
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import asyncpg
import structlog
from aiokafka import ConsumerRecord
from aiokafka import TopicPartition as Place
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError, for_code
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage, TopicPartition
from faststream.kafka.message import KafkaAckableMessage
from prometheus_client import Counter, Gauge, Histogram

from contracts.deadletters import GROUP
from contracts.envelope import Malformed, UnknownType
from contracts.events import AnyEvent, parse
from contracts.topics import Topic
from services.kit.database import DatabaseUnavailable
from services.kit.deadletters import DeadLetters, header
from services.kit.telemetry import start_trace

log = structlog.get_logger(__name__)

CONSUMED = Counter("rengang_consumed_total", "Events handled", ["group", "topic"])
SKIPPED = Counter("rengang_skipped_total", "Events of a type not known here", ["group", "type"])
RETRIED = Counter("rengang_retries_total", "Batches tried again", ["group", "why"])
TOOK = Histogram("rengang_batch_seconds", "Time to handle a batch", ["group"])
LAG = Gauge("rengang_lag", "Records not yet handled", ["group", "topic", "partition"])

Kept = TypeVar("Kept")
Handler = Callable[[Sequence[AnyEvent]], Awaitable[None]]
RawBatch = tuple["ConsumerRecord[Any, Any]", ...]

TRIES = 5
# Loading, not available, not this broker: the coordinator of a group is still being found a place.
_COORDINATOR_NOT_READY = (14, 15, 16)
_MAY_PASS = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    KafkaError,
    TimeoutError,
    ConnectionError,
)


@dataclass(frozen=True, slots=True)
class Keeping(Generic[Kept]):
    """A handler that gets what it keeps of each event in place of the event.

    keep: from the event and the record's value, which is UTF-8 JSON; what it raises parks the
    record. The event itself is let go of at once: hundreds of them, each a tree of objects, would
    have the garbage collector go through all of them again and again. handle: as any handler.
    """

    keep: Callable[[AnyEvent, bytes], Kept]
    handle: Callable[[Sequence[Kept]], Awaitable[None]]


def _whole(event: AnyEvent, _: bytes) -> AnyEvent:
    return event


class Bus:
    """One service's connection to Kafka. Nothing connects before `run`."""

    def __init__(self, kafka: str) -> None:
        self._kafka = kafka
        self._topics: set[str] = set()
        self.subscriptions: list[Subscription] = []
        self.broker = KafkaBroker(
            kafka.split(","),
            acks="all",
            enable_idempotence=True,
            allow_auto_create_topics=False,
            # None would cut a handler in the middle of its batch.
            graceful_timeout=15.0,
            metadata_max_age_ms=30_000,
            logger=None,
        )

    def subscribe(
        self,
        *topics: Topic,
        group: str,
        handle: Handler | Keeping[Any],
        partitions: Callable[[Topic], Sequence[int]] | None = None,
        max_records: int = 500,
    ) -> None:
        """Hand the events of these topics to `handle`, in order for each key, at least once.

        handle: gets a batch; must be idempotent and ignore versions it has seen. It is called again
        after what may pass (five times with growing pauses; without limit while the database is
        away). Where a batch fails for good its events are handled one by one, and those that fail
        alone are parked in `<topic>.dead` with the reason. The offset is committed when all are
        done or parked. group: consumer group; one subscription a group. partitions: fixed
        assignment in place of the group's balance. Records parked by this group come back through
        `<topic>.replay`.
        """
        keeping = handle if isinstance(handle, Keeping) else Keeping(_whole, handle)
        work = Subscription(group, keeping, DeadLetters(self._kafka, group))
        self.subscriptions.append(work)
        self._topics.update(side.name for topic in topics for side in (topic, topic.replay))
        options: dict[str, Any] = {
            "batch": True,
            "group_id": group,
            "ack_policy": AckPolicy.MANUAL,
            "auto_offset_reset": "earliest",
            "parser": _tolerant_parser,
            # The library's decoder parses every header again, and what it raises skips the handler.
            "decoder": _undecoded,
            "max_records": max_records,
            # FastStream sleeps this long again after an empty poll: it bounds what an event waits.
            "batch_timeout_ms": 20,
            # Below the default, so that a killed member's partitions move on sooner.
            "session_timeout_ms": 6_000,
            "heartbeat_interval_ms": 2_000,
            "title": group,
        }
        if partitions is None:
            names = [side.name for topic in topics for side in (topic, topic.replay)]
            subscriber = self.broker.subscriber(*names, **options)
        else:
            places = [TopicPartition(t.name, p) for t in topics for p in partitions(t)]
            for topic in topics:
                places += [
                    TopicPartition(topic.replay.name, p) for p in range(topic.replay.partitions)
                ]
            subscriber = self.broker.subscriber(partitions=places, **options)
        subscriber(work.on_batch)

    async def run(self) -> None:
        """Connect, waiting for Kafka as long as it takes, and consume until cancelled."""
        try:
            while True:
                try:
                    await self._kafka_is_prepared()
                    await self.broker.start()
                    break
                except (KafkaError, OSError, TimeoutError, TopicsMissing) as error:
                    log.warning("bus.kafka_away", reason=str(error) or type(error).__name__)
                    await self.broker.stop()
                    await asyncio.sleep(0.5)
            await asyncio.Event().wait()
        finally:
            await self.broker.stop()
            for subscription in self.subscriptions:
                await subscription.close()

    async def _kafka_is_prepared(self) -> None:
        """Raises TopicsMissing, KafkaError.

        A consumer that begins before its topics are made reads nothing; one that joins its group
        while the coordinator is still loading leaves a member behind that all wait for, as long
        as a session lasts.
        """
        if not self.subscriptions:
            return
        admin = AIOKafkaAdminClient(bootstrap_servers=self._kafka.split(","))
        try:
            await admin.start()
            missing = self._topics.difference(await admin.list_topics())
            if missing:
                raise TopicsMissing(f"not made yet: {', '.join(sorted(missing))}")
            groups = [subscription.group for subscription in self.subscriptions]
            for answer in await admin.describe_consumer_groups(groups):
                for code, *_ in answer.groups:
                    if code in _COORDINATOR_NOT_READY:
                        raise for_code(code)
        finally:
            await admin.close()

    async def ping(self) -> None:
        """Raises BrokerUnavailable unless Kafka answers and every subscriber is running."""
        if not await self.broker.ping(timeout=2) or not all(
            subscriber.running for subscriber in self.broker.subscribers
        ):
            raise BrokerUnavailable("Kafka does not answer")


class TopicsMissing(Exception):
    """Topics are provisioned, by `services.kit.provision`; these are not there."""


class BrokerUnavailable(Exception):
    """Kafka is not there right now."""


async def _tolerant_parser(batch: RawBatch, original: Any) -> KafkaMessage:
    """Records as they are: a header that is null or not UTF-8 must not lose the record."""
    # The library's own parser knows the consumer; it is bound to the method we were given.
    consumer = original.__self__._consumer  # noqa: SLF001
    return KafkaAckableMessage(
        body=b"", headers={}, raw_message=batch, consumer=consumer, content_type=None
    )


async def _undecoded(message: KafkaMessage) -> KafkaMessage:
    """The message in place of a body: to inject it beside one, the library goes by a thread."""
    return message


class Subscription:
    """The work of one subscriber."""

    def __init__(self, group: str, keeping: Keeping[Any], dead: DeadLetters) -> None:
        self.group = group
        self._keep = keeping.keep
        self._handle = keeping.handle
        self._dead = dead

    async def close(self) -> None:
        """Let go of what parking needs."""
        await self._dead.close()

    async def on_batch(self, message: Any) -> None:
        """Handle or park each record of the batch, then commit. message: a KafkaMessage."""
        # Any: the library would make a message anew where it is told to expect one.
        records = message.raw_message
        batch = records if isinstance(records, tuple) else (records,)
        started = time.perf_counter()
        try:
            await self.work_off(batch)
        except Exception:
            # Nothing can bring us here but a fault in this file. To return would let the next
            # commit pass these records, so stay on them and be seen.
            while True:
                log.critical("consumer.broken", group=self.group, exc_info=True)
                await asyncio.sleep(30)
        await self._commit(message, batch)
        TOOK.labels(self.group).observe(time.perf_counter() - started)

    async def work_off(self, batch: RawBatch) -> None:
        """Return when every record is handled, skipped or parked."""
        kept = [await self._read(record) for record in batch if self._is_ours(record)]
        todo = [each for each in kept if each is not None]
        if not todo:
            return
        failed = await self._attempt(todo)
        if failed is not None and len(todo) == 1:
            await self._dead.park(todo[0].record, failed)
        elif failed is not None:
            for each in todo:
                alone = await self._attempt([each])
                if alone is not None:
                    await self._dead.park(each.record, alone)
        for topic, count in Counts(each.record.topic for each in todo).items():
            CONSUMED.labels(self.group, topic).inc(count)

    async def _read(self, record: "ConsumerRecord[Any, Any]") -> "_Todo | None":
        """What is to be handled of the record; None where it is skipped or parked."""
        try:
            event = parse(record.value)
            return _Todo(record, self._keep(event, record.value), event.traceparent)
        except UnknownType as unknown:
            SKIPPED.labels(self.group, unknown.type[:80]).inc()
            log.info("consumer.skipped", group=self.group, type=unknown.type[:80])
        except Malformed as fault:
            await self._dead.park(record, str(fault))
        except Exception as fault:
            log.warning("consumer.failed", group=self.group, events=1, exc_info=True)
            await self._dead.park(record, _told(fault))
        return None

    def _is_ours(self, record: "ConsumerRecord[Any, Any]") -> bool:
        """A replayed record is for the group that parked it."""
        return not record.topic.endswith(".replay") or header(record, GROUP) == self.group

    async def _attempt(self, todo: "Sequence[_Todo]") -> str | None:
        """None when handled; else why not, after as many tries as make sense."""
        events = [each.kept for each in todo]
        tries = 0
        while True:
            try:
                with start_trace(todo[-1].traceparent):
                    await self._handle(events)
            except DatabaseUnavailable as error:
                # Every record would fail now: wait, however long it takes.
                RETRIED.labels(self.group, "database").inc()
                log.warning("consumer.database_away", group=self.group, reason=str(error))
                await asyncio.sleep(0.5 + random.random())  # noqa: S311
            except _MAY_PASS as error:
                tries += 1
                if tries >= TRIES:
                    return _told(error)
                RETRIED.labels(self.group, type(error).__name__).inc()
                await asyncio.sleep(0.1 * 2**tries * (0.5 + random.random()))  # noqa: S311
            except Exception as error:
                # Whatever it is, the partition must go on.
                log.warning("consumer.failed", group=self.group, events=len(events), exc_info=True)
                return _told(error)
            else:
                return None

    async def _commit(self, message: KafkaMessage, batch: RawBatch) -> None:
        # By offset: ack() would commit wherever the consumer stands, in all partitions.
        consumer: Any = message.consumer
        offsets: dict[Place, int] = {}
        for record in batch:
            place = Place(record.topic, record.partition)
            offsets[place] = max(offsets.get(place, 0), record.offset + 1)
        try:
            await consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError) as error:
            # The partitions went to another member, which reads the batch again; that is harmless.
            log.info("consumer.moved", group=self.group, reason=str(error))
        except KafkaError as error:
            # A later commit covers this one; after a crash the batch comes again.
            log.warning("consumer.uncommitted", group=self.group, reason=str(error))
        for place, offset in offsets.items():
            end = consumer.highwater(place) if place in consumer.assignment() else None
            if end is not None:
                LAG.labels(self.group, place.topic, str(place.partition)).set(max(0, end - offset))


@dataclass(frozen=True, slots=True)
class _Todo:
    """A record that waits to be handled, as what is kept of it. traceparent: its event's."""

    record: "ConsumerRecord[Any, Any]"
    kept: Any
    traceparent: str | None


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
