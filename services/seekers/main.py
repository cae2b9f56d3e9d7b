"""Puts the service together: settings → database → jobs → app. `python -m services.seekers.main`.

What the service does lives in actions.
"""

import logging
import random
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

from fastapi import FastAPI

from contracts import asyncapi
from contracts.matches import MatchChanged, MatchFound, MatchWithdrawn
from contracts.seekers import SeekerProfiled, SeekerWithdrawn
from contracts.values import SeekerId
from services.kit import http
from services.kit.auth import Authenticator, KeySet
from services.kit.background import background
from services.kit.consumer import Bus
from services.kit.database import Database
from services.kit.idempotency import prune_idempotency
from services.kit.migrations import migrate
from services.kit.outgoing import Resolver
from services.kit.periodic import run_every
from services.kit.relay import Relay
from services.kit.settings import load
from services.seekers import api, handlers
from services.seekers.actions import courier, matches
from services.seekers.actions.live import Listeners, Poll
from services.seekers.actions.sender import Sender
from services.seekers.api.shown import webhook_body
from services.seekers.domain.webhooks import SECRET_BYTES
from services.seekers.settings import SeekersSettings
from services.seekers.store.wakeups import Wakeups

_PRUNE_EVERY_S = 600.0
_COURIER_POLL_S = 1.0

_DESCRIPTION = (
    "求职者的入口：登记、修改和退出求职；查看匹配及其依据；实时收到新的匹配（消息流或推送）。"
    "个人信息只保存在本服务。\n\n"
    "The seekers' door: profiles are kept, revised and withdrawn; matches are shown with their "
    "reasons and heard of live, by stream or webhook. Personal data stays in this service."
)


def now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)


def make_app(settings: SeekersSettings) -> FastAPI:
    """The whole service. Nothing connects before its lifespan begins."""
    # At DEBUG it writes whom webhooks are posted to.
    logging.getLogger("httpcore").setLevel(logging.WARNING)
    url = settings.database_url.get_secret_value()
    db = Database(url)
    relay = Relay(url, settings.kafka)
    bus = Bus(settings.kafka)
    handlers.subscribe(bus, db, clock=now, material_ppm=settings.material_ppm)
    listeners = Listeners(most_per_seeker=settings.streams_per_seeker)
    resolver = Resolver(threads=courier.SLOTS)
    sending = courier.Courier(
        db,
        Sender(
            allow_private=settings.webhook_allow_private,
            timeout_s=settings.webhook_timeout_s,
            resolve=resolver,
        ),
        render=webhook_body,
        clock=now,
        chance=random.random,
        most_tries=settings.webhook_tries,
        base_s=settings.webhook_backoff_s,
        timeout_s=settings.webhook_timeout_s,
        poll_s=_COURIER_POLL_S,
    )

    def on_grown(seeker_id: SeekerId) -> None:
        listeners.wake(seeker_id)
        sending.wake()

    def on_any() -> None:
        listeners.wake_all()
        sending.wake()

    wakeups = Wakeups(url, on_grown=on_grown, on_any=on_any)

    async def trim() -> None:
        await matches.trim_feeds(db, now() - timedelta(days=settings.feed_days))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await migrate(url, "services.seekers")
        await db.open()
        try:
            async with background(
                relay=relay.run,
                bus=bus.run,
                wakeups=wakeups.run,
                courier=sending.run,
                poll=partial(run_every, settings.poll_s, Poll(db, listeners).look, "feed-poll"),
                trim=partial(run_every, _PRUNE_EVERY_S, trim, "feed-trim"),
                prune=partial(
                    run_every, _PRUNE_EVERY_S, partial(prune_idempotency, db), "idempotency"
                ),
            ):
                yield
        finally:
            resolver.close()
            await db.close()

    return http.make_app(
        title="求职者 Seekers",
        service="seekers",
        description=_DESCRIPTION,
        authenticator=Authenticator(KeySet(settings.jwks_url), settings.issuer, settings.audience),
        readiness=[http.Check("database", db.ping), http.Check("kafka", bus.ping)],
        lifespan=lifespan,
        routers=[
            api.routes(
                db,
                listeners,
                clock=now,
                new_secret=partial(secrets.token_bytes, SECRET_BYTES),
                allow_private_webhooks=settings.webhook_allow_private,
                wake_courier=sending.wake,
            )
        ],
        asyncapi=asyncapi_document,
    )


def asyncapi_document() -> dict[str, object]:
    """What this service announces and reads."""
    return asyncapi.document(
        title="求职者 Seekers",
        version="1",
        sends=[SeekerProfiled, SeekerWithdrawn],
        receives=[MatchFound, MatchChanged, MatchWithdrawn],
    )


if __name__ == "__main__":
    http.serve(make_app, load(SeekersSettings))
