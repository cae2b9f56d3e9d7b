"""Claims are judged anew, and what came of it is kept and announced.

What makes a review due stands in importing, claiming and here for the passing of time.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import structlog
from prometheus_client import Counter

from contracts.certificates import (
    CertificateClaimed,
    CertificateFolder,
    CertificateLapsed,
    CertificateRejected,
    CertificateState,
    CertificateVerified,
)
from contracts.events import CertificateEvent
from contracts.values import CertificateId, CertificateStatus, SeekerId
from services.certificates.domain.folder import Change, Claim, Folder
from services.certificates.domain.registry import ends_at, today
from services.certificates.store import folders, registry
from services.kit import outbox
from services.kit.database import Database, Transaction

log = structlog.get_logger(__name__)

CHANGES = Counter("rengang_certificate_changes_total", "Changes of claims", ["status"])

_SEEKERS_AT_ONCE = 100


async def lapse_expired(db: Database, now: datetime) -> int:
    """Announce each verified certificate whose time is over; returns how many lapsed.

    Each seeker has a transaction, so two who do this at once find each only once.
    """
    lapsed, after = 0, None
    while True:
        async with db.transaction() as tx:
            due = await folders.select_seekers_due(tx, today(now), after, _SEEKERS_AT_ONCE)
        if not due:
            break
        for seeker_id in due:
            lapsed += await _lapse_expired_of(db, seeker_id, now)
        after = due[-1]
    if lapsed:
        log.info("certificates.lapsed", certificates=lapsed)
    return lapsed


async def _lapse_expired_of(db: Database, seeker_id: SeekerId, now: datetime) -> int:
    async with db.transaction() as tx:
        (folder,) = await folders.lock_folders(tx, [seeker_id])
        due = [claim.claim_id for claim in folder.claims.values() if claim.is_due(now)]
        changes = await review(tx, {seeker_id: due}, [folder], now)
    return sum(change.claim.status is CertificateStatus.LAPSED for change in changes)


async def review(
    tx: Transaction,
    claims: Mapping[SeekerId, Collection[CertificateId]],
    locked: Iterable[Folder],
    now: datetime,
) -> list[Change]:
    """Judge these claims by the registry as it is, keep and announce what changed.

    locked: the folders they are in.
    """
    entries = await registry.select_entries_claimed(
        tx, [claim_id for ids in claims.values() for claim_id in ids]
    )
    changes: list[Change] = []
    for folder in locked:
        # What counts may let go of an entry that another claim then rests on.
        in_turn = sorted(
            claims[folder.seeker_id], key=lambda id_: (not folder.claims[id_].is_verified, id_)
        )
        reviewed = (folder.review(claim_id, entries[claim_id], now) for claim_id in in_turn)
        changes += [change for change in reviewed if change is not None]
    await keep(tx, changes, now)
    return changes


async def keep(tx: Transaction, changes: Sequence[Change], now: datetime) -> None:
    """Store what changed, and announce each change. changes: in the order they were made."""
    if not changes:
        return
    latest = {change.claim.claim_id: (change.seeker_id, change.claim) for change in changes}
    await folders.update_versions(tx, {change.seeker_id: change.version for change in changes})
    await folders.upsert_claims(tx, list(latest.values()))
    await outbox.add_all(tx, [event_of(change, now) for change in changes])
    for change in changes:
        CHANGES.labels(change.claim.status).inc()


_EVENTS: dict[CertificateStatus, type[CertificateEvent]] = {
    CertificateStatus.CLAIMED: CertificateClaimed,
    CertificateStatus.VERIFIED: CertificateVerified,
    CertificateStatus.REJECTED: CertificateRejected,
    CertificateStatus.LAPSED: CertificateLapsed,
}


def event_of(change: Change, now: datetime) -> CertificateEvent:
    """The event that tells of a change."""
    return _EVENTS[change.claim.status](
        subject=str(change.seeker_id),
        time=now,
        version=change.version,
        data=CertificateFolder(
            seeker_id=change.seeker_id,
            changed=_state_of(change.claim),
            in_force=tuple(_state_of(claim) for claim in change.in_force),
        ),
    )


def _state_of(claim: Claim) -> CertificateState:
    entry = claim.entry
    return CertificateState(
        certificate_id=claim.claim_id,
        status=claim.status,
        occupation=entry and entry.occupation,
        level=entry and entry.level,
        name=entry and entry.name,
        issuer=entry and entry.issuer,
        valid_until=ends_at(entry.valid_until) if entry and entry.valid_until else None,
        reason=claim.reason and claim.reason.value,
    )
