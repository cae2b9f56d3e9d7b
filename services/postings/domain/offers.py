"""What an employer may say of a job: the offer and the rules it must keep to.

What becomes of an offer on the market is in postings.
"""

import hashlib
import json
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from contracts.values import Education, Employment, PayUnit
from contracts.vocabulary.counties import is_county, is_place, place_name
from contracts.vocabulary.occupations import is_occupation, occupation_name

LONGEST_VALIDITY = timedelta(days=366)
"""A year, also a leap one."""

PAY_CEILING_CNY: dict[PayUnit, int] = {
    PayUnit.HOUR: 5_000,
    PayUnit.DAY: 40_000,
    PayUnit.MONTH: 1_000_000,
    PayUnit.YEAR: 12_000_000,
}
"""Beyond any wage paid in the region: above it, a unit was mistaken or a digit is too many."""

_UNIT_ZH = {PayUnit.HOUR: "小时", PayUnit.DAY: "日", PayUnit.MONTH: "月", PayUnit.YEAR: "年"}


@dataclass(frozen=True, slots=True)
class Pay:
    """What the job pays: whole CNY for each unit, 0 < min ≤ max ≤ the unit's ceiling."""

    min: int
    max: int
    unit: PayUnit


@dataclass(frozen=True, slots=True)
class SkillWanted:
    """A skill the job needs, or would like."""

    name: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class CertificateWanted:
    """A certificate in an occupation, at level (1…8) or above."""

    occupation: str
    level: int
    required: bool = True


@dataclass(frozen=True, slots=True)
class Offer:
    """What an employer says of a job. occupation: a code of the 2022 list. county: six digits."""

    title: str
    county: str
    pay: Pay
    valid_until: datetime
    text: str = ""
    occupation: str | None = None
    remote: bool = False
    headcount: int = 1
    employment: Employment = Employment.FULL_TIME
    skills: tuple[SkillWanted, ...] = ()
    certificates: tuple[CertificateWanted, ...] = ()
    education: Education | None = None
    experience_years: int = 0


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """One rule that an offer breaks. pointer: JSON Pointer (RFC 6901) into the offer."""

    pointer: str
    code: str
    zh: str
    en: str


class OfferRefused(Exception):
    """The offer breaks rules; nothing was stored."""

    def __init__(self, broken: tuple[BrokenRule, ...]) -> None:
        super().__init__(", ".join(rule.code for rule in broken))
        self.broken = broken


def check(offer: Offer, now: datetime) -> None:
    """Raises OfferRefused naming every rule that this offer, made now, breaks."""
    broken = (
        *_place_rules(offer),
        *_pay_rules(offer.pay),
        *_occupation_rules(offer),
        *_skill_rules(offer.skills),
        *_validity_rules(offer.valid_until, now),
    )
    if broken:
        raise OfferRefused(broken)


def _place_rules(offer: Offer) -> Iterator[BrokenRule]:
    code = offer.county
    if is_county(code):
        return
    if is_place(code):
        yield BrokenRule(
            "/county",
            "county_is_a_prefecture",
            f"{code} 是{place_name(code)}，请写到县、区或县级市，例如 530102。",
            f"{code} is the prefecture {place_name(code)}; name a county in it, such as 530102.",
        )
    else:
        yield BrokenRule(
            "/county",
            "county_unknown",
            f"本区域没有代码为 {_shown(code)} 的县区；请用 GB/T 2260 的六位代码，例如 530102。",
            f"The region has no county {_shown(code)}; use six digits of GB/T 2260, as in 530102.",
        )


def _pay_rules(pay: Pay) -> Iterator[BrokenRule]:
    if pay.min <= 0:
        yield BrokenRule(
            "/pay/min",
            "pay_not_positive",
            f"待遇须大于 0 元，收到 {pay.min}。",
            f"Pay must be above 0 CNY, got {pay.min}.",
        )
    if pay.max < pay.min:
        yield BrokenRule(
            "/pay/max",
            "pay_max_below_min",
            f"最高待遇 {pay.max} 低于最低待遇 {pay.min}。",
            f"The highest pay {pay.max} is below the lowest, {pay.min}.",
        )
    ceiling = PAY_CEILING_CNY[pay.unit]
    highest, place = max((pay.max, "/pay/max"), (pay.min, "/pay/min"))
    if highest > ceiling:
        yield BrokenRule(
            place,
            "pay_above_ceiling",
            f"按{_UNIT_ZH[pay.unit]}计的待遇不得超过 {ceiling} 元，收到 {highest}；"
            "请核对单位和位数。",
            f"Pay for each {pay.unit} cannot exceed {ceiling} CNY, got {highest}; "
            "check the unit and the digits.",
        )


def _occupation_rules(offer: Offer) -> Iterator[BrokenRule]:
    if offer.occupation is not None:
        yield from _occupation_rule(offer.occupation, "/occupation")
    for index, wanted in enumerate(offer.certificates):
        yield from _occupation_rule(wanted.occupation, f"/certificates/{index}/occupation")


def _occupation_rule(code: str, pointer: str) -> Iterator[BrokenRule]:
    if is_occupation(code):
        return
    name = occupation_name(code)
    if name != code:
        yield BrokenRule(
            pointer,
            "occupation_is_a_class",
            f"{code} 是职业类别“{name}”，请写到具体职业（四级代码，例如 6-18-02-04）。",
            f"{code} is the class {name}; name an occupation in it (four parts, as 6-18-02-04).",
        )
    else:
        yield BrokenRule(
            pointer,
            "occupation_unknown",
            f"职业分类大典（2022 年版）没有代码 {_shown(code)}。",
            f"The occupations of 2022 have no code {_shown(code)}.",
        )


def skill_key(name: str) -> str:
    """What two spellings of one skill share: NFKC, case folded, blanks as one.

    Source: Unicode 16.0 §3.13, D146 (compatibility caseless match), in one pass.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def _skill_rules(skills: tuple[SkillWanted, ...]) -> Iterator[BrokenRule]:
    first: dict[str, int] = {}
    for index, skill in enumerate(skills):
        earlier = first.setdefault(skill_key(skill.name), index)
        if earlier != index:
            yield BrokenRule(
                f"/skills/{index}/name",
                "skill_named_twice",
                f"与第 {earlier + 1} 项技能重复，请只保留一个。",
                f"Names the same skill as /skills/{earlier}; keep one.",
            )


def _validity_rules(valid_until: datetime, now: datetime) -> Iterator[BrokenRule]:
    if valid_until <= now:
        yield BrokenRule(
            "/valid_until",
            "valid_until_past",
            "有效期已经过去，请给出将来的时间。",
            "That time is past; give one in the future.",
        )
    elif valid_until > now + LONGEST_VALIDITY:
        yield BrokenRule(
            "/valid_until",
            "valid_until_too_far",
            "有效期最长一年，到期前可以修订延长。",
            "A posting is valid for a year at most; revise it later to prolong it.",
        )


def _shown(code: str) -> str:
    return code if len(code) <= 20 else f"{code[:20]}…"


def derived_reference(offer: Offer) -> str:
    """The reference of an imported line that brings none: the same for the same offer."""
    # Fields at their default are left out: a field added later must not change the reference of
    # lines that do not use it, or importing an old file again would publish everything twice.
    said = {
        field.name: value
        for field in fields(offer)
        if (value := getattr(offer, field.name)) != field.default
    }
    plain = json.dumps(said, default=_plain, ensure_ascii=False, sort_keys=True)
    return f"content:{hashlib.sha256(plain.encode()).hexdigest()[:40]}"


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, Pay | SkillWanted | CertificateWanted):
        return asdict(value)
    raise TypeError(type(value).__name__)
