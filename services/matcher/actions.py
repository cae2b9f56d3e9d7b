"""What the matcher does: takes news of the market in, begins, and answers why a pair stands so.

Which pairs are live is the engine's to say; how documents and matches are stored is the store's.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

import structlog
from prometheus_client import Counter

from contracts.values import PostingId, SeekerId, match_id_of
from services.kit import outbox
from services.kit.database import Database, Transaction
from services.matcher.announcing import news_of
from services.matcher.domain.documents import Posting, Seeker
from services.matcher.domain.eligibility import Rule, broken_rules
from services.matcher.domain.engine import (
    Change,
    DropPosting,
    DropSeeker,
    LiveChange,
    LiveMatch,
    MatchEngine,
    Pair,
    PutPosting,
    PutSeeker,
    Standing,
)
from services.matcher.domain.explain import Explanation, explain
from services.matcher.domain.model import Model
from services.matcher.domain.prepare import (
    PreparedPosting,
    PreparedSeeker,
    prepare_posting,
    prepare_seeker,
)
from services.matcher.index import PAGE, Index, ready_posting, ready_seeker
from services.matcher.store import documents, inheritance, matches
from services.matcher.store import shard as shards
from services.matcher.store.documents import Folder, PostingRow, SeekerRow, Terms

log = structlog.get_logger(__name__)

ANNOUNCED = Counter("rengang_matcher_announced_total", "Events of matches written", ["type"])

# Rows of one statement: bounds what is held at once and how long the loop is busy encoding it.
CHUNK = 500

T = TypeVar("T")
_Doubt = tuple[Pair, Standing | None]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Documents that came together, of each id the newest. A folder is of its own version."""

    postings: tuple[Posting, ...] = ()
    seekers: tuple[Seeker, ...] = ()
    folders: tuple[Folder, ...] = ()


async def inherit(db: Database, count: int, owns: Callable[[SeekerId], bool]) -> str | None:
    """Where this shard is new, take over what shards of another count hold of its seekers.

    Versions go on and what was not sent yet is sent, so the number of shards can change without a
    reader noticing. Returns the schema of one that still has a process, and then does nothing;
    None where it is done or nothing was to do. The caller holds the shard's lock.

    count: of shards. owns: whether a seeker is this one's.
    """
    async with db.transaction() as tx:
        await shards.raise_epoch(tx)
        if await shards.select_computed(tx) is not None:
            return None
        predecessors = await inheritance.select_predecessors(tx, count)
        for schema in predecessors:
            if not await inheritance.share_lock(tx, schema):
                return schema
        await inheritance.create_mine(tx)
        for schema in predecessors:
            seekers = 0
            async for page in inheritance.seekers_of(tx, schema, PAGE):
                mine = [seeker_id for seeker_id in page if owns(seeker_id)]
                await inheritance.insert_mine(tx, mine)
                seekers += len(mine)
            await inheritance.copy_model(tx, schema)
            await inheritance.copy_postings(tx, schema)
            await inheritance.move_seekers(tx, schema)
            await inheritance.move_outbox(tx, schema)
            await inheritance.forget_computed(tx, schema)
            log.info("shard.inherited", predecessor=schema, seekers=seekers)
    return None


async def begin(index: Index, now: datetime) -> None:
    """Take the shard, build the index, and announce what the stored live matches lack.

    They lack nothing unless the model, its limits or the rules changed. The caller holds the
    shard's lock.
    """
    async with index.lock:
        async with index.db.transaction() as tx:
            index.epoch = await shards.raise_epoch(tx)
        await index.build()
        for chunk in _chunks(await _doubted(index)):
            told = await index.think(partial(_told, chunk))
            async with index.db.transaction() as tx:
                await shards.lock_epoch(tx, index.epoch)
                await _announce(tx, index, told, now)
        async with index.db.transaction() as tx:
            await shards.lock_epoch(tx, index.epoch)
            await shards.update_computed(tx, index.computed)


async def take_in(index: Index, arrivals: Arrivals, now: datetime) -> None:
    """Take the documents in and announce what changes by them, in one transaction.

    What was taken before, or is older, changes nothing.
    """
    async with index.lock:
        await index.mend()
        read = await index.think(partial(_read, arrivals))
        async with index.db.transaction() as tx:
            await shards.lock_epoch(tx, index.epoch)
            newer = await _write(tx, read, arrivals.folders)
            if newer.postings or newer.seekers:
                told = await index.advance(newer.changes)
                for chunk in _chunks(told):
                    await _announce(tx, index, chunk, now)
        index.committed()


@dataclass(frozen=True, slots=True)
class PairExplained:
    """Why a pair stands as it does.

    broken: hard requirements that are not met; none means eligible. standing: how it is live as
    stored, None where it is not.
    """

    broken: tuple[Rule, ...]
    explanation: Explanation
    standing: Standing | None
    model: Model


async def explain_pair(
    index: Index, seeker_id: SeekerId, posting_id: PostingId
) -> PairExplained | None:
    """Explain a pair, live or not; None where one of the two was never heard of."""
    model = index.model
    async with index.db.transaction() as tx:
        posting = (await documents.select_postings(tx, [posting_id])).get(posting_id)
        seeker = (await documents.select_seekers(tx, [seeker_id])).get(seeker_id)
        match_id = match_id_of(seeker_id, posting_id)
        said = (await matches.select_announced(tx, [match_id])).get(match_id)
    if posting is None or seeker is None:
        return None
    return await asyncio.to_thread(
        _explained, model, posting, seeker, said.standing if said else None
    )


async def count_all(db: Database) -> documents.Counts:
    """How much the shard holds."""
    async with db.transaction() as tx:
        return await documents.count_all(tx)


def _explained(
    model: Model, posting: PostingRow, seeker: SeekerRow, standing: Standing | None
) -> PairExplained:
    job, person = ready_posting(model, posting), ready_seeker(model, seeker)
    return PairExplained(broken_rules(job, person), explain(job, person), standing, model)


@dataclass(frozen=True, slots=True)
class _Read:
    """Documents whose texts have been read."""

    postings: list[PostingRow]
    seekers: list[SeekerRow]


def _read(arrivals: Arrivals, engine: MatchEngine) -> _Read:
    """Read the texts before it is known which are new: nearly all are."""
    model = engine.model
    return _Read(
        [
            PostingRow(doc, _terms(model, prepare_posting(model, doc)) if doc.open else None)
            for doc in arrivals.postings
        ],
        [
            SeekerRow(doc, _terms(model, prepare_seeker(model, doc)) if doc.looking else None)
            for doc in arrivals.seekers
        ],
    )


def _terms(model: Model, ready: PreparedPosting | PreparedSeeker) -> Terms:
    return Terms(ready.terms, model.version)


@dataclass(frozen=True, slots=True)
class _Newer:
    """What was newer than what was stored, as stored now."""

    postings: list[PostingRow]
    seekers: list[SeekerRow]

    def changes(self, model: Model) -> Iterator[Change]:
        """As the engine takes them."""
        for posting in self.postings:
            if posting.doc.open:
                yield PutPosting(ready_posting(model, posting))
            else:
                yield DropPosting(posting.doc.posting_id)
        for seeker in self.seekers:
            if seeker.doc.looking:
                yield PutSeeker(ready_seeker(model, seeker))
            else:
                yield DropSeeker(seeker.doc.seeker_id)


async def _write(tx: Transaction, read: _Read, folders: Sequence[Folder]) -> _Newer:
    postings = await documents.upsert_postings(tx, read.postings)
    seekers = await documents.upsert_seekers(tx, read.seekers)
    seekers |= await documents.upsert_folders(tx, folders)
    # A profile and a folder come apart, and the engine takes both as one.
    rows = await documents.select_seekers(tx, seekers)
    return _Newer(
        [row for row in read.postings if row.doc.posting_id in postings], list(rows.values())
    )


async def _doubted(index: Index) -> list[_Doubt]:
    """The pairs whose stored match may not be what the engine has, by posting, then seeker."""
    live = await index.think(lambda engine: engine.live())
    gone: list[_Doubt] = []
    async with index.db.transaction() as tx:
        before = await shards.select_computed(tx)
        same = before == index.computed
        async for page in matches.live_matches(tx, PAGE):
            for said in page:
                pair = (said.seeker_id, said.posting_id)
                if pair not in live:
                    gone.append((pair, None))
                elif same and live[pair] == said.standing:
                    del live[pair]
    doubted = [*gone, *live.items()]
    if doubted:
        # Where nothing else changed, stored matches and documents should never have come apart.
        tell = log.warning if same else log.info
        tell("matches.compared", doubted=len(doubted), gone=len(gone), computed_as_now=same)
    return sorted(doubted, key=lambda doubt: (doubt[0][1].int, doubt[0][0].int))


def _told(doubted: Sequence[_Doubt], engine: MatchEngine) -> list[LiveChange]:
    """These pairs as they are now, with their reasons."""
    return [LiveChange(*pair, _match(engine, pair, standing)) for pair, standing in doubted]


def _match(engine: MatchEngine, pair: Pair, standing: Standing | None) -> LiveMatch | None:
    explanation = engine.explain(*pair) if standing else None
    if standing is None or explanation is None:
        return None
    return LiveMatch(standing.score_ppm, standing.for_seeker, standing.for_posting, explanation)


async def _announce(
    tx: Transaction, index: Index, told: Sequence[LiveChange], now: datetime
) -> None:
    """Write and announce where the pairs are not as last announced."""
    known = await matches.select_announced(
        tx, [match_id_of(change.seeker_id, change.posting_id) for change in told]
    )
    postings = await documents.select_postings(tx, {change.posting_id for change in told})
    briefs = {posting_id: row.doc for posting_id, row in postings.items()}
    news = await index.think(lambda engine: news_of(told, known, briefs, engine.model.version, now))
    if not news:
        return
    await matches.upsert_matches(tx, [each.row for each in news])
    await outbox.add_all(tx, [each.event for each in news])
    for each in news:
        ANNOUNCED.labels(each.event.type).inc()


def _chunks(whole: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(whole), CHUNK):
        yield whole[start : start + CHUNK]
