"""One certificate is looked up for somebody who was shown it; that this happened is recorded.

Claims, which count in matches, stand in claiming.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from prometheus_client import Counter

from services.certificates.domain.digests import Statement
from services.certificates.domain.registry import Entry, answer
from services.certificates.domain.verdicts import Verdict
from services.certificates.store import registry
from services.kit.database import Database

VERIFIED = Counter("rengang_verifications_total", "Certificates looked up", ["verdict"])


@dataclass(frozen=True, slots=True)
class Verification:
    """The answer. entry: what it rests on; None where nothing was found."""

    verification_id: UUID
    verdict: Verdict
    entry: Entry | None
    verified_at: datetime


async def verify_certificate(
    db: Database,
    statement: Statement,
    occupation: str | None,
    *,
    requester: str,
    purpose: str,
    new_id: UUID,
    now: datetime,
) -> Verification:
    """Look up what is stated and record who asked, why, and the answer; never about whom."""
    async with db.transaction() as tx:
        entries = await registry.select_entries_stating(tx, statement, occupation)
        verdict, entry = answer(entries, now)
        await registry.insert_verification(
            tx,
            new_id,
            requester=requester,
            purpose=purpose,
            verdict=verdict,
            entry_id=None if entry is None else entry.entry_id,
            now=now,
        )
    VERIFIED.labels(verdict).inc()
    return Verification(new_id, verdict, entry, now)
