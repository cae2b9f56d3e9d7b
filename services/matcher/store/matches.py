"""The matches as they were last announced: which are live, how, and at which version."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

from contracts.values import MatchId, PostingId, SeekerId
from services.kit.database import Record, Transaction
from services.matcher.domain.engine import Standing
from services.matcher.store.copying import Rows, copy_rows


@dataclass(frozen=True, slots=True)
class Announced:
    """What the last event said of a pair.

    standing, digest: how it is live and a hash of all that was said; both None where withdrawn.
    """

    match_id: MatchId
    seeker_id: SeekerId
    posting_id: PostingId
    version: int
    model: str
    standing: Standing | None = None
    digest: bytes | None = None


# In the order of the fields of Announced and Standing.
_SELECT = (
    "SELECT match_id, seeker_id, posting_id, version, model, score_ppm, for_seeker, for_posting, "
    "digest FROM matches"
)


async def select_announced(
    tx: Transaction, match_ids: Collection[MatchId]
) -> dict[MatchId, Announced]:
    """What was last announced of these pairs, without those of which nothing ever was."""
    rows = await tx.fetch(f"{_SELECT} WHERE match_id = ANY($1::uuid[])", list(match_ids))
    return {row["match_id"]: _announced(row) for row in rows}


async def upsert_matches(tx: Transaction, matches: Sequence[Announced]) -> None:
    """Write what is announced now, each pair once."""
    await tx.execute(
        """
        INSERT INTO matches (match_id, seeker_id, posting_id, version, live, score_ppm,
                             for_seeker, for_posting, digest, model)
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::bool[], $6::int[],
                             $7::bool[], $8::bool[], $9::bytea[], $10::text[])
        ON CONFLICT (match_id) DO UPDATE SET
            version = excluded.version, live = excluded.live, score_ppm = excluded.score_ppm,
            for_seeker = excluded.for_seeker, for_posting = excluded.for_posting,
            digest = excluded.digest, model = excluded.model
        """,
        [match.match_id for match in matches],
        [match.seeker_id for match in matches],
        [match.posting_id for match in matches],
        [match.version for match in matches],
        [match.standing is not None for match in matches],
        [match.standing and match.standing.score_ppm for match in matches],
        [match.standing is not None and match.standing.for_seeker for match in matches],
        [match.standing is not None and match.standing.for_posting for match in matches],
        [match.digest for match in matches],
        [match.model for match in matches],
    )


async def copy_live(tx: Transaction, take: Callable[[Rows], Awaitable[None]]) -> None:
    """All that are live, in no order: seeker_id, posting_id, score_ppm, for_seeker, for_posting.

    There may be tens of millions of them, and none is looked at one by one.
    """
    query = (
        "SELECT seeker_id, posting_id, score_ppm, for_seeker, for_posting FROM matches WHERE live"
    )
    await copy_rows(tx, query, 5, take)


async def live_matches_of(
    tx: Transaction, seeker_ids: Collection[SeekerId]
) -> dict[MatchId, Announced]:
    """All live matches of these seekers."""
    rows = await tx.fetch(f"{_SELECT} WHERE live AND seeker_id = ANY($1::uuid[])", list(seeker_ids))
    return {row["match_id"]: _announced(row) for row in rows}


async def live_matches(tx: Transaction, page: int) -> AsyncIterator[list[Announced]]:
    """All that are live, in no order, a page at a time, as of the first page."""
    cursor = await tx.cursor(f"{_SELECT} WHERE live")
    while rows := await cursor.fetch(page):
        yield [_announced(row) for row in rows]


def _announced(row: Record) -> Announced:
    match_id, seeker_id, posting_id, version, model, *standing, digest = row
    return Announced(
        match_id,
        seeker_id,
        posting_id,
        version,
        model,
        Standing(*standing) if standing[0] is not None else None,
        digest,
    )
