"""Rows of questions that another city has still to answer; sealed, for they name a person.

When one is asked again stands in actions.retrying.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from contracts.values import CertificateId
from services.kit.database import Record, Transaction, affected


@dataclass(frozen=True, slots=True)
class Pending:
    """A question that waits. Exactly one of receipt_no and claim_id says for whom."""

    question_id: UUID
    receipt_no: str | None
    claim_id: CertificateId | None
    sealed: bytes
    asked_at: datetime
    gives_up_at: datetime
    tries: int


async def insert_pending(
    tx: Transaction,
    question_id: UUID,
    *,
    receipt_no: str | None = None,
    claim_id: CertificateId | None = None,
    sealed: bytes,
    asked_at: datetime,
    next_try_at: datetime,
    gives_up_at: datetime,
) -> None:
    """Keep a question to be asked again; for a claim that has one already, in its place."""
    await tx.execute(
        """
        INSERT INTO pending_questions
            (question_id, receipt_no, claim_id, sealed, asked_at, next_try_at, gives_up_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (claim_id) DO UPDATE SET
            question_id = excluded.question_id, sealed = excluded.sealed,
            asked_at = excluded.asked_at, next_try_at = excluded.next_try_at,
            gives_up_at = excluded.gives_up_at, tries = 0
        """,
        question_id,
        receipt_no,
        claim_id,
        sealed,
        asked_at,
        next_try_at,
        gives_up_at,
    )


async def claim_due(
    tx: Transaction, now: datetime, *, lost_after: timedelta, limit: int
) -> list[Pending]:
    """Take questions that are due, the longest waiting first; nobody else gets them meanwhile.

    Whoever takes one and is not heard of again loses it after lost_after.
    """
    rows = await tx.fetch(
        """
        UPDATE pending_questions p SET next_try_at = $2, tries = tries + 1
        FROM (
            SELECT question_id FROM pending_questions
            WHERE next_try_at <= $1 ORDER BY next_try_at LIMIT $3 FOR UPDATE SKIP LOCKED
        ) due WHERE p.question_id = due.question_id
        RETURNING p.*
        """,
        now,
        now + lost_after,
        limit,
    )
    return [_pending_of(row) for row in rows]


def _pending_of(row: Record) -> Pending:
    return Pending(
        question_id=row["question_id"],
        receipt_no=row["receipt_no"],
        claim_id=row["claim_id"],
        sealed=row["sealed"],
        asked_at=row["asked_at"],
        gives_up_at=row["gives_up_at"],
        tries=row["tries"],
    )


async def update_next_try(tx: Transaction, question_id: UUID, at: datetime) -> None:
    """Ask again then."""
    await tx.execute(
        "UPDATE pending_questions SET next_try_at = $2 "
        "WHERE question_id = $1 AND next_try_at IS NOT NULL",
        question_id,
        at,
    )


async def update_all_due(tx: Transaction, now: datetime) -> int:
    """Ask all of them again now; returns how many had been put off."""
    return affected(
        await tx.execute(
            "UPDATE pending_questions SET next_try_at = $1 WHERE next_try_at > $1", now
        )
    )


async def delete_pending(tx: Transaction, question_id: UUID) -> None:
    """It is answered: what was asked is destroyed."""
    await tx.execute("DELETE FROM pending_questions WHERE question_id = $1", question_id)


async def update_given_up(tx: Transaction, question_id: UUID) -> None:
    """It is asked no more: what was asked is destroyed, that it waited stays known."""
    await tx.execute(
        "UPDATE pending_questions SET sealed = NULL, next_try_at = NULL WHERE question_id = $1",
        question_id,
    )


async def count_pending(tx: Transaction) -> int:
    """How many wait."""
    return int(
        await tx.fetchval("SELECT count(*) FROM pending_questions WHERE next_try_at IS NOT NULL")
    )
