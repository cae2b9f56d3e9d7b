"""Events of certificates: claimed, verified, rejected, lapsed. No number, no holder's name.

The aggregate is the seeker's folder of certificates, not the single one: the topic is compacted by
seeker, so each event carries all that the seeker holds, beside the one that changed.
"""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.envelope import Event, Wire
from contracts.topics import CERTIFICATES, Topic
from contracts.values import CertificateStatus


class CertificateState(Wire):
    """One claimed certificate. level: 1…8. reason: why rejected or lapsed, a stable code."""

    certificate_id: UUID
    status: CertificateStatus
    occupation: str | None = None
    level: int | None = Field(default=None, ge=1, le=8)
    name: str | None = None
    issuer: str | None = None
    valid_until: AwareDatetime | None = None
    reason: str | None = None


class CertificateFolder(Wire):
    """The certificate that changed, and all of the seeker's that are verified and in force."""

    seeker_id: UUID
    changed: CertificateState
    in_force: tuple[CertificateState, ...] = ()


class _CertificateEvent(Event):
    """subject: the seeker's id; version: the folder's."""

    topic: ClassVar[Topic] = CERTIFICATES
    source_of: ClassVar[str] = "/rengang/certificates"
    source: str = source_of
    data: CertificateFolder


class CertificateClaimed(_CertificateEvent):
    """A seeker says to hold a certificate; nothing is known of it yet."""

    type: Literal["CertificateClaimed"] = "CertificateClaimed"


class CertificateVerified(_CertificateEvent):
    """The registry knows it, it is the seeker's and it is in force: it counts from now on."""

    type: Literal["CertificateVerified"] = "CertificateVerified"


class CertificateRejected(_CertificateEvent):
    """The claim does not hold."""

    type: Literal["CertificateRejected"] = "CertificateRejected"


class CertificateLapsed(_CertificateEvent):
    """A verified certificate stopped counting: expired, revoked or suspended."""

    type: Literal["CertificateLapsed"] = "CertificateLapsed"
