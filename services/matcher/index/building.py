"""Building an engine from what is stored, page by page, with its progress in the log.

When one is built, and what is announced afterwards, does not live here.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import partial
from typing import Protocol, TypeVar

import structlog

from contracts.values import PostingId, SeekerId
from services.kit.database import Database
from services.matcher.domain.facts import SeekerFacts
from services.matcher.domain.fast.engine import FastEngine
from services.matcher.domain.fast.known import (
    KnownLive,
    KnownPosting,
    KnownSeeker,
    KnownSeekers,
    Places,
)
from services.matcher.domain.model import Model
from services.matcher.index.making import (
    made_by,
    posting_row,
    ready_posting,
    ready_seeker,
    seeker_row,
)
from services.matcher.store import documents, matches
from services.matcher.store.copying import Rows
from services.matcher.store.documents import Made, PostingRow, SeekerRow

log = structlog.get_logger(__name__)

PAGE = 2000
_FILLED_AT_ONCE = 256
_SAID_EVERY_S = 5.0

T = TypeVar("T")
Copy = Callable[[Callable[[Rows], Awaitable[None]]], Awaitable[None]]


class Compute(Protocol):
    """Runs CPU work off the event loop."""

    async def __call__(self, work: Callable[[], T], /) -> T: ...


class Builder:
    """Builds one engine, which is empty yet.

    alone: entered for each page of documents that is made anew, unless the caller holds it all the
    time: between reading a seeker and writing what was made, a certificate might come and be
    written over, and two who write the same rows in different orders would wait for each other.
    """

    def __init__(
        self,
        db: Database,
        compute: Compute,
        engine: FastEngine,
        alone: AbstractAsyncContextManager[None],
    ) -> None:
        self._db = db
        self._alone = alone
        self._compute = compute
        self._engine = engine
        self._by = made_by(engine.model)
        self._said_at = time.monotonic()

    async def built(self, *, restored: bool) -> FastEngine:
        """The engine with all that is stored. restored: take the lists from the stored matches.

        Those were computed with the same model, limits and rules; else every list is searched for.
        """
        with _step("reading texts"):
            await self._make_postings()
            await self._make_seekers()
        with _step("reading documents"):
            await self._load()
        with _step("laying out"):
            await self._compute(self._engine.lay_out)
        if restored:
            with _step("reading live matches"):
                await self._restore()
        else:
            with _step("finding live matches"):
                await self._fill()
        return self._engine

    async def _make_postings(self) -> None:
        """Read texts that another model or other rules had read; each page is kept at once."""
        done = 0
        while True:
            async with self._alone, self._db.transaction() as tx:
                rows = await documents.postings_not_made_by(tx, self._by, PAGE)
                if not rows:
                    return
                model = self._engine.model
                made = await self._compute(partial(_made_postings, model, rows))
                await documents.update_made_of_postings(tx, made)
            done += len(rows)
            self._say("reading texts of postings", done)

    async def _make_seekers(self) -> None:
        done, after = 0, None
        async with self._db.transaction() as tx:
            missing = await documents.count_seekers_not_made_by(tx, self._by)
        while missing:
            async with self._alone, self._db.transaction() as tx:
                rows = await documents.seekers_not_made_by(tx, self._by, after, PAGE)
                if not rows:
                    return
                model = self._engine.model
                made = await self._compute(partial(_made_seekers, model, rows))
                await documents.update_made_of_seekers(tx, made)
            after = rows[-1].doc.seeker_id
            done += len(rows)
            self._say("reading texts of seekers", done)

    async def _load(self) -> None:
        engine = self._engine
        async with self._db.transaction() as tx:
            async for page in documents.made_postings(tx, PAGE):
                known = [KnownPosting(key, made.facts, made.vector) for key, made in page]
                await self._compute(partial(engine.take_postings, known))
            await self._copied(
                partial(documents.copy_made_seekers, tx),
                lambda rows: engine.take_known(known_stored(rows)),
                "reading seekers",
            )

    async def _restore(self) -> None:
        parts: list[KnownLive] = []
        async with self._db.transaction() as tx:
            await self._copied(
                partial(matches.copy_live, tx),
                lambda rows: parts.append(live_stored(rows)),
                "reading live matches",
            )
        await self._compute(lambda: self._engine.restore(KnownLive.joined(parts)))

    async def _copied(self, copy: Copy, work: Callable[[Rows], None], what: str) -> None:
        """Do the work of each piece while the next one is on its way."""
        under_way: list[Awaitable[None]] = []
        done = 0

        async def take(rows: Rows) -> None:
            nonlocal done
            while under_way:
                await under_way.pop()
            under_way.append(asyncio.ensure_future(self._compute(partial(work, rows))))
            done += len(rows)
            self._say(what, done)

        try:
            await copy(take)
        finally:
            while under_way:
                await under_way.pop()

    async def _fill(self) -> None:
        engine, done = self._engine, 0
        async with self._db.transaction() as tx:
            async for people in documents.made_seekers(tx, PAGE):
                for start in range(0, len(people), _FILLED_AT_ONCE):
                    chosen = _known(people[start : start + _FILLED_AT_ONCE])
                    await self._compute(partial(engine.fill_seekers, chosen))
                done += len(people)
                self._say("finding postings for seekers", done)
        done = 0
        async for ids in self._posting_ids():
            await self._compute(partial(engine.fill_postings, ids))
            done += len(ids)
            self._say("finding seekers for postings", done)

    async def _posting_ids(self) -> AsyncIterator[Sequence[PostingId]]:
        ids = await self._compute(self._engine.posting_ids)
        for start in range(0, len(ids), _FILLED_AT_ONCE):
            yield ids[start : start + _FILLED_AT_ONCE]

    def _say(self, what: str, done: int) -> None:
        if time.monotonic() - self._said_at > _SAID_EVERY_S:
            self._said_at = time.monotonic()
            log.info("index.building", step=what, done=done)


@contextmanager
def _step(name: str) -> Iterator[None]:
    """Log a step when it is done. cpu_seconds: of all threads of this process."""
    began, began_cpu = time.perf_counter(), time.process_time()
    yield
    log.info(
        "index.step",
        step=name,
        seconds=round(time.perf_counter() - began, 3),
        cpu_seconds=round(time.process_time() - began_cpu, 3),
    )


def _made_postings(model: Model, rows: Sequence[PostingRow]) -> list[PostingRow]:
    return [posting_row(model, row.doc, ready_posting(model, row)) for row in rows]


def _made_seekers(model: Model, rows: Sequence[SeekerRow]) -> list[SeekerRow]:
    return [seeker_row(model, row.doc, row.held, ready_seeker(model, row)) for row in rows]


def _known(people: Sequence[tuple[SeekerId, Made[SeekerFacts]]]) -> list[KnownSeeker]:
    return [KnownSeeker(key, made.facts, made.vector) for key, made in people]


def known_stored(rows: Rows) -> KnownSeekers:
    """Of seeker_id, terms, facts."""
    high, low = rows.uuids(0)
    terms, facts = (Places(rows.starts[:, at], rows.lengths[:, at]) for at in (1, 2))
    return KnownSeekers.stored(high, low, rows.data, terms, facts)


def live_stored(rows: Rows) -> KnownLive:
    """Of seeker_id, posting_id, score_ppm, for_seeker, for_posting."""
    return KnownLive(
        *rows.uuids(0), *rows.uuids(1), rows.integers(2), rows.booleans(3), rows.booleans(4)
    )
