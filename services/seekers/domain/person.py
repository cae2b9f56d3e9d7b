"""Who a seeker is: name, phone, mail, birth date. This never leaves the service.

What the seeker offers and wants is `domain.work`.
"""

import re
from dataclasses import dataclass
from datetime import date

MIN_AGE_YEARS = 16
"""Nobody younger may be employed: 劳动法 第十五条; 未成年人保护法 第六十一条."""

_GAPS = re.compile(r"[\s\-–—()（）.]+")
_MOBILE = re.compile(r"(?:\+?86)?(1[3-9]\d{9})", re.ASCII)
_LANDLINE = re.compile(r"(?:\+?86)?(0(?:10|2\d|[3-9]\d{2}))([2-9]\d{6,7})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Person:
    """phone: as phone_of() writes it."""

    name: str
    phone: str
    email: str | None = None
    birth_date: date | None = None


def phone_of(text: str) -> str | None:
    """A mainland number in its one form, 13800001234 or 0871-65123456; None where it is none.

    Spaces, dashes, brackets and the country code are accepted.
    """
    digits = _GAPS.sub("", text)
    if mobile := _MOBILE.fullmatch(digits):
        return mobile[1]
    if landline := _LANDLINE.fullmatch(digits):
        return f"{landline[1]}-{landline[2]}"
    return None


def is_old_enough(birth_date: date, today: date) -> bool:
    """Whether the person is MIN_AGE_YEARS today, the birthday included."""
    birthday = (birth_date.month, birth_date.day)
    years = today.year - birth_date.year - ((today.month, today.day) < birthday)
    return years >= MIN_AGE_YEARS
