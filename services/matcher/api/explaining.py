"""Questions to the index: which model is in force and how it does, and why a pair stands so.

Seekers and employers read matches at their own services' doors.
"""

from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Query

from contracts.matches import Missing, Reason
from contracts.reasons import render, render_missing
from contracts.values import PostingId, SeekerId, match_id_of
from services.kit.problems import Problem
from services.matcher import actions
from services.matcher.actions import PairExplained
from services.matcher.announcing import missing_of, reason_of
from services.matcher.api.shapes import Out, WeightsOut
from services.matcher.domain.eligibility import Rule
from services.matcher.domain.engine import Standing
from services.matcher.index import Index, IndexNotReady

_RULES: dict[Rule, tuple[str, str]] = {
    Rule.POSTING_OPEN: ("岗位已关闭", "The posting is closed"),
    Rule.SEEKER_LOOKING: ("求职者已退出", "The seeker is not looking"),
    Rule.PLACE: ("求职者不接受该工作地点", "The place is none the seeker accepts"),
    Rule.CERTIFICATE: ("缺少必需的有效证书", "A required certificate is not held in force"),
    Rule.EDUCATION: ("学历低于要求", "The education is below what is required"),
    Rule.EMPLOYMENT: ("求职者不接受该用工形式", "The kind of employment is none accepted"),
}


class CountsOut(Out):
    """How much this shard holds. folders: seekers of whose certificates something is known."""

    open_postings: int
    looking_seekers: int
    folders: int
    live_matches: int


class EngineOut(Out):
    """The index in memory: its kind, what building it took, and how often it had to be built.

    builds: since the process began; more than one where a transaction failed. thinking_seconds:
    time spent working out what arrivals change.
    """

    kind: str
    builds: int
    build_seconds: float
    batches: int
    thinking_seconds: float


class ModelOut(Out):
    """The model in force. rules: hash of the code that scores, which no model holds."""

    version: str
    tau_ppm: int
    k_s: int
    k_p: int
    weights: WeightsOut
    rules: str
    shard: str
    counts: CountsOut
    engine: EngineOut


class BrokenRule(Out):
    """A hard requirement that the pair does not meet."""

    rule: Rule
    zh: str
    en: str


class ReasonOut(Out):
    """A node of the explanation, in words; the leaves' points add up to the score."""

    code: str
    zh: str
    en: str
    points_ppm: int
    params: dict[str, str | int]
    certificate_id: UUID | None
    children: tuple["ReasonOut", ...]

    @classmethod
    def of(cls, reason: Reason) -> Self:
        """The node and those below it."""
        return cls(
            code=reason.code,
            zh=render(reason, "zh"),
            en=render(reason, "en"),
            points_ppm=reason.points_ppm,
            params=reason.params,
            certificate_id=reason.certificate_id,
            children=tuple(map(cls.of, reason.children)),
        )


class MissingOut(Out):
    """Something the posting asks for and the seeker does not show, in words."""

    code: str
    zh: str
    en: str
    params: dict[str, str | int]

    @classmethod
    def of(cls, missing: Missing) -> Self:
        """The item."""
        return cls(
            code=missing.code,
            zh=render_missing(missing, "zh"),
            en=render_missing(missing, "en"),
            params=missing.params,
        )


class StandingOut(Out):
    """In whose list of best the pair stands, and the score as last announced."""

    score_ppm: int
    for_seeker: bool
    for_posting: bool


class ExplanationOut(Out):
    """Why a pair is live or not, from what is stored now.

    standing: null where the pair is not live; then either a rule is broken, or the score is below
    tau_ppm, or both lists are full of better ones.
    """

    match_id: UUID
    seeker_id: UUID
    posting_id: UUID
    eligible: bool
    broken_rules: tuple[BrokenRule, ...]
    score_ppm: int
    tau_ppm: int
    standing: StandingOut | None
    reason: ReasonOut
    missing: tuple[MissingOut, ...]
    model: str


def routes(index: Index, *, shard: str) -> APIRouter:
    """GET /model and /explain. shard: i/n, as it is set."""
    router = APIRouter()

    @router.get("/model", summary="当前模型与引擎 The model in force, and the engine")
    async def get_model() -> ModelOut:
        """Counts are taken when asked: on a full shard that reads every live match."""
        try:
            model = index.model
        except IndexNotReady as error:
            raise _not_ready(error) from error
        counts = await actions.count_all(index.db)
        figures = index.figures
        return ModelOut(
            version=model.version,
            tau_ppm=model.limits.tau_ppm,
            k_s=model.limits.k_s,
            k_p=model.limits.k_p,
            weights=WeightsOut.model_validate(model.weights, from_attributes=True),
            rules=index.computed.rules,
            shard=shard,
            counts=CountsOut.model_validate(counts, from_attributes=True),
            engine=EngineOut.model_validate(figures, from_attributes=True),
        )

    @router.get("/explain", summary="解释一对岗位与求职者 Why a pair is live or not")
    async def explain(
        posting_id: Annotated[UUID, Query(description="岗位编号。The posting.")],
        seeker_id: Annotated[
            UUID, Query(description="求职者的匿名编号。The seeker, by pseudonym.")
        ],
    ) -> ExplanationOut:
        """Every hard requirement that is broken, and the score's tree even where one is."""
        try:
            found = await actions.explain_pair(index, SeekerId(seeker_id), PostingId(posting_id))
        except IndexNotReady as error:
            raise _not_ready(error) from error
        if found is None:
            raise Problem(
                404,
                "pair_unknown",
                zh="本分片没有这个岗位或这个求职者。求职者可能属于另一个分片。",
                en="This shard does not know the posting or the seeker, who may be another's.",
            )
        return _explanation(SeekerId(seeker_id), PostingId(posting_id), found)

    return router


def _explanation(
    seeker_id: SeekerId, posting_id: PostingId, found: PairExplained
) -> ExplanationOut:
    return ExplanationOut(
        match_id=match_id_of(seeker_id, posting_id),
        seeker_id=seeker_id,
        posting_id=posting_id,
        eligible=not found.broken,
        broken_rules=tuple(
            BrokenRule(rule=rule, zh=_RULES[rule][0], en=_RULES[rule][1]) for rule in found.broken
        ),
        score_ppm=found.explanation.score_ppm,
        tau_ppm=found.model.limits.tau_ppm,
        standing=_standing(found.standing),
        reason=ReasonOut.of(reason_of(found.explanation)),
        missing=tuple(map(MissingOut.of, missing_of(found.explanation))),
        model=found.model.version,
    )


def _standing(standing: Standing | None) -> StandingOut | None:
    if standing is None:
        return None
    return StandingOut.model_validate(standing, from_attributes=True)


def _not_ready(error: IndexNotReady) -> Problem:
    return Problem(
        503,
        "index_not_ready",
        zh=f"索引尚未建好（{error}）。请稍后重试。",
        en=f"The index is not built yet ({error}). Try again later.",
        headers={"Retry-After": "5"},
    )
