"""Puts the service together: settings → database → jobs → app. `python -m services.postings.main`.

What the service does lives in actions.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

import uuid_utils.compat
from fastapi import FastAPI

from contracts import asyncapi
from contracts.postings import PostingClosed, PostingPublished, PostingRevised
from contracts.values import PostingId
from services.kit import http
from services.kit.auth import Authenticator, KeySet
from services.kit.background import background
from services.kit.consumer import Bus
from services.kit.database import Database
from services.kit.idempotency import prune_idempotency
from services.kit.migrations import migrate
from services.kit.periodic import run_every
from services.kit.relay import Relay
from services.kit.settings import load
from services.postings import actions, api
from services.postings.settings import PostingsSettings

_PRUNE_EVERY_S = 600.0

_DESCRIPTION = (
    "用人单位的入口：发布、修订、关闭和批量导入岗位；到期自动关闭。每次变更都会在总线上公布。\n\n"
    "The employers' door: postings are published, revised, closed and imported, and close by "
    "themselves when their time is over. Every change is announced on the bus."
)


def now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)


def new_posting_id() -> PostingId:
    """A UUIDv7 (RFC 9562), above those this process made before."""
    return PostingId(uuid_utils.compat.uuid7())


def make_app(settings: PostingsSettings) -> FastAPI:
    """The whole service. Nothing connects before its lifespan begins."""
    url = settings.database_url.get_secret_value()
    db = Database(url)
    relay = Relay(url, settings.kafka)
    bus = Bus(settings.kafka)

    async def expire() -> None:
        await actions.expire_postings(db, now(), batch=settings.expiry_batch)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await migrate(url, "services.postings")
        await db.open()
        try:
            async with background(
                relay=relay.run,
                bus=bus.run,
                expiry=partial(run_every, settings.expiry_interval_s, expire, "expiry"),
                prune=partial(
                    run_every, _PRUNE_EVERY_S, partial(prune_idempotency, db), "idempotency"
                ),
            ):
                yield
        finally:
            await db.close()

    return http.make_app(
        title="岗位 Postings",
        service="postings",
        description=_DESCRIPTION,
        authenticator=Authenticator(KeySet(settings.jwks_url), settings.issuer, settings.audience),
        readiness=[http.Check("database", db.ping), http.Check("kafka", bus.ping)],
        lifespan=lifespan,
        routers=[api.routes(db, clock=now, new_id=new_posting_id)],
        asyncapi=asyncapi_document,
    )


def asyncapi_document() -> dict[str, object]:
    """What this service announces."""
    return asyncapi.document(
        title="岗位 Postings",
        version="1",
        sends=[PostingPublished, PostingRevised, PostingClosed],
        receives=[],
    )


if __name__ == "__main__":
    http.serve(make_app, load(PostingsSettings))
