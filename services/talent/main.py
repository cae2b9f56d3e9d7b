"""The talent service as a process: `python -m services.talent.main`.

What it does stands in api, handlers and actions.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from contracts import asyncapi
from contracts.matches import MatchChanged, MatchFound, MatchWithdrawn
from contracts.postings import PostingClosed, PostingPublished, PostingRevised
from services.kit import http
from services.kit.auth import Authenticator, KeySet
from services.kit.background import background
from services.kit.consumer import Bus
from services.kit.database import Database
from services.kit.migrations import migrate
from services.kit.settings import load
from services.talent import api, handlers
from services.talent.settings import TalentSettings

TITLE = "人才 Talent"
_DESCRIPTION = (
    "区域人才信息系统：用人单位查看每个岗位排序并说明理由的匹配人选，不显示任何人的身份。\n\n"
    "The regional talent information system: an employer reads the ranked, explained candidates "
    "of each posting; nobody is named."
)


def make_app(settings: TalentSettings) -> FastAPI:
    """Settings → database → bus → app. Nothing connects before it is served."""
    url = settings.database_url.get_secret_value()
    db = Database(url)
    bus = Bus(settings.kafka)
    handlers.subscribe(bus, db)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await migrate(url, "services.talent")
        await db.open()
        try:
            async with background(bus=bus.run):
                yield
        finally:
            await db.close()

    return http.make_app(
        title=TITLE,
        service="talent",
        description=_DESCRIPTION,
        authenticator=Authenticator(KeySet(settings.jwks_url), settings.issuer, settings.audience),
        readiness=[http.Check("database", db.ping), http.Check("kafka", bus.ping)],
        lifespan=lifespan,
        routers=[api.routes(db, k_p=settings.k_p)],
        asyncapi=asyncapi_document,
    )


def asyncapi_document() -> dict[str, Any]:
    """What this service reads."""
    return asyncapi.document(
        title=TITLE,
        version="1",
        sends=[],
        receives=[
            PostingPublished,
            PostingRevised,
            PostingClosed,
            MatchFound,
            MatchChanged,
            MatchWithdrawn,
        ],
    )


if __name__ == "__main__":
    http.serve(make_app, load(TalentSettings))
