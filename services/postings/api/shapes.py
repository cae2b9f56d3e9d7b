"""What employers send and get: the JSON of postings, with what can be said of a field by itself.

Rules that need a table, the clock or another field stand in the domain.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

import contracts.postings as wire
from contracts.values import (
    CERTIFICATE_LEVELS,
    ClosedReason,
    Education,
    Employment,
    PayUnit,
    PostingStatus,
)
from services.kit.texts import one_line, plain_line_ends, printable
from services.kit.wordings import said
from services.postings.domain import offers
from services.postings.domain.postings import Posting

_DATE_AND_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}")


def _written_out(value: Any) -> Any:
    # pydantic would take a number for seconds since 1970, also in a text.
    if isinstance(value, str) and _DATE_AND_TIME.match(value):
        return value
    raise said(
        "datetime_type",
        zh="应为带时区的时间，如 2026-03-31T08:00:00+08:00。",
        en="Must be a time with its zone such as 2026-03-31T08:00:00+08:00.",
    )


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise said(
            "datetime_out_of_range", zh="时间超出范围。", en="The time is out of range."
        ) from None


Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(one_line),
    AfterValidator(printable),
]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(one_line),
    AfterValidator(printable),
]
Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=10_000),
    AfterValidator(plain_line_ends),
    AfterValidator(printable),
]
Instant = Annotated[
    AwareDatetime, Field(strict=False), AfterValidator(_in_utc), BeforeValidator(_written_out)
]
Occupation = Annotated[
    str,
    Field(
        description="职业分类大典（2022）的职业代码。A code of the 2022 list of occupations.",
        json_schema_extra={"pattern": "^[1-8]-[0-9]{2}-[0-9]{2}-[0-9]{2}$"},
    ),
]
County = Annotated[
    str,
    Field(
        description="工作地点的县级代码（GB/T 2260）。The county of the workplace.",
        json_schema_extra={"pattern": "^[0-9]{6}$"},
    ),
]


class Shape(BaseModel):
    """Anything an employer sends: exact types, and no field that is not known."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PayIn(Shape):
    """待遇：整数元。Pay in whole CNY, 0 < min ≤ max."""

    min: int = Field(description="最低。The lowest.", json_schema_extra={"exclusiveMinimum": 0})
    max: int = Field(description="最高。The highest.", json_schema_extra={"exclusiveMinimum": 0})
    unit: PayUnit = Field(strict=False, description="计酬单位。What it is paid for.")


class SkillIn(Shape):
    """一项技能。A skill."""

    name: Name
    required: bool = Field(default=True, description="必需，否则为加分项。Needed, else welcome.")


class CertificateIn(Shape):
    """一项职业技能证书。A vocational certificate, of that level or above."""

    occupation: Occupation
    level: int = Field(
        ge=1,
        le=8,
        description=" · ".join(f"{level} {name}" for level, name in CERTIFICATE_LEVELS.items()),
    )
    required: bool = Field(default=True, description="必需，否则为加分项。Needed, else welcome.")


_EXAMPLE: dict[str, Any] = {
    "reference": "HG-2026-031",
    "title": "二氧化碳保护焊焊工",
    "text": "负责钢结构厂房构件焊接，看图下料。两班倒，包吃住，缴纳五险。",
    "occupation": "6-18-02-04",
    "county": "530102",
    "pay": {"min": 6500, "max": 9000, "unit": "month"},
    "headcount": 5,
    "employment": "full_time",
    "skills": [
        {"name": "二氧化碳保护焊", "required": True},
        {"name": "识读焊接图", "required": False},
    ],
    "certificates": [{"occupation": "6-18-02-04", "level": 3, "required": True}],
    "education": 2,
    "experience_years": 2,
    "valid_until": "2026-06-30T23:59:59+08:00",
}


class PostingIn(Shape):
    """岗位内容。A job as its employer describes it.

    Contacts in the texts (phones, mail, chat accounts) are hidden from other services.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    title: Title
    text: Text = ""
    occupation: Occupation | None = None
    county: County
    remote: bool = Field(default=False, description="可远程。The work can be done from afar.")
    pay: PayIn
    headcount: int = Field(1, ge=1, le=10_000, description="招聘人数。How many are wanted.")
    employment: Employment = Field(Employment.FULL_TIME, strict=False)
    skills: list[SkillIn] = Field(
        [], max_length=50, description="不得重复。Each once: width and case make no difference."
    )
    certificates: list[CertificateIn] = Field([], max_length=10)
    education: int | None = Field(
        None,
        ge=1,
        le=7,
        description="最低学历。The least education: "
        "1 小学 · 2 初中 · 3 高中、中职 · 4 大专 · 5 本科 · 6 硕士 · 7 博士",
    )
    experience_years: int = Field(0, ge=0, le=60)
    valid_until: Instant = Field(
        description="有效期，最长一年；到期自动关闭。It closes by itself then; a year at most."
    )
    reference: Name | None = Field(
        None,
        description="用人单位自己的编号，在本单位内唯一，发布后不能更改。"
        "The employer's own reference: unique among its postings, and fixed.",
    )

    def offer(self) -> offers.Offer:
        """What it says, as the domain has it."""
        return offers.Offer(
            title=self.title,
            text=self.text,
            occupation=self.occupation,
            county=self.county,
            remote=self.remote,
            pay=offers.Pay(self.pay.min, self.pay.max, self.pay.unit),
            headcount=self.headcount,
            employment=self.employment,
            skills=tuple(offers.SkillWanted(s.name, s.required) for s in self.skills),
            certificates=tuple(
                offers.CertificateWanted(c.occupation, c.level, c.required)
                for c in self.certificates
            ),
            education=None if self.education is None else Education(self.education),
            experience_years=self.experience_years,
            valid_until=self.valid_until,
        )


class PostingOut(BaseModel):
    """岗位。A posting as it stands. version is in its ETag too."""

    posting_id: UUID
    employer_id: str
    reference: str | None
    version: int
    status: PostingStatus
    closed_reason: ClosedReason | None
    published_at: datetime
    changed_at: datetime
    title: str
    text: str
    occupation: str | None
    county: str
    remote: bool
    pay: wire.Pay
    headcount: int
    employment: Employment
    skills: list[wire.SkillWanted]
    certificates: list[wire.CertificateWanted]
    education: int | None
    experience_years: int
    valid_until: datetime

    @classmethod
    def of(cls, posting: Posting) -> "PostingOut":
        """The posting as its employer sees it."""
        offer = posting.offer
        return cls(
            posting_id=posting.posting_id,
            employer_id=posting.employer_id,
            reference=posting.reference,
            version=posting.version,
            status=posting.status,
            closed_reason=posting.closed_reason,
            published_at=posting.published_at,
            changed_at=posting.changed_at,
            title=offer.title,
            text=offer.text,
            occupation=offer.occupation,
            county=offer.county,
            remote=offer.remote,
            pay=wire.Pay(min=offer.pay.min, max=offer.pay.max, unit=offer.pay.unit),
            headcount=offer.headcount,
            employment=offer.employment,
            skills=[wire.SkillWanted(name=s.name, required=s.required) for s in offer.skills],
            certificates=[
                wire.CertificateWanted(occupation=c.occupation, level=c.level, required=c.required)
                for c in offer.certificates
            ],
            education=offer.education,
            experience_years=offer.experience_years,
            valid_until=offer.valid_until,
        )
