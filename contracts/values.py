"""Values and identities that events, doors and rules share. Pure: no wire format, no I/O."""

from enum import IntEnum, StrEnum
from typing import NewType
from uuid import UUID, uuid5

PostingId = NewType("PostingId", UUID)
SeekerId = NewType("SeekerId", UUID)
MatchId = NewType("MatchId", UUID)
CertificateId = NewType("CertificateId", UUID)
EmployerId = NewType("EmployerId", str)

SEEKER_NAMESPACE = UUID("5b0f8c9e-6a57-5d1c-9a51-3c8f6f1d2b70")
MATCH_NAMESPACE = UUID("c1f7a4f2-0d6e-5b2a-8f43-92d1a7e6b3c8")

PPM = 1_000_000
"""Scores and points are integers in millionths: sums are exact, replays bit-identical."""


def seeker_id_of(subject: str) -> SeekerId:
    """The pseudonymous id of the account whose token says `sub` = subject.

    Derived, so that each service knows the caller's own id without asking another. An issuer must
    hand out opaque subjects (OpenID Connect Core 1.0 §8.1, pairwise), or the id could be guessed.
    """
    return SeekerId(uuid5(SEEKER_NAMESPACE, subject))


def match_id_of(seeker_id: SeekerId, posting_id: PostingId) -> MatchId:
    """One id for a pair, whoever computes it and however often."""
    return MatchId(uuid5(MATCH_NAMESPACE, f"{seeker_id}:{posting_id}"))


class PayUnit(StrEnum):
    """What a pay figure is paid for."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"
    YEAR = "year"


# 21.75 paid days a month, 8 hours a day: 劳社部发〔2008〕3号.
_MONTHS_PER_UNIT: dict[PayUnit, tuple[int, int]] = {
    PayUnit.HOUR: (174, 1),
    PayUnit.DAY: (2175, 100),
    PayUnit.MONTH: (1, 1),
    PayUnit.YEAR: (1, 12),
}


def pay_cny_month(amount_cny: int, unit: PayUnit) -> int:
    """Monthly equivalent in whole CNY, rounded down."""
    times, by = _MONTHS_PER_UNIT[unit]
    return amount_cny * times // by


class Employment(StrEnum):
    """Kind of employment."""

    FULL_TIME = "full_time"
    PART_TIME = "part_time"
    TEMPORARY = "temporary"
    INTERNSHIP = "internship"
    DISPATCH = "dispatch"


class Education(IntEnum):
    """Highest completed education, ordered (classes of GB/T 4658, coarse)."""

    PRIMARY = 1
    JUNIOR_SECONDARY = 2
    SENIOR_SECONDARY = 3
    ASSOCIATE = 4
    BACHELOR = 5
    MASTER = 6
    DOCTOR = 7


class PostingStatus(StrEnum):
    """Where a posting stands. Closed is final."""

    OPEN = "open"
    CLOSED = "closed"


class ClosedReason(StrEnum):
    """Why a posting closed."""

    EMPLOYER = "employer"
    EXPIRED = "expired"


class CertificateStatus(StrEnum):
    """Where a seeker's claim to a certificate stands."""

    CLAIMED = "claimed"
    VERIFIED = "verified"
    REJECTED = "rejected"
    LAPSED = "lapsed"


CERTIFICATE_LEVELS: dict[int, str] = {
    1: "学徒工",
    2: "初级工",
    3: "中级工",
    4: "高级工",
    5: "技师",
    6: "高级技师",
    7: "特级技师",
    8: "首席技师",
}
"""The eight levels (新八级工) as one ordinal, upwards. Older certificates print 五级 … 一级."""
