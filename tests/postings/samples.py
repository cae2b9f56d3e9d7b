"""Offers to test with: one that is good, and any that could be."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import uuid_utils
from hypothesis import strategies as st

from contracts.values import Education, EmployerId, Employment, PayUnit, PostingId
from contracts.vocabulary.counties import is_county, places
from contracts.vocabulary.occupations import occupations
from services.postings.domain.offers import (
    PAY_CEILING_CNY,
    CertificateWanted,
    Offer,
    Pay,
    SkillWanted,
    skill_key,
)
from services.postings.domain.postings import Posting, published
from tests.support import NOW

WELDER = "6-18-02-04"
WUHUA = "530102"
EMPLOYER = EmployerId("emp-kunming-machinery")


def a_posting_id() -> PostingId:
    return PostingId(UUID(int=uuid_utils.uuid7().int))


def an_offer(**changes: Any) -> Offer:
    offer = Offer(
        title="焊工",
        text="从事钢结构焊接，三班倒，提供食宿。",
        occupation=WELDER,
        county=WUHUA,
        pay=Pay(6000, 9000, PayUnit.MONTH),
        headcount=3,
        skills=(SkillWanted("二氧化碳保护焊"), SkillWanted("看图纸", required=False)),
        certificates=(CertificateWanted(WELDER, 3),),
        education=Education.JUNIOR_SECONDARY,
        experience_years=2,
        valid_until=NOW + timedelta(days=30),
    )
    return replace(offer, **changes)


def a_posting(offer: Offer | None = None, **of: Any) -> Posting:
    posting = published(a_posting_id(), EMPLOYER, offer or an_offer(), NOW)
    return replace(posting, **of)


# ------------------------------------------------------------------- any of them

_counties = st.sampled_from([place.code for place in places() if is_county(place.code)])
_occupations = st.sampled_from([code for code, _ in occupations()])
_words = st.text(
    st.characters(exclude_categories=["C", "Z"]) | st.sampled_from("焊接养老护理员 ⅣａÅß"),
    min_size=1,
    max_size=30,
).filter(lambda text: text == text.strip() != "")


@st.composite
def _pays(draw: st.DrawFn) -> Pay:
    unit = draw(st.sampled_from(PayUnit))
    low, high = sorted(draw(st.tuples(*[st.integers(1, PAY_CEILING_CNY[unit])] * 2)))
    return Pay(low, high, unit)


def offers() -> st.SearchStrategy[Offer]:
    """Offers that break no rule when they are made at NOW."""
    return st.builds(
        Offer,
        title=_words,
        text=st.text(st.characters(exclude_categories=["C"]), max_size=200),
        occupation=st.none() | _occupations,
        county=_counties,
        remote=st.booleans(),
        pay=_pays(),
        headcount=st.integers(1, 10_000),
        employment=st.sampled_from(Employment),
        skills=st.lists(
            st.builds(SkillWanted, _words, st.booleans()),
            max_size=8,
            unique_by=lambda skill: skill_key(skill.name),
        ).map(tuple),
        certificates=st.lists(
            st.builds(CertificateWanted, _occupations, st.integers(1, 8), st.booleans()),
            max_size=3,
        ).map(tuple),
        education=st.none() | st.sampled_from(Education),
        experience_years=st.integers(0, 60),
        valid_until=st.integers(1, 366 * 24 * 3600).map(lambda s: NOW + timedelta(seconds=s)),
    )


# ------------------------------------------------------------------------- on the wire


def a_body(**changes: Any) -> dict[str, Any]:
    """What an employer sends; a field given as ... is left out."""
    body = {
        "title": "焊工",
        "text": "从事钢结构焊接，三班倒，提供食宿。",
        "occupation": WELDER,
        "county": WUHUA,
        "pay": {"min": 6000, "max": 9000, "unit": "month"},
        "headcount": 3,
        "skills": [
            {"name": "二氧化碳保护焊", "required": True},
            {"name": "看图纸", "required": False},
        ],
        "certificates": [{"occupation": WELDER, "level": 3, "required": True}],
        "education": 2,
        "experience_years": 2,
        "valid_until": (NOW + timedelta(days=30)).isoformat(),
        **changes,
    }
    return {name: value for name, value in body.items() if value is not ...}


def ndjson(*lines: dict[str, Any] | str | bytes) -> bytes:
    """The lines of an import; a text or bytes stands as it is."""
    return b"".join(_line(line) + b"\n" for line in lines)


def _line(line: dict[str, Any] | str | bytes) -> bytes:
    match line:
        case bytes():
            return line
        case str():
            return line.encode()
        case dict():
            return json.dumps(line, ensure_ascii=False).encode()
