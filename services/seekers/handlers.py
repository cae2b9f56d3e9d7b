"""The Kafka door: match events become what the actions know of matches.

Whether a seeker is told of one is not decided here.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from contracts.events import AnyEvent
from contracts.matches import MatchChanged, MatchFound, MatchWithdrawn
from contracts.topics import MATCHES
from contracts.values import MatchId, PostingId, SeekerId
from services.kit.consumer import Bus, Keeping
from services.kit.database import Database
from services.seekers.actions.matches import hear_matches
from services.seekers.domain.notifying import Match, Standing

GROUP = "rengang.seekers"


def subscribe(bus: Bus, db: Database, *, clock: Callable[[], datetime], material_ppm: int) -> None:
    """Have every match event handled once the bus runs."""
    handle = partial(on_matches, db, clock, material_ppm)
    bus.subscribe(MATCHES, group=GROUP, handle=Keeping(match_of, handle))


async def on_matches(
    db: Database,
    clock: Callable[[], datetime],
    material_ppm: int,
    kept: Sequence[Match | None],
) -> None:
    """Take in what `match_of` kept of a batch, in order and in one transaction."""
    updates = [update for update in kept if update is not None]
    await hear_matches(db, updates, clock(), material_ppm=material_ppm)


def match_of(event: AnyEvent, record: bytes) -> Match | None:
    """The match as its event has it; None where the event is of another kind.

    record: the value that the event was read from, kept as it is where it will be shown: to write
    the event down once more would cost more than all the rest.
    """
    match event:
        case MatchFound(data=state) | MatchChanged(data=state):
            return Match(
                match_id=MatchId(state.match_id),
                seeker_id=SeekerId(state.seeker_id),
                posting_id=PostingId(state.posting_id),
                version=event.version,
                standing=Standing.SEEN if state.for_seeker else Standing.UNSEEN,
                score_ppm=state.score_ppm,
                content=record if state.for_seeker else None,
            )
        case MatchWithdrawn(data=gone):
            return Match(
                match_id=MatchId(gone.match_id),
                seeker_id=SeekerId(gone.seeker_id),
                posting_id=PostingId(gone.posting_id),
                version=event.version,
                standing=Standing.GONE,
                score_ppm=None,
                content=None,
            )
        case _:
            return None
