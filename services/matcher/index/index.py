"""The index: an engine in memory that holds what the database holds, on a thread of its own.

What is written and announced when it changes does not live here.
"""

import asyncio
import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import structlog
from prometheus_client import Counter, Histogram

from contracts.values import PostingId, SeekerId
from services.kit.database import Database, Transaction
from services.matcher.domain.base_model import base_model
from services.matcher.domain.engine import (
    Change,
    DropPosting,
    DropSeeker,
    PairChange,
    PutPosting,
    PutSeeker,
)
from services.matcher.domain.fast.engine import FastEngine
from services.matcher.domain.fast.side import Found, Job, in_turn
from services.matcher.domain.model import Model
from services.matcher.domain.prepare import PreparedPosting, PreparedSeeker
from services.matcher.index.building import Builder
from services.matcher.index.making import made_by
from services.matcher.index.prepared import Prepared
from services.matcher.index.rules import rules_hash
from services.matcher.index.warming import warm_up
from services.matcher.store import shard
from services.matcher.store.shard import Computed, Sweep

log = structlog.get_logger(__name__)

BUILDS = Counter("rengang_matcher_index_builds_total", "Times the index was read from the database")
THINKING = Histogram("rengang_matcher_thinking_seconds", "Time to work out what a batch changes")

T = TypeVar("T")
EngineOf = Callable[[Model], FastEngine]


class IndexNotReady(Exception):
    """The index is not built; the text says how far it is."""


@dataclass(slots=True)
class Figures:
    """What the engine has done since the process began; seconds are of wall clock."""

    kind: str = ""
    builds: int = 0
    build_seconds: float = 0.0
    batches: int = 0
    thinking_seconds: float = 0.0


@dataclass(slots=True)
class Subjects:
    """Which documents something was about."""

    postings: set[PostingId] = field(default_factory=set)
    seekers: set[SeekerId] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.postings) + len(self.seekers)

    def update(self, other: "Subjects") -> None:
        """Add those of the other."""
        self.postings |= other.postings
        self.seekers |= other.seekers


class Index:
    """The engine of one shard, and whether it can be trusted.

    limits: in place of those in the stored model, by name. lock: held by whoever lets the engine
    and the database change together. epoch: of this process's hold on the shard. chosen: set when
    a model was chosen that is to be put in force.
    """

    def __init__(
        self,
        db: Database,
        limits: Mapping[str, int],
        *,
        engine_of: EngineOf | None = None,
        first_model: Callable[[], Model] = base_model,
        threads: int | None = None,
    ) -> None:
        self.db = db
        self.lock = asyncio.Lock()
        self.chosen = asyncio.Event()
        self.epoch = 0
        self.figures = Figures()
        self.prepared = Prepared()
        self._limits = dict(limits)
        self._engine_of = engine_of or (lambda model: FastEngine(model, run_all=self._run_all))
        self._first_model = first_model
        # One thread: an engine takes one at a time, and a build that follows a cancelled call
        # begins after it has ended. Searches within are spread over all cores.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="matching")
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="rematching")
        cores = threads or len(os.sched_getaffinity(0))
        self._searching = ThreadPoolExecutor(cores, thread_name_prefix="searching")
        self._several = cores > 1
        self._engine: FastEngine | None = None
        self._ahead = Subjects()
        self._broken = False
        self._journal: Subjects | None = None
        self._stage = "waiting for the shard"

    @property
    def model(self) -> Model:
        """The model in force, under the limits in force. Raises IndexNotReady."""
        return self._built().model

    @property
    def computed(self) -> Computed:
        """What live matches are computed with now. Raises IndexNotReady."""
        return computed_with(self.model)

    @property
    def nbytes(self) -> dict[str, int]:
        """Bytes of memory the engine holds, by what for. Raises IndexNotReady."""
        return self._built().nbytes

    async def check(self) -> None:
        """Raises IndexNotReady unless documents can be taken and pairs explained."""
        if self._stage != "ready":
            raise IndexNotReady(self._stage)

    def enter(self, stage: str) -> None:
        """Say what the shard is doing; "ready" when it serves."""
        self._stage = stage
        log.info("index.stage", stage=stage)

    async def think(self, work: Callable[[FastEngine], T]) -> T:
        """Run CPU work on the index's thread, where the event loop does not wait for it."""
        return await self.compute(partial(work, self._built()))

    async def compute(self, work: Callable[[], T]) -> T:
        """Likewise, for work that needs no engine."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def postings(
        self, tx: Transaction, ids: Collection[PostingId]
    ) -> dict[PostingId, PreparedPosting]:
        """These postings made ready, open or closed, as this transaction sees them."""
        return await self.prepared.postings(tx, self.model, ids, self.compute)

    async def seekers(
        self, tx: Transaction, ids: Collection[SeekerId]
    ) -> dict[SeekerId, PreparedSeeker]:
        """These seekers made ready, as this transaction sees them."""
        return await self.prepared.seekers(tx, self.model, ids, self.compute)

    def keep(self, changes: Collection[Change]) -> None:
        """Have the new documents at hand, and nothing more of those that are gone."""
        gone = subjects_of(each for each in changes if isinstance(each, DropPosting | DropSeeker))
        self.prepared.forget(gone.postings, gone.seekers)
        self.prepared.keep(
            (each.posting for each in changes if isinstance(each, PutPosting)),
            (each.seeker for each in changes if isinstance(each, PutSeeker)),
        )

    async def advance(self, tx: Transaction, changes: Collection[Change]) -> list[PairChange]:
        """Take changes ahead of the transaction that writes them; returns what follows from them.

        Until `committed` is called the engine is not to be trusted.
        """
        self._ahead.update(subjects_of(changes))
        started = time.perf_counter()
        told = await self._take(tx, changes)
        took_s = time.perf_counter() - started
        THINKING.observe(took_s)
        self.figures.batches += 1
        self.figures.thinking_seconds += took_s
        return told

    def committed(self) -> None:
        """The transaction that wrote what the engine took has committed."""
        if self._journal is not None:
            self._journal.update(self._ahead)
        self._ahead = Subjects()

    async def mend(self) -> None:
        """Bring an engine back that went ahead and whose transaction did not follow, or may not.

        What is stored is consistent in itself, documents and matches, so what is told by going back
        is of no interest to anyone.
        """
        if self._broken or self._engine is None:
            await self.build()
            return
        if not self._ahead:
            return
        self.prepared.forget(self._ahead.postings, self._ahead.seekers)
        async with self.db.transaction() as tx:
            postings = await self.postings(tx, self._ahead.postings)
            seekers = await self.seekers(tx, self._ahead.seekers)
            await self._take(tx, back_to(self._ahead, postings, seekers))
        if self._journal is not None:
            self._journal.update(self._ahead)
        self._ahead = Subjects()

    def doubt(self) -> None:
        """Another model is about to be put in force, and whether it was may never be heard.

        Unless `replace` follows, `mend` makes the engine of whatever is in force then.
        """
        self._broken = True

    async def build(self, *, beginning: bool = False) -> bool:
        """Make the engine from what is stored; the caller holds the lock.

        Returns whether the stored live matches are those of this engine; else they were found
        anew, and what is stored may differ. beginning: of a process, which puts a model in force
        first that was chosen: what is stored is to be swept then, even by the model of before.
        """
        self._engine = None
        started = time.perf_counter()
        async with self.db.transaction() as tx:
            await shard.lock_epoch(tx, self.epoch)
            chosen = beginning and await shard.select_wanted_model(tx) is not None
            if chosen:
                await shard.put_wanted_in_force(tx)
            model = await self._model_in_force(tx)
            if chosen:
                await shard.update_sweep(tx, Sweep(made_by(model), None))
            before, sweep = await shard.select_computed(tx), await shard.select_sweep(tx)
        same = before == computed_with(model) and sweep is None
        self.prepared.clear()
        builder = Builder(self.db, self.compute, self._engine_of(model), nullcontext())
        if not self.figures.builds:
            await self.compute(partial(warm_up, model))
        self._engine = await builder.built(restored=same)
        self._ahead, self._broken = Subjects(), False
        BUILDS.inc()
        self.figures.kind = type(self._engine).__name__
        self.figures.builds += 1
        self.figures.build_seconds = round(time.perf_counter() - started, 3)
        log.info(
            "index.built",
            seconds=self.figures.build_seconds,
            restored=same,
            bytes=sum(self._engine.nbytes.values()),
        )
        return same

    async def build_beside(self, model: Model) -> FastEngine:
        """Make an engine of another model while this one goes on; what happens is journalled.

        Hand it to `catch_up` and `replace`.
        """
        self._journal = Subjects()
        builder = Builder(self.db, self.compute_beside, self._engine_of(model), self.lock)
        return await builder.built(restored=False)

    async def compute_beside(self, work: Callable[[], T]) -> T:
        """Run CPU work of a build beside the one that serves."""
        return await asyncio.get_running_loop().run_in_executor(self._beside, work)

    async def catch_up(self, engine: FastEngine) -> int:
        """Let an engine that was built beside take what happened since; returns how much did."""
        journal, self._journal = self._journal or Subjects(), Subjects()
        prepared = Prepared(most=len(journal) + 1)
        async with self.db.transaction() as tx:
            model = engine.model
            postings = await prepared.postings(tx, model, journal.postings, self.compute_beside)
            seekers = await prepared.seekers(tx, model, journal.seekers, self.compute_beside)
            changes = back_to(journal, postings, seekers)
            await self.compute_beside(lambda: engine.apply(changes))
            wanted = await self.compute_beside(engine.wanted)
            short = await prepared.seekers(tx, model, wanted, self.compute_beside)
            await self.compute_beside(lambda: engine.refill(short.values()))
            await self.compute_beside(engine.settle)
        return len(journal)

    def replace(self, engine: FastEngine) -> None:
        """Go on with an engine that has caught up; the caller holds the lock."""
        self._engine, self._journal, self._broken = engine, None, False
        self.prepared.clear()

    def abandon(self) -> None:
        """No engine is being built beside any more."""
        self._journal = None

    def close(self) -> None:
        """Let the threads end."""
        for pool in (self._thread, self._beside, self._searching):
            pool.shutdown(wait=False, cancel_futures=True)

    def limited(self, model: Model) -> Model:
        """A stored model under the limits in force."""
        return model.limited(**self._limits)

    async def _take(self, tx: Transaction, changes: Iterable[Change]) -> list[PairChange]:
        engine = self._built()
        try:
            await self.compute(lambda: engine.apply(changes))
            wanted = await self.compute(engine.wanted)
            if wanted:
                short = await self.seekers(tx, wanted)
                await self.compute(lambda: engine.refill(short.values()))
            return await self.compute(engine.settle)
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError):
            # Not what a database or a cancelled call raises: the engine itself is in doubt.
            self._broken = True
            raise

    async def _model_in_force(self, tx: Transaction) -> Model:
        artefact = await shard.select_active_model(tx)
        if artefact is None:
            model = await asyncio.to_thread(self._first_model)
            await shard.insert_model(tx, model.version, model.to_bytes())
        else:
            model = await asyncio.to_thread(Model.from_bytes, artefact)
        return self.limited(model)

    def _built(self) -> FastEngine:
        if self._engine is None:
            raise IndexNotReady(self._stage)
        return self._engine

    def _run_all(self, jobs: Collection[Job]) -> list[Found]:
        if not self._several:
            return in_turn(list(jobs))
        return list(self._searching.map(lambda job: job(), jobs))


def computed_with(model: Model) -> Computed:
    """What live matches are computed with under this model and these rules."""
    return Computed(model.version, model.limits, rules_hash())


def subjects_of(changes: Iterable[Change]) -> Subjects:
    """Which documents changes are about."""
    found = Subjects()
    for change in changes:
        match change:
            case PutPosting(posting):
                found.postings.add(posting.doc.posting_id)
            case DropPosting(posting_id):
                found.postings.add(posting_id)
            case PutSeeker(seeker):
                found.seekers.add(seeker.doc.seeker_id)
            case DropSeeker(seeker_id):
                found.seekers.add(seeker_id)
    return found


def back_to(
    subjects: Subjects,
    postings: Mapping[PostingId, PreparedPosting],
    seekers: Mapping[SeekerId, PreparedSeeker],
) -> list[Change]:
    """The changes that bring an engine to these documents. postings, seekers: those that exist."""
    return [
        *(
            PutPosting(postings[key]) if key in postings else DropPosting(key)
            for key in subjects.postings
        ),
        *(
            PutSeeker(seekers[key]) if key in seekers else DropSeeker(key)
            for key in subjects.seekers
        ),
    ]
