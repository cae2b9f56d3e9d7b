"""Verdicts: the answers to "is this certificate good, and this person's?", and the question itself.

What the registry says of a certificate stands in registry; how an answer is signed, in receipts.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from services.certificates.domain.numbers import CertificateNumber

if TYPE_CHECKING:
    # An entry is judged in these terms, and an answer rests on an entry.
    from services.certificates.domain.registry import Entry


class Verdict(StrEnum):
    """The answer, as a code that stays the same for ever."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"
    SUSPENDED = "suspended"
    HOLDER_MISMATCH = "holder-mismatch"
    NOT_FOUND = "not-found"
    ISSUER_UNKNOWN = "issuer-unknown"
    PENDING = "pending"


GAVE_UP = "gave-up"
"""The reason of a pending answer that nobody will ask for again."""

# What somebody who tries numbers out is answered.
MISSES = frozenset({Verdict.HOLDER_MISMATCH, Verdict.NOT_FOUND, Verdict.ISSUER_UNKNOWN})


@dataclass(frozen=True, slots=True)
class Question:
    """A certificate as it was shown. identity_number: in its one spelling.

    occupation: which of several certificates under one number is meant, None for the best of them.
    issuer: a code, where the asker knows it.
    """

    number: CertificateNumber
    holder_name: str
    identity_number: str
    occupation: str | None = None
    issuer: str | None = None

    def __repr__(self) -> str:
        return f"Question({self.number.masked()})"

    @property
    def named_issuers(self) -> tuple[str, ...]:
        """Whom the question and the number itself name as the issuer, the asker's word first."""
        named = (self.issuer, self.number.issuer)
        return tuple(dict.fromkeys(code for code in named if code is not None))


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to a question.

    reason: a stable code that says more, e.g. review-overdue. entry: what it rests on, for the
    right holder alone. answered_by: None for ourselves, else another city's id. answered_at: when
    that was so: an answer that was kept is older than the moment it is given. upload_lag_days: how
    late the named issuer's records may be, where nothing was found. is_signed: false where the
    city that answered does not sign.
    """

    verdict: Verdict
    reason: str | None
    entry: "Entry | None"
    answered_by: str | None
    answered_at: datetime
    upload_lag_days: int | None = None
    is_signed: bool = True

    @property
    def is_miss(self) -> bool:
        """Whether it is what somebody who tries numbers out is answered."""
        return self.verdict in MISSES
