"""What the matcher does: takes news of the market in, begins, re-matches, and says why.

Which pairs are live is the engine's to say; how documents and matches are stored is the store's.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog
from prometheus_client import Counter

from contracts.values import PostingId, SeekerId, match_id_of
from services.kit import outbox
from services.kit.database import Database, Transaction
from services.kit.migrations import migrate
from services.kit.telemetry import current_traceparent
from services.matcher.announcing import PairNow, say
from services.matcher.domain.documents import HeldCertificate, Posting, Seeker
from services.matcher.domain.eligibility import Rule, broken_rules
from services.matcher.domain.engine import (
    Change,
    DropPosting,
    DropSeeker,
    Pair,
    PairChange,
    PutPosting,
    PutSeeker,
    Standing,
)
from services.matcher.domain.explain import Explanation, explain
from services.matcher.domain.fast.engine import FastEngine
from services.matcher.domain.model import Model
from services.matcher.domain.prepare import (
    PreparedPosting,
    prepare_posting,
    prepare_seeker,
)
from services.matcher.domain.vector import TermVector
from services.matcher.index import Index, ready_posting, ready_seeker
from services.matcher.index.making import made_by, posting_row, seeker_row
from services.matcher.store import documents, inheritance, matches, outcomes
from services.matcher.store import shard as shards
from services.matcher.store.documents import Folder, Known, PostingRow, SeekerRow
from services.matcher.store.shard import Sweep

log = structlog.get_logger(__name__)

ANNOUNCED = Counter("rengang_matcher_announced_total", "Events of matches written", ["type"])

# Pairs of one statement: bounds what is held at once and how long the loop is busy encoding it.
CHUNK = 2000
SEEKERS_SWEPT_AT_ONCE = 100
_PAGE = 1000
# So many documents may have changed since an engine was built beside, to be taken under the lock.
_FEW = 200


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
    for schema in predecessors:
        # It may have been left by an older version of the code.
        await migrate(db.url, "services.matcher", schema=schema)
    async with db.transaction() as tx:
        for schema in predecessors:
            if not await inheritance.share_lock(tx, schema):
                return schema
        await inheritance.create_mine(tx)
        for schema in predecessors:
            seekers = 0
            async for page in inheritance.seekers_of(tx, schema, _PAGE):
                mine = [seeker_id for seeker_id in page if owns(seeker_id)]
                await inheritance.insert_mine(tx, mine)
                seekers += len(mine)
            await inheritance.copy_models(tx, schema)
            await inheritance.copy_postings(tx, schema)
            await inheritance.move_seekers(tx, schema)
            await inheritance.move_outbox(tx, schema)
            await inheritance.forget_computed(tx, schema)
            log.info("shard.inherited", predecessor=schema, seekers=seekers)
    return None


async def begin(index: Index) -> None:
    """Take the shard and build the index. The caller holds the shard's lock, and sweeps next.

    Where the stored live matches were computed with another model, other limits or other rules,
    they are found anew here, and what is stored and announced follows by `sweep`.
    """
    async with index.lock:
        async with index.db.transaction() as tx:
            index.epoch = await shards.raise_epoch(tx)
        if await index.build(beginning=True):
            return
        async with index.db.transaction() as tx:
            await shards.lock_epoch(tx, index.epoch)
            under_way = await shards.select_sweep(tx)
            if under_way is None or under_way.of != made_by(index.model):
                await shards.update_sweep(tx, Sweep(made_by(index.model), None))


async def sweep(index: Index, now: Callable[[], datetime]) -> int:
    """Bring the stored live matches to what the engine has, and announce it; how many pairs.

    Seeker by seeker, a chunk a transaction, so that events go on between the chunks, the old
    matches stay until their turn comes, and a process that ends is followed by one that goes on
    where it was. Does nothing where no sweep is under way.
    """
    compared = 0
    while True:
        async with index.lock:
            await index.mend()
            async with index.db.transaction() as tx:
                await shards.lock_epoch(tx, index.epoch)
                under_way = await shards.select_sweep(tx)
                if under_way is None:
                    return compared
                ids = await documents.select_seeker_ids(
                    tx, under_way.swept_to, SEEKERS_SWEPT_AT_ONCE
                )
                if not ids:
                    await shards.update_sweep(tx, None)
                    await shards.update_computed(tx, index.computed)
                    log.info("sweep.done", model=index.model.version, compared=compared)
                    return compared
                stored = await matches.live_matches_of(tx, ids)
                pairs = {(row.seeker_id, row.posting_id) for row in stored.values()}
                told = await index.think(partial(_standing_now, ids, pairs))
                await _announce(tx, index, told, now())
                await shards.update_sweep(tx, Sweep(under_way.of, ids[-1]))
        compared += len(told)
        await asyncio.sleep(0)


async def rematch(index: Index) -> bool:
    """Put the model that was chosen in force, if one was; returns whether a sweep must follow.

    The new engine is built beside the one that serves, and takes what happened in the meantime
    before it takes its place.
    """
    async with index.db.transaction() as tx:
        artefact = await shards.select_wanted_model(tx)
    if artefact is None:
        return False
    model = index.limited(await asyncio.to_thread(Model.from_bytes, artefact))
    log.info("rematch.begun", model=model.version, before=index.model.version)
    try:
        engine = await index.build_beside(model)
        while await index.catch_up(engine) > _FEW:
            pass
        async with index.lock:
            await index.mend()
            await index.catch_up(engine)
            async with index.db.transaction() as tx:
                await shards.lock_epoch(tx, index.epoch)
                if await shards.select_wanted_model(tx) != artefact:
                    return False
                await shards.put_wanted_in_force(tx)
                await shards.update_sweep(tx, Sweep(made_by(model), None))
                index.doubt()
            index.replace(engine)
    finally:
        index.abandon()
    log.info("rematch.in_force", model=model.version)
    return True


async def follow_choices(index: Index, now: Callable[[], datetime]) -> None:
    """Finish what is under way, then put in force whatever is chosen, until cancelled."""
    while True:
        await sweep(index, now)
        index.chosen.clear()
        if not await rematch(index):
            await index.chosen.wait()


async def choose(index: Index, version: str, choice: int) -> None:
    """A model was chosen for all shards. choice: its number; an older one changes nothing."""
    # Under the lock: a sweep too first shares the shard's row and then writes it, and two of that
    # kind would wait for each other.
    async with index.lock, index.db.transaction() as tx:
        await shards.lock_epoch(tx, index.epoch)
        known = await shards.want_model(tx, version, choice)
    if not known:
        log.error("model.unknown", model=version, choice=choice)
    index.chosen.set()


async def take_in(index: Index, arrivals: Arrivals, now: datetime) -> None:
    """Take the documents in and announce what changes by them, in one transaction.

    What was taken before, or is older, changes nothing.
    """
    async with index.lock:
        await index.mend()
        model = index.model
        # Texts are read before it is known which are new: nearly all are.
        read = await index.compute(partial(_read, model, arrivals))
        async with index.db.transaction() as tx:
            await shards.lock_epoch(tx, index.epoch)
            newer = await _newer(tx, arrivals)
            ready = await index.compute(partial(_ready, model, newer, read))
            await _write(tx, ready)
            if ready.changes:
                index.keep(ready.changes)
                for chunk in _chunks(await index.advance(tx, ready.changes)):
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
class _ReadTexts:
    """Texts that have been read: postings made ready, and the terms of profiles."""

    postings: Mapping[PostingId, PreparedPosting]
    profiles: Mapping[SeekerId, TermVector]


def _read(model: Model, arrivals: Arrivals) -> _ReadTexts:
    return _ReadTexts(
        {doc.posting_id: prepare_posting(model, doc) for doc in arrivals.postings if doc.open},
        {
            doc.seeker_id: prepare_seeker(model, doc).terms
            for doc in arrivals.seekers
            if doc.looking
        },
    )


@dataclass(frozen=True, slots=True)
class _Newer:
    """What is newer than what is stored. known: of all seekers it is about, as stored."""

    postings: list[Posting]
    profiles: dict[SeekerId, Seeker]
    folders: dict[SeekerId, Folder]
    known: Mapping[SeekerId, Known]


async def _newer(tx: Transaction, arrivals: Arrivals) -> _Newer:
    """No other process writes here, so what is read stays true until it is written."""
    versions = await documents.select_posting_versions(
        tx, [doc.posting_id for doc in arrivals.postings]
    )
    profiles = {doc.seeker_id: doc for doc in arrivals.seekers}
    folders = {folder.seeker_id: folder for folder in arrivals.folders}
    known = await documents.select_known(tx, profiles.keys() | folders.keys())
    return _Newer(
        [doc for doc in arrivals.postings if versions.get(doc.posting_id, 0) < doc.version],
        {
            key: doc
            for key, doc in profiles.items()
            if (before := known[key].profile) is None or before.doc.version < doc.version
        },
        {
            key: folder
            for key, folder in folders.items()
            if (held := known[key].folder) is None or held.version < folder.version
        },
        known,
    )


@dataclass(frozen=True, slots=True)
class _Ready:
    """All that is to be written, and the changes it makes.

    seekers: whose profile is new; others: known ones who hold something else now.
    """

    postings: list[PostingRow]
    seekers: list[SeekerRow]
    others: list[SeekerRow]
    folders: list[Folder]
    changes: list[Change]


def _ready(model: Model, newer: _Newer, read: _ReadTexts) -> _Ready:
    made = _Ready([], [], [], list(newer.folders.values()), [])
    for doc in newer.postings:
        posting = read.postings.get(doc.posting_id)
        made.postings.append(posting_row(model, doc, posting))
        made.changes.append(PutPosting(posting) if posting else DropPosting(doc.posting_id))
    for key in newer.profiles.keys() | newer.folders.keys():
        before = newer.known[key].profile
        profile = newer.profiles.get(key) or (before.doc if before else None)
        if profile is None:
            continue
        held = _held(key, newer)
        seeker = None
        if profile.looking:
            seeker = (
                prepare_seeker(model, profile, held, read.profiles[key])
                if key in newer.profiles or before is None
                else ready_seeker(model, SeekerRow(profile, before.made, held))
            )
        row = seeker_row(model, profile, held, seeker)
        (made.seekers if key in newer.profiles else made.others).append(row)
        made.changes.append(PutSeeker(seeker) if seeker else DropSeeker(key))
    return made


def _held(seeker_id: SeekerId, newer: _Newer) -> tuple[HeldCertificate, ...]:
    folder = newer.folders.get(seeker_id) or newer.known[seeker_id].folder
    return folder.held if folder else ()


async def _write(tx: Transaction, ready: _Ready) -> None:
    await documents.upsert_postings(tx, ready.postings)
    await documents.upsert_seekers(tx, ready.seekers)
    await outcomes.delete_outcomes_of(
        tx, [row.doc.seeker_id for row in ready.seekers if not row.doc.looking]
    )
    await documents.upsert_folders(tx, ready.folders)
    await documents.update_made_of_seekers(tx, [row for row in ready.others if row.made])


def _standing_now(
    seeker_ids: Sequence[SeekerId], stored: set[Pair], engine: FastEngine
) -> list[PairChange]:
    """All pairs of these seekers that are live or were, as they are now; by posting."""
    pairs = sorted(
        stored | set(engine.live_of(seeker_ids)), key=lambda pair: (pair[1].int, pair[0].int)
    )
    return [
        PairChange(*pair, standing)
        for pair, standing in zip(pairs, engine.standing(pairs), strict=True)
    ]


async def _announce(
    tx: Transaction, index: Index, told: Sequence[PairChange], now: datetime
) -> None:
    """Write and announce where the pairs are not as last announced."""
    if not told:
        return
    ids = [match_id_of(change.seeker_id, change.posting_id) for change in told]
    known = await matches.select_announced(tx, ids)
    # Of a pair that is gone and was never announced there is nothing to be said.
    of_interest = [
        (match_id, change)
        for match_id, change in zip(ids, told, strict=True)
        if change.standing is not None or match_id in known
    ]
    postings = await index.postings(tx, {change.posting_id for _, change in of_interest})
    seekers = await index.seekers(
        tx, {change.seeker_id for _, change in of_interest if change.standing is not None}
    )
    pairs = [
        PairNow(
            match_id,
            postings[change.posting_id],
            seekers.get(change.seeker_id),
            change.seeker_id,
            change.standing,
        )
        for match_id, change in of_interest
    ]
    trace = current_traceparent()
    news = await index.compute(partial(say, pairs, known, index.model.version, now, trace))
    if not news:
        return
    await matches.upsert_matches(tx, [each.row for each in news])
    await outbox.add_encoded(tx, [each.outgoing for each in news])
    for each in news:
        ANNOUNCED.labels(each.type).inc()


def _chunks(whole: Sequence[PairChange]) -> Iterable[Sequence[PairChange]]:
    for start in range(0, len(whole), CHUNK):
        yield whole[start : start + CHUNK]
