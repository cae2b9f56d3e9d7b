"""A seeker claims a certificate, and reads what became of the claims.

How a claim changes later stands in reviewing; who asks other cities, in retrying.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from contracts.values import CertificateId, SeekerId
from services.certificates.actions.guessing import count_miss, may_guess
from services.certificates.actions.reviewing import keep, review
from services.certificates.domain.digests import Statement
from services.certificates.domain.folder import Claim, ClaimReason
from services.certificates.domain.guesses import Allowance
from services.certificates.domain.registry import answer
from services.certificates.domain.verdicts import Answer
from services.certificates.store import folders, registry
from services.kit.database import Database, Transaction

AskElsewhere = Callable[[Transaction, CertificateId], Awaitable[None]]
"""Has other cities asked about a claim once the transaction is over."""


@dataclass(frozen=True, slots=True)
class Guesses:
    """How often an asker may be wrong. asker: as guessing.asker_of() calls them."""

    asker: str
    allowance: Allowance


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim as it stands. is_new: false where the seeker had claimed the certificate before.

    is_asked: whether other cities are asked about it now.
    """

    claim: Claim
    is_new: bool
    is_asked: bool = False


async def claim_certificate(
    db: Database,
    seeker_id: SeekerId,
    statement: Statement,
    occupation: str | None,
    *,
    number_masked: str,
    new_id: CertificateId,
    now: datetime,
    ask_elsewhere: AskElsewhere | None = None,
    guesses: Guesses | None = None,
) -> Claimed:
    """Claim a certificate, judge that at once, and announce both.

    occupation: which of several certificates under one number is meant, None for the best. What
    was claimed before, or rests on the same entry, is only looked at again. ask_elsewhere: where
    the certificate may be another city's; a claim of which our registry knows nothing waits.
    guesses: how often a new claim may find nothing.
    Raises TooManyClaims, GuessedTooOften.
    """
    async with db.transaction() as tx:
        await registry.lock_registry_for_claim(tx)
        await folders.insert_folder(tx, seeker_id)
        (folder,) = await folders.lock_folders(tx, [seeker_id])
        entries = await registry.select_entries_stating(tx, statement, occupation)
        asked = None if entries else ask_elsewhere
        reason = None if asked is None else ClaimReason.PENDING
        claim = Claim(
            new_id,
            statement,
            occupation,
            number_masked,
            claimed_at=now,
            decided_at=now,
            reason=reason,
        )
        known = folder.like(claim) or folder.proven_by(answer(entries, now)[1])
        if known is not None:
            # Its time may be over although the expiry job has not come by yet.
            await review(tx, {seeker_id: [known.claim_id]}, [folder], now)
        else:
            known = claim
            if guesses is not None:
                asker, number = guesses.asker, statement.number
                await may_guess(tx, asker, number, guesses.allowance, now)
                if not entries:
                    await count_miss(tx, asker, number, now)
            changes = [folder.admit(claim), folder.review(claim.claim_id, entries, now)]
            await keep(tx, [change for change in changes if change is not None], now)
        if asked is not None:
            await asked(tx, known.claim_id)
        return Claimed(
            folder.claims[known.claim_id], is_new=known is claim, is_asked=asked is not None
        )


async def settle_claim(
    db: Database, claim_id: CertificateId, elsewhere: Answer, now: datetime
) -> None:
    """Judge a claim of which other cities were asked. elsewhere: what they said."""
    async with db.transaction() as tx:
        await registry.lock_registry_for_claim(tx)
        seeker_id = await folders.select_seeker_of(tx, claim_id)
        if seeker_id is None:
            return
        (folder,) = await folders.lock_folders(tx, [seeker_id])
        entries = (await registry.select_entries_claimed(tx, [claim_id]))[claim_id]
        change = folder.review(claim_id, entries, now, elsewhere)
        await keep(tx, [] if change is None else [change], now)


async def own_claims(db: Database, seeker_id: SeekerId) -> list[Claim]:
    """Every claim of the seeker, the oldest first; at most MOST_CLAIMS."""
    async with db.transaction() as tx:
        return [claim for _, claim in await folders.select_claims(tx, [seeker_id])]
