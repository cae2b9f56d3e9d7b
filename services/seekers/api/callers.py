"""Who may ask for what: a seeker for what is the seeker's own, and everything else is not found."""

from typing import Annotated
from uuid import UUID

import jwt
from fastapi import Depends
from starlette.requests import Request

from contracts.values import SeekerId, seeker_id_of
from services.kit.auth import Caller, Role, require
from services.kit.problems import not_found

Seeker = Annotated[Caller, Depends(require(Role.SEEKER))]


def _own(caller: Seeker, seeker_id: UUID) -> SeekerId:
    # A foreign id is answered as an unknown one, or ids could be tried out.
    if seeker_id != seeker_id_of(caller.subject):
        raise not_found()
    return SeekerId(seeker_id)


OwnId = Annotated[SeekerId, Depends(_own)]
"""The id in the path, which is the caller's own."""


def expiry_of(request: Request) -> int:
    """When the token of this request, checked already, expires: seconds since 1970."""
    _, _, token = request.headers["authorization"].partition(" ")
    # The guard has verified the signature and that exp is there; it hands on who calls, not this.
    claims = jwt.decode(token.strip(), options={"verify_signature": False})
    return int(claims["exp"])
