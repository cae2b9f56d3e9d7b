"""The HTTP door of the certificates service: parse, call one action, answer.

What a claim or an import does, and how long what is secret stays so, does not live here.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter

from services.certificates.api import claims, imports, verifications
from services.certificates.domain.digests import Pepper
from services.kit.database import Database


def routes(
    db: Database, pepper: Pepper, *, clock: Callable[[], datetime], new_id: Callable[[], UUID]
) -> APIRouter:
    """Every route of the service. clock: aware, UTC. new_id: never the same twice."""
    router = APIRouter()
    router.include_router(claims.routes(db, pepper, clock=clock, new_id=new_id))
    router.include_router(verifications.routes(db, pepper, clock=clock, new_id=new_id))
    router.include_router(imports.routes(db, pepper, clock=clock))
    return router
