"""The matcher on a real database without its doors: events go in, stored matches come out."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from contracts.events import AnyEvent, parse
from contracts.matches import MatchChanged, MatchFound, MatchState, MatchWithdrawn
from services.kit.consumer import Handler
from services.kit.database import Database, DatabaseUnavailable, Transaction
from services.kit.migrations import migrate
from services.matcher.actions import begin, choose, inherit, rematch, sweep
from services.matcher.announcing import digest_of
from services.matcher.domain.base_model import base_model
from services.matcher.domain.engine import Pair
from services.matcher.domain.model import Model
from services.matcher.handlers import market_handler
from services.matcher.index import Index
from services.matcher.index.index import EngineOf
from services.matcher.settings import Shard
from services.matcher.store import matches, models
from services.matcher.store import shard as shards
from services.matcher.store.matches import Announced
from services.matcher.verify import Expected, Range, Snapshot, compared, live_in, read
from tests.support import NOW

TIGHT = {"k_s": 3, "k_p": 2, "tau_ppm": 100_000}
"""Short lists, so that every change pushes somebody out."""

Announcement = MatchFound | MatchChanged | MatchWithdrawn
Failure = Literal["before commit", "after commit"]


# A test reads all that was announced again and again: it is parsed once.
_parsed = lru_cache(maxsize=10_000)(parse)


class WatchedDatabase(Database):
    """A database that counts statements and fails when it is told to.

    failures: what becomes of the next transactions, None: nothing bad. Before the commit nothing
    was written; after it everything was, and only the answer is lost.
    """

    def __init__(self, url: str, *, schema: str | None = None) -> None:
        super().__init__(url, schema=schema)
        self.statements: list[str] = []
        self.failures: list[Failure | None] = []

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        failure = self.failures.pop(0) if self.failures else None
        async with super().transaction() as tx, self._watching(tx):
            yield tx
            if failure == "before commit":
                raise DatabaseUnavailable("the connection broke before the commit")
        if failure == "after commit":
            raise DatabaseUnavailable("the connection broke after the commit")

    @asynccontextmanager
    async def _watching(self, tx: Transaction) -> AsyncIterator[None]:
        def count(query: Any) -> None:
            self.statements.append(query.query)

        tx.add_query_logger(count)
        try:
            yield
        finally:
            tx.remove_query_logger(count)


@dataclass
class Matcher:
    """One shard; `restart` is what a crash and a new process come to."""

    url: str
    shard: Shard = field(default_factory=lambda: Shard(0, 1))
    limits: dict[str, int] = field(default_factory=lambda: dict(TIGHT))
    engine_of: EngineOf | None = None
    choices: int = 0

    async def open(self) -> None:
        await migrate(self.url, "services.matcher", schema=self.shard.schema)
        self.db = WatchedDatabase(self.url, schema=self.shard.schema)
        await self.db.open()
        self._new_process()
        assert await inherit(self.db, self.shard.count, self.shard.owns) is None
        await self._have_a_model()
        await begin(self.index)
        await self.sweep()

    async def close(self) -> None:
        self.index.close()
        await self.db.close()

    async def restart(self) -> None:
        """Forget all that is in memory, begin again from what is stored, and sweep."""
        await self.restart_unswept()
        await self.sweep()

    async def restart_unswept(self) -> None:
        """A new process that serves, and has not gone on yet with what is to be swept."""
        self.index.close()
        self._new_process()
        await begin(self.index)

    async def sweep(self) -> None:
        await sweep(self.index, lambda: NOW)

    async def store(self, model: Model) -> None:
        """Have a model beside the one in force."""
        async with self.db.transaction() as tx:
            await models.insert_model(tx, self.shard.schema, model.version, model.to_bytes(), 1)

    async def choose(self, version: str) -> None:
        """Hear that this model was chosen."""
        self.choices += 1
        await choose(self.index, version, self.choices)

    async def switch(self, version: str) -> None:
        """Hear that this model was chosen, and go on until all is matched by it."""
        await self.choose(version)
        assert await rematch(self.index)
        await self.sweep()

    async def take(self, *events: AnyEvent) -> None:
        await self.handle(events)

    async def try_to_take(self, events: Sequence[AnyEvent], failure: Failure) -> None:
        """Take them with a transaction that fails so."""
        self.db.failures.append(failure)
        try:
            await self.handle(events)
        except DatabaseUnavailable:
            return
        raise AssertionError("it should have failed")

    async def live(self) -> dict[Pair, Announced]:
        async with self.db.transaction() as tx:
            return {
                (row.seeker_id, row.posting_id): row
                async for page in matches.live_matches(tx, 1000)
                for row in page
            }

    async def announced(self) -> list[Announcement]:
        """All that was ever announced; no relay takes it away here."""
        async with self.db.transaction() as tx:
            rows = await tx.fetch("SELECT topic, key, value FROM outbox ORDER BY id")
        found: list[Announcement] = []
        for row in rows:
            event = _parsed(row["value"])
            assert isinstance(event, MatchFound | MatchChanged | MatchWithdrawn)
            assert (row["topic"], row["key"]) == ("rengang.matches", str(event.data.seeker_id))
            found.append(event)
        return found

    async def assert_exact(self) -> None:
        """What is stored is what brute force finds, and what was announced leads to it."""
        stored = await read(self.url, self.shard)
        assert list(compared(stored.live, expected_of(stored))) == []
        told = folded(await self.announced())
        assert {
            (state.seeker_id, state.posting_id): (version, digest_of(state), state.model)
            for version, state in told.values()
        } == {pair: (row.version, row.digest, row.model) for pair, row in stored.live.items()}

    async def _have_a_model(self) -> None:
        """Store the first one as a first process does, but compressed once for all tests."""
        first = base_model()
        async with self.db.transaction() as tx:
            if await shards.select_active_model(tx) is None:
                await shards.insert_model(tx, first.version, _artefact_of(first))

    def _new_process(self) -> None:
        self.index = Index(self.db, self.limits, engine_of=self.engine_of)
        self.handle: Handler = market_handler(self.index, lambda: NOW)


def expected_of(stored: Snapshot) -> dict[Pair, Expected]:
    """The oracle's live set of the stored documents, as `verify` works it out."""
    model = stored.model
    return live_in(Range(_artefact_of(model), stored.postings, stored.seekers))


_artefacts: dict[str, bytes] = {}


def _artefact_of(model: Model) -> bytes:
    """Made once: to compress a model takes longer than to match a small market."""
    if model.version not in _artefacts:
        _artefacts[model.version] = model.to_bytes()
    return _artefacts[model.version]


def folded(events: Sequence[Announcement]) -> dict[str, tuple[int, MatchState]]:
    """What a reader of the topic has at the end, by match id: version and state.

    Fails where versions do not grow one by one, or an event does not follow from the one before.
    """
    versions: dict[str, int] = {}
    live: dict[str, tuple[int, MatchState]] = {}
    for event in events:
        assert event.version == versions.get(event.subject, 0) + 1
        versions[event.subject] = event.version
        match event:
            case MatchFound():
                assert event.subject not in live
                live[event.subject] = event.version, event.data
            case MatchChanged():
                assert event.subject in live
                live[event.subject] = event.version, event.data
            case MatchWithdrawn():
                del live[event.subject]
    return live


@asynccontextmanager
async def running(url: str, **how: Any) -> AsyncIterator[Matcher]:
    """A matcher on this database."""
    matcher = Matcher(url, **how)
    await matcher.open()
    try:
        yield matcher
    finally:
        await matcher.close()
