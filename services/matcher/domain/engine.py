"""What an engine takes and gives: changes of documents, and how pairs are live.

How it finds them does not live here: `fast` does.
"""

from dataclasses import dataclass

from contracts.values import PostingId, SeekerId
from services.matcher.domain.explain import Explanation
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


class ListsShort(RuntimeError):
    """A list must be refilled before the live set can be told."""


class ModelMismatch(ValueError):
    """A document was prepared by another model than the engine's."""
