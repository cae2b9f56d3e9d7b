"""What a seeker offers and wants: the part of a profile that, masked, may be known to others.

Who the seeker is stands in `domain.person`.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from contracts.values import Education, Employment, PayUnit

MAX_TITLES = 5
MAX_SKILLS = 100
MAX_TEXT = 4_000
MAX_COUNTIES = 20
MAX_OCCUPATIONS = 10


@dataclass(frozen=True, slots=True)
class Work:
    """counties: the first is home. commute: would work too in the counties that border home.

    pay_floor: whole CNY and what it is for.
    """

    titles: tuple[str, ...]
    text: str
    occupations: tuple[str, ...]
    skills: tuple[str, ...]
    education: Education | None
    experience_years: int
    counties: tuple[str, ...]
    commute: bool
    remote_ok: bool
    pay_floor: tuple[int, PayUnit] | None
    employment: tuple[Employment, ...]


def key_of(skill: str) -> str:
    """What makes two spellings one skill: NFKC, without case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", skill).casefold().split())


def distinct(skills: Iterable[str]) -> tuple[str, ...]:
    """The skills, the first spelling of each."""
    first: dict[str, str] = {}
    for skill in skills:
        first.setdefault(key_of(skill), skill)
    return tuple(first.values())
