"""All SQL of the talent service, one statement a function.

What the rows mean, and in which transaction they change, does not live here.
"""

from collections.abc import Sequence

from contracts.events import PostingEvent
from contracts.values import PostingId, PostingStatus
from services.kit.database import Transaction
from services.talent.domain import Candidate, Match, Posting


async def upsert_postings(tx: Transaction, events: Sequence[PostingEvent]) -> None:
    """Keep each posting unless a version at least as new is here. No posting twice."""
    await tx.execute(
        """
        INSERT INTO postings AS p (posting_id, version, employer_id, status, title, state)
        SELECT * FROM unnest(
            $1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::jsonb[])
        ON CONFLICT (posting_id) DO UPDATE SET
            version = excluded.version, employer_id = excluded.employer_id,
            status = excluded.status, title = excluded.title, state = excluded.state
        WHERE p.version < excluded.version
        """,
        [event.data.posting_id for event in events],
        [event.version for event in events],
        [event.data.employer_id for event in events],
        [event.data.status.value for event in events],
        [event.data.title for event in events],
        [event.data.model_dump(mode="json", exclude_none=True) for event in events],
    )


async def upsert_matches(tx: Transaction, matches: Sequence[Match]) -> None:
    """Keep each match unless a version at least as new is here. No match twice."""
    rows = [
        (
            match.match_id,
            match.version,
            match.posting_id,
            match.seeker_id,
            match.said is not None,
            match.for_posting,
            match.score_ppm,
            match.said,
            match.model,
            match.changed_at,
        )
        for match in matches
    ]
    await tx.execute(
        """
        INSERT INTO matches AS m (match_id, version, posting_id, seeker_id, live, for_posting,
                                  score_ppm, said, model, changed_at)
        SELECT * FROM unnest(
            $1::uuid[], $2::int[], $3::uuid[], $4::uuid[], $5::bool[], $6::bool[], $7::int[],
            $8::bytea[], $9::text[], $10::timestamptz[])
        ON CONFLICT (match_id) DO UPDATE SET
            version = excluded.version, live = excluded.live, for_posting = excluded.for_posting,
            score_ppm = excluded.score_ppm, said = excluded.said,
            model = excluded.model, changed_at = excluded.changed_at
        WHERE m.version < excluded.version
        """,
        *zip(*rows, strict=True),
    )


async def select_posting(tx: Transaction, posting_id: PostingId) -> Posting | None:
    """The posting, if it is known."""
    row = await tx.fetchrow(
        "SELECT posting_id, version, employer_id, status, title FROM postings "
        "WHERE posting_id = $1",
        posting_id,
    )
    if row is None:
        return None
    return Posting(
        posting_id=row["posting_id"],
        version=row["version"],
        employer_id=row["employer_id"],
        status=PostingStatus(row["status"]),
        title=row["title"],
    )


async def select_candidates(tx: Transaction, posting_id: PostingId, k_p: int) -> list[Candidate]:
    """The posting's best k_p, the best first."""
    rows = await tx.fetch(
        """
        SELECT match_id, seeker_id, score_ppm, said, model, changed_at
        FROM matches WHERE posting_id = $1 AND for_posting
        ORDER BY score_ppm DESC, seeker_id LIMIT $2
        """,
        posting_id,
        k_p,
    )
    return [
        Candidate(
            match_id=row["match_id"],
            seeker_id=row["seeker_id"],
            score_ppm=row["score_ppm"],
            said=row["said"],
            model=row["model"],
            changed_at=row["changed_at"],
        )
        for row in rows
    ]
