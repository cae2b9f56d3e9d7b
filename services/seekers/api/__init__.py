"""The HTTP door: parse, call one action, answer.

What may be done to a profile, and whom it is told, is not decided here.
"""

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter

from services.kit.database import Database
from services.seekers.actions.live import Listeners
from services.seekers.actions.webhooks import NewSecret
from services.seekers.api import imports, matches, profiles, stream, webhooks


def routes(
    db: Database,
    listeners: Listeners,
    *,
    clock: Callable[[], datetime],
    new_secret: NewSecret,
    allow_private_webhooks: bool,
    wake_courier: Callable[[], None],
) -> APIRouter:
    """Everything under /v1/seekers. clock: aware, UTC. new_secret: random bytes, unguessable."""
    router = APIRouter(prefix="/v1/seekers", tags=["seekers"])
    imports.add_routes(router, db, clock=clock)
    profiles.add_routes(router, db, clock=clock)
    matches.add_routes(router, db)
    stream.add_routes(router, db, listeners)
    webhooks.add_routes(
        router,
        db,
        clock=clock,
        new_secret=new_secret,
        allow_private=allow_private_webhooks,
        wake=wake_courier,
    )
    return router
