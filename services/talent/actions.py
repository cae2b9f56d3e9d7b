"""What the talent service does, one function each; each owns its transaction.

How it is asked for, and the rules by which it decides, do not live here.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar
from uuid import UUID

from contracts.events import PostingEvent
from contracts.values import EmployerId, PostingId
from services.kit.database import Database
from services.talent import store
from services.talent.domain import Candidate, Match, Place, page

NewsT = TypeVar("NewsT", PostingEvent, Match)


class PostingNotFound(Exception):
    """No such posting, or none that this caller may see."""


async def take_in(db: Database, postings: Sequence[PostingEvent], matches: Sequence[Match]) -> None:
    """Keep what events told; in any order, and however often, the result is the same."""
    latest_postings = _latest((event.data.posting_id, event) for event in postings)
    latest_matches = _latest((match.match_id, match) for match in matches)
    async with db.transaction() as tx:
        if latest_postings:
            await store.upsert_postings(tx, latest_postings)
        if latest_matches:
            await store.upsert_matches(tx, latest_matches)


def _latest(news: Iterable[tuple[UUID, NewsT]]) -> list[NewsT]:
    """The newest of each aggregate, in order of id, so that no two writers deadlock."""
    latest: dict[UUID, NewsT] = {}
    for aggregate_id, told in news:
        before = latest.get(aggregate_id)
        if before is None or before.version < told.version:
            latest[aggregate_id] = told
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
