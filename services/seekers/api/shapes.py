"""What seekers send of themselves and get back: the JSON of profiles.

Sex, ethnicity, marital status and the like are not asked for: a field for them is refused like any
other that is not known. Rules that need a table or the clock stand in the domain.
"""

import re
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic import StringConstraints as Chars

from contracts.values import Education, Employment, PayUnit
from services.kit.texts import one_line, plain_line_ends, printable
from services.kit.wordings import said
from services.seekers.domain.person import Person, phone_of
from services.seekers.domain.profile import Profile, Status
from services.seekers.domain.work import (
    MAX_COUNTIES,
    MAX_OCCUPATIONS,
    MAX_SKILLS,
    MAX_TEXT,
    MAX_TITLES,
    Work,
)

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}"
    r"[A-Za-z]{2,63}"
)
_NAME = re.compile(r"[^\W\d_]+(?:[ ·•.'’-]{1,2}[^\W\d_]+)*\.?")


def _a_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise said(
            "name_malformed",
            zh="姓名只能有文字、空格、间隔号（·）、连字符和撇号。",
            en="A name holds letters, spaces, middle dots, hyphens and apostrophes only.",
        )
    return text


def _a_phone(text: str) -> str:
    phone = phone_of(text)
    if phone is None:
        raise said(
            "phone_malformed",
            zh="应为中国大陆的手机号（11 位）或带区号的固定电话，例如 0871-65123456。",
            en="Must be a mainland China mobile number (11 digits) or a landline with its area "
            "code, as in 0871-65123456.",
        )
    return phone


def _an_email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise said(
            "email_malformed", zh="不是有效的电子邮箱地址。", en="Not a valid e-mail address."
        )
    return text


def _written_out(value: Any) -> Any:
    # pydantic would take a number for days or seconds since 1970.
    if isinstance(value, date) or (isinstance(value, str) and _DATE.fullmatch(value)):
        return value
    raise said(
        "date_type",
        zh="应为日期，例如 1990-03-07。",
        en="Must be a date such as 1990-03-07.",
    )


def _not_ancient(value: date) -> date:
    if value.year < 1900:
        raise said("date_too_early", zh="日期早于 1900 年。", en="The date is before 1900.")
    return value


def _each_once(kinds: list[Employment]) -> list[Employment]:
    if len(set(kinds)) < len(kinds):
        raise said("named_twice", zh="同一种写了两次。", en="One of them stands twice.")
    return kinds


Title = Annotated[
    str,
    Chars(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(one_line),
    AfterValidator(printable),
]
Skill = Annotated[
    str,
    Chars(strip_whitespace=True, min_length=1, max_length=60),
    AfterValidator(one_line),
    AfterValidator(printable),
]
Text = Annotated[
    str,
    Chars(strip_whitespace=True, max_length=MAX_TEXT),
    AfterValidator(plain_line_ends),
    AfterValidator(printable),
]
Name = Annotated[
    str, Chars(strip_whitespace=True, min_length=2, max_length=50), AfterValidator(_a_name)
]
Phone = Annotated[str, Chars(strip_whitespace=True, max_length=40), AfterValidator(_a_phone)]
Email = Annotated[str, Chars(strip_whitespace=True, max_length=254), AfterValidator(_an_email)]
BirthDate = Annotated[
    date, Field(strict=False), AfterValidator(_not_ancient), BeforeValidator(_written_out)
]
Code = Annotated[str, Chars(max_length=20)]


class Shape(BaseModel):
    """Anything a caller sends: exact types, and no field that is not known."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PersonIn(Shape):
    """个人信息：只保存在本服务，绝不外传。Who one is: kept in this service and never passed on."""

    name: Name = Field(description="姓名。The name.")
    phone: Phone = Field(description="手机或固定电话。Mobile or landline, mainland China.")
    email: Email | None = Field(None, description="电子邮箱。E-mail.")
    birth_date: BirthDate | None = Field(
        None, description="出生日期，须年满 16 周岁。The birth date; one must be 16."
    )

    def person(self) -> Person:
        """What it says, as the domain has it."""
        return Person(self.name, self.phone, self.email, self.birth_date)


class PayFloorIn(Shape):
    """最低可接受的待遇。The least one would work for, whole CNY."""

    amount: int = Field(ge=1, le=100_000_000, description="整数元。Whole CNY.")
    unit: PayUnit = Field(strict=False, description="计酬单位。What it is paid for.")


class WorkIn(Shape):
    """求职信息：隐去个人信息后用于匹配。What one offers and wants; masked, it is matched."""

    titles: list[Title] = Field(
        min_length=1, max_length=MAX_TITLES, description="想做的岗位。Jobs one looks for."
    )
    text: Text = Field("", description="自述。About one's work, in one's own words.")
    occupations: list[Code] = Field(
        [], max_length=MAX_OCCUPATIONS, description="职业代码（2022）。Codes of the 2022 list."
    )
    skills: list[Skill] = Field([], max_length=MAX_SKILLS, description="技能。Skills, each once.")
    education: int | None = Field(
        None,
        ge=1,
        le=7,
        description="最高学历：1 小学 2 初中 3 高中、中专、技校 4 大专 5 本科 6 硕士 7 博士。"
        "Highest completed education, 1 (primary) to 7 (doctor).",
    )
    experience_years: int = Field(0, ge=0, le=60, description="工作年限。Years of experience.")
    counties: list[Code] = Field(
        min_length=1,
        max_length=MAX_COUNTIES,
        description="愿意工作的县区或州市（GB/T 2260），第一个是常住地。"
        "Counties or prefectures one would work in; the first is home.",
    )
    commute: bool = Field(
        default=False,
        description="也接受与常住县区接壤的县区。Also counties that border the home county.",
    )
    remote_ok: bool = Field(default=False, description="接受远程。Would work remotely.")
    pay_floor: PayFloorIn | None = None
    employment: Annotated[
        list[Annotated[Employment, Field(strict=False)]], AfterValidator(_each_once)
    ] = Field([], description="接受的用工形式，空为不限。Kinds accepted; none named means any.")

    def work(self) -> Work:
        """What it says, as the domain has it."""
        floor = self.pay_floor
        return Work(
            titles=tuple(self.titles),
            text=self.text,
            occupations=tuple(self.occupations),
            skills=tuple(self.skills),
            education=None if self.education is None else Education(self.education),
            experience_years=self.experience_years,
            counties=tuple(self.counties),
            commute=self.commute,
            remote_ok=self.remote_ok,
            pay_floor=None if floor is None else (floor.amount, floor.unit),
            employment=tuple(self.employment),
        )


EXAMPLE: dict[str, Any] = {
    "person": {"name": "样例求职者", "phone": "19900000001", "birth_date": "1990-03-07"},
    "work": {
        "titles": ["养老护理员"],
        "text": "在养老院照护失能老人五年，会用移位机。",
        "occupations": ["4-10-01-05"],
        "skills": ["失能照护", "压疮护理", "心肺复苏"],
        "education": 3,
        "experience_years": 5,
        "counties": ["530102", "530400"],
        "commute": True,
        "pay_floor": {"amount": 5000, "unit": "month"},
        "employment": ["full_time"],
    },
}


class ProfileIn(Shape):
    """求职者资料。A seeker's profile."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    person: PersonIn
    work: WorkIn


class PersonOut(BaseModel):
    """个人信息。Who one is."""

    name: str
    phone: str
    email: str | None
    birth_date: date | None


class PayFloorOut(BaseModel):
    """最低待遇。The least one would work for."""

    amount: int
    unit: PayUnit


class WorkOut(BaseModel):
    """求职信息。What one offers and wants."""

    titles: list[str]
    text: str
    occupations: list[str]
    skills: list[str]
    education: int | None
    experience_years: int
    counties: list[str]
    commute: bool
    remote_ok: bool
    pay_floor: PayFloorOut | None
    employment: list[Employment]


class ProfileOut(BaseModel):
    """求职者资料。A profile as it stands. version is in its ETag too."""

    seeker_id: UUID
    version: int
    status: Status
    registered_at: datetime
    changed_at: datetime
    person: PersonOut
    work: WorkOut

    @classmethod
    def of(cls, profile: Profile) -> "ProfileOut":
        """The profile as its seeker sees it."""
        person, work = profile.person, profile.work
        floor = work.pay_floor
        return cls(
            seeker_id=profile.seeker_id,
            version=profile.version,
            status=profile.status,
            registered_at=profile.registered_at,
            changed_at=profile.changed_at,
            person=PersonOut(
                name=person.name,
                phone=person.phone,
                email=person.email,
                birth_date=person.birth_date,
            ),
            work=WorkOut(
                titles=list(work.titles),
                text=work.text,
                occupations=list(work.occupations),
                skills=list(work.skills),
                education=work.education,
                experience_years=work.experience_years,
                counties=list(work.counties),
                commute=work.commute,
                remote_ok=work.remote_ok,
                pay_floor=None if floor is None else PayFloorOut(amount=floor[0], unit=floor[1]),
                employment=list(work.employment),
            ),
        )
