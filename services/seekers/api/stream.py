"""The live stream of a seeker's feed, as Server-Sent Events.

Source: HTML Living Standard §9.2; the ping every 15 s and the headers against buffering are
FastAPI's.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.requests import Request

from contracts.values import SeekerId
from services.kit.database import Database
from services.seekers.actions.live import Listeners, Start, find_start, follow
from services.seekers.actions.profiles import ensure_known
from services.seekers.api.callers import OwnId, expiry_of
from services.seekers.api.refusals import refusals
from services.seekers.api.shown import EntryOut

_RETRY_MS = 2_000
_MOST = 2**62

LastSeen = Annotated[
    int | None,
    Header(
        alias="Last-Event-ID",
        ge=0,
        le=_MOST,
        description="从此 id 之后继续。Go on after this id. Browsers send it by themselves.",
    ),
]
LastSeenInQuery = Annotated[
    int | None,
    Query(ge=0, le=_MOST, description="The same, for who cannot send the header."),
]
From = Annotated[
    Literal["now", "start"],
    Query(alias="from", description="Where to begin without a last id: now, or the oldest kept."),
]


@dataclass(frozen=True, slots=True)
class Opened:
    """A stream that may begin."""

    seeker_id: SeekerId
    grown: asyncio.Event
    start: Start
    for_s: float


def add_routes(router: APIRouter, db: Database, listeners: Listeners) -> None:
    """Add the route to the router."""

    async def opened(
        request: Request,
        seeker_id: OwnId,
        last_seen: LastSeen = None,
        last_event_id: LastSeenInQuery = None,
        begin: From = "now",
    ) -> AsyncIterator[Opened]:
        # The header wins: a browser that reconnects sends it, to the address it began with.
        after = last_event_id if last_seen is None else last_seen
        # Entered before anything is read, and left when the answer is complete.
        with refusals(), listeners.listening(seeker_id) as grown:
            await ensure_known(db, seeker_id)
            start = await find_start(db, seeker_id, after=after, from_start=begin == "start")
            # By the clock that the token was checked by, not the one that dates what is written.
            yield Opened(seeker_id, grown, start, expiry_of(request) - time.time())

    @router.get(
        "/{seeker_id}/stream",
        response_class=EventSourceResponse,
        summary="实时消息流 One's feed, live",
        responses={200: _DOCUMENTED},
    )
    async def stream(feed: Annotated[Opened, Depends(opened)]) -> AsyncIterator[ServerSentEvent]:
        """`event: match.found|improved|changed|withdrawn`, `id:` the seq, `data:` the entry.

        Each entry comes once and in order; after `Last-Event-ID` nothing is missed and nothing
        repeated. `event: reset` says that entries in between are no longer kept: read the matches
        anew. `event: end` says that the token has expired: reconnect with another.
        """
        start = feed.start
        # An id without data moves where the client will reconnect, and raises no event there.
        yield ServerSentEvent(id=str(start.seq), retry=_RETRY_MS)
        if start.lost:
            yield ServerSentEvent(event="reset", id=str(start.seq), data={"position": start.seq})
        entries = follow(db, feed.seeker_id, feed.grown, start.seq, feed.for_s)
        async for entry in entries:
            yield ServerSentEvent(
                event=f"match.{entry.kind}",
                id=str(entry.seq),
                raw_data=EntryOut.of(entry).model_dump_json(),
            )
        yield ServerSentEvent(event="end", data={"reason": "token_expired"})


_DOCUMENTED: dict[str, Any] = {
    "description": "Server-Sent Events, with a comment every 15 s.",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}
