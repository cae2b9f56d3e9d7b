"""Seekers and matches to test with."""

from copy import deepcopy
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from contracts.matches import (
    MatchChanged,
    MatchFound,
    MatchGone,
    MatchState,
    MatchWithdrawn,
    Missing,
    PostingBrief,
    Reason,
)
from contracts.postings import Pay
from contracts.values import PayUnit, PostingId, SeekerId, match_id_of, seeker_id_of
from services.seekers.domain.person import Person
from tests.support import NOW

LI_NA = "acct-li-na"
LI_NA_ID = seeker_id_of(LI_NA)
SOMEONE_ELSE = "acct-zhang-wei"

PERSON = Person("李晓娜", "13888123456", "lina1988@example.com", date(1988, 5, 17))

PROFILE: dict[str, Any] = {
    "person": {
        "name": PERSON.name,
        "phone": "138 8812-3456",
        "email": PERSON.email,
        "birth_date": "1988-05-17",
    },
    "work": {
        "titles": ["养老护理员"],
        "text": "本人李晓娜，女，35岁，已婚未育，电话13888123456。在养老院照护失能老人五年。",
        "occupations": ["4-10-01-05"],
        "skills": ["失能照护", "压疮护理", "微信号：lina_1988"],
        "education": 3,
        "experience_years": 5,
        "counties": ["530102", "530400"],
        "commute": True,
        "remote_ok": False,
        "pay_floor": {"amount": 5000, "unit": "month"},
        "employment": ["full_time"],
    },
}
"""What LI_NA sends. Everything personal in it is in SECRETS too."""

SECRETS = ("李晓娜", "13888123456", "138 8812-3456", "lina1988", "lina_1988", "1988-05-17")
TRAITS = ("35岁", "已婚", "未育", "，女，")


def a_profile(*, person: dict[str, Any] | None = None, **work: Any) -> dict[str, Any]:
    """PROFILE with these parts instead."""
    profile = deepcopy(PROFILE)
    profile["person"].update(person or {})
    profile["work"].update(work)
    return profile


def a_posting_id() -> PostingId:
    return PostingId(uuid4())


def _state(
    posting_id: PostingId,
    seeker_id: SeekerId,
    score_ppm: int,
    *,
    for_seeker: bool,
    for_posting: bool,
    title: str,
    model: str,
) -> MatchState:
    return MatchState(
        match_id=match_id_of(seeker_id, posting_id),
        seeker_id=seeker_id,
        posting_id=posting_id,
        score_ppm=score_ppm,
        for_seeker=for_seeker,
        for_posting=for_posting,
        posting=PostingBrief(
            employer_id="emp-1",
            title=title,
            county="530102",
            pay=Pay(min=5000, max=7000, unit=PayUnit.MONTH),
            occupation="4-10-01-05",
        ),
        reason=Reason(
            code="match",
            points_ppm=score_ppm,
            children=(
                Reason(
                    code="skills",
                    points_ppm=score_ppm,
                    children=(
                        Reason(
                            code="skills.skill",
                            points_ppm=score_ppm,
                            params={
                                "skill": "失能照护",
                                "required": 1,
                                "evidence": "失能照护",
                                "similarity_ppm": 1_000_000,
                            },
                            certificate_id=UUID(int=7),
                        ),
                    ),
                ),
            ),
        ),
        missing=(Missing(code="missing.skill", params={"skill": "鼻饲", "required": 0}),),
        model=model,
    )


def found(
    posting_id: PostingId,
    version: int = 1,
    score_ppm: int = 500_000,
    *,
    seeker_id: SeekerId = LI_NA_ID,
    for_seeker: bool = True,
    for_posting: bool = True,
    title: str = "养老护理员",
    model: str = "m1",
) -> MatchFound:
    """The pair became live."""
    state = _state(
        posting_id,
        seeker_id,
        score_ppm,
        for_seeker=for_seeker,
        for_posting=for_posting,
        title=title,
        model=model,
    )
    return MatchFound(subject=str(state.match_id), time=NOW, version=version, data=state)


def changed(posting_id: PostingId, version: int, score_ppm: int, **of: Any) -> MatchChanged:
    """The pair stays live, otherwise."""
    event = found(posting_id, version, score_ppm, **of)
    return MatchChanged(
        subject=event.subject, time=event.time, version=event.version, data=event.data
    )


def withdrawn(
    posting_id: PostingId, version: int, seeker_id: SeekerId = LI_NA_ID
) -> MatchWithdrawn:
    """The pair is live no more."""
    match_id = match_id_of(seeker_id, posting_id)
    return MatchWithdrawn(
        subject=str(match_id),
        time=NOW,
        version=version,
        data=MatchGone(
            match_id=match_id, seeker_id=seeker_id, posting_id=posting_id, employer_id="emp-1"
        ),
    )
