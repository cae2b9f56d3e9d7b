"""What the talent service does, one function each; each owns its transaction.

How it is asked for, and the rules by which it decides, do not live here.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar
from uuid import UUID

from contracts.events import MatchEvent, PostingEvent
from contracts.values import EmployerId, PostingId
from services.kit.database import Database
from services.talent import store
from services.talent.domain import Candidate, Place, page

EventT = TypeVar("EventT", PostingEvent, MatchEvent)


class PostingNotFound(Exception):
    """No such posting, or none that this caller may see."""


async def take_in(
    db: Database, postings: Sequence[PostingEvent], matches: Sequence[MatchEvent]
) -> None:
    """Keep what these events tell; in any order, and however often, the result is the same."""
    latest_postings = _latest((event.data.posting_id, event) for event in postings)
    latest_matches = _latest((event.data.match_id, event) for event in matches)
    async with db.transaction() as tx:
        if latest_postings:
            await store.upsert_postings(tx, latest_postings)
        if latest_matches:
            await store.upsert_matches(tx, latest_matches)


def _latest(events: Iterable[tuple[UUID, EventT]]) -> list[EventT]:
    """The newest event of each aggregate, in order of id, so that no two writers deadlock."""
    latest: dict[UUID, EventT] = {}
    for aggregate_id, event in events:
        if aggregate_id not in latest or latest[aggregate_id].version < event.version:
            latest[aggregate_id] = event
    return [latest[aggregate_id] for aggregate_id in sorted(latest)]


async def posting_side(
    db: Database,
    posting_id: PostingId,
    employer_id: EmployerId | None,
    *,
    k_p: int,
    after: Place | None,
    limit: int,
) -> tuple[list[Candidate], Place | None]:
    """The posting's best k_p of what all shards sent, one page of them, and where the next begins.

    employer_id: whose posting it must be; None for an operator. Raises PostingNotFound.
    """
    async with db.transaction() as tx:
        posting = await store.select_posting(tx, posting_id)
        if posting is None or not posting.is_visible_to(employer_id):
            raise PostingNotFound
        candidates = await store.select_candidates(tx, posting_id, k_p)
    return page(candidates, after, limit)
