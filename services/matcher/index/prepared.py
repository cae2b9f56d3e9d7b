"""Documents made ready, the latest used: what matches are explained with.

The index knows of a document only what a search needs; this keeps the rest at hand, up to a limit,
and reads it back where it is not. What is explained does not live here.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Generic, TypeVar

from contracts.values import PostingId, SeekerId
from services.kit.database import Transaction
from services.matcher.domain.model import Model
from services.matcher.domain.prepare import PreparedPosting, PreparedSeeker
from services.matcher.index.making import ready_posting, ready_seeker
from services.matcher.store import documents
from services.matcher.store.documents import PostingRow, SeekerRow

_MOST = 50_000
"""Of each side; a document takes some 5 kB."""

Id = TypeVar("Id", PostingId, SeekerId)
Ready = TypeVar("Ready", PreparedPosting, PreparedSeeker)
T = TypeVar("T")
Compute = Callable[[Callable[[], T]], Awaitable[T]]


class Prepared:
    """Both sides. compute: runs CPU work off the event loop."""

    def __init__(self, *, most: int = _MOST) -> None:
        self._postings: _Latest[PostingId, PreparedPosting] = _Latest(most)
        self._seekers: _Latest[SeekerId, PreparedSeeker] = _Latest(most)

    def keep(self, postings: Iterable[PreparedPosting], seekers: Iterable[PreparedSeeker]) -> None:
        """These are how the documents are now."""
        for posting in postings:
            self._postings.put(posting.doc.posting_id, posting)
        for seeker in seekers:
            self._seekers.put(seeker.doc.seeker_id, seeker)

    def forget(self, postings: Iterable[PostingId], seekers: Iterable[SeekerId]) -> None:
        """These documents may be otherwise."""
        for posting_id in postings:
            self._postings.drop(posting_id)
        for seeker_id in seekers:
            self._seekers.drop(seeker_id)

    def clear(self) -> None:
        """All documents may be otherwise."""
        self._postings.clear()
        self._seekers.clear()

    async def postings(
        self,
        tx: Transaction,
        model: Model,
        ids: Collection[PostingId],
        compute: "Compute[dict[PostingId, PreparedPosting]]",
    ) -> dict[PostingId, PreparedPosting]:
        """These postings, open or closed, as this transaction sees them."""
        found, missing = self._postings.find(ids, model.version)
        if missing:
            rows = await documents.select_postings(tx, missing)
            read = await compute(lambda: _ready_postings(model, rows))
            self.keep(read.values(), ())
            found |= read
        return found

    async def seekers(
        self,
        tx: Transaction,
        model: Model,
        ids: Collection[SeekerId],
        compute: "Compute[dict[SeekerId, PreparedSeeker]]",
    ) -> dict[SeekerId, PreparedSeeker]:
        """These seekers, looking or withdrawn, as this transaction sees them."""
        found, missing = self._seekers.find(ids, model.version)
        if missing:
            rows = await documents.select_seekers(tx, missing)
            read = await compute(lambda: _ready_seekers(model, rows))
            self.keep((), read.values())
            found |= read
        return found


class _Latest(Generic[Id, Ready]):
    """The latest used, up to a number."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[Id, Ready] = OrderedDict()

    def put(self, key: Id, ready: Ready) -> None:
        self._held[key] = ready
        self._held.move_to_end(key)
        if len(self._held) > self._most:
            self._held.popitem(last=False)

    def drop(self, key: Id) -> None:
        self._held.pop(key, None)

    def clear(self) -> None:
        self._held.clear()

    def find(self, ids: Collection[Id], model: str) -> tuple[dict[Id, Ready], list[Id]]:
        """Those at hand that this model made ready, and the ids of the others."""
        found: dict[Id, Ready] = {}
        missing: list[Id] = []
        for key in ids:
            ready = self._held.get(key)
            if ready is not None and ready.model_version == model:
                self._held.move_to_end(key)
                found[key] = ready
            else:
                missing.append(key)
        return found, missing


def _ready_postings(
    model: Model, rows: dict[PostingId, PostingRow]
) -> dict[PostingId, PreparedPosting]:
    return {key: ready_posting(model, row) for key, row in rows.items()}


def _ready_seekers(model: Model, rows: dict[SeekerId, SeekerRow]) -> dict[SeekerId, PreparedSeeker]:
    return {key: ready_seeker(model, row) for key, row in rows.items()}
