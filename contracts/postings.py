"""Events of postings: published, revised, closed. Each carries the whole posting."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.envelope import Event, Wire
from contracts.topics import POSTINGS, Topic
from contracts.values import ClosedReason, Education, Employment, PayUnit, PostingStatus


class Pay(Wire):
    """What the job pays: a range of whole CNY for each unit."""

    min: int = Field(ge=0)
    max: int = Field(ge=0)
    unit: PayUnit


class SkillWanted(Wire):
    """A skill the posting names; required, or nice to have."""

    name: str
    required: bool = True


class CertificateWanted(Wire):
    """A certificate in an occupation, at a level (1…8) or above."""

    occupation: str
    level: int = Field(ge=1, le=8)
    required: bool = True


class PostingState(Wire):
    """A posting as it stands. Holds no person and no contact."""

    posting_id: UUID
    employer_id: str
    status: PostingStatus
    title: str
    text: str = ""
    occupation: str | None = None
    county: str
    remote: bool = False
    pay: Pay
    headcount: int = Field(default=1, ge=1)
    employment: Employment = Employment.FULL_TIME
    skills: tuple[SkillWanted, ...] = ()
    certificates: tuple[CertificateWanted, ...] = ()
    education: Education | None = None
    experience_years: int = Field(default=0, ge=0)
    valid_until: AwareDatetime
    closed_reason: ClosedReason | None = None


class _PostingEvent(Event):
    topic: ClassVar[Topic] = POSTINGS
    source_of: ClassVar[str] = "/rengang/postings"
    source: str = source_of
    data: PostingState


class PostingPublished(_PostingEvent):
    """An employer put a job on the market."""

    type: Literal["PostingPublished"] = "PostingPublished"


class PostingRevised(_PostingEvent):
    """An employer changed an open posting."""

    type: Literal["PostingRevised"] = "PostingRevised"


class PostingClosed(_PostingEvent):
    """The posting left the market, by its employer or by its date. Final."""

    type: Literal["PostingClosed"] = "PostingClosed"
