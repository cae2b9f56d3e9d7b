"""The Kafka door: match events become what the actions know of matches.

Whether a seeker is told of one is not decided here.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial

from contracts.events import AnyEvent
from contracts.matches import MatchChanged, MatchFound, MatchState, MatchWithdrawn
from contracts.topics import MATCHES
from contracts.values import MatchId, PostingId, SeekerId
from services.kit.consumer import Bus
from services.kit.database import Database
from services.seekers.actions.matches import hear_matches
from services.seekers.domain.notifying import Match, Standing

GROUP = "rengang.seekers"

Handle = Callable[[Sequence[AnyEvent]], Awaitable[None]]


def subscribe(bus: Bus, db: Database, *, clock: Callable[[], datetime], material_ppm: int) -> None:
    """Have every match event handled once the bus runs."""
    handle: Handle = partial(on_match_events, db, clock, material_ppm)
    bus.subscribe(MATCHES, group=GROUP, handle=handle)


async def on_match_events(
    db: Database,
    clock: Callable[[], datetime],
    material_ppm: int,
    events: Sequence[AnyEvent],
) -> None:
    """Take in a batch, in order and in one transaction; events of other kinds are passed over."""
    updates = [update for event in events if (update := _update_of(event)) is not None]
    await hear_matches(db, updates, clock(), material_ppm=material_ppm)


def _update_of(event: AnyEvent) -> Match | None:
    match event:
        case MatchFound() | MatchChanged():
            return live_match_of(event.data, event.version)
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


def live_match_of(state: MatchState, version: int) -> Match:
    """A live match as its event has it."""
    return Match(
        match_id=MatchId(state.match_id),
        seeker_id=SeekerId(state.seeker_id),
        posting_id=PostingId(state.posting_id),
        version=version,
        standing=Standing.SEEN if state.for_seeker else Standing.UNSEEN,
        score_ppm=state.score_ppm,
        # What is compared with what was kept must be as it comes back from the database. Without
        # what goes without saying, most fit a row as they are and need not be squeezed.
        content=state.model_dump(
            mode="json", include={"posting", "reason", "missing"}, exclude_defaults=True
        ),
    )
