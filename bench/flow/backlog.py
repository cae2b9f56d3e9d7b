"""How much the system has still to do: events not sent, records not read.

What is waited for, and why, is the callers'.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from bench.flow.figures import BenchFailed
from contracts.topics import CERTIFICATES, MATCHES, POSTINGS, SEEKERS, Topic

MATCHER_GROUP = "rengang.matcher.0-of-1"
"""Of the only shard. The stand-in reads for this group too, in the matcher's place."""

READS: Mapping[str, tuple[Topic, ...]] = {
    MATCHER_GROUP: (POSTINGS, SEEKERS, CERTIFICATES),
    "rengang.seekers": (MATCHES,),
    "rengang.talent": (POSTINGS, MATCHES),
}
_MOST_COUNTED = 100_000
_POLL_S = 0.15

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits now. unread: records, by group. unsent: events in outboxes, by service."""

    unread: Mapping[str, int]
    unsent: Mapping[str, int]

    @property
    def documents(self) -> int:
        """Events of postings and seekers on their way to the matcher."""
        return self.unread[MATCHER_GROUP] + self.unsent["postings"] + self.unsent["seekers"]

    @property
    def matches(self) -> int:
        """Match events on their way to the reader that is furthest behind."""
        readers = [n for group, n in self.unread.items() if group != MATCHER_GROUP]
        return self.unsent["matcher"] + max(readers)

    @property
    def total(self) -> int:
        return self.documents + self.matches

    def __str__(self) -> str:
        matcher = self.unread[MATCHER_GROUP]
        return f"matcher {matcher:,} unread, {self.matches:,} match events under way"


class Watch:
    """Connections kept open to look at the backlog cheaply.

    databases: each writing service's URL; every outbox in it counts, of whatever schema.
    """

    def __init__(self, kafka: str, databases: Mapping[str, str]) -> None:
        self._kafka = kafka.split(",")
        self._urls = dict(databases)
        self._admin = AIOKafkaAdminClient(bootstrap_servers=self._kafka)
        self._consumer = AIOKafkaConsumer(bootstrap_servers=self._kafka)
        self._databases: dict[str, asyncpg.Connection[asyncpg.Record]] = {}
        self._places = {
            topic: [TopicPartition(topic.name, n) for n in range(topic.partitions)]
            for topic in {topic for topics in READS.values() for topic in topics}
        }
        self._begins: dict[TopicPartition, int] = {}

    async def __aenter__(self) -> Self:
        await self._admin.start()
        await self._consumer.start()
        every = [place for places in self._places.values() for place in places]
        self._begins = await self._consumer.beginning_offsets(every)
        for service, url in self._urls.items():
            self._databases[service] = await asyncpg.connect(url, timeout=10)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for database in self._databases.values():
            database.terminate()
        await self._consumer.stop()
        await self._admin.close()

    async def look(self) -> Backlog:
        """What waits at this moment."""
        # Outboxes first: what leaves one while we look is then seen on the bus, never nowhere.
        unsent = {name: await _unsent(database) for name, database in self._databases.items()}
        read: dict[str, dict[TopicPartition, int]] = {}
        for group in READS:
            offsets = await self._admin.list_consumer_group_offsets(group)
            read[group] = {p: o.offset for p, o in offsets.items() if o.offset >= 0}
        every = [place for places in self._places.values() for place in places]
        ends = await self._consumer.end_offsets(every)
        unread = {
            group: sum(
                max(0, ends[place] - read[group].get(place, self._begins[place]))
                for topic in topics
                for place in self._places[topic]
            )
            for group, topics in READS.items()
        }
        return Backlog(unread, unsent)

    async def ends(self, topic: Topic) -> dict[TopicPartition, int]:
        """Where the topic ends now, by partition."""
        found: dict[TopicPartition, int] = await self._consumer.end_offsets(self._places[topic])
        return found

    async def drained(self, patience_s: float, say: Say | None = None, every_s: float = 10) -> int:
        """Wait until nothing waits anywhere; the most that was seen waiting.

        patience_s: how long the backlog may stay without shrinking. Raises BenchFailed after that.
        """
        most, least, moved_at, told_at = 0, 1 << 62, time.monotonic(), time.monotonic()
        while True:
            now = await self.look()
            most = max(most, now.total)
            # Once more: an offset is committed after the work, an event written before it.
            if now.total == 0 and (await self.look()).total == 0:
                return most
            if now.documents * 1_000_000 + now.matches < least:
                least, moved_at = now.documents * 1_000_000 + now.matches, time.monotonic()
            if time.monotonic() - moved_at > patience_s:
                raise BenchFailed(f"no progress for {patience_s:.0f} s: {now}")
            if say and time.monotonic() - told_at >= every_s:
                told_at = time.monotonic()
                say(str(now))
            await asyncio.sleep(_POLL_S)


async def _unsent(database: "asyncpg.Connection[asyncpg.Record]") -> int:
    schemas: Sequence[asyncpg.Record] = await database.fetch(
        "SELECT schemaname FROM pg_tables WHERE tablename = 'outbox'"
    )
    count = 0
    for row in schemas:
        table = '"' + row["schemaname"] + '".outbox'
        rows = f"SELECT FROM {table} WHERE refused IS NULL LIMIT {_MOST_COUNTED}"
        count += int(await database.fetchval(f"SELECT count(*) FROM ({rows}) AS waiting"))  # noqa: S608
    return count
