"""Outcomes of matches, each with what the pair was made of: written once, read to learn from.

Nothing that is matched with is read here.
"""

from collections.abc import AsyncIterator, Collection, Sequence

from contracts.values import PostingId, SeekerId
from services.kit.database import Record, Transaction, affected
from services.matcher.learning.outcomes import Kind, Noted, Outcome


async def exist(tx: Transaction) -> bool:
    """Whether outcomes are kept here; not where an older release left the shard."""
    return bool(await tx.fetchval("SELECT to_regclass('outcomes') IS NOT NULL"))


async def insert_outcomes(tx: Transaction, noted: Sequence[Noted]) -> int:
    """Write those that are not there yet, and leave the others as they are; how many were new."""
    status = await tx.execute(
        """
        INSERT INTO outcomes
            (event_id, seeker_id, posting_id, kind, reason, happened_at, parts, made_by)
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[],
                             $6::timestamptz[], $7::jsonb[], $8::text[])
        ON CONFLICT (event_id) DO NOTHING
        """,
        [each.outcome.event_id for each in noted],
        [each.outcome.seeker_id for each in noted],
        [each.outcome.posting_id for each in noted],
        [each.outcome.kind for each in noted],
        [each.outcome.reason for each in noted],
        [each.outcome.happened_at for each in noted],
        [each.parts for each in noted],
        [each.by for each in noted],
    )
    return affected(status)


async def delete_outcomes_of(tx: Transaction, seeker_ids: Collection[SeekerId]) -> None:
    """Forget what became of these seekers' matches."""
    if seeker_ids:
        await tx.execute("DELETE FROM outcomes WHERE seeker_id = ANY($1::uuid[])", list(seeker_ids))


async def all_outcomes(tx: Transaction, page: int) -> AsyncIterator[list[Noted]]:
    """All that are kept here, a page at a time, as of the first page."""
    cursor = await tx.cursor(
        "SELECT event_id, seeker_id, posting_id, kind, reason, happened_at, parts, made_by "
        "FROM outcomes"
    )
    while rows := await cursor.fetch(page):
        yield [_noted(row) for row in rows]


def _noted(row: Record) -> Noted:
    outcome = Outcome(
        row["event_id"],
        SeekerId(row["seeker_id"]),
        PostingId(row["posting_id"]),
        Kind(row["kind"]),
        row["reason"],
        row["happened_at"],
    )
    return Noted(outcome, row["parts"], row["made_by"])
