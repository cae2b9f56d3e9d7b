"""The published keys, and the operator's door for turning them.

GET /.well-known/jwks.json is public: receipts are checked by whoever is shown one.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.certificates.actions.keeping_keys import (
    JWKS_MAX_AGE_S,
    NextKeyTooYoung,
    Random,
    Signer,
    turn_keys,
)
from services.kit.auth import Caller, Role, require
from services.kit.database import Database
from services.kit.problems import Problem

JWKS_PATH = "/.well-known/jwks.json"
PUBLIC = frozenset({JWKS_PATH})

Operator = Annotated[Caller, Depends(require(Role.OPERATOR))]


class Rotation(BaseModel):
    """Why the keys are turned."""

    model_config = ConfigDict(extra="forbid")

    compromised: bool = Field(
        default=False,
        description="私钥可能已泄露：旧钥立即停止公布，新钥立即启用 · the old key may be "
        "known to others: it is published no longer, what it signed cannot be checked any more",
    )


class RotationView(BaseModel):
    """kid: the key that signs from now on."""

    kid: str


def routes(
    db: Database, signer: Signer, *, clock: Callable[[], datetime], random: Random
) -> APIRouter:
    """The routes of the keys."""
    router = APIRouter(tags=["keys"])

    @router.get(
        JWKS_PATH,
        summary="回执签名公钥 · keys that receipts are checked with",
        response_class=Response,
        responses={200: {"content": {"application/jwk-set+json": {}}, "description": "A JWKS."}},
    )
    async def jwks() -> Response:
        """The key that signs, the one that comes next, and those that signed within a year."""
        headers = {
            "Cache-Control": f"public, max-age={JWKS_MAX_AGE_S}",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        return Response(signer.jwks, 200, headers, "application/jwk-set+json")

    @router.post("/v1/keys/rotate", summary="轮换签名密钥 · turn the signing keys")
    async def rotate(caller: Operator, rotation: Rotation | None = None) -> RotationView:
        """The next key signs from now on, and another is published for the time after."""
        now = clock()
        is_known = rotation is not None and rotation.compromised
        try:
            kid = await turn_keys(db, signer, random, now, compromised=is_known)
        except NextKeyTooYoung as young:
            raise _too_young(young.ready_at, now) from None
        return RotationView(kid=kid)

    return router


def _too_young(ready_at: datetime, now: datetime) -> Problem:
    wait_s = max(1, int((ready_at - now).total_seconds()) + 1)
    return Problem(
        409,
        "next_key_too_young",
        zh=f"下一把密钥公布不久，尚未人人可得；请在 {wait_s} 秒后再轮换。如私钥已泄露，请写 "
        '{"compromised": true}，立即轮换。',
        en=f"The next key was published so lately that not everybody has it; turn the keys in "
        f'{wait_s} seconds. If the secret is known, send {{"compromised": true}} to do it now.',
        headers={"Retry-After": str(wait_s)},
    )
