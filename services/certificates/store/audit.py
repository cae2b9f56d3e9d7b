"""Rows of the audit log: added at its end, read, never changed.

How they are chained stands in domain.audit.
"""

from collections.abc import Sequence
from datetime import datetime

from contracts.values import SeekerId
from services.certificates.domain.audit import Act, Head, Record, Row
from services.kit import database
from services.kit.database import Transaction


async def lock_head(tx: Transaction) -> Head:
    """The last row; nobody else adds one before this transaction ends."""
    row = await tx.fetchrow("SELECT seq, hash FROM audit_head FOR UPDATE")
    if row is None:
        return Head()
    return Head(row["seq"], row["hash"])


async def select_head(tx: Transaction) -> Head:
    """The last row as it is now."""
    row = await tx.fetchrow("SELECT seq, hash FROM audit_head")
    return Head() if row is None else Head(row["seq"], row["hash"])


async def insert_rows(tx: Transaction, rows: Sequence[Row]) -> None:
    """Add these, which follow the locked head, and make the last of them the head."""
    await tx.execute(
        """
        WITH head AS (UPDATE audit_head SET seq = $12, hash = $13)
        INSERT INTO audit (seq, hash, at, requester, role, act, about, number_digest, purpose,
            verdict, receipt_no)
        SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::timestamptz[], $4::text[], $5::text[],
            $6::text[], $7::bytea[], $8::bytea[], $9::text[], $10::text[], $11::text[])
        """,
        [row.seq for row in rows],
        [row.hash for row in rows],
        [row.record.at for row in rows],
        [row.record.requester for row in rows],
        [row.record.role for row in rows],
        [row.record.act.value for row in rows],
        [row.record.about for row in rows],
        [row.record.number for row in rows],
        [row.record.purpose for row in rows],
        [row.record.verdict for row in rows],
        [row.record.receipt_no for row in rows],
        rows[-1].seq,
        rows[-1].hash,
    )


async def select_rows_after(tx: Transaction, seq: int, limit: int) -> list[Row]:
    """The rows that follow, in order."""
    rows = await tx.fetch("SELECT * FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2", seq, limit)
    return [_row_of(row) for row in rows]


async def select_row_of_receipt(tx: Transaction, receipt_no: str, at: datetime) -> Row | None:
    """The row that tells of a receipt given out at that time."""
    row = await tx.fetchrow(
        "SELECT * FROM audit WHERE receipt_no = $1 AND at = $2 ORDER BY seq LIMIT 1", receipt_no, at
    )
    return None if row is None else _row_of(row)


async def select_rows(
    tx: Transaction,
    *,
    before: int | None,
    since: datetime | None,
    until: datetime | None,
    requester: str | None,
    purpose: str | None,
    limit: int,
) -> list[Row]:
    """Rows that fit, the newest first. since: not before; until: before. None: any."""
    # Only the conditions that are asked for, so that each has its own plan.
    said: list[tuple[str, object]] = [
        ("seq <", before),
        ("at >=", since),
        ("at <", until),
        ("requester =", requester),
        ("purpose =", purpose),
    ]
    given = [(condition, value) for condition, value in said if value is not None]
    where = " AND ".join(f"{condition} ${n}" for n, (condition, _) in enumerate(given, 2))
    rows = await tx.fetch(
        f"SELECT * FROM audit {'WHERE ' + where if where else ''} "  # noqa: S608 (constants)
        "ORDER BY seq DESC LIMIT $1",
        limit,
        *(value for _, value in given),
    )
    return [_row_of(row) for row in rows]


async def select_rows_about(
    tx: Transaction, seeker_id: SeekerId, *, before: int | None, limit: int
) -> list[Row]:
    """Rows about certificates that the seeker has proven to hold, the newest first.

    That is: about the identity number of a claim that was verified, or about its number, whoever
    was said to hold it.
    """
    rows = await tx.fetch(
        """
        WITH mine AS (
            SELECT DISTINCT identity_digest, number_digest FROM claims
            WHERE seeker_id = $1 AND status IN ('verified', 'lapsed')
        )
        SELECT * FROM (
            (SELECT a.* FROM audit a WHERE a.about = ANY(SELECT identity_digest FROM mine)
               AND ($2::bigint IS NULL OR a.seq < $2) ORDER BY a.seq DESC LIMIT $3)
            UNION
            (SELECT a.* FROM audit a WHERE a.number_digest = ANY(SELECT number_digest FROM mine)
               AND ($2::bigint IS NULL OR a.seq < $2) ORDER BY a.seq DESC LIMIT $3)
        ) both_ways ORDER BY seq DESC LIMIT $3
        """,
        seeker_id,
        before,
        limit,
    )
    return [_row_of(row) for row in rows]


def _row_of(row: database.Record) -> Row:
    return Row(
        seq=row["seq"],
        hash=row["hash"],
        record=Record(
            at=row["at"],
            requester=row["requester"],
            role=row["role"],
            act=Act(row["act"]),
            about=row["about"],
            number=row["number_digest"],
            purpose=row["purpose"],
            verdict=row["verdict"],
            receipt_no=row["receipt_no"],
        ),
    )
