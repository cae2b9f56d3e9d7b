"""Rows of tables that were sent to be looked up, in parts; what is asked is sealed.

What a part holds stands in actions.tabling.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.kit.database import Record, Transaction, affected


@dataclass(frozen=True, slots=True)
class Table:
    """A table. total, done: lines. finished_at: None while some are not answered."""

    table_id: UUID
    requester: str
    role: str
    purpose: str
    total: int
    done: int
    made_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Part:
    """Some lines of a table, taken to be answered."""

    table_id: UUID
    part: int
    sealed: bytes
    requester: str
    role: str
    purpose: str


async def insert_table(tx: Transaction, table: Table, parts: Sequence[tuple[int, bytes]]) -> None:
    """Keep a table. parts: number of lines and the sealed lines of each, in order."""
    await tx.execute(
        """
        INSERT INTO verification_tables (table_id, requester, role, purpose, total, made_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        table.table_id,
        table.requester,
        table.role,
        table.purpose,
        table.total,
        table.made_at,
    )
    await tx.execute(
        """
        INSERT INTO verification_table_parts (table_id, part, n_lines, sealed)
        SELECT $1, p.place - 1, p.n_lines, p.sealed
        FROM unnest($2::int[], $3::bytea[]) WITH ORDINALITY AS p (n_lines, sealed, place)
        """,
        table.table_id,
        [n_lines for n_lines, _ in parts],
        [sealed for _, sealed in parts],
    )


async def count_unfinished(tx: Transaction, requester: str, role: str) -> int:
    """How many tables of this asker are not answered yet."""
    count: int = await tx.fetchval(
        "SELECT count(*) FROM verification_tables "
        "WHERE requester = $1 AND role = $2 AND finished_at IS NULL",
        requester,
        role,
    )
    return count


async def select_table(tx: Transaction, table_id: UUID) -> Table | None:
    """The table of that id."""
    row = await tx.fetchrow(
        """
        SELECT t.*, (SELECT coalesce(sum(p.n_lines), 0) FROM verification_table_parts p
            WHERE p.table_id = t.table_id AND p.result IS NOT NULL) AS done
        FROM verification_tables t WHERE table_id = $1
        """,
        table_id,
    )
    return None if row is None else _table_of(row)


def _table_of(row: Record) -> Table:
    return Table(
        table_id=row["table_id"],
        requester=row["requester"],
        role=row["role"],
        purpose=row["purpose"],
        total=row["total"],
        done=row["done"],
        made_at=row["made_at"],
        finished_at=row["finished_at"],
    )


async def update_next_part_taken(tx: Transaction, now: datetime, until: datetime) -> Part | None:
    """Take the part that has waited longest; nobody else takes it until then."""
    row = await tx.fetchrow(
        """
        UPDATE verification_table_parts p SET taken_until = $2
        FROM (
            SELECT table_id, part FROM verification_table_parts
            WHERE sealed IS NOT NULL AND (taken_until IS NULL OR taken_until <= $1)
            ORDER BY table_id, part LIMIT 1 FOR UPDATE SKIP LOCKED
        ) next, verification_tables t
        WHERE (p.table_id, p.part) = (next.table_id, next.part) AND t.table_id = p.table_id
        RETURNING p.table_id, p.part, p.sealed, t.requester, t.role, t.purpose
        """,
        now,
        until,
    )
    if row is None:
        return None
    return Part(
        table_id=row["table_id"],
        part=row["part"],
        sealed=row["sealed"],
        requester=row["requester"],
        role=row["role"],
        purpose=row["purpose"],
    )


async def update_part_done(tx: Transaction, part: Part, result: list[list[Any]]) -> None:
    """Keep what was answered; what was asked is destroyed."""
    await tx.execute(
        """
        UPDATE verification_table_parts SET sealed = NULL, taken_until = NULL, result = $3
        WHERE table_id = $1 AND part = $2 AND sealed IS NOT NULL
        """,
        part.table_id,
        part.part,
        result,
    )


async def update_part_given_back(tx: Transaction, part: Part) -> None:
    """Somebody else may take it."""
    await tx.execute(
        "UPDATE verification_table_parts SET taken_until = NULL WHERE table_id = $1 AND part = $2",
        part.table_id,
        part.part,
    )


async def update_table_finished(tx: Transaction, table_id: UUID, now: datetime) -> bool:
    """Note that the last part is answered, if so; says whether it was."""
    return bool(
        affected(
            await tx.execute(
                """
                UPDATE verification_tables t SET finished_at = $2
                WHERE table_id = $1 AND finished_at IS NULL AND NOT EXISTS (
                    SELECT FROM verification_table_parts p
                    WHERE p.table_id = t.table_id AND p.sealed IS NOT NULL)
                """,
                table_id,
                now,
            )
        )
    )


async def select_results(tx: Transaction, table_id: UUID) -> list[list[Any]]:
    """What was answered, in the order of the lines."""
    rows = await tx.fetch(
        "SELECT result FROM verification_table_parts WHERE table_id = $1 AND result IS NOT NULL "
        "ORDER BY part",
        table_id,
    )
    return [line for row in rows for line in row["result"]]


async def delete_tables_before(tx: Transaction, made_at: datetime) -> int:
    """Remove the older ones with all that belongs to them; returns how many."""
    return affected(await tx.execute("DELETE FROM verification_tables WHERE made_at < $1", made_at))
