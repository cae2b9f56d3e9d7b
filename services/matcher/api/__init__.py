"""The HTTP door, for operators: the models, the index, and why a pair stands as it does.

What is asked and answered in each matter stands in the modules beside.
"""

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, Depends

from services.kit.auth import Role, require
from services.matcher.api import explaining, models
from services.matcher.index import Index


def routes(index: Index, *, shard: str, clock: Callable[[], datetime]) -> APIRouter:
    """The routes under /v1. shard: i/n, as it is set. clock: the time that a choice is made at."""
    router = APIRouter(
        prefix="/v1", tags=["matcher"], dependencies=[Depends(require(Role.OPERATOR))]
    )
    router.include_router(explaining.routes(index, shard=shard))
    router.include_router(models.routes(index.db, clock))
    return router
