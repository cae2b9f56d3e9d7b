"""Certificate numbers: one spelling, what their format says, and how little of one is shown.

Which certificate has the number is the registry's matter.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from services.certificates.domain.identity import IdentityNumberInvalid, identity_number

SHORTEST = 4
LONGEST = 64


class NumberFormat(StrEnum):
    """The formats in print; OTHER is whatever follows none of them, and is not wrong for that."""

    SKILL_LEVEL = "skill_level"
    SPECIAL_TECHNICIAN = "special_technician"
    VOCATIONAL_QUALIFICATION = "vocational_qualification"
    SPECIAL_OPERATION = "special_operation"
    OTHER = "other"


_SKILL_LEVEL = re.compile(r"[YS][0-9]{12}(?P<year>[0-9]{2})(?P<grade>[1-5])[0-9]{6}")
_SPECIAL_TECHNICIAN = re.compile(r"[A-Z]{2}[0-9]{20}")
_VOCATIONAL = re.compile(r"(?P<year>[0-9]{2})[0-9]{8}(?P<grade>[1-5])[0-9]{5}")
_SPECIAL_OPERATION = re.compile(r"T(?P<identity>[1-9][0-9]{16}[0-9X])")
_LEVEL_OF_GRADE = {"5": 2, "4": 3, "3": 4, "2": 5, "1": 6}

_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−﹣", "-"))


class NumberUnreadable(ValueError):
    """Too short, too long, or with a character that cannot be printed."""


@dataclass(frozen=True, slots=True)
class CertificateNumber:
    """A number in its one spelling. level, year (two digits), identity: what its format says."""

    text: str
    format: NumberFormat
    level: int | None = None
    year: int | None = None
    identity: str | None = None

    def __repr__(self) -> str:
        return f"CertificateNumber({self.masked()}, {self.format})"

    @property
    def issuer(self) -> str | None:
        """The code of the issuer that the number names."""
        return self.text[:13] if self.format is NumberFormat.SKILL_LEVEL else None

    def masked(self) -> str:
        """What may be shown: at most a third, and nothing where an identity number is inside."""
        if self.format is NumberFormat.SPECIAL_OPERATION:
            return "T" + "*" * (len(self.text) - 1)
        personal = self.format is NumberFormat.OTHER and _holds_identity(self.text)
        shown = 0 if personal else min(4, len(self.text) // 6)
        hidden = "*" * (len(self.text) - 2 * shown)
        return self.text[:shown] + hidden + self.text[len(self.text) - shown :]


def certificate_number(text: str) -> CertificateNumber:
    """Read a number as printed: width, case, spaces and kinds of dash make no difference.

    Raises NumberUnreadable. A number of no known format is taken as it is: printed ones do not
    all follow the rules.
    Source: the numbering rules of 职业技能等级证书 (22), 职业资格证书 (16), 特种作业操作证 (T+18).
    """
    number = "".join(unicodedata.normalize("NFKC", text).split()).upper().translate(_DASHES)
    if not SHORTEST <= len(number) <= LONGEST or not number.isprintable():
        raise NumberUnreadable("not a certificate number")
    if found := _SKILL_LEVEL.fullmatch(number):
        level, year = _LEVEL_OF_GRADE[found["grade"]], int(found["year"])
        return CertificateNumber(number, NumberFormat.SKILL_LEVEL, level, year)
    if found := _VOCATIONAL.fullmatch(number):
        level, year = _LEVEL_OF_GRADE[found["grade"]], int(found["year"])
        return CertificateNumber(number, NumberFormat.VOCATIONAL_QUALIFICATION, level, year)
    if found := _SPECIAL_OPERATION.fullmatch(number):
        identity = found["identity"]
        return CertificateNumber(number, NumberFormat.SPECIAL_OPERATION, identity=identity)
    if _SPECIAL_TECHNICIAN.fullmatch(number):
        return CertificateNumber(number, NumberFormat.SPECIAL_TECHNICIAN)
    return CertificateNumber(number, NumberFormat.OTHER)


def _holds_identity(text: str) -> bool:
    return any(
        _is_identity(text[start : start + length])
        for length in (18, 15)
        for start in range(len(text) - length + 1)
    )


def _is_identity(digits: str) -> bool:
    try:
        identity_number(digits)
    except IdentityNumberInvalid:
        return False
    return True
