"""A seeker's profile as it stands and what may happen to it; the rules it must keep to.

What of it the bus may carry is `domain.masking`.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from contracts.values import PayUnit, SeekerId
from contracts.vocabulary.counties import is_place
from contracts.vocabulary.occupations import is_occupation
from services.seekers.domain.person import MIN_AGE_YEARS, Person, is_old_enough
from services.seekers.domain.work import Work, key_of

PAY_FLOOR_CEILING_CNY: dict[PayUnit, int] = {
    PayUnit.HOUR: 5_000,
    PayUnit.DAY: 40_000,
    PayUnit.MONTH: 1_000_000,
    PayUnit.YEAR: 12_000_000,
}
"""Beyond any wage of the region: above it a unit was mistaken or a digit is too many."""


class Status(StrEnum):
    """Whether the seeker is on the market. Who withdrew may come back."""

    LOOKING = "looking"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Profile:
    """version: grows by one with each change; every change is announced."""

    seeker_id: SeekerId
    person: Person
    work: Work
    version: int
    status: Status
    registered_at: datetime
    changed_at: datetime

    def revised(self, person: Person, work: Work, now: datetime) -> "Profile":
        """With this said instead, and on the market; itself where that changes nothing."""
        after = replace(self, person=person, work=work, status=Status.LOOKING)
        return self if after == self else replace(after, version=self.version + 1, changed_at=now)

    def withdrawn(self, now: datetime) -> "Profile":
        """Off the market; itself where it already is."""
        if self.status is Status.WITHDRAWN:
            return self
        return replace(self, status=Status.WITHDRAWN, version=self.version + 1, changed_at=now)


def registered(seeker_id: SeekerId, person: Person, work: Work, now: datetime) -> Profile:
    """The first version of a profile."""
    return Profile(seeker_id, person, work, 1, Status.LOOKING, now, now)


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """One rule that a profile breaks. place: keys and indexes that lead to it in the profile."""

    place: tuple[str | int, ...]
    code: str
    zh: str
    en: str


class ProfileRefused(Exception):
    """The profile breaks rules; nothing was stored."""

    def __init__(self, broken: Sequence[BrokenRule]) -> None:
        super().__init__(", ".join(rule.code for rule in broken))
        self.broken = tuple(broken)


def check(person: Person, work: Work, today: date) -> None:
    """Raises ProfileRefused naming every rule broken. today: in the region (UTC+8)."""
    broken = (
        *_birth_rules(person.birth_date, today),
        *_occupation_rules(work.occupations),
        *_county_rules(work.counties),
        *_skill_rules(work.skills),
        *_pay_rules(work.pay_floor),
    )
    if broken:
        raise ProfileRefused(broken)


def _birth_rules(birth_date: date | None, today: date) -> Iterator[BrokenRule]:
    if birth_date is not None and not is_old_enough(birth_date, today):
        yield BrokenRule(
            ("person", "birth_date"),
            "too_young",
            f"须年满 {MIN_AGE_YEARS} 周岁；如出生日期有误，请更正。",
            f"One must be {MIN_AGE_YEARS} to be employed; correct the birth date if it is wrong.",
        )


def _occupation_rules(occupations: Sequence[str]) -> Iterator[BrokenRule]:
    for index, code in enumerate(occupations):
        place = ("work", "occupations", index)
        if not is_occupation(code):
            yield BrokenRule(
                place,
                "occupation_unknown",
                f"职业分类大典（2022）中没有职业 {_shown(code)}；代码如 6-18-02-04。",
                f"The 2022 list has no occupation {_shown(code)}; a code is like 6-18-02-04.",
            )
        elif code in occupations[:index]:
            yield _twice(place, code)


def _county_rules(counties: Sequence[str]) -> Iterator[BrokenRule]:
    for index, code in enumerate(counties):
        place = ("work", "counties", index)
        if not is_place(code):
            yield BrokenRule(
                place,
                "county_unknown",
                f"本区域没有代码为 {_shown(code)} 的县区或州市；请用 GB/T 2260 的六位代码，"
                "例如 530102，整个州市写 530100。",
                f"The region has no county or prefecture {_shown(code)}; use six digits of "
                "GB/T 2260, as in 530102, or 530100 for the whole prefecture.",
            )
        elif code in counties[:index]:
            yield _twice(place, code)


def _skill_rules(skills: Sequence[str]) -> Iterator[BrokenRule]:
    seen: dict[str, int] = {}
    for index, skill in enumerate(skills):
        first = seen.setdefault(key_of(skill), index)
        if first != index:
            yield BrokenRule(
                ("work", "skills", index),
                "skill_twice",
                f"与第 {first + 1} 项技能相同（不分大小写和全半角），请删去一个。",
                f"The same as skill {first + 1} (case and width aside); leave one out.",
            )


def _pay_rules(pay_floor: tuple[int, PayUnit] | None) -> Iterator[BrokenRule]:
    if pay_floor is None:
        return
    amount, unit = pay_floor
    ceiling = PAY_FLOOR_CEILING_CNY[unit]
    if amount > ceiling:
        yield BrokenRule(
            ("work", "pay_floor", "amount"),
            "pay_floor_too_high",
            f"{amount} 元超过了该计酬单位的上限 {ceiling} 元；请检查单位。",
            f"{amount} CNY is above the ceiling of {ceiling} for that unit; check the unit.",
        )


def _twice(place: tuple[str | int, ...], code: str) -> BrokenRule:
    return BrokenRule(
        place, "named_twice", f"{code} 写了两次，请删去一个。", f"{code} stands twice."
    )


def _shown(code: str) -> str:
    """A short sight of what was sent, without characters that do not print."""
    plain = "".join(c for c in code if unicodedata.category(c)[0] != "C")
    return plain if len(plain) <= 20 else f"{plain[:20]}…"
