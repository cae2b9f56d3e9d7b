"""A seeker claims a certificate, and reads what became of the claims.

How a claim changes later stands in reviewing.
"""

from dataclasses import dataclass
from datetime import datetime

from contracts.values import CertificateId, SeekerId
from services.certificates.actions.reviewing import keep, review
from services.certificates.domain.digests import Statement
from services.certificates.domain.folder import Claim
from services.certificates.domain.registry import answer
from services.certificates.store import folders, registry
from services.kit.database import Database


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim as it stands. is_new: false where the seeker had claimed the certificate before."""

    claim: Claim
    is_new: bool


async def claim_certificate(
    db: Database,
    seeker_id: SeekerId,
    statement: Statement,
    occupation: str | None,
    *,
    number_masked: str,
    new_id: CertificateId,
    now: datetime,
) -> Claimed:
    """Claim a certificate, judge that at once, and announce both.

    occupation: which of several certificates under one number is meant, None for the best. What
    was claimed before, or rests on the same entry, is only looked at again.
    Raises TooManyClaims.
    """
    async with db.transaction() as tx:
        await registry.lock_registry_for_claim(tx)
        await folders.insert_folder(tx, seeker_id)
        (folder,) = await folders.lock_folders(tx, [seeker_id])
        entries = await registry.select_entries_stating(tx, statement, occupation)
        claim = Claim(new_id, statement, occupation, number_masked, claimed_at=now, decided_at=now)
        known = folder.like(claim) or folder.proven_by(answer(entries, now)[1])
        if known is not None:
            # Its time may be over although the expiry job has not come by yet.
            await review(tx, {seeker_id: [known.claim_id]}, [folder], now)
            return Claimed(folder.claims[known.claim_id], is_new=False)
        changes = [folder.admit(claim), folder.review(claim.claim_id, entries, now)]
        await keep(tx, [change for change in changes if change is not None], now)
        return Claimed(folder.claims[claim.claim_id], is_new=True)


async def own_claims(db: Database, seeker_id: SeekerId) -> list[Claim]:
    """Every claim of the seeker, the oldest first; at most MOST_CLAIMS."""
    async with db.transaction() as tx:
        return [claim for _, claim in await folders.select_claims(tx, [seeker_id])]
