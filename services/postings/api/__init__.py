"""The HTTP door: parse, call one action, answer.

What may be done to a posting, and what is kept of it, is not decided here.
"""

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter

from services.kit.database import Database
from services.postings.actions import NewId
from services.postings.api import imports, postings


def routes(db: Database, *, clock: Callable[[], datetime], new_id: NewId) -> APIRouter:
    """Everything under /v1/postings. clock: aware, UTC. new_id: UUIDv7: newest is greatest."""
    router = APIRouter(prefix="/v1/postings", tags=["postings"])
    postings.add_routes(router, db, clock=clock, new_id=new_id)
    imports.add_routes(router, db, clock=clock, new_id=new_id)
    return router
