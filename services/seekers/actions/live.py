"""Live streams of feeds: who listens in this process, and what each is yet to be told."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import structlog
from prometheus_client import Gauge

from contracts.values import SeekerId
from services.kit.database import Database, DatabaseUnavailable
from services.seekers.domain.feed import Entry, Head
from services.seekers.store import feed as store

log = structlog.get_logger(__name__)

OPEN = Gauge("rengang_seekers_streams", "Streams open now")

_PAGE = 200


class TooManyStreams(Exception):
    """The seeker has as many streams open in this process as one may have."""


class Listeners:
    """Everyone who waits for a feed to grow, by seeker. One of these a process."""

    def __init__(self, *, most_per_seeker: int) -> None:
        self._most = most_per_seeker
        self._waiting: defaultdict[SeekerId, set[asyncio.Event]] = defaultdict(set)

    @contextmanager
    def listening(self, seeker_id: SeekerId) -> Iterator[asyncio.Event]:
        """An event that is set whenever the feed may have grown. Raises TooManyStreams."""
        mine = self._waiting[seeker_id]
        if len(mine) >= self._most:
            raise TooManyStreams
        grown = asyncio.Event()
        mine.add(grown)
        OPEN.inc()
        try:
            yield grown
        finally:
            OPEN.dec()
            mine.discard(grown)
            if not mine and self._waiting.get(seeker_id) is mine:
                del self._waiting[seeker_id]

    def wake(self, seeker_id: SeekerId) -> None:
        """That feed grew."""
        for grown in self._waiting.get(seeker_id, ()):
            grown.set()

    def wake_all(self) -> None:
        """Any of them may have grown."""
        for waiting in self._waiting.values():
            for grown in waiting:
                grown.set()

    def seekers(self) -> list[SeekerId]:
        """Whom anyone waits for."""
        return list(self._waiting)


class Poll:
    """Looks for growth that no notification told of: one query for all streams of the process."""

    def __init__(self, db: Database, listeners: Listeners) -> None:
        self._db = db
        self._listeners = listeners
        self._seen: dict[SeekerId, int] = {}

    async def look(self) -> None:
        """Wake those whose feed is not where it was; for kit.periodic."""
        waited_for = self._listeners.seekers()
        if not waited_for:
            self._seen = {}
            return
        async with self._db.transaction() as tx:
            now = await store.select_last_seqs(tx, waited_for)
        for seeker_id, seq in now.items():
            if self._seen.get(seeker_id) != seq:
                self._listeners.wake(seeker_id)
        self._seen = now


@dataclass(frozen=True, slots=True)
class Start:
    """From where a stream goes on. lost: entries after what was asked for are no longer kept."""

    seq: int
    lost: bool = False


async def find_start(
    db: Database, seeker_id: SeekerId, *, after: int | None, from_start: bool
) -> Start:
    """Where a stream begins: after what was seen last, at the oldest entry kept, or now."""
    async with db.transaction() as tx:
        head = await store.select_head(tx, seeker_id)
    return _start(head, after, from_start=from_start)


def _start(head: Head, after: int | None, *, from_start: bool) -> Start:
    if after is not None:
        return Start(after) if head.can_follow(after) else Start(head.last_seq, lost=True)
    return Start(head.trimmed_seq if from_start else head.last_seq)


async def follow(
    db: Database, seeker_id: SeekerId, grown: asyncio.Event, after: int, for_s: float
) -> AsyncIterator[Entry]:
    """The entries after that seq, each once and in order, as they are committed; ends after for_s.

    Holds no connection while it waits. grown: from Listeners, entered before this began.
    """
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + for_s
    while loop.time() < ends_at:
        # Before reading: what is committed while we read sets it again.
        grown.clear()
        try:
            async with db.transaction() as tx:
                entries = await store.select_entries(tx, seeker_id, after, _PAGE)
        except DatabaseUnavailable as error:
            log.warning("stream.database_away", reason=str(error))
            await asyncio.sleep(1 + random.random())  # noqa: S311
            continue
        for entry in entries:
            yield entry
            after = entry.seq
        if len(entries) == _PAGE:
            continue
        # Not wait_for: before Python 3.12 it swallows a cancellation that comes with a wakeup.
        with suppress(TimeoutError):
            async with asyncio.timeout_at(ends_at):
                await grown.wait()
