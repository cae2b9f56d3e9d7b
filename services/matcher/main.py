"""Puts the service together: settings → shard → index → jobs → app; `-m services.matcher.main`.

What the service does lives in actions.
"""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

import structlog
from fastapi import FastAPI

from contracts import asyncapi
from contracts.certificates import (
    CertificateClaimed,
    CertificateLapsed,
    CertificateRejected,
    CertificateVerified,
)
from contracts.matches import MatchChanged, MatchFound, MatchWithdrawn
from contracts.models import ModelChosen
from contracts.outcomes import MatchAccepted, MatchDeclined, SeekerHired, SeekerInvited
from contracts.postings import PostingClosed, PostingPublished, PostingRevised
from contracts.seekers import SeekerProfiled, SeekerWithdrawn
from contracts.topics import CERTIFICATES, MODELS, OUTCOMES, POSTINGS, SEEKERS
from services.kit import http
from services.kit.auth import Authenticator, KeySet
from services.kit.background import background
from services.kit.consumer import Bus
from services.kit.database import Database
from services.kit.migrations import migrate
from services.kit.relay import Relay
from services.kit.settings import load
from services.matcher import actions, api
from services.matcher.handlers import market_handler
from services.matcher.index import Index
from services.matcher.settings import MatcherSettings
from services.matcher.store.shard import shard_lock

log = structlog.get_logger(__name__)

# Documents of one transaction: bounds what a batch holds in memory and how long it takes.
_MAX_RECORDS = 200

_DESCRIPTION = (
    "匹配：随岗位、求职者和证书的每次变化，准确维护全部有效匹配，并逐条给出理由。此处的接口供运维使用。\n\n"
    "The matcher: keeps all live matches exact as postings, seekers and certificates change, each "
    "with its reasons. The routes here are for operators."
)


def now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)


def end_process() -> None:
    """End at once, with a code that makes the supervisor start the process again."""
    # Not by way of the event loop: what is under way here must not go on beside the next owner.
    os._exit(os.EX_TEMPFAIL)


def spare_collector() -> None:
    """Keep the garbage collector from walking through all documents again and again.

    It holds up every thread while it does: 0.6 s at a time with a thousand documents on each side.
    What has been read stays, and what a batch makes goes by its reference counts.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


def make_app(
    settings: MatcherSettings, *, on_shard_lost: Callable[[], None] = end_process
) -> FastAPI:
    """The whole service. Nothing connects before its lifespan begins.

    on_shard_lost: called when another process may own the shard; must end this one.
    """
    shard = settings.shard
    url = settings.database_url.get_secret_value()
    db = Database(url, schema=shard.schema)
    relay = Relay(url, settings.kafka, schema=shard.schema)
    bus = Bus(settings.kafka)
    index = Index(db, settings.limits)
    bus.subscribe(
        POSTINGS,
        SEEKERS,
        CERTIFICATES,
        MODELS,
        OUTCOMES,
        group=shard.group,
        handle=market_handler(index, now),
        partitions=shard.partitions,
        max_records=_MAX_RECORDS,
    )

    async def keep_shard() -> None:
        """Wait for the shard, then match until it is lost."""
        index.enter("waiting for the shard")
        async with shard_lock(url, shard.schema) as lock:
            while (running := await actions.inherit(db, shard.count, shard.owns)) is not None:
                index.enter(f"waiting for the process of {running} to stop")
                await asyncio.sleep(1)
            index.enter("compiling, and building the index")
            # Building makes and drops millions of lists: of that the collector took a third.
            spare_collector()
            await actions.begin(index)
            spare_collector()
            index.enter("ready")
            async with background(
                relay=relay.run, bus=bus.run, matching=partial(actions.follow_choices, index, now)
            ):
                reason = await lock.lost()
                log.critical("shard.lost", shard=str(shard), reason=reason)
                on_shard_lost()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await migrate(url, "services.matcher", schema=shard.schema)
        await db.open()
        try:
            async with background(shard=keep_shard):
                yield
        finally:
            index.close()
            await db.close()

    return http.make_app(
        title="匹配 Matcher",
        service="matcher",
        description=_DESCRIPTION,
        authenticator=Authenticator(KeySet(settings.jwks_url), settings.issuer, settings.audience),
        readiness=[
            http.Check("database", db.ping),
            http.Check("kafka", bus.ping),
            http.Check("index", index.check),
        ],
        lifespan=lifespan,
        routers=[api.routes(index, shard=str(shard), clock=now)],
        asyncapi=asyncapi_document,
    )


def asyncapi_document() -> dict[str, object]:
    """What this service reads and announces."""
    return asyncapi.document(
        title="匹配 Matcher",
        version="1",
        sends=[MatchFound, MatchChanged, MatchWithdrawn, ModelChosen],
        receives=[
            PostingPublished,
            PostingRevised,
            PostingClosed,
            SeekerProfiled,
            SeekerWithdrawn,
            CertificateClaimed,
            CertificateVerified,
            CertificateRejected,
            CertificateLapsed,
            ModelChosen,
            MatchAccepted,
            MatchDeclined,
            SeekerInvited,
            SeekerHired,
        ],
    )


if __name__ == "__main__":
    http.serve(make_app, load(MatcherSettings))
