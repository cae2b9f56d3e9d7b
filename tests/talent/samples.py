"""Postings and matches for the tests, as their owners announce them."""

from datetime import timedelta
from uuid import UUID, uuid5

from contracts.events import MatchEvent, PostingEvent
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
from contracts.postings import (
    Pay,
    PostingClosed,
    PostingPublished,
    PostingRevised,
    PostingState,
)
from contracts.values import (
    ClosedReason,
    PayUnit,
    PostingId,
    PostingStatus,
    SeekerId,
    match_id_of,
)
from tests.support import NOW

EMPLOYER = "emp-chenggong-1"
POSTING = PostingId(UUID("01980a1e-7a1e-7000-8000-000000000001"))
OTHER_POSTING = PostingId(UUID("01980a1e-7a1e-7000-8000-000000000002"))
PAY = Pay(min=6000, max=9000, unit=PayUnit.MONTH)
PROOF = UUID("01980002-0000-7000-8000-000000000001")


def a_seeker_id(n: int) -> SeekerId:
    return SeekerId(uuid5(POSTING, f"seeker {n}"))


def a_posting(
    posting_id: PostingId = POSTING, version: int = 1, employer: str = EMPLOYER, title: str = "焊工"
) -> PostingEvent:
    """Published at version 1, then revised."""
    state = PostingState(
        posting_id=posting_id,
        employer_id=employer,
        status=PostingStatus.OPEN,
        title=title,
        county="530102",
        pay=PAY,
        valid_until=NOW + timedelta(days=30),
    )
    kind = PostingPublished if version == 1 else PostingRevised
    return kind(subject=str(posting_id), time=NOW, version=version, data=state)


def closed(posting_id: PostingId = POSTING, version: int = 2) -> PostingEvent:
    state = a_posting(posting_id).data.model_copy(
        update={"status": PostingStatus.CLOSED, "closed_reason": ClosedReason.EMPLOYER}
    )
    return PostingClosed(subject=str(posting_id), time=NOW, version=version, data=state)


def a_match(
    seeker: int = 1,
    score_ppm: int = 600_000,
    *,
    version: int = 1,
    posting_id: PostingId = POSTING,
    for_posting: bool = True,
) -> MatchEvent:
    """Found at version 1, then changed."""
    seeker_id = a_seeker_id(seeker)
    match_id = match_id_of(seeker_id, posting_id)
    skill = Reason(
        code="skills.skill",
        points_ppm=score_ppm,
        params={"skill": "焊接", "required": 1, "evidence": "焊接", "similarity_ppm": 1_000_000},
        certificate_id=PROOF,
    )
    skills = Reason(code="skills", points_ppm=score_ppm, children=(skill,))
    state = MatchState(
        match_id=match_id,
        seeker_id=seeker_id,
        posting_id=posting_id,
        score_ppm=score_ppm,
        for_seeker=True,
        for_posting=for_posting,
        posting=PostingBrief(employer_id=EMPLOYER, title="焊工", county="530102", pay=PAY),
        reason=Reason(code="match", points_ppm=score_ppm, children=(skills,)),
        missing=(Missing(code="missing.skill", params={"skill": "登高作业", "required": 0}),),
        model="sample-1",
    )
    kind = MatchFound if version == 1 else MatchChanged
    return kind(subject=str(match_id), time=NOW, version=version, data=state)


def withdrawn(seeker: int = 1, version: int = 2, posting_id: PostingId = POSTING) -> MatchEvent:
    seeker_id = a_seeker_id(seeker)
    match_id = match_id_of(seeker_id, posting_id)
    gone = MatchGone(
        match_id=match_id, seeker_id=seeker_id, posting_id=posting_id, employer_id=EMPLOYER
    )
    return MatchWithdrawn(subject=str(match_id), time=NOW, version=version, data=gone)
