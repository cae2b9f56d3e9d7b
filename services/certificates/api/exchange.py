"""The door that partner cities ask each other at: one question, one answer signed for the asker.

Who is let in stands in actions.answering. What is asked here is never passed on to a third city.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field, StringConstraints

from services.certificates.actions.answering import Doorkeeper, KeysUnreachable, Visitor
from services.certificates.actions.batching import QueueFull
from services.certificates.actions.inquiries import Verified
from services.certificates.actions.verifying import Verifier
from services.certificates.api.answers import busy, too_many_misses
from services.certificates.api.asking import CITY
from services.certificates.api.fields import IssuerCode, Stated
from services.certificates.domain.exchange import AssertionRefused
from services.certificates.domain.guesses import Allowance
from services.certificates.domain.keys import base64url
from services.certificates.domain.verdicts import Question
from services.kit.auth import OwnGuard
from services.kit.problems import Problem

_assertion = HTTPBearer(
    auto_error=False,
    scheme_name="cityAssertion",
    bearerFormat="JWT",
    description="Client assertion of a registered city (RFC 7523), typ client-authentication+jwt: "
    "iss and sub its id, aud ours, jti shown once, exp within 60 s, purpose why it asks; EdDSA "
    "by a key in its JWKS.",
)


class CityGuard(OwnGuard):
    """Lets through who shows a good assertion of a registered, enabled city."""

    def __init__(self, doorkeeper: Doorkeeper, clock: Callable[[], datetime]) -> None:
        self._doorkeeper = doorkeeper
        self._clock = clock

    async def __call__(
        self,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_assertion)],
    ) -> Visitor:
        if credentials is None or not credentials.credentials:
            raise Problem(
                401,
                "assertion_missing",
                zh="需要协作城市的签名断言：请在请求头中写 Authorization: Bearer <断言>。",
                en="A city's assertion is needed: send Authorization: Bearer <assertion>.",
                headers={"WWW-Authenticate": 'Bearer realm="rengang-exchange"'},
            )
        try:
            return await self._doorkeeper.visitor(credentials.credentials, self._clock())
        except AssertionRefused as refused:
            raise Problem(
                401,
                "assertion_refused",
                zh="签名断言不被接受：须由已登记城市的密钥签名、发给本市、六十秒内有效，且只用一次。",
                en=f"The assertion is not accepted: {refused}.",
                headers={
                    "WWW-Authenticate": 'Bearer realm="rengang-exchange", error="invalid_token"'
                },
            ) from None
        except KeysUnreachable:
            raise Problem(
                503,
                "city_keys_unreachable",
                zh="暂时读不到贵市公布的公钥，无法核对签名。请稍后重试。",
                en="The keys that your city publishes cannot be read now. Try again later.",
                headers={"Retry-After": "5"},
            ) from None


class ExchangeQuestion(Stated):
    """A certificate as it was shown in another city. nonce: comes back in the receipt."""

    issuer: IssuerCode | None = None
    nonce: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{16,64}$")] = Field(
        description="随机，一次一用 · random, used once", examples=["3q2-7wAAAAAAAAAAAAAAAA"]
    )


class ExchangeAnswer(BaseModel):
    """receipt: JWS, meant for the asker alone, with its nonce. salt: what the question in it is
    hidden with, base64url.
    """

    receipt: str
    salt: str


def routes(
    doorkeeper: Doorkeeper,
    verifier: Verifier,
    allowance: Allowance,
    *,
    clock: Callable[[], datetime],
) -> APIRouter:
    """The routes of /v1/exchange. allowance: misses that a city may have."""
    router = APIRouter(tags=["exchange"])
    guard = CityGuard(doorkeeper, clock)

    @router.post(
        "/v1/exchange/verifications",
        summary="城市间核验 · a partner city verifies",
        description="由本市登记库作答，不转问其他城市。 · Answered from our own registry; never "
        "passed on.",
    )
    async def verify(
        visitor: Annotated[Visitor, Depends(guard)], question: ExchangeQuestion
    ) -> ExchangeAnswer:
        asked = Question(
            number=question.number,
            holder_name=question.holder_name,
            identity_number=question.identity_number,
            occupation=question.occupation,
            issuer=question.issuer,
        )
        inquiry = verifier.inquiry(
            asked,
            requester=visitor.city.city_id,
            role=CITY,
            purpose=visitor.purpose,
            allowance=allowance,
            audience=visitor.city.city_id,
            nonce=question.nonce,
        )
        try:
            (outcome,) = await verifier.verify([inquiry])
        except QueueFull:
            raise busy() from None
        if not isinstance(outcome, Verified):
            raise too_many_misses(outcome, clock())
        return ExchangeAnswer(receipt=outcome.jws, salt=base64url(outcome.salt))

    return router
