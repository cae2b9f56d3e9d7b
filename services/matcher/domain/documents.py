"""What the rules read: postings, seekers, certificates in force. No person, no contact, no trait.

Promise 7: there is no field for sex, age, ethnicity, religion, marital or health status or
household registration, so no rule can look at one.
"""

from dataclasses import dataclass

from contracts.values import (
    CertificateId,
    Education,
    EmployerId,
    Employment,
    PayUnit,
    PostingId,
    SeekerId,
)


@dataclass(frozen=True, slots=True)
class Pay:
    """A range of whole CNY for each unit."""

    min: int
    max: int
    unit: PayUnit


@dataclass(frozen=True, slots=True)
class PayFloor:
    """The least a seeker would work for, whole CNY for each unit."""

    amount: int
    unit: PayUnit


@dataclass(frozen=True, slots=True)
class SkillWanted:
    """A skill a posting names; required, or nice to have."""

    name: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class CertificateWanted:
    """A certificate in an occupation (N-NN-NN-NN), at a level (1…8) or above."""

    occupation: str
    level: int
    required: bool = True


@dataclass(frozen=True, slots=True)
class Posting:
    """A posting as it stands at `version`. education: the least asked for; county: GB/T 2260."""

    posting_id: PostingId
    employer_id: EmployerId
    version: int
    open: bool
    title: str
    county: str
    pay: Pay
    text: str = ""
    occupation: str | None = None
    remote: bool = False
    skills: tuple[SkillWanted, ...] = ()
    certificates: tuple[CertificateWanted, ...] = ()
    education: Education | None = None
    experience_years: int = 0
    employment: Employment = Employment.FULL_TIME


@dataclass(frozen=True, slots=True)
class HeldCertificate:
    """A certificate that is verified and in force. level: 1…8, None where it has none."""

    certificate_id: CertificateId
    occupation: str | None = None
    level: int | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Seeker:
    """A seeker's profile as it stands at `version`; the certificates come beside it.

    counties: where the seeker would work; a prefecture's code (…00) stands for all its counties;
    the first is home; none means nowhere but remote. commute: would work too in the counties that
    border home. employment: kinds accepted, none means any.
    """

    seeker_id: SeekerId
    version: int
    looking: bool
    titles: tuple[str, ...] = ()
    text: str = ""
    occupations: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    education: Education | None = None
    experience_years: int = 0
    counties: tuple[str, ...] = ()
    commute: bool = False
    remote_ok: bool = False
    pay_floor: PayFloor | None = None
    employment: tuple[Employment, ...] = ()
