"""Whoever is wrong too often is answered no more for a while; that this happened is recorded.

Questions are counted where they are answered, in verifying; this is for claims.
"""

from datetime import datetime

import structlog
from prometheus_client import Counter

from services.certificates.actions.auditing import append
from services.certificates.domain.audit import Act, Record
from services.certificates.domain.digests import Statement
from services.certificates.domain.guesses import Allowance, Tally, TooManyMisses, windows_of
from services.certificates.domain.purposes import Recorded
from services.certificates.store import verifications
from services.kit.database import Database, Transaction

log = structlog.get_logger(__name__)

GUESSES = Counter(
    "rengang_guesses_refused_total", "Questions and claims refused for guessing", ["what", "role"]
)


class GuessedTooOften(Exception):
    """No answer. refusal: why, and until when."""

    def __init__(self, refusal: TooManyMisses) -> None:
        super().__init__(refusal.what)
        self.refusal = refusal


def asker_of(role: str, requester: str) -> str:
    """Under which name misses are counted."""
    return f"{role} {requester}"


def tell_refused(refusal: TooManyMisses, role: str) -> None:
    """Count and log a refusal; nothing in it tells a person or a number."""
    GUESSES.labels(refusal.what, role).inc()
    log.warning("guesses.refused", what=refusal.what, role=role)


async def may_guess(
    tx: Transaction, asker: str, number: bytes, allowance: Allowance, now: datetime
) -> None:
    """Raises GuessedTooOften. Exact where the caller's lock keeps the asker from asking twice."""
    counted = await verifications.select_misses(tx, windows_of([(asker, number)], now))
    refusal = Tally.of(counted).refusal(asker, number, allowance, now)
    if refusal is not None:
        raise GuessedTooOften(refusal)


async def count_miss(tx: Transaction, asker: str, number: bytes, now: datetime) -> None:
    """One more."""
    tally = Tally()
    tally.count(asker, number, now)
    await verifications.upsert_misses(tx, tally.changes())


async def record_refused_claim(
    db: Database,
    statement: Statement,
    refusal: TooManyMisses,
    *,
    requester: str,
    role: str,
    at: datetime,
) -> None:
    """Write down that a claim was refused for guessing."""
    record = Record(
        at=at,
        requester=requester,
        role=role,
        act=Act.REFUSED,
        about=statement.identity,
        number=statement.number,
        purpose=Recorded.CLAIM,
        verdict=None,
        receipt_no=None,
    )
    async with db.transaction() as tx:
        await append(tx, [record])
    tell_refused(refusal, role)
