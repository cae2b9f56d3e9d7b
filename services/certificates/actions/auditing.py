"""The audit log is added to, read, and checked for missing or changed rows.

What is worth a row stands in verifying.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from prometheus_client import Gauge

from contracts.values import SeekerId
from services.certificates.domain.audit import Break, Head, Record, Row, Walk, chained
from services.certificates.store import audit
from services.kit.database import Database, Transaction

log = structlog.get_logger(__name__)

BROKEN = Gauge("rengang_audit_broken", "1 where the last check found the audit log broken")

_ROWS_AT_ONCE = 2_000


async def append(tx: Transaction, records: Sequence[Record], head: Head | None = None) -> None:
    """Add these to the log. The last thing in a transaction: all others who add wait meanwhile.

    head: the last row, where this transaction has locked it already.
    """
    if records:
        head = head or await audit.lock_head(tx)
        await audit.insert_rows(tx, chained(head, records))


@dataclass(frozen=True, slots=True)
class Checked:
    """How far the chain holds. head: the last row that is right. broken: None where all are."""

    head: Head
    broken: Break | None


async def check_audit(db: Database, noted: Head | None = None) -> Checked:
    """Follow the chain from its first row to the end it had when this began.

    Rows that are added meanwhile are left to the next check. noted: a head that a check returned
    before; a log that was rewritten whole since then shows by it.
    """
    walk = Walk(noted)
    async with db.transaction() as tx:
        end = await audit.select_head(tx)
    broken: Break | None = None
    while broken is None and walk.head.seq < end.seq:
        async with db.transaction() as tx:
            rows = await audit.select_rows_after(tx, walk.head.seq, _ROWS_AT_ONCE)
        if not rows:
            break
        for row in rows:
            if row.seq > end.seq:
                break
            broken = walk.step(row)
            if broken is not None:
                break
        else:
            continue
        break
    if broken is None:
        broken = walk.end(end)
    BROKEN.set(broken is not None)
    if broken is not None:
        log.error("audit.broken", seq=broken.seq, fault=broken.fault)
    return Checked(walk.head, broken)


@dataclass(frozen=True, slots=True)
class Sought:
    """Which rows are wanted. since: not before; until: before. None: any."""

    since: datetime | None = None
    until: datetime | None = None
    requester: str | None = None
    purpose: str | None = None


async def audit_rows(db: Database, sought: Sought, *, before: int | None, limit: int) -> list[Row]:
    """Rows that fit, the newest first. before: only those with a smaller seq."""
    async with db.transaction() as tx:
        return await audit.select_rows(
            tx,
            before=before,
            since=sought.since,
            until=sought.until,
            requester=sought.requester,
            purpose=sought.purpose,
            limit=limit,
        )


async def audit_rows_about(
    db: Database, seeker_id: SeekerId, *, before: int | None, limit: int
) -> list[Row]:
    """Who asked about the certificates that this seeker has proven to hold, the newest first."""
    async with db.transaction() as tx:
        return await audit.select_rows_about(tx, seeker_id, before=before, limit=limit)
