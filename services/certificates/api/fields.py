"""Fields that the certificate doors share: how each is read, and what is said of a bad one.

None of the wordings repeats what was sent: numbers and names would end up in reports and screens.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)

from contracts.vocabulary.occupations import is_occupation
from services.certificates.domain.digests import holder
from services.certificates.domain.identity import (
    IdentityNumberInvalid,
    IdentityRule,
    identity_number,
)
from services.certificates.domain.levels import LevelUnknown, level_of, title_rank_of
from services.certificates.domain.numbers import (
    LONGEST,
    SHORTEST,
    CertificateNumber,
    NumberUnreadable,
    certificate_number,
)
from services.kit.wordings import said

MOST_NAME = 100
# There is no area 999999, so this is nobody's number.
EXAMPLE_IDENTITY = "999999199003070012"


# Unicode's category Cc.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise said("text_expected", zh="应为文本。", en="Must be a text.")
    if _CONTROL.search(value):
        raise said(
            "control_character", zh="不得含有控制字符。", en="Must not hold control characters."
        )
    return value


def _number(value: object) -> CertificateNumber:
    try:
        return certificate_number(_text(value))
    except NumberUnreadable:
        raise said(
            "number_unreadable",
            zh=f"证书编号应为 {SHORTEST} 到 {LONGEST} 个可见字符。",
            en=f"A certificate number has {SHORTEST} to {LONGEST} visible characters.",
        ) from None


_IDENTITY_WORDS: dict[IdentityRule, tuple[str, str]] = {
    IdentityRule.SHAPE: (
        "身份证号应为 18 位（末位可为 X）或第一代的 15 位数字。",
        "An identity number has 18 digits (the last may be X), or 15 in the first generation.",
    ),
    IdentityRule.BIRTH_DATE: (
        "身份证号中的出生日期不存在，请核对。",
        "The birth date in the identity number does not exist; check the number.",
    ),
    IdentityRule.CHECK_DIGIT: (
        "身份证号的校验码不对，请核对。",
        "The identity number's check digit is wrong; check the number.",
    ),
}


def _identity(value: object) -> str:
    try:
        return identity_number(_text(value))
    except IdentityNumberInvalid as invalid:
        zh, en = _IDENTITY_WORDS[invalid.rule]
        raise said(f"identity_{invalid.rule}", zh=zh, en=en) from None


def _holder(value: object) -> str:
    name = _text(value)
    if not 1 <= len(holder(name)) <= MOST_NAME:
        raise said(
            "holder_name_length",
            zh=f"姓名应有 1 到 {MOST_NAME} 个字符。",
            en=f"A name has 1 to {MOST_NAME} characters.",
        )
    return name


def _occupation(code: str) -> str:
    if not is_occupation(code):
        raise said(
            "occupation_unknown",
            zh="《职业分类大典（2022 年版）》中没有这个职业编码；应形如 6-31-01-03。",
            en="The 2022 classification has no occupation of this code; one looks like 6-31-01-03.",
        )
    return code


_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


# A file says the same few days a million times.
@lru_cache(maxsize=8192)
def _day(text: str) -> date | None:
    if _DATE.fullmatch(text):
        with suppress(ValueError):
            return date.fromisoformat(text)
    return None


def _iso_date(value: object) -> date:
    # Of what ISO 8601 and pydantic take besides, 20260331 and a count of seconds look alike.
    if isinstance(value, str) and len(value) == 10 and (day := _day(value)) is not None:
        return day
    raise said(
        "date_expected", zh="应为日期，如 2026-03-31。", en="Must be a date such as 2026-03-31."
    )


@dataclass(frozen=True, slots=True)
class Level:
    """A level as it was given. ordinal: 1…8. label: as printed, where it was given so."""

    ordinal: int
    label: str | None = None


def read_level(value: object) -> Level:
    """A level, 1…8 or as printed. Raises a said() error."""
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 8:
        return Level(value)
    if isinstance(value, str):
        with suppress(LevelUnknown):
            return Level(level_of(_text(value)), value.strip())
    raise said(
        "level_unknown",
        zh="等级应为整数 1（学徒工）到 8（首席技师），或证书上的字样，如“高级工”“三级”；"
        "文本 “3” 有歧义，不接受。",
        en="A level is a whole number from 1 (学徒工) to 8 (首席技师), or the printed words such "
        "as 高级工 or 三级; a number as text is ambiguous and not accepted.",
    )


def title_level(value: object) -> Level:
    """A title's rank, 1…5 or as printed. Raises a said() error."""
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 5:
        return Level(value)
    if isinstance(value, str):
        with suppress(LevelUnknown):
            return Level(title_rank_of(_text(value)), value.strip())
    raise said(
        "title_rank_unknown",
        zh="职称级别应为整数 1（初级）到 5（正高级），或“初级”“助理级”“中级”“副高级”“正高级”。",
        en="A title's rank is a whole number from 1 (初级) to 5 (正高级), or one of 初级, 助理级, "
        "中级, 副高级, 正高级.",
    )


def _schema(description: str, example: object, **more: Any) -> WithJsonSchema:
    return WithJsonSchema(
        {"type": "string", "description": description, "examples": [example], **more}
    )


Number = Annotated[
    CertificateNumber,
    PlainValidator(_number),
    _schema("证书编号 · as printed", "S000053000123233000456", minLength=4, maxLength=64),
]
HolderName = Annotated[
    str,
    PlainValidator(_holder),
    _schema("持证人姓名 · as printed", "样例求职者", minLength=1, maxLength=MOST_NAME),
]
IdentityNumber = Annotated[
    str,
    PlainValidator(_identity),
    _schema("居民身份证号码 · GB 11643, 18 or 15 characters", EXAMPLE_IDENTITY, maxLength=18),
]
Occupation = Annotated[
    str,
    BeforeValidator(_text),
    AfterValidator(_occupation),
    _schema("职业编码 · 2022 code", "6-31-01-03", pattern=r"^\d-\d\d-\d\d-\d\d$"),
]
IsoDate = Annotated[date, PlainValidator(_iso_date), _schema("日期", "2023-06-30", format="date")]
PrintedLevel = Annotated[
    Level,
    PlainValidator(read_level),
    WithJsonSchema(
        {
            "description": "等级：1 到 8，或证书上的字样 · 1 to 8, or as printed",
            "oneOf": [{"type": "integer", "minimum": 1, "maximum": 8}, {"type": "string"}],
            "examples": [4, "高级工", "三级"],
        }
    ),
]
Words = Annotated[
    str,
    BeforeValidator(_text),
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MOST_NAME),
]
IssuerCode = Annotated[
    str, BeforeValidator(_text), StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$")
]


class Stated(BaseModel):
    """Who is said to hold which certificate; all three must be right for it to be found."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    number: Number
    holder_name: HolderName
    identity_number: IdentityNumber
    occupation: Occupation | None = Field(
        default=None,
        description="同一编号有几本证书（如特种作业操作证）时，指明是哪个职业的 · which one is "
        "meant, where several certificates share a number",
    )
