"""The HTTP door of the talent service: parse, call one action, answer.

What is kept, and in which order matches stand, does not live here.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from contracts.matches import Reason, reasons_in
from contracts.reasons import render, render_missing
from contracts.values import EmployerId, PostingId
from services.kit.auth import Caller, Role, require
from services.kit.database import Database
from services.kit.paging import DEFAULT_LIMIT, Cursor, CursorText, Limit, Page, next_link
from services.kit.problems import language_of, not_found
from services.kit.wordings import Language
from services.talent.actions import PostingNotFound, posting_side
from services.talent.domain import Candidate, Place

Reader = Annotated[Caller, Depends(require(Role.EMPLOYER, Role.OPERATOR))]


class ExplanationView(BaseModel):
    """A node of the explanation; the leaves' points add up to the score.

    certificate_id: the verified certificate that proves it.
    """

    code: str = Field(examples=["skills.skill"])
    text: str = Field(examples=["必备技能“焊接”：具备"])
    points_ppm: int = Field(examples=[120_000])
    certificate_id: UUID | None = None
    children: list["ExplanationView"] = []

    @classmethod
    def of(cls, reason: Reason, language: Language) -> "ExplanationView":
        """The node and all below it in words."""
        return cls(
            code=reason.code,
            text=render(reason, language),
            points_ppm=reason.points_ppm,
            certificate_id=reason.certificate_id,
            children=[cls.of(child, language) for child in reason.children],
        )


class MissingView(BaseModel):
    """Something the posting asks for and the profile does not show."""

    code: str = Field(examples=["missing.skill"])
    text: str = Field(examples=["资料未写明必备技能“焊接”"])


class MatchView(BaseModel):
    """A seeker who suits the posting, by a pseudonym; score in millionths."""

    match_id: UUID
    seeker_id: UUID
    score_ppm: int = Field(examples=[731_250])
    reason: ExplanationView
    missing: list[MissingView]
    model: str = Field(description="打分所用模型 · the model that scored")
    changed_at: datetime

    @classmethod
    def of(cls, candidate: Candidate, language: Language) -> "MatchView":
        """The view of a candidate."""
        said = reasons_in(candidate.said)
        return cls(
            match_id=candidate.match_id,
            seeker_id=candidate.seeker_id,
            score_ppm=candidate.score_ppm,
            reason=ExplanationView.of(said.reason, language),
            missing=[
                MissingView(code=one.code, text=render_missing(one, language))
                for one in said.missing
            ],
            model=candidate.model,
            changed_at=candidate.changed_at,
        )


def routes(db: Database, *, k_p: int) -> APIRouter:
    """Every route of the service. k_p: how many of a posting's best there are to see."""
    router = APIRouter()
    cursors = Cursor("postings.matches", tuple[int, UUID])

    @router.get(
        "/v1/postings/{posting_id}/matches",
        tags=["matches"],
        summary="岗位的匹配人选 · a posting's matches",
    )
    async def matches_of_posting(
        *,
        request: Request,
        response: Response,
        caller: Reader,
        posting_id: UUID,
        cursor: CursorText = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> Page[MatchView]:
        """The best candidates first, each with the reasons and what is missing; nobody is named."""
        within = str(posting_id)
        after = None if cursor is None else Place(*cursors.decode(cursor, within=within))
        owner = EmployerId(caller.subject) if caller.role is Role.EMPLOYER else None
        try:
            candidates, following = await posting_side(
                db, PostingId(posting_id), owner, k_p=k_p, after=after, limit=limit
            )
        except PostingNotFound:
            raise not_found() from None
        language = language_of(request.headers.get("accept-language"))
        response.headers["Content-Language"] = language
        response.headers["Vary"] = "Accept-Language"
        page = Page[MatchView](
            items=[MatchView.of(candidate, language) for candidate in candidates]
        )
        if following is not None:
            page.next = cursors.encode((following.score_ppm, following.seeker_id), within=within)
            response.headers["Link"] = next_link(request, page.next)
        return page

    return router
