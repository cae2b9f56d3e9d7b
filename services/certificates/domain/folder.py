"""The seeker's folder: claims, what became of each, and one version over all of them.

How a claim is stored or announced does not live here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from contracts.values import CertificateId, CertificateStatus, SeekerId
from services.certificates.domain.digests import Statement
from services.certificates.domain.registry import Entry, answer, ends_at
from services.certificates.domain.verdicts import GAVE_UP, Answer, Verdict

MOST_CLAIMS = 100
"""Claims of one seeker: more than anyone holds, too few to guess numbers with; it also bounds what
an event carries."""


class TooManyClaims(Exception):
    """The seeker has MOST_CLAIMS claims already."""


class ClaimReason(StrEnum):
    """Why a claim does not count, as a code that stays the same for ever."""

    EXPIRED = "expired"
    REVOKED = "revoked"
    SUSPENDED = "suspended"
    REVIEW_OVERDUE = "review-overdue"
    HOLDER_MISMATCH = "holder-mismatch"
    NOT_FOUND = "not-found"
    ISSUER_UNKNOWN = "issuer-unknown"
    NOT_RECOGNISED = "not-recognised"
    PENDING = "pending"
    UNANSWERED = "unanswered"

    @classmethod
    def of(cls, verdict: Verdict, reason: str | None = None) -> "ClaimReason | None":
        """Why a claim of that verdict does not count; None where it does. reason: says more."""
        if verdict is Verdict.PENDING:
            return cls.UNANSWERED if reason == GAVE_UP else cls.PENDING
        if reason in (cls.REVIEW_OVERDUE, cls.NOT_RECOGNISED):
            return cls(reason)
        return None if verdict is Verdict.VALID else cls(verdict.value)


_WAITS = (ClaimReason.PENDING, ClaimReason.UNANSWERED)


@dataclass(frozen=True, slots=True)
class Claim:
    """A seeker's word that a certificate is theirs, and what the registry made of it.

    occupation: which of several certificates under one number is meant, None for the best of them.
    entry: what the verdict rests on, as it was announced last.
    """

    claim_id: CertificateId
    statement: Statement
    occupation: str | None
    number_masked: str
    claimed_at: datetime
    decided_at: datetime
    status: CertificateStatus = CertificateStatus.CLAIMED
    reason: ClaimReason | None = None
    entry: Entry | None = None

    @property
    def is_verified(self) -> bool:
        """Whether it counts."""
        return self.status is CertificateStatus.VERIFIED

    @property
    def waits(self) -> bool:
        """Whether another city has still to say whether it holds."""
        return self.status is CertificateStatus.CLAIMED and self.reason in _WAITS

    @property
    def ends_at(self) -> datetime | None:
        """The moment from which it no longer counts, where one is known."""
        day = None if self.entry is None else self.entry.last_good_day
        return None if day is None else ends_at(day)

    def is_due(self, now: datetime) -> bool:
        """Whether it counts although its time is over."""
        return self.is_verified and self.ends_at is not None and self.ends_at <= now

    def judged(
        self, entries: Sequence[Entry], now: datetime, elsewhere: Answer | None = None
    ) -> "Claim":
        """The claim as the registry's entries make it; itself where they change nothing.

        elsewhere: what other cities said, where they were asked; until they have, a claim of
        which the registry knows nothing waits.
        """
        entry, reason = self._best(entries, now)
        if entry is None and elsewhere is not None:
            reason = ClaimReason.of(elsewhere.verdict, elsewhere.reason) or ClaimReason.NOT_FOUND
        elif entry is None and self.waits:
            return self
        if reason is None:
            status = CertificateStatus.VERIFIED
        elif reason in _WAITS:
            if self.status is not CertificateStatus.CLAIMED:
                return self
            status = CertificateStatus.CLAIMED
        elif self.status in (CertificateStatus.VERIFIED, CertificateStatus.LAPSED):
            status = CertificateStatus.LAPSED
        else:
            status = CertificateStatus.REJECTED
        if (status, reason, entry) == (self.status, self.reason, self.entry):
            return self
        return replace(self, status=status, reason=reason, entry=entry, decided_at=now)

    def _best(
        self, entries: Sequence[Entry], now: datetime
    ) -> tuple[Entry | None, ClaimReason | None]:
        """What the claim rests on, and why that does not count. What is recognised goes first."""
        kept = None if self.entry is None else self.entry.entry_id
        verdict, entry = answer((e for e in entries if e.recognised), now, kept=kept)
        if verdict is not Verdict.VALID:
            foreign = (e for e in entries if not e.recognised)
            other_verdict, other = answer(foreign, now, kept=kept)
            if other_verdict is Verdict.VALID:
                return other, ClaimReason.NOT_RECOGNISED
            if entry is None:
                verdict, entry = other_verdict, other
        return entry, ClaimReason.of(verdict) if entry is None else ClaimReason.of(
            *entry.judged(now)
        )


@dataclass(frozen=True, slots=True)
class Change:
    """One step of a folder: the claim that changed, and all that counts since."""

    seeker_id: SeekerId
    version: int
    claim: Claim
    in_force: tuple[Claim, ...]


@dataclass(slots=True)
class Folder:
    """All claims of one seeker. version: grows by one with each change, with no gap."""

    seeker_id: SeekerId
    version: int = 0
    claims: dict[CertificateId, Claim] = field(default_factory=dict)

    def like(self, claim: Claim) -> Claim | None:
        """The claim already here that says the same."""
        said = (claim.statement, claim.occupation)
        return next((c for c in self.claims.values() if (c.statement, c.occupation) == said), None)

    def proven_by(self, entry: Entry | None) -> Claim | None:
        """The verified claim that rests on this entry."""
        if entry is None:
            return None
        return next(
            (
                claim
                for claim in self.claims.values()
                if claim.is_verified and claim.entry and claim.entry.entry_id == entry.entry_id
            ),
            None,
        )

    def admit(self, claim: Claim) -> Change:
        """Take in a new claim. Raises TooManyClaims."""
        if len(self.claims) >= MOST_CLAIMS:
            raise TooManyClaims
        return self._changed(claim)

    def review(
        self,
        claim_id: CertificateId,
        entries: Iterable[Entry],
        now: datetime,
        elsewhere: Answer | None = None,
    ) -> Change | None:
        """Judge a claim by what the registry says now; None where nothing came of it.

        elsewhere: what other cities said, where they were asked.
        A certificate counts once: what another verified claim rests on proves nothing here.
        """
        claim = self.claims[claim_id]
        free = [entry for entry in entries if self.proven_by(entry) in (None, claim)]
        judged = claim.judged(free, now, elsewhere)
        return None if judged is claim else self._changed(judged)

    def in_force(self) -> tuple[Claim, ...]:
        """All that counts, in order of id."""
        verified = (claim for claim in self.claims.values() if claim.is_verified)
        return tuple(sorted(verified, key=lambda claim: claim.claim_id))

    def _changed(self, claim: Claim) -> Change:
        self.claims[claim.claim_id] = claim
        self.version += 1
        return Change(self.seeker_id, self.version, claim, self.in_force())
