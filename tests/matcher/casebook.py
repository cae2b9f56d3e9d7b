"""The cases of `cases/*.toml`, read: each a posting, a seeker and what must hold of the pair.

How a case is written says `cases/README.md`; what is checked of one is in `test_cases`.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from contracts.values import CERTIFICATE_LEVELS, Education, EmployerId, Employment, PayUnit
from contracts.vocabulary.counties import places
from contracts.vocabulary.occupations import occupations
from services.matcher.domain.documents import (
    CertificateWanted,
    HeldCertificate,
    Pay,
    PayFloor,
    Posting,
    Seeker,
    SkillWanted,
)
from services.matcher.domain.eligibility import Rule
from services.seekers.domain.masking import masked
from services.seekers.domain.person import Person
from tests.matcher.documents import certificate_id, posting_id, seeker_id

Table = dict[str, Any]

FOLDER = Path(__file__).parent / "cases"
USUAL_POSTING: Table = {"county": "五华区", "pay": "6000-8000 元/月"}
USUAL_SEEKER: Table = {"counties": ["五华区"]}
ORDERS = (">", ">=", "=")
LEVELS = {name: level for level, name in CERTIFICATE_LEVELS.items()}
DEGREES = ("小学", "初中", "高中", "大专", "本科", "硕士", "博士")
EDUCATIONS = dict(zip(DEGREES, Education, strict=True))
UNITS = dict(zip(("小时", "天", "月", "年"), PayUnit, strict=True))
_PAY = re.compile(r"(\d+)-(\d+) 元/(\w+)")
_FLOOR = re.compile(r"(\d+) 元/(\w+)")
_NOBODY = Person("无名氏", "13800000000")


@dataclass(frozen=True, slots=True)
class Profile:
    """A seeker and the certificates in force."""

    seeker: Seeker
    held: tuple[HeldCertificate, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A reason or a lack that must stand, with these params; zh, en: what its words hold."""

    code: str
    params: dict[str, str | int]
    zh: str = ""
    en: str = ""
    proven: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """What is told of the first pair, and in which order the pairs stand.

    order: of each pair to the next, "" where there is one. broken: of every pair. broken, missing:
    all of them; None where the case does not say.
    """

    name: str
    why: str
    pairs: tuple[tuple[Posting, Profile], ...]
    order: str
    broken: tuple[Rule, ...] | None
    live: bool
    reasons: tuple[Told, ...]
    missing: tuple[Told, ...] | None
    unsaid: tuple[str, ...]


def read_cases() -> list[Case]:
    """Every case of the folder, file by file. Raises ValueError where one is not understood."""
    cases = [case for path in sorted(FOLDER.glob("*.toml")) for case in _cases_of(path)]
    names = [case.name for case in cases]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"names that two files use: {sorted(twice)}")
    return cases


def _cases_of(path: Path) -> Iterator[Case]:
    for name, told in tomllib.loads(path.read_text(encoding="utf-8")).items():
        try:
            yield _case(name, told)
        except (KeyError, ValueError) as error:
            raise ValueError(f"{path.name}, {name}: {error!r}") from error


def _case(name: str, told: Table) -> Case:
    postings = [_posting(number, each) for number, each in enumerate(_both(told, "posting"), 1)]
    profiles = [_profile(number, each) for number, each in enumerate(_both(told, "seeker"), 1)]
    if min(len(postings), len(profiles)) > 1:
        raise ValueError("either several postings or several seekers")
    pairs = tuple((posting, profile) for posting in postings for profile in profiles)
    order, live = told.pop("order", ">" if len(pairs) > 1 else ""), told.pop("live", False)
    case = Case(
        name=name,
        why=told.pop("why"),
        pairs=pairs,
        order=order,
        # A rank says nothing of pairs that may not meet.
        broken=() if order or live or told.pop("eligible", False) else _broken(told),
        live=live,
        reasons=tuple(map(_told, told.pop("reasons", ()))),
        missing=tuple(map(_told, told.pop("missing"))) if "missing" in told else None,
        unsaid=tuple(told.pop("unsaid", ())),
    )
    _nothing_left(told)
    if order not in (ORDERS if len(pairs) > 1 else ("",)):
        raise ValueError(f"no order of {len(pairs)}: {order!r}")
    if case.broken is None and case.missing is None and not (case.reasons or case.unsaid):
        raise ValueError("nothing must hold")
    return case


def _both(told: Table, kind: str) -> list[Table]:
    """The table `kind` is what all those of the list `kind`s have in common."""
    common = told.pop(kind, {})
    return [common | each for each in told.pop(f"{kind}s", [{}])]


def _broken(told: Table) -> tuple[Rule, ...] | None:
    return tuple(map(Rule, told.pop("broken"))) if "broken" in told else None


def _told(told: Table) -> Told:
    words = {key: told.pop(key) for key in ("zh", "en", "proven") if key in told}
    code = told.pop("code")
    return Told(code, {key: _param(key, value) for key, value in told.items()}, **words)


def _param(key: str, value: str | int) -> str | int:
    """A param as the tree has it: codes in place of names."""
    match key, value:
        case "occupation", str():
            return _occupation(value)
        case "county", str():
            return _place(value)
        case "level", str():
            return LEVELS[value]
    return value


def _posting(number: int, told: Table) -> Posting:
    told = USUAL_POSTING | told
    occupation, education = told.pop("occupation", None), told.pop("education", None)
    posting = Posting(
        posting_id(number),
        EmployerId("emp-1"),
        1,
        open=told.pop("open", True),
        title=told.pop("title"),
        county=_place(told.pop("county")),
        pay=_pay(told.pop("pay")),
        text=told.pop("text", ""),
        occupation=_occupation(occupation) if occupation else None,
        remote=told.pop("remote", False),
        skills=(
            *(SkillWanted(name) for name in told.pop("skills", ())),
            *(SkillWanted(name, required=False) for name in told.pop("nice", ())),
        ),
        certificates=tuple(map(_wanted, told.pop("certificates", ()))),
        education=EDUCATIONS[education] if education else None,
        experience_years=told.pop("experience_years", 0),
        employment=Employment(told.pop("employment", Employment.FULL_TIME)),
    )
    _nothing_left(told)
    return posting


def _wanted(told: Table) -> CertificateWanted:
    return CertificateWanted(
        _occupation(told["occupation"]), LEVELS[told["level"]], told.get("required", True)
    )


def _profile(number: int, told: Table) -> Profile:
    """The text is the masked one, for the matcher never reads another."""
    told = USUAL_SEEKER | told
    held = tuple(_held(at, each) for at, each in enumerate(told.pop("certificates", ()), 1))
    education, floor = told.pop("education", None), told.pop("pay_floor", None)
    seeker = Seeker(
        seeker_id(number),
        1,
        looking=told.pop("looking", True),
        titles=tuple(told.pop("titles", ())),
        text=masked(told.pop("text", ""), _NOBODY),
        occupations=tuple(map(_occupation, told.pop("occupations", ()))),
        skills=tuple(told.pop("skills", ())),
        education=EDUCATIONS[education] if education else None,
        experience_years=told.pop("experience_years", 0),
        counties=tuple(map(_place, told.pop("counties"))),
        commute=told.pop("commute", False),
        remote_ok=told.pop("remote_ok", False),
        pay_floor=_floor(floor) if floor else None,
        employment=tuple(map(Employment, told.pop("employment", ()))),
    )
    _nothing_left(told)
    return Profile(seeker, held)


def _held(number: int, told: Table) -> HeldCertificate:
    occupation, level = told.get("occupation"), told.get("level")
    return HeldCertificate(
        certificate_id(number),
        _occupation(occupation) if occupation else None,
        LEVELS[level] if level else None,
        told.get("name"),
    )


def _pay(told: str) -> Pay:
    if not (found := _PAY.fullmatch(told)):
        raise ValueError(f"no pay: {told}")
    low, high, unit = found.groups()
    return Pay(int(low), int(high), UNITS[unit])


def _floor(told: str) -> PayFloor:
    if not (found := _FLOOR.fullmatch(told)):
        raise ValueError(f"no pay: {told}")
    amount, unit = found.groups()
    return PayFloor(int(amount), UNITS[unit])


def _occupation(name: str) -> str:
    return _occupations()[name]


def _place(name: str) -> str:
    return _places()[name]


@cache
def _occupations() -> dict[str, str]:
    return {name: code for code, name in occupations()}


@cache
def _places() -> dict[str, str]:
    return {place.name: place.code for place in places()}


def _nothing_left(told: Table) -> None:
    if told:
        raise ValueError(f"unknown keys: {sorted(told)}")
