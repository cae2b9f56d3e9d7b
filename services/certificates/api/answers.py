"""What those who look a certificate up are answered: the verdict, in words, with its receipt.

What they may ask stands in verifications and tables.
"""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from services.certificates.actions.inquiries import UNREACHABLE, Verified
from services.certificates.api.views import CertificateView, in_words
from services.certificates.domain.guesses import Guessed, TooManyMisses
from services.certificates.domain.keys import base64url
from services.certificates.domain.registry import NOT_RECOGNISED, REVIEW_OVERDUE
from services.certificates.domain.verdicts import GAVE_UP, Verdict
from services.kit.problems import Problem
from services.kit.wordings import Language


class VerificationView(BaseModel):
    """An answer. It has the same fields whatever the verdict is."""

    model_config = ConfigDict(extra="forbid")

    receipt_no: str = Field(examples=["3QX7M0K2V9T4C8N1B5R6D2F7HJ"])
    verdict: Verdict
    reason: str | None = Field(description="a stable code that says more, e.g. review-overdue")
    explanation: str
    certificate: CertificateView | None = Field(description="for its right holder alone")
    answered_by: str | None = Field(
        description="the id of the city that answered; while pending, of the one that has to, null "
        "where that may be several",
        examples=["kunming"],
    )
    answered_at: datetime = Field(description="an answer that was kept is older than its receipt")
    answer_signed: bool = Field(description="false where the other city does not sign its answers")
    upload_lag_days: int | None = Field(
        description="how late the issuer's records may be, where nothing was found"
    )
    verified_at: datetime
    receipt: str = Field(description="signed: a compact JWS; anybody can check it offline")
    salt: str = Field(
        description="base64url; with it and the question, what was asked can be proven"
    )


_REASONS: dict[str, tuple[str, str]] = {
    REVIEW_OVERDUE: (
        "证书没有按期复审，复审后自动重新生效。",
        "The certificate's periodic review is overdue; it counts again once it was reviewed.",
    ),
    NOT_RECOGNISED: (
        "另一城市确认此证书有效，但本市的互认表不认可其等级。",
        "Another city confirms the certificate, but its level is not recognised here.",
    ),
    UNREACHABLE: (
        "须由另一城市答复，目前联系不上对方。系统会继续询问，有结果时此回执自动更新。",
        "Another city has to answer and cannot be reached now. It is asked again, and this receipt "
        "follows its answer.",
    ),
    GAVE_UP: (
        "须由另一城市答复，但对方一直没有答复，系统已不再询问。请过些时候重新核验。",
        "Another city has to answer and never did; it is not asked any more. Verify again some "
        "time later.",
    ),
}


def in_words_of(
    verdict: Verdict, reason: str | None, upload_lag_days: int | None, language: Language
) -> str:
    """What an answer means, with the issuer's delay where that is known."""
    english = language == "en"
    if reason in _REASONS:
        return _REASONS[reason][english]
    words = in_words(verdict, language)
    if not upload_lag_days:
        return words
    return (
        f"{words} The issuer uploads up to {upload_lag_days} day(s) late."
        if english
        else f"{words}该发证机构的上传最多延迟 {upload_lag_days} 天。"
    )


def told(verified: Verified, language: Language, *, city_id: str) -> dict[str, Any]:
    """A VerificationView, ready for orjson: made by hand, for every look-up waits for it.

    city_id: our own.
    """
    answer = verified.answer
    entry = answer.entry
    own = city_id if answer.verdict is not Verdict.PENDING else None
    return {
        "receipt_no": verified.receipt_no,
        "verdict": answer.verdict,
        "reason": answer.reason,
        "explanation": in_words_of(answer.verdict, answer.reason, answer.upload_lag_days, language),
        "certificate": None if entry is None else dict(CertificateView.of(entry)),
        "answered_by": answer.answered_by or own,
        "answered_at": answer.answered_at,
        "answer_signed": answer.is_signed,
        "upload_lag_days": answer.upload_lag_days,
        "verified_at": verified.at,
        "receipt": verified.jws,
        "salt": base64url(verified.salt),
    }


TOO_MANY_MISSES: Mapping[Guessed, tuple[str, str]] = {
    Guessed.NUMBER: (
        "您对这个编号多次填写不符，暂不再就此编号作答；其他编号不受影响。请向持证人核对原件。",
        "Your questions about this number did not fit several times; it is not answered about for "
        "a while, others are. Compare with the certificate itself.",
    ),
    Guessed.ASKER: (
        "您近一小时有太多查询没有查到或不符，暂停作答。请核对所填内容，稍后再试。",
        "Too many of your questions in the last hour found nothing or did not fit; no more are "
        "answered for a while. Check what is entered, and try again later.",
    ),
}


def too_many_misses(refusal: TooManyMisses, now: datetime) -> Problem:
    """429, with when to come back."""
    zh, en = TOO_MANY_MISSES[refusal.what]
    wait_s = max(1, math.ceil((refusal.retry_at - now).total_seconds()))
    return Problem(
        429,
        f"too_many_misses_{refusal.what}",
        zh=zh,
        en=en,
        headers={"Retry-After": str(wait_s)},
        retry_after_s=wait_s,
    )


def busy() -> Problem:
    """503: more wait than may."""
    return Problem(
        503,
        "verifications_busy",
        zh="当前查询过多，暂时无法受理。请稍后重试。",
        en="Too many look-ups wait already. Try again later.",
        headers={"Retry-After": "1"},
    )


def problem_of_item(problem: Problem, language: Language) -> dict[str, Any]:
    """A refusal of one item, as it stands beside the answers to the others."""
    english = language == "en"
    faults = [
        {"pointer": error.get("pointer", ""), "detail": error["en" if english else "zh"]}
        for error in problem.errors
    ]
    return {
        "type": f"urn:rengang:problem:{problem.code}",
        "status": problem.status,
        "detail": problem.en if english else problem.zh,
        **({"errors": faults} if faults else {}),
        **problem.extra,
    }
