"""The door for those who are shown a certificate: is it good, and this person's?

What a seeker claims stands beside this.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from services.certificates.actions.verifying import verify_certificate
from services.certificates.api.fields import Stated
from services.certificates.api.views import CertificateView, answered, in_words, language
from services.certificates.domain.digests import Pepper
from services.certificates.domain.verdicts import Verdict
from services.kit.auth import Caller, Role, require
from services.kit.database import Database

Verifier = Annotated[Caller, Depends(require(Role.PARTNER, Role.OPERATOR))]


class Purpose(StrEnum):
    """Why somebody looks: a purpose has to be stated (个人信息保护法 art. 6); never free text."""

    EMPLOYMENT = "employment"
    SUBSIDY = "subsidy"
    RESIDENCE = "residence"
    EVALUATION = "evaluation"
    INSPECTION = "inspection"


class Question(Stated):
    """A certificate as it was shown, and why it is looked up."""

    purpose: Purpose = Field(
        description="录用、补贴、落户、评价、检查", examples=[Purpose.EMPLOYMENT]
    )


class VerificationView(BaseModel):
    """The answer. certificate: what it rests on, null where nothing was found."""

    verification_id: UUID
    verdict: Verdict
    explanation: str
    certificate: CertificateView | None
    verified_at: datetime


def routes(
    db: Database, pepper: Pepper, *, clock: Callable[[], datetime], new_id: Callable[[], UUID]
) -> APIRouter:
    """The routes of /v1/verifications."""
    router = APIRouter(tags=["verifications"])

    @router.post(
        "/v1/verifications",
        summary="核验一本证书 · verify a certificate",
        responses={200: {"model": VerificationView}},
    )
    async def verify(request: Request, caller: Verifier, question: Question) -> Response:
        """Found only where number, name and identity number are all right; the look is recorded."""
        verification = await verify_certificate(
            db,
            pepper.statement(question.number, question.holder_name, question.identity_number),
            question.occupation,
            requester=caller.subject,
            purpose=question.purpose,
            new_id=new_id(),
            now=clock(),
        )
        entry = verification.entry
        view = VerificationView(
            verification_id=verification.verification_id,
            verdict=verification.verdict,
            explanation=in_words(verification.verdict, language(request)),
            certificate=None if entry is None else CertificateView.of(entry),
            verified_at=verification.verified_at,
        )
        return answered(view, 200, language(request))

    return router
