"""The seeker's door: claim a certificate, read what became of the claims.

What is imported, and what others may look up, stands beside this.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from contracts.values import CertificateId, seeker_id_of
from services.certificates.actions.claiming import Guesses, claim_certificate, own_claims
from services.certificates.actions.guessing import (
    GuessedTooOften,
    asker_of,
    record_refused_claim,
)
from services.certificates.actions.partners import Partners
from services.certificates.api.answers import too_many_misses
from services.certificates.api.fields import Stated
from services.certificates.api.views import ClaimView, answered, language
from services.certificates.domain.digests import Pepper, Statement
from services.certificates.domain.folder import MOST_CLAIMS, TooManyClaims
from services.certificates.domain.guesses import Allowance
from services.certificates.domain.purposes import Recorded
from services.certificates.domain.verdicts import Question
from services.kit.auth import Caller, Role, require
from services.kit.database import Database, Transaction
from services.kit.idempotency import IdempotencyKeyHeader, run_idempotent
from services.kit.problems import Problem

Seeker = Annotated[Caller, Depends(require(Role.SEEKER))]


class ClaimsView(BaseModel):
    """Every claim of the caller, the oldest first."""

    items: list[ClaimView]


def routes(
    db: Database,
    pepper: Pepper,
    partners: Partners,
    allowance: Allowance,
    *,
    clock: Callable[[], datetime],
    new_id: Callable[[], UUID],
) -> APIRouter:
    """The routes of /v1/claims."""
    router = APIRouter(tags=["claims"])

    @router.post(
        "/v1/claims",
        status_code=201,
        summary="认领证书 · claim a certificate",
        dependencies=[IdempotencyKeyHeader],
        responses={
            200: {"model": ClaimView, "description": "Claimed before; as it stands now."},
            201: {
                "model": ClaimView,
                "description": "Claimed, and judged at once; or claimed (pending), and another "
                "city is asked.",
            },
        },
    )
    async def claim(request: Request, caller: Seeker, stated: Stated) -> Response:
        """Looked up in the registry at once; what is found later counts from then on.

        What may be another city's is asked there, again and again until it answers.
        """
        question = Question(
            stated.number, stated.holder_name, stated.identity_number, stated.occupation
        )
        is_elsewhere = await partners.others.concerns(question)
        statement = pepper.statement(stated.number, stated.holder_name, stated.identity_number)

        async def ask_elsewhere(tx: Transaction, claim_id: CertificateId) -> None:
            await partners.retrying.keep(
                tx, question, clock(), purpose=Recorded.CLAIM, claim_id=claim_id
            )

        async def write(database: Database) -> Response:
            try:
                claimed = await claim_certificate(
                    database,
                    seeker_id_of(caller.subject),
                    statement,
                    stated.occupation,
                    number_masked=stated.number.masked(),
                    new_id=CertificateId(new_id()),
                    now=clock(),
                    ask_elsewhere=ask_elsewhere if is_elsewhere else None,
                    guesses=Guesses(asker_of(caller.role, caller.subject), allowance),
                )
            except TooManyClaims:
                raise _too_many() from None
            view = ClaimView.of(claimed.claim, language(request))
            return answered(view, 201 if claimed.is_new else 200, language(request))

        said = _without_person(request, statement, stated.occupation)
        try:
            response = await run_idempotent(db, said, caller, write)
        except GuessedTooOften as guessed:
            # Only here: within write() the record would be undone with all the rest.
            now, refusal = clock(), guessed.refusal
            await record_refused_claim(
                db, statement, refusal, requester=caller.subject, role=caller.role, at=now
            )
            raise too_many_misses(refusal, now) from None
        if is_elsewhere:
            # Only now is the claim committed.
            partners.retrying.wake()
        return response

    @router.get("/v1/claims", summary="我认领的证书 · my claims")
    async def claims(request: Request, caller: Seeker) -> ClaimsView:
        """Every claim of the caller with its verdict."""
        found = await own_claims(db, seeker_id_of(caller.subject))
        return ClaimsView(items=[ClaimView.of(claim, language(request)) for claim in found])

    return router


def _without_person(request: Request, statement: Statement, occupation: str | None) -> Request:
    """The request with keyed digests for its body.

    With the answer a plain hash of the body is stored, and of number, name and identity number
    too few are possible: whoever has a dump could try them.
    """
    body = statement.number + statement.holder + statement.identity + (occupation or "").encode()

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(request.scope, receive)


def _too_many() -> Problem:
    return Problem(
        409,
        "too_many_claims",
        zh=f"一个账号最多认领 {MOST_CLAIMS} 次，已达上限。如确有需要，请联系运维人员。",
        en=f"An account may make {MOST_CLAIMS} claims and has made them. If you need more, ask "
        "the operator.",
        most=MOST_CLAIMS,
    )
