"""A seeker's feed: its entries in order, where it stands, and from where a stream goes on.

What makes an entry is decided in `domain.notifying`.
"""

from dataclasses import dataclass
from datetime import datetime

from contracts.values import MatchId, PostingId, SeekerId
from services.seekers.domain.notifying import Content, Kind, News


@dataclass(frozen=True, slots=True)
class Entry:
    """seq: 1, 2, 3 … for each seeker, without a gap. Withdrawn: score and content are None."""

    seeker_id: SeekerId
    seq: int
    at: datetime
    kind: Kind
    notify: bool
    match_id: MatchId
    posting_id: PostingId
    match_version: int
    score_ppm: int | None
    content: Content | None


@dataclass(frozen=True, slots=True)
class Head:
    """Where a feed stands. trimmed_seq: entries up to it are no longer kept."""

    last_seq: int = 0
    trimmed_seq: int = 0

    def can_follow(self, seq: int) -> bool:
        """Whether every entry after seq is still kept. A seq not yet given is of another feed."""
        return self.trimmed_seq <= seq <= self.last_seq


def entry_of(news: News, seq: int, now: datetime) -> Entry:
    """The entry that tells the news. What is withdrawn shows nothing more."""
    match = news.match
    withdrawn = news.kind is Kind.WITHDRAWN
    return Entry(
        seeker_id=match.seeker_id,
        seq=seq,
        at=now,
        kind=news.kind,
        notify=news.notify,
        match_id=match.match_id,
        posting_id=match.posting_id,
        match_version=match.version,
        score_ppm=None if withdrawn else match.score_ppm,
        content=None if withdrawn else match.content,
    )
