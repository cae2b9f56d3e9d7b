"""What any matching engine does, and the values it takes and gives.

How one does it does not live here: `fast` does.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from contracts.values import PostingId, SeekerId
from services.matcher.domain.explain import Explanation
from services.matcher.domain.model import Model
from services.matcher.domain.prepare import PreparedPosting, PreparedSeeker

Pair = tuple[SeekerId, PostingId]


@dataclass(frozen=True, slots=True)
class PutPosting:
    """The posting now stands so. A closed one is put too, or dropped: the same."""

    posting: PreparedPosting


@dataclass(frozen=True, slots=True)
class DropPosting:
    """Nothing is left of the posting."""

    posting_id: PostingId


@dataclass(frozen=True, slots=True)
class PutSeeker:
    """The seeker, profile and certificates in force, now stands so."""

    seeker: PreparedSeeker


@dataclass(frozen=True, slots=True)
class DropSeeker:
    """Nothing is left of the seeker."""

    seeker_id: SeekerId


Change = PutPosting | DropPosting | PutSeeker | DropSeeker


@dataclass(frozen=True, slots=True)
class Standing:
    """How a pair is live: its score, and in whose list of best it stands."""

    score_ppm: int
    for_seeker: bool
    for_posting: bool


@dataclass(frozen=True, slots=True)
class LiveMatch(Standing):
    """A live pair with its reasons."""

    explanation: Explanation


@dataclass(frozen=True, slots=True)
class PairChange:
    """What a pair is now: how it is live, or None where it is live no more."""

    seeker_id: SeekerId
    posting_id: PostingId
    standing: Standing | None


class MatchEngine(Protocol):
    """Keeps the live set of all documents put so far, exactly: it always equals `oracle.live_set`.

    It holds no documents, only what it needs of them. One thread at a time; all of it is CPU work,
    to be run off the event loop.
    """

    @property
    def model(self) -> Model:
        """The model all documents are prepared by."""

    def apply(self, changes: Iterable[Change]) -> None:
        """Take the changes; of one document the last counts. Putting the same again is harmless.

        Raises ModelMismatch, before anything is changed, where a document is prepared by another
        model.
        """

    def wanted(self) -> list[SeekerId]:
        """Seekers whose own lists ran short by the changes taken: to be handed to `refill`."""

    def refill(self, seekers: Iterable[PreparedSeeker]) -> None:
        """Search again for the postings of these seekers, who are as they were put last.

        Raises ModelMismatch as `apply` does.
        """

    def settle(self) -> list[PairChange]:
        """The pairs whose live state may have changed since the last call, as they are now.

        Net: a pair that came and went in between is not told. A pair is told too where only its
        reasons may have changed, so the caller still compares. Ordered by posting, then seeker.
        Raises ListsShort while a seeker is wanted.
        """

    def standing(self, pairs: Iterable[Pair]) -> list[Standing | None]:
        """How each of these pairs is live; None where it is not."""


class ListsShort(RuntimeError):
    """A list must be refilled before the live set can be told."""


class ModelMismatch(ValueError):
    """A document was prepared by another model than the engine's."""
