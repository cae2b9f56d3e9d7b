"""Building an engine from what is stored, page by page, with its progress in the log.

When one is built, and what is announced afterwards, does not live here.
"""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
import structlog

from contracts.values import PostingId, SeekerId
from services.kit.database import Database
from services.matcher.domain.facts import SeekerFacts
from services.matcher.domain.fast.engine import FastEngine, KnownLive, KnownPosting, KnownSeeker
from services.matcher.domain.model import Model
from services.matcher.index.making import (
    made_by,
    posting_row,
    ready_posting,
    ready_seeker,
    seeker_row,
)
from services.matcher.store import documents, matches
from services.matcher.store.documents import Made, PostingRow, SeekerRow

log = structlog.get_logger(__name__)

PAGE = 2000
_FILLED_AT_ONCE = 256
_SAID_EVERY_S = 5.0
_ID_BYTES = 16

T = TypeVar("T")


class Compute(Protocol):
    """Runs CPU work off the event loop."""

    async def __call__(self, work: Callable[[], T], /) -> T: ...


class Builder:
    """Builds one engine, which is empty yet."""

    def __init__(self, db: Database, compute: Compute, engine: FastEngine) -> None:
        self._db = db
        self._compute = compute
        self._engine = engine
        self._by = made_by(engine.model)
        self._said_at = time.monotonic()

    async def built(self, *, restored: bool) -> FastEngine:
        """The engine with all that is stored. restored: take the lists from the stored matches.

        Those were computed with the same model, limits and rules; else every list is searched for.
        """
        await self._make_postings()
        await self._make_seekers()
        await self._load()
        if restored:
            await self._restore()
        else:
            await self._fill()
        return self._engine

    async def _make_postings(self) -> None:
        """Read texts that another model or other rules had read; each page is kept at once."""
        done = 0
        while True:
            async with self._db.transaction() as tx:
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
        while True:
            async with self._db.transaction() as tx:
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
        engine, done = self._engine, 0
        async with self._db.transaction() as tx:
            async for page in documents.made_postings(tx, PAGE):
                known = [KnownPosting(key, made.facts, made.vector) for key, made in page]
                await self._compute(partial(engine.take_postings, known))
            async for people in documents.made_seekers(tx, PAGE):
                await self._compute(partial(engine.take_seekers, _known(people)))
                done += len(people)
                self._say("reading seekers", done)
        await self._compute(engine.lay_out)
        self._say("laid out", done, at_once=True)

    async def _restore(self) -> None:
        parts: list[KnownLive] = []
        done = 0
        async with self._db.transaction() as tx:
            async for rows in matches.live_columns(tx, 10 * PAGE):
                parts.append(await self._compute(partial(_columns, rows)))
                done += len(rows)
                self._say("reading live matches", done)
        await self._compute(lambda: self._engine.restore(KnownLive.joined(parts)))

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

    def _say(self, what: str, done: int, *, at_once: bool = False) -> None:
        if at_once or time.monotonic() - self._said_at > _SAID_EVERY_S:
            self._said_at = time.monotonic()
            log.info("index.building", step=what, done=done)


def _made_postings(model: Model, rows: Sequence[PostingRow]) -> list[PostingRow]:
    return [posting_row(model, row.doc, ready_posting(model, row)) for row in rows]


def _made_seekers(model: Model, rows: Sequence[SeekerRow]) -> list[SeekerRow]:
    return [seeker_row(model, row.doc, row.held, ready_seeker(model, row)) for row in rows]


def _known(people: Sequence[tuple[SeekerId, Made[SeekerFacts]]]) -> list[KnownSeeker]:
    return [KnownSeeker(key, made.facts, made.vector) for key, made in people]


def _columns(rows: Sequence[tuple[Any, ...]]) -> KnownLive:
    seekers, postings, scores, for_seeker, for_posting = zip(*rows, strict=True)
    who = np.frombuffer(b"".join(seekers), ">u8").reshape(-1, _ID_BYTES // 8)
    what = np.frombuffer(b"".join(postings), ">u8").reshape(-1, _ID_BYTES // 8)
    return KnownLive(
        who[:, 0].astype(np.uint64),
        who[:, 1].astype(np.uint64),
        what[:, 0].astype(np.uint64),
        what[:, 1].astype(np.uint64),
        np.array(scores, np.int32),
        np.array(for_seeker, np.bool_),
        np.array(for_posting, np.bool_),
    )
