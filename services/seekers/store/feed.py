"""SQL of matches as their seekers know them, and of the feed that tells of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.values import MatchId, PostingId, SeekerId
from services.kit.database import Record, Transaction, affected
from services.seekers.domain.feed import Entry, Head
from services.seekers.domain.notifying import Content, Kind, Match, Standing

CHANNEL = "rengang_feed"
"""Notified with the ids of seekers whose feeds grew, a space between."""

IDS_A_NOTIFICATION = 200
"""PostgreSQL takes less than 8000 bytes; each id is 36, and each notification wakes a process."""

_KEPT = "match_id, seeker_id, posting_id, version, standing, score_ppm, notified_ppm, told_seq"
_ENTRY = "seeker_id, seq, at, kind, notify, match_id, posting_id, match_version, score_ppm, content"

# A match's content stands in the entry that told of it, and in the match once that is trimmed.
_SHOWN = (
    "SELECT m.match_id, m.seeker_id, m.posting_id, m.version, m.standing, m.score_ppm, "
    "m.notified_ppm, m.told_seq, m.heard_at, coalesce(m.content, told.content) AS content "
    "FROM matches m LEFT JOIN feed told ON told.seeker_id = m.seeker_id AND told.seq = m.told_seq "
)


# ------------------------------------------------------------------------ heads


async def lock_heads(tx: Transaction, seeker_ids: Iterable[SeekerId]) -> dict[SeekerId, int]:
    """The last seq of each seeker's feed, which nobody else moves before this transaction ends.

    This is also what keeps two transactions from working on one seeker's matches at once.
    """
    ids = list(seeker_ids)
    await tx.execute(
        "INSERT INTO feed_heads (seeker_id) SELECT id FROM unnest($1::uuid[]) AS id ORDER BY id "
        "ON CONFLICT (seeker_id) DO NOTHING",
        ids,
    )
    # One by one, here and below: joined, a table that grew since it was last analysed, or since
    # the plan was made, is read whole for each batch.
    rows = await tx.fetch(
        "SELECT head.seeker_id, head.last_seq "
        "FROM (SELECT id FROM unnest($1::uuid[]) AS id ORDER BY id) AS wanted, LATERAL ("
        "    SELECT seeker_id, last_seq FROM feed_heads WHERE seeker_id = wanted.id"
        "    LIMIT 1 FOR UPDATE"
        ") AS head",
        ids,
    )
    return {SeekerId(row["seeker_id"]): row["last_seq"] for row in rows}


async def update_heads(tx: Transaction, heads: Mapping[SeekerId, int]) -> None:
    """Move the heads, locked before, and tell who listens once this transaction commits."""
    await tx.execute(
        "INSERT INTO feed_heads (seeker_id, last_seq) "
        "SELECT * FROM unnest($1::uuid[], $2::bigint[]) "
        "ON CONFLICT (seeker_id) DO UPDATE SET last_seq = excluded.last_seq",
        list(heads),
        list(heads.values()),
    )
    ids = list(map(str, heads))
    await tx.executemany(
        "SELECT pg_notify($1, $2)",
        [
            (CHANNEL, " ".join(ids[n : n + IDS_A_NOTIFICATION]))
            for n in range(0, len(ids), IDS_A_NOTIFICATION)
        ],
    )


async def select_head(tx: Transaction, seeker_id: SeekerId) -> Head:
    """Where the seeker's feed stands."""
    row = await tx.fetchrow(
        "SELECT last_seq, trimmed_seq FROM feed_heads WHERE seeker_id = $1", seeker_id
    )
    return Head() if row is None else Head(row["last_seq"], row["trimmed_seq"])


async def select_last_seqs(tx: Transaction, seeker_ids: Iterable[SeekerId]) -> dict[SeekerId, int]:
    """The last seq of each of these feeds that has one."""
    rows = await tx.fetch(
        "SELECT seeker_id, last_seq FROM feed_heads WHERE seeker_id = ANY($1::uuid[])",
        list(seeker_ids),
    )
    return {SeekerId(row["seeker_id"]): row["last_seq"] for row in rows}


# ---------------------------------------------------------------------- entries


async def insert_entries(tx: Transaction, entries: Iterable[Entry]) -> None:
    """Append to feeds whose heads are locked."""
    # COPY fills whole pages at once, where INSERT takes up each row by itself.
    await tx.copy_records_to_table(
        "feed",
        columns=_ENTRY.split(", "),
        records=[
            (
                entry.seeker_id,
                entry.seq,
                entry.at,
                entry.kind,
                entry.notify,
                entry.match_id,
                entry.posting_id,
                entry.match_version,
                entry.score_ppm,
                entry.content,
            )
            for entry in entries
        ],
    )


async def select_entries(
    tx: Transaction, seeker_id: SeekerId, after: int, limit: int
) -> list[Entry]:
    """What the seeker was told after that seq, in order."""
    rows = await tx.fetch(
        f"SELECT {_ENTRY} FROM feed WHERE seeker_id = $1 AND seq > $2 "  # noqa: S608
        "ORDER BY seq LIMIT $3",
        seeker_id,
        after,
        limit,
    )
    return [_entry(row) for row in rows]


async def select_entries_of(
    tx: Transaction, keys: Sequence[tuple[SeekerId, int]]
) -> dict[tuple[SeekerId, int], Entry]:
    """The entries of these seekers and seqs."""
    rows = await tx.fetch(
        f"SELECT {_ENTRY} FROM feed JOIN unnest($1::uuid[], $2::bigint[]) AS wanted (id, n) "  # noqa: S608
        "ON seeker_id = wanted.id AND seq = wanted.n",
        [seeker_id for seeker_id, _ in keys],
        [seq for _, seq in keys],
    )
    return {(SeekerId(row["seeker_id"]), row["seq"]): _entry(row) for row in rows}


async def delete_entries_before(tx: Transaction, before: datetime, limit: int) -> int:
    """Remove old entries, the oldest first, and note in the heads how far; returns how many.

    A match whose content stands in one of them keeps it itself from then on.
    """
    status = await tx.execute(
        "WITH old AS ("
        "    SELECT seeker_id, seq FROM feed WHERE at < $1 ORDER BY at LIMIT $2"
        # Not those that grow now: waiting for them here could cross the order of locks.
        "), free AS ("
        "    SELECT seeker_id FROM feed_heads WHERE seeker_id IN (SELECT seeker_id FROM old)"
        "    ORDER BY seeker_id FOR UPDATE SKIP LOCKED"
        "), noted AS ("
        "    UPDATE feed_heads SET trimmed_seq = greatest(trimmed_seq, removed.seq)"
        "    FROM (SELECT seeker_id, max(seq) AS seq FROM old JOIN free USING (seeker_id)"
        "          GROUP BY seeker_id) AS removed"
        "    WHERE feed_heads.seeker_id = removed.seeker_id"
        "    RETURNING feed_heads.seeker_id, trimmed_seq"
        # All up to the noted seq: at follows seq only as closely as clocks do.
        "), orphaned AS ("
        "    UPDATE matches SET content = feed.content, told_seq = NULL FROM feed JOIN noted"
        "    ON feed.seeker_id = noted.seeker_id AND feed.seq <= noted.trimmed_seq"
        "    WHERE matches.match_id = feed.match_id AND matches.seeker_id = feed.seeker_id"
        "    AND matches.told_seq = feed.seq"
        ") DELETE FROM feed USING noted "
        "WHERE feed.seeker_id = noted.seeker_id AND feed.seq <= noted.trimmed_seq",
        before,
        limit,
    )
    return affected(status)


# ---------------------------------------------------------------------- matches


async def select_matches(tx: Transaction, match_ids: Iterable[MatchId]) -> dict[MatchId, Match]:
    """What is known of these matches, without their content."""
    rows = await tx.fetch(
        f"SELECT {_KEPT}, NULL::bytea AS content FROM unnest($1::uuid[]) AS wanted (id), "  # noqa: S608
        "LATERAL (SELECT * FROM matches WHERE match_id = wanted.id LIMIT 1) AS m",
        list(match_ids),
    )
    return {MatchId(row["match_id"]): _match(row) for row in rows}


async def select_contents(
    tx: Transaction, match_ids: Collection[MatchId]
) -> dict[MatchId, Content]:
    """The content of these matches, which their seekers see."""
    if not match_ids:
        return {}
    rows = await tx.fetch(f"{_SHOWN} WHERE m.match_id = ANY($1::uuid[])", list(match_ids))
    return {MatchId(row["match_id"]): row["content"] for row in rows}


async def select_untold(tx: Transaction, seeker_id: SeekerId) -> list[Match]:
    """Matches the seeker sees and was never told of, the best first."""
    rows = await tx.fetch(
        f"{_SHOWN} WHERE m.seeker_id = $1 AND m.standing = 'seen' AND m.notified_ppm IS NULL "
        "ORDER BY m.score_ppm DESC, m.posting_id",
        seeker_id,
    )
    return [_match(row) for row in rows]


async def select_seen(
    tx: Transaction, seeker_id: SeekerId, after: tuple[int, UUID] | None, limit: int
) -> list[tuple[Match, datetime]]:
    """What the seeker sees, best first, and since when so; after: score and posting seen last."""
    score_ppm, posting_id = after or (None, None)
    rows = await tx.fetch(
        f"{_SHOWN} WHERE m.seeker_id = $1 AND m.standing = 'seen' AND ($2::integer IS NULL "
        "OR m.score_ppm < $2 OR (m.score_ppm = $2 AND m.posting_id > $3)) "
        "ORDER BY m.score_ppm DESC, m.posting_id LIMIT $4",
        seeker_id,
        score_ppm,
        posting_id,
        limit,
    )
    return [(_match(row), row["heard_at"]) for row in rows]


async def upsert_matches(tx: Transaction, matches: Iterable[Match], now: datetime) -> None:
    """Keep what was heard, each match once; the seekers' heads are locked.

    The content is kept here only where no entry has it: the one that had was trimmed.
    """
    rows = [
        (
            match.match_id,
            match.seeker_id,
            match.posting_id,
            match.version,
            match.standing,
            match.score_ppm,
            match.notified_ppm,
            match.told_seq,
            None if match.told_seq else match.content,
        )
        for match in matches
    ]
    if rows:
        await tx.execute(
            f"INSERT INTO matches ({_KEPT}, content, heard_at) "  # noqa: S608
            "SELECT *, $10::timestamptz FROM unnest("
            "$1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::text[], $6::int[], $7::int[], "
            "$8::bigint[], $9::bytea[]) "
            "ON CONFLICT (match_id) DO UPDATE SET version = excluded.version, "
            "standing = excluded.standing, score_ppm = excluded.score_ppm, "
            "notified_ppm = excluded.notified_ppm, told_seq = excluded.told_seq, "
            "content = excluded.content, heard_at = excluded.heard_at",
            *map(list, zip(*rows, strict=True)),
            now,
        )


def _match(row: Record) -> Match:
    return Match(
        match_id=MatchId(row["match_id"]),
        seeker_id=SeekerId(row["seeker_id"]),
        posting_id=PostingId(row["posting_id"]),
        version=row["version"],
        standing=Standing(row["standing"]),
        score_ppm=row["score_ppm"],
        content=row["content"],
        notified_ppm=row["notified_ppm"],
        told_seq=row["told_seq"],
    )


def _entry(row: Record) -> Entry:
    fields: dict[str, Any] = dict(row)
    return Entry(**{**fields, "kind": Kind(row["kind"])})
