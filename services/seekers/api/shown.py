"""Matches as seekers are shown them, in lists, streams and webhooks: explained, zh and en."""

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel, Field

from contracts import reasons
from contracts.matches import Missing, PostingBrief, Reason, content_in
from contracts.postings import Pay
from contracts.vocabulary.occupations import occupation_name
from services.seekers.domain.feed import Entry
from services.seekers.domain.notifying import Content, Kind


class Words(BaseModel):
    """同一句话的中文和英文。The same said in Chinese and in English."""

    zh: str
    en: str


class ReasonOut(BaseModel):
    """依据：各叶子之和等于总分。A node of the explanation; the leaves add up to the score."""

    code: str
    text: Words
    points_ppm: int = Field(description="百万分之几。Millionths.")
    certificate_id: UUID | None = Field(None, description="佐证的证书。What proves it.")
    params: dict[str, str | int]
    children: list["ReasonOut"]

    @classmethod
    def of(cls, reason: Reason) -> "ReasonOut":
        """The node and all below it, in words."""
        return cls(
            code=reason.code,
            text=Words(zh=reasons.render(reason, "zh"), en=reasons.render(reason, "en")),
            points_ppm=reason.points_ppm,
            certificate_id=reason.certificate_id,
            params=reason.params,
            children=[cls.of(child) for child in reason.children],
        )


class MissingOut(BaseModel):
    """欠缺：补上可提高匹配度。What the posting asks for and the profile does not show."""

    code: str
    text: Words
    params: dict[str, str | int]

    @classmethod
    def of(cls, missing: Missing) -> "MissingOut":
        """In words."""
        return cls(
            code=missing.code,
            text=Words(
                zh=reasons.render_missing(missing, "zh"), en=reasons.render_missing(missing, "en")
            ),
            params=missing.params,
        )


class PostingShown(BaseModel):
    """岗位概要。What of the posting is shown."""

    employer_id: str
    title: str
    occupation: str | None
    occupation_name: str | None
    county: str
    place: Words
    remote: bool
    pay: Pay
    pay_text: Words

    @classmethod
    def of(cls, posting: PostingBrief) -> "PostingShown":
        """With its codes in words."""
        return cls(
            employer_id=posting.employer_id,
            title=posting.title,
            occupation=posting.occupation,
            occupation_name=posting.occupation and occupation_name(posting.occupation),
            county=posting.county,
            place=Words(
                zh=reasons.render_place(posting.county, "zh"),
                en=reasons.render_place(posting.county, "en"),
            ),
            remote=posting.remote,
            pay=posting.pay,
            pay_text=Words(
                zh=reasons.render_pay(posting.pay, "zh"), en=reasons.render_pay(posting.pay, "en")
            ),
        )


class MatchOut(BaseModel):
    """匹配：分数、依据、欠缺和岗位概要。A match: score, why, what is missing, the job."""

    match_id: UUID
    posting_id: UUID
    version: int
    changed_at: datetime
    score_ppm: int = Field(description="百万分之几。Millionths.")
    posting: PostingShown
    reason: ReasonOut
    missing: list[MissingOut]

    @classmethod
    def of(cls, content: Content, **of: Any) -> "MatchOut":
        """content: the event that told of it. of: the other fields."""
        said = content_in(content)
        return cls(
            posting=PostingShown.of(said.posting),
            reason=ReasonOut.of(said.reason),
            missing=[MissingOut.of(one) for one in said.missing],
            **of,
        )


class MatchPage(BaseModel):
    """一页匹配，最佳在前。Some matches, best first. next: cursor of the following page."""

    items: list[MatchOut]
    next: str | None = None
    position: int = Field(
        description="读取时消息流的位置：用作 Last-Event-ID 即可无遗漏地接上。各页相同。"
        "Where the stream stood as the first page was read: go on from it with Last-Event-ID, and "
        "nothing is missed. The same on every page."
    )


class EntryOut(BaseModel):
    """一条消息。What the seeker is told. match is null where it was withdrawn."""

    seq: int = Field(description="逐一递增，即流中的 id。1, 2, 3 …; the stream's id.")
    kind: Kind
    notify: bool = Field(description="是否值得打扰。Whether it deserves an interruption.")
    at: datetime
    match_id: UUID
    posting_id: UUID
    match: MatchOut | None

    @classmethod
    def of(cls, entry: Entry) -> "EntryOut":
        """The entry as its seeker sees it."""
        match = None
        if entry.content is not None:
            match = MatchOut.of(
                entry.content,
                match_id=entry.match_id,
                posting_id=entry.posting_id,
                version=entry.match_version,
                changed_at=entry.at,
                score_ppm=entry.score_ppm,
            )
        return cls(
            seq=entry.seq,
            kind=entry.kind,
            notify=entry.notify,
            at=entry.at,
            match_id=entry.match_id,
            posting_id=entry.posting_id,
            match=match,
        )


def webhook_body(entry: Entry) -> bytes:
    """A message as Standard Webhooks has it: type, timestamp, data. Pseudonymous ids only."""
    data = EntryOut.of(entry).model_dump(mode="json")
    return orjson.dumps(
        {
            "type": f"match.{entry.kind}",
            "timestamp": data["at"],
            "data": {"seeker_id": str(entry.seeker_id), **data},
        }
    )
