"""What the certificate doors answer with: certificates, verdicts in words.

What is asked stands in fields and beside each route.
"""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from contracts.values import CERTIFICATE_LEVELS, CertificateStatus
from contracts.vocabulary.occupations import occupation_name
from services.certificates.domain.folder import Claim, ClaimReason
from services.certificates.domain.registry import Entry, Kind
from services.certificates.domain.verdicts import Verdict
from services.kit.problems import language_of
from services.kit.wordings import Language


class CertificateView(BaseModel):
    """A certificate as the registry has it. valid_until: its last good day, null for ever."""

    occupation: str = Field(examples=["6-31-01-03"])
    occupation_name: str = Field(examples=["电工"])
    level: int | None = Field(description="1…8", examples=[4])
    level_name: str | None = Field(examples=["高级工"])
    level_label: str | None = Field(description="as printed", examples=["三级"])
    name: str = Field(examples=["电工"])
    issuer: str = Field(examples=["S000053000123"])
    issued_on: date
    valid_until: date | None
    kind: Kind
    title_rank: int | None = Field(description="职称 1 (初级) … 5 (正高级)")
    review_due: date | None = Field(description="应复审日期 · the last good day without a review")

    @classmethod
    def of(cls, entry: Entry) -> "CertificateView":
        """The view of an entry."""
        return cls(
            occupation=entry.occupation,
            occupation_name=occupation_name(entry.occupation),
            level=entry.level,
            level_name=None if entry.level is None else CERTIFICATE_LEVELS[entry.level],
            level_label=entry.level_label,
            name=entry.name,
            issuer=entry.issuer,
            issued_on=entry.issued_on,
            valid_until=entry.valid_until,
            kind=entry.kind,
            title_rank=entry.title_rank,
            review_due=entry.review_due,
        )


class ClaimView(BaseModel):
    """A claim as it stands. reason: why it does not count. explanation: that in words."""

    claim_id: UUID
    status: CertificateStatus = Field(examples=[CertificateStatus.VERIFIED])
    reason: ClaimReason | None
    explanation: str
    number_masked: str = Field(examples=["S00****************456"])
    certificate: CertificateView | None
    claimed_at: datetime
    decided_at: datetime

    @classmethod
    def of(cls, claim: Claim, language: Language) -> "ClaimView":
        """The view of a claim."""
        return cls(
            claim_id=claim.claim_id,
            status=claim.status,
            reason=claim.reason,
            explanation=claim_in_words(claim.reason, language),
            number_masked=claim.number_masked,
            certificate=None if claim.entry is None else CertificateView.of(claim.entry),
            claimed_at=claim.claimed_at,
            decided_at=claim.decided_at,
        )


_WORDS: dict[Verdict, tuple[str, str]] = {
    Verdict.VALID: (
        "登记库中有此证书，持证人一致，在有效期内。",
        "The registry has this certificate; it is the holder's and in force.",
    ),
    Verdict.EXPIRED: ("证书已过有效期。", "The certificate has expired."),
    Verdict.SUSPENDED: (
        "证书已被发证机构暂停，恢复后自动重新生效。",
        "The issuer has suspended the certificate; it counts again once that is lifted.",
    ),
    Verdict.REVOKED: ("证书已被发证机构撤销。", "The issuer has revoked the certificate."),
    # Says nothing of the certificate: whose it is, and what it is worth, is its holder's.
    Verdict.HOLDER_MISMATCH: (
        "此编号登记在案，但姓名或身份证号与持证人不一致。请核对所填内容。",
        "The number is registered, but not to this name and identity number. Check what was "
        "entered.",
    ),
    Verdict.NOT_FOUND: (
        "登记库中没有与所填编号、姓名、身份证号都一致的证书。这不说明证书是假的：请核对所填内容；"
        "新证书可能尚未上传，也可向发证机构查询。",
        "The registry has no certificate of exactly this number, name and identity number. That "
        "does not make it a forgery: check what was entered; a new certificate may not have been "
        "uploaded yet; or ask the issuer.",
    ),
    Verdict.ISSUER_UNKNOWN: (
        "所指的发证机构没有在此登记，也没有协作城市登记它。这不说明证书是假的：请核对编号，"
        "或向发证机构查询。",
        "The issuer named is registered neither here nor with a partner city. That does not make "
        "the certificate a forgery: check the number, or ask the issuer.",
    ),
    Verdict.PENDING: (
        "须由另一城市答复，对方尚未答复。答复后结果自动更新。",
        "Another city has to answer and has not yet done so; the result follows once it has.",
    ),
}


def in_words(verdict: Verdict, language: Language) -> str:
    """The verdict as a sentence."""
    zh, en = _WORDS[verdict]
    return zh if language == "zh" else en


_CLAIM_WORDS: dict[ClaimReason, tuple[str, str]] = {
    ClaimReason.REVIEW_OVERDUE: (
        "证书没有按期复审，复审后自动重新生效。",
        "The certificate's review is overdue; it counts again once it was reviewed.",
    ),
    ClaimReason.NOT_RECOGNISED: (
        "证书由另一城市核验属实，但本市的互认表不认可其等级。如有疑问，请联系运维人员。",
        "Another city has confirmed the certificate, but it is not recognised here. Ask the "
        "operator if that seems wrong.",
    ),
    ClaimReason.PENDING: (
        "须由另一城市答复，对方尚未答复。系统会继续询问，有结果时自动更新。",
        "Another city has to answer and has not yet done so. It is asked again, and the claim "
        "follows its answer.",
    ),
    ClaimReason.UNANSWERED: (
        "须由另一城市答复，但对方一直没有答复，系统已不再询问。请过些时候重新认领。",
        "Another city has to answer and never did; it is not asked any more. Claim the "
        "certificate again some time later.",
    ),
}


def claim_in_words(reason: ClaimReason | None, language: Language) -> str:
    """Why a claim does or does not count, as a sentence."""
    if reason in _CLAIM_WORDS:
        zh, en = _CLAIM_WORDS[reason]
        return zh if language == "zh" else en
    return in_words(Verdict.VALID if reason is None else Verdict(reason.value), language)


def language(request: Request) -> Language:
    """The language this caller asks for."""
    return language_of(request.headers.get("accept-language"))


def answered(view: BaseModel, status: int, language: Language) -> Response:
    """A view as the answer, naming its language."""
    headers = {"Content-Language": language, "Vary": "Accept-Language"}
    return Response(view.model_dump_json(), status, headers, "application/json")
