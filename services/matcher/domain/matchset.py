"""The live set, kept by a plain scan: each new document is scored against all of the other side.

Exact, and fast enough for a city on one core; the speed of a region lives in another engine.
"""

from collections.abc import Iterable
from typing import assert_never
from uuid import UUID

from contracts.values import PostingId, SeekerId
from services.matcher.domain.columns import Codes
from services.matcher.domain.engine import (
    Change,
    DropPosting,
    DropSeeker,
    LiveChange,
    LiveMatch,
    ModelMismatch,
    Pair,
    PutPosting,
    PutSeeker,
    Standing,
)
from services.matcher.domain.explain import Explanation, explain
from services.matcher.domain.model import Model
from services.matcher.domain.posting_columns import PostingColumns
from services.matcher.domain.prepare import PreparedPosting, PreparedSeeker
from services.matcher.domain.rankings import Rankings
from services.matcher.domain.seeker_columns import SeekerColumns
from services.matcher.domain.spellings import Spellings


class MatchSet:
    """A `MatchEngine`. Inside, a document is the integer of its UUID, which orders alike."""

    def __init__(self, model: Model) -> None:
        codes, spellings = Codes(), Spellings()
        self._model = model
        self._open = PostingColumns(codes, spellings)
        self._looking = SeekerColumns(codes, spellings)
        self._postings: dict[int, PreparedPosting] = {}
        self._seekers: dict[int, PreparedSeeker] = {}
        self._rankings = Rankings(model.limits)

    @property
    def model(self) -> Model:
        """The model all documents are prepared by."""
        return self._model

    def apply(self, changes: Iterable[Change]) -> None:
        """Take the changes; see `MatchEngine.apply`."""
        last: dict[tuple[str, int], Change] = {}
        for change in changes:
            self._check(change)
            last[_subject(change)] = change
        for change in last.values():
            match change:
                case PutPosting(posting):
                    self._put_posting(posting)
                case DropPosting(posting_id):
                    self._drop_posting(posting_id.int)
                case PutSeeker(seeker):
                    self._put_seeker(seeker)
                case DropSeeker(seeker_id):
                    self._drop_seeker(seeker_id.int)
                case _:
                    assert_never(change)

    def settle(self) -> list[LiveChange]:
        """What changed since the last call, net; see `MatchEngine.settle`."""
        return [
            LiveChange(_seeker_id(seeker), _posting_id(posting), self._match(posting, seeker))
            for posting, seeker in sorted(self._rankings.settle())
        ]

    def live(self) -> dict[Pair, Standing]:
        """The whole live set; see `MatchEngine.live`."""
        self._rankings.settle()
        found: dict[Pair, Standing] = {}
        for posting, seeker in self._rankings.live():
            if (standing := self._rankings.standing(posting, seeker)) is not None:
                found[_seeker_id(seeker), _posting_id(posting)] = standing
        return found

    def explain(self, seeker_id: SeekerId, posting_id: PostingId) -> Explanation | None:
        """The reasons for a pair; see `MatchEngine.explain`."""
        posting, seeker = self._postings.get(posting_id.int), self._seekers.get(seeker_id.int)
        return explain(posting, seeker) if posting and seeker else None

    def _match(self, posting: int, seeker: int) -> LiveMatch | None:
        standing = self._rankings.standing(posting, seeker)
        if standing is None:
            return None
        return LiveMatch(
            standing.score_ppm,
            standing.for_seeker,
            standing.for_posting,
            explain(self._postings[posting], self._seekers[seeker]),
        )

    def _put_posting(self, posting: PreparedPosting) -> None:
        key = posting.doc.posting_id.int
        if key in self._postings and self._postings[key].doc == posting.doc:
            return
        self._postings[key] = posting
        if not posting.doc.open:
            self._open.drop(key)
            self._rankings.rank_posting(key, ())
            return
        self._open.put(key, posting)
        self._rankings.rank_posting(key, self._looking.matches(posting, self._model.limits.tau_ppm))

    def _put_seeker(self, seeker: PreparedSeeker) -> None:
        key = seeker.doc.seeker_id.int
        known = self._seekers.get(key)
        if known and known.doc == seeker.doc and known.certificates == seeker.certificates:
            return
        self._seekers[key] = seeker
        if not seeker.doc.looking:
            self._looking.drop(key)
            self._rankings.rank_seeker(key, ())
            return
        self._looking.put(key, seeker)
        self._rankings.rank_seeker(key, self._open.matches(seeker, self._model.limits.tau_ppm))

    def _drop_posting(self, key: int) -> None:
        if self._postings.pop(key, None) is not None:
            self._open.drop(key)
            self._rankings.rank_posting(key, ())

    def _drop_seeker(self, key: int) -> None:
        if self._seekers.pop(key, None) is not None:
            self._looking.drop(key)
            self._rankings.rank_seeker(key, ())

    def _check(self, change: Change) -> None:
        match change:
            case PutPosting(document) | PutSeeker(document):
                if document.model_version != self._model.version:
                    raise ModelMismatch(
                        f"prepared by model {document.model_version}, not {self._model.version}"
                    )
            case DropPosting() | DropSeeker():
                pass
            case _:
                assert_never(change)


def _subject(change: Change) -> tuple[str, int]:
    match change:
        case PutPosting(posting):
            return "posting", posting.doc.posting_id.int
        case DropPosting(posting_id):
            return "posting", posting_id.int
        case PutSeeker(seeker):
            return "seeker", seeker.doc.seeker_id.int
        case DropSeeker(seeker_id):
            return "seeker", seeker_id.int
        case _:
            assert_never(change)


def _posting_id(key: int) -> PostingId:
    return PostingId(UUID(int=key))


def _seeker_id(key: int) -> SeekerId:
    return SeekerId(UUID(int=key))
