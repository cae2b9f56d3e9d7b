"""The Kafka door of the talent service: sort a batch by kind, call one action.

What is kept of an event does not live here.
"""

from collections.abc import Sequence
from functools import partial

from contracts.events import AnyEvent, PostingEvent
from contracts.matches import MatchChanged, MatchFound, MatchWithdrawn
from contracts.postings import PostingClosed, PostingPublished, PostingRevised
from contracts.topics import MATCHES, POSTINGS
from contracts.values import MatchId, PostingId, SeekerId
from services.kit.consumer import Bus, Keeping
from services.kit.database import Database
from services.talent.actions import take_in
from services.talent.domain import Match

GROUP = "rengang.talent"


class Misplaced(ValueError):
    """An event that does not belong into a topic we read; it is parked."""


def subscribe(bus: Bus, db: Database) -> None:
    """Read postings and matches."""
    bus.subscribe(POSTINGS, MATCHES, group=GROUP, handle=Keeping(kept_of, partial(on_news, db)))


def kept_of(event: AnyEvent, record: bytes) -> PostingEvent | Match:
    """What is kept of an event, read from this record's value. Raises Misplaced.

    Of a live match the record is kept as it is: to write the event down once more would cost more
    than all the rest.
    """
    match event:
        case PostingPublished() | PostingRevised() | PostingClosed():
            return event
        case MatchFound(data=data) | MatchChanged(data=data):
            return Match(
                match_id=MatchId(data.match_id),
                version=event.version,
                posting_id=PostingId(data.posting_id),
                seeker_id=SeekerId(data.seeker_id),
                for_posting=data.for_posting,
                score_ppm=data.score_ppm,
                said=record,
                model=data.model,
                changed_at=event.time,
            )
        case MatchWithdrawn(data=gone):
            return Match(
                match_id=MatchId(gone.match_id),
                version=event.version,
                posting_id=PostingId(gone.posting_id),
                seeker_id=SeekerId(gone.seeker_id),
                for_posting=False,
                score_ppm=None,
                said=None,
                model=None,
                changed_at=event.time,
            )
        case _:
            raise Misplaced(f"{event.type} is no event of postings or matches")


async def on_news(db: Database, kept: Sequence[PostingEvent | Match]) -> None:
    """Keep what `kept_of` took from a batch."""
    matches = [each for each in kept if isinstance(each, Match)]
    postings = [each for each in kept if not isinstance(each, Match)]
    await take_in(db, postings, matches)
