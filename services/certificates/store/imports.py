"""Rows of signed imports: how far each has come, and what became of its lines.

What they brought stands in store.entries.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.certificates.domain.signed_imports import SignedImport
from services.kit.database import Record, Transaction


@dataclass(frozen=True, slots=True)
class Progress:
    """An import as it stands. n_done: rows that are in, from the first on. report_dropped_at: when
    the lines of its report were dropped; None: they are all there.
    """

    import_id: UUID
    issuer: str
    sha256: bytes
    sender: str
    n_rows: int
    n_done: int
    stated_at: datetime
    begun_at: datetime
    finished_at: datetime | None
    report_dropped_at: datetime | None


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What became of some rows. lines, flagged: JSON objects of the report, comma-separated."""

    created: int
    revised: int
    unchanged: int
    rejected: int
    lines: str
    flagged: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows had which outcome."""

    created: int = 0
    revised: int = 0
    unchanged: int = 0
    rejected: int = 0


async def insert_import(tx: Transaction, signed: SignedImport, sender: str, now: datetime) -> None:
    """Begin an import, unless one of that id has begun."""
    await tx.execute(
        """
        INSERT INTO imports (import_id, issuer, sha256, media_type, n_rows, stated_at, signature,
            sender, begun_at, finished_at)
        VALUES ($1, $2, $3, $4, $5::int, $6, $7, $8, $9::timestamptz,
            CASE WHEN $5::int = 0 THEN $9::timestamptz END)
        ON CONFLICT (import_id) DO NOTHING
        """,
        signed.import_id,
        signed.issuer,
        signed.sha256,
        signed.media_type.value,
        signed.n_rows,
        signed.stated_at,
        signed.jws,
        sender,
        now,
    )


async def select_import(tx: Transaction, import_id: UUID) -> Progress | None:
    """The import of that id."""
    row = await tx.fetchrow("SELECT * FROM imports WHERE import_id = $1", import_id)
    return None if row is None else _progress_of(row)


async def lock_import(tx: Transaction, import_id: UUID) -> Progress:
    """The import of that id; nobody else goes on with it before this transaction ends."""
    row = await tx.fetchrow("SELECT * FROM imports WHERE import_id = $1 FOR UPDATE", import_id)
    if row is None:
        raise LookupError(f"no import {import_id}")
    return _progress_of(row)


def _progress_of(row: Record) -> Progress:
    return Progress(
        import_id=row["import_id"],
        issuer=row["issuer"],
        sha256=row["sha256"],
        sender=row["sender"],
        n_rows=row["n_rows"],
        n_done=row["n_done"],
        stated_at=row["stated_at"],
        begun_at=row["begun_at"],
        finished_at=row["finished_at"],
        report_dropped_at=row["report_dropped_at"],
    )


async def insert_batch(
    tx: Transaction,
    import_id: UUID,
    *,
    first_row: int,
    n_rows: int,
    report: BatchReport,
    now: datetime,
) -> None:
    """Keep what became of these rows; the import has come that far."""
    await tx.execute(
        """
        WITH done AS (
            UPDATE imports SET n_done = n_done + $3,
                finished_at = CASE WHEN n_done + $3 = n_rows THEN $10::timestamptz END
            WHERE import_id = $1)
        INSERT INTO import_batches (import_id, first_row, n_rows, created, revised, unchanged,
            rejected, lines, flagged)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        import_id,
        first_row,
        n_rows,
        report.created,
        report.revised,
        report.unchanged,
        report.rejected,
        report.lines,
        report.flagged,
        now,
    )


async def select_counts(tx: Transaction, import_id: UUID) -> Counts:
    """How many rows had which outcome so far."""
    row = await tx.fetchrow(
        """
        SELECT coalesce(sum(created), 0)::int AS created, coalesce(sum(revised), 0)::int AS revised,
               coalesce(sum(unchanged), 0)::int AS unchanged,
               coalesce(sum(rejected), 0)::int AS rejected
        FROM import_batches WHERE import_id = $1
        """,
        import_id,
    )
    return Counts() if row is None else Counts(**dict(row))


async def select_reports(
    tx: Transaction, import_id: UUID, *, first_row: int, before_row: int, limit: int
) -> Sequence[tuple[int, str, str]]:
    """(row after its last, lines, flagged) of some batches, in order of their rows."""
    rows = await tx.fetch(
        """
        SELECT first_row + n_rows AS until, lines, flagged FROM import_batches
        WHERE import_id = $1 AND first_row >= $2 AND first_row < $3 AND lines <> ''
        ORDER BY first_row LIMIT $4
        """,
        import_id,
        first_row,
        before_row,
        limit,
    )
    return [(row["until"], row["lines"], row["flagged"]) for row in rows]


async def update_reports_dropped(
    tx: Transaction, before: datetime, now: datetime, limit: int
) -> int:
    """Drop the lines of the reports of imports that ended, or began and never did, before then.

    Returns of how many imports; at most limit.
    """
    dropped = await tx.fetchval(
        """
        WITH old AS (
            SELECT import_id FROM imports
            WHERE (report_dropped_at IS NULL OR report_dropped_at <= finished_at)
                AND coalesce(finished_at, begun_at) < $1
            ORDER BY coalesce(finished_at, begun_at) LIMIT $3 FOR UPDATE SKIP LOCKED
        ), marked AS (
            UPDATE imports i SET report_dropped_at = $2 FROM old
            WHERE i.import_id = old.import_id RETURNING i.import_id
        ), emptied AS (
            UPDATE import_batches b SET lines = '', flagged = '' FROM marked
            WHERE b.import_id = marked.import_id
        )
        SELECT count(*) FROM marked
        """,
        before,
        now,
        limit,
    )
    return int(dropped)
