"""The index: a matching engine in memory that holds what the database holds, on its own thread.

What is written and announced when it changes does not live here.
"""

import asyncio
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TypeVar

import structlog
from prometheus_client import Counter, Histogram

from contracts.values import PostingId, SeekerId
from services.kit.database import Database, Transaction
from services.matcher.domain.base_model import base_model
from services.matcher.domain.engine import Change, LiveChange, MatchEngine, PutPosting, PutSeeker
from services.matcher.domain.matchset import MatchSet
from services.matcher.domain.model import Model
from services.matcher.domain.prepare import (
    PreparedPosting,
    PreparedSeeker,
    prepare_posting,
    prepare_seeker,
)
from services.matcher.domain.vector import TermVector
from services.matcher.store import documents, shard
from services.matcher.store.documents import PostingRow, SeekerRow, Terms
from services.matcher.store.shard import Computed

log = structlog.get_logger(__name__)

BUILDS = Counter("rengang_matcher_index_builds_total", "Times the index was read from the database")
THINKING = Histogram("rengang_matcher_thinking_seconds", "Time to work out what a batch changes")

PAGE = 1000

T = TypeVar("T")


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


class Index:
    """The engine of one shard, and whether it can be trusted.

    limits: in place of those in the stored model, by name. lock: held by whoever lets the engine
    and the database change together. epoch: of this process's hold on the shard.
    """

    def __init__(
        self,
        db: Database,
        limits: Mapping[str, int],
        *,
        engine_of: Callable[[Model], MatchEngine] = MatchSet,
        first_model: Callable[[], Model] = base_model,
    ) -> None:
        self.db = db
        self.lock = asyncio.Lock()
        self.epoch = 0
        self.figures = Figures()
        self._limits = dict(limits)
        self._engine_of = engine_of
        self._first_model = first_model
        # One thread: an engine takes one at a time, and a build that follows a cancelled call
        # begins after it has ended.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="matching")
        self._engine: MatchEngine | None = None
        self._ahead = False
        self._stage = "waiting for the shard"

    @property
    def model(self) -> Model:
        """The model in force, under the limits in force. Raises IndexNotReady."""
        return self._built().model

    @property
    def computed(self) -> Computed:
        """What live matches are computed with now. Raises IndexNotReady."""
        return Computed(self.model.version, self.model.limits, rules_hash())

    async def check(self) -> None:
        """Raises IndexNotReady unless documents can be taken and pairs explained."""
        if self._stage != "ready":
            raise IndexNotReady(self._stage)

    def enter(self, stage: str) -> None:
        """Say what the shard is doing; "ready" when it serves."""
        self._stage = stage
        log.info("index.stage", stage=stage)

    async def think(self, work: Callable[[MatchEngine], T]) -> T:
        """Run CPU work on the index's thread, where the event loop does not wait for it."""
        return await self._off_loop(work, self._built())

    async def advance(self, changes: Callable[[Model], Iterable[Change]]) -> list[LiveChange]:
        """Take changes ahead of the transaction that writes them; returns what follows from them.

        Until `committed` is called the engine is not to be trusted.
        """
        self._ahead = True
        started = time.perf_counter()
        told = await self.think(partial(_advanced, changes))
        took_s = time.perf_counter() - started
        THINKING.observe(took_s)
        self.figures.batches += 1
        self.figures.thinking_seconds += took_s
        return told

    def committed(self) -> None:
        """The transaction that wrote what the engine took has committed."""
        self._ahead = False

    async def mend(self) -> None:
        """Build again where an engine went ahead and its transaction did not follow."""
        if self._engine is None or self._ahead:
            await self.build()

    async def build(self) -> None:
        """Read the model and every document into a new engine."""
        started = time.perf_counter()
        self._engine = None
        async with self.db.transaction() as tx:
            await shard.lock_epoch(tx, self.epoch)
            model = await self._model(tx)
            engine = self._engine_of(model)
            n_postings = await self._read_postings(tx, engine)
            n_seekers = await self._read_seekers(tx, engine)
        # What the stored documents lead to is stored; only what comes from now on is news.
        live = await self._off_loop(lambda built: len(built.live()), engine)
        self._engine, self._ahead = engine, False
        took_s = round(time.perf_counter() - started, 3)
        BUILDS.inc()
        self.figures.kind = type(engine).__name__
        self.figures.builds += 1
        self.figures.build_seconds = took_s
        log.info(
            "index.built",
            model=model.version,
            postings=n_postings,
            seekers=n_seekers,
            live=live,
            seconds=took_s,
        )

    def close(self) -> None:
        """Let the thread go, after what it is doing."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _model(self, tx: Transaction) -> Model:
        artefact = await shard.select_active_model(tx)
        if artefact is None:
            model = await asyncio.to_thread(self._first_model)
            await shard.insert_model(tx, model.version, model.to_bytes())
        else:
            model = await asyncio.to_thread(Model.from_bytes, artefact)
        return model.limited(**self._limits)

    async def _read_postings(self, tx: Transaction, engine: MatchEngine) -> int:
        read = 0
        async for page in documents.open_postings(tx, PAGE):
            made = await self._off_loop(partial(_put_postings, page), engine)
            if made:
                await documents.update_terms_of_postings(tx, made)
            read += len(page)
            log.info("index.reading", kind="postings", read=read)
        return read

    async def _read_seekers(self, tx: Transaction, engine: MatchEngine) -> int:
        read = 0
        async for page in documents.looking_seekers(tx, PAGE):
            made = await self._off_loop(partial(_put_seekers, page), engine)
            if made:
                await documents.update_terms_of_seekers(tx, made)
            read += len(page)
            log.info("index.reading", kind="seekers", read=read)
        return read

    def _built(self) -> MatchEngine:
        if self._engine is None:
            raise IndexNotReady(self._stage)
        return self._engine

    async def _off_loop(self, work: Callable[[MatchEngine], T], engine: MatchEngine) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, engine)


def _advanced(
    changes: Callable[[Model], Iterable[Change]], engine: MatchEngine
) -> list[LiveChange]:
    engine.apply(changes(engine.model))
    return engine.settle()


def ready_posting(model: Model, row: PostingRow) -> PreparedPosting:
    """The posting made ready; its text is read again only where another model had read it."""
    return prepare_posting(model, row.doc, _vector(model, row.terms))


def ready_seeker(model: Model, row: SeekerRow) -> PreparedSeeker:
    """The seeker made ready; the text is read again only where another model had read it."""
    return prepare_seeker(model, row.doc, row.held, _vector(model, row.terms))


def _vector(model: Model, terms: Terms | None) -> TermVector | None:
    return terms.vector if terms and terms.model == model.version else None


def _put_postings(page: Sequence[PostingRow], engine: MatchEngine) -> list[tuple[PostingId, Terms]]:
    """Put them into the engine; returns the term vectors that had to be made."""
    model = engine.model
    ready = [ready_posting(model, row) for row in page]
    engine.apply(map(PutPosting, ready))
    return [
        (posting.doc.posting_id, Terms(posting.terms, model.version))
        for posting, row in zip(ready, page, strict=True)
        if _vector(model, row.terms) is None
    ]


def _put_seekers(page: Sequence[SeekerRow], engine: MatchEngine) -> list[tuple[SeekerId, Terms]]:
    """Put them into the engine; returns the term vectors that had to be made."""
    model = engine.model
    ready = [ready_seeker(model, row) for row in page]
    engine.apply(map(PutSeeker, ready))
    return [
        (seeker.doc.seeker_id, Terms(seeker.terms, model.version))
        for seeker, row in zip(ready, page, strict=True)
        if _vector(model, row.terms) is None
    ]


_LIBRARIES = ("numpy", "rapidfuzz", "scikit-learn")
_READ_BY_RULES = (
    ("services.matcher", ("domain", "announcing.py")),
    ("contracts", ("vocabulary", "values.py", "matches.py", "postings.py")),
)


@cache
def rules_hash() -> str:
    """SHA-256 of all that scores and tells beside the model: our code and tables, the libraries.

    Where it changed, what is stored may no longer be what these rules lead to.
    """
    found = sha256()
    for library in _LIBRARIES:
        found.update(f"{library} {version(library)}\n".encode())
    found.update(f"unicode {unicodedata.unidata_version}\n".encode())
    for package, names in _READ_BY_RULES:
        for name in names:
            for path, content in _sources(files(package) / name, f"{package}/{name}"):
                found.update(f"{path} {sha256(content).hexdigest()}\n".encode())
    return found.hexdigest()


def _sources(entry: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    if entry.is_dir():
        for inner in sorted(entry.iterdir(), key=lambda each: each.name):
            yield from _sources(inner, f"{path}/{inner.name}")
    elif not path.endswith((".pyc", ".pyo")):
        yield path, entry.read_bytes().replace(b"\r\n", b"\n")
