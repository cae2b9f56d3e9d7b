"""The rules of looking up: who may see a posting's matches, and in which order they stand.

Pure. How a match came about does not live here.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.values import EmployerId, MatchId, PostingId, PostingStatus, SeekerId


@dataclass(frozen=True, slots=True)
class Posting:
    """A posting as it is known here."""

    posting_id: PostingId
    version: int
    employer_id: EmployerId
    status: PostingStatus
    title: str

    def is_visible_to(self, employer_id: EmployerId | None) -> bool:
        """Whether its matches are that employer's to see; None stands for an operator."""
        return employer_id is None or employer_id == self.employer_id


@dataclass(frozen=True, slots=True)
class Match:
    """A match as an event tells of it. said: the event as it came; None: it is live no more."""

    match_id: MatchId
    version: int
    posting_id: PostingId
    seeker_id: SeekerId
    for_posting: bool
    score_ppm: int | None
    said: bytes | None
    model: str | None
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """Where a candidate stands in a posting's list: the higher score first, then the smaller id."""

    score_ppm: int
    seeker_id: UUID

    @property
    def order(self) -> tuple[int, UUID]:
        """What places sort by."""
        return -self.score_ppm, self.seeker_id


@dataclass(frozen=True, slots=True)
class Candidate:
    """A seeker who is among a posting's best. said: the event that tells why, as it came."""

    match_id: MatchId
    seeker_id: SeekerId
    score_ppm: int
    said: bytes
    model: str
    changed_at: datetime

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.score_ppm, self.seeker_id)


def page(
    candidates: list[Candidate], after: Place | None, limit: int
) -> tuple[list[Candidate], Place | None]:
    """A page of a posting's list, and the place after which the next one begins.

    candidates: best first. after: the last place already seen; it need not be there any more.
    """
    rest = [one for one in candidates if after is None or one.place.order > after.order]
    shown = rest[:limit]
    return shown, shown[-1].place if len(rest) > limit else None
