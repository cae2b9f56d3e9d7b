"""The Kafka door of the talent service: sort a batch by kind, call one action.

What is kept of an event does not live here.
"""

from collections.abc import Sequence

from contracts.events import AnyEvent, MatchEvent, PostingEvent
from contracts.matches import MatchChanged, MatchFound, MatchWithdrawn
from contracts.postings import PostingClosed, PostingPublished, PostingRevised
from contracts.topics import MATCHES, POSTINGS
from services.kit.consumer import Bus
from services.kit.database import Database
from services.talent.actions import take_in

GROUP = "rengang.talent"


class Misplaced(ValueError):
    """An event that does not belong into a topic we read; it is parked."""


def subscribe(bus: Bus, db: Database) -> None:
    """Read postings and matches."""

    async def on_event(events: Sequence[AnyEvent]) -> None:
        await on_talent_events(db, events)

    bus.subscribe(POSTINGS, MATCHES, group=GROUP, handle=on_event)


async def on_talent_events(db: Database, events: Sequence[AnyEvent]) -> None:
    """Keep what a batch tells of postings and matches. Raises Misplaced."""
    postings: list[PostingEvent] = []
    matches: list[MatchEvent] = []
    for event in events:
        match event:
            case PostingPublished() | PostingRevised() | PostingClosed():
                postings.append(event)
            case MatchFound() | MatchChanged() | MatchWithdrawn():
                matches.append(event)
            case _:
                raise Misplaced(f"{event.type} is no event of postings or matches")
    await take_in(db, postings, matches)
