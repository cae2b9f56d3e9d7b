"""The certificates service as a process: `python -m services.certificates.main`.

What it does stands in api and actions.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import uuid_utils.compat
from fastapi import FastAPI

from contracts import asyncapi
from contracts.certificates import (
    CertificateClaimed,
    CertificateLapsed,
    CertificateRejected,
    CertificateVerified,
)
from contracts.verifications import VerificationResolved
from services.certificates.actions.asking import Limits
from services.certificates.actions.keeping_keys import (
    RELOAD_EVERY_S,
    Signer,
    make_keys,
    turn_keys_when_due,
)
from services.certificates.actions.listing import StatusLists
from services.certificates.actions.partners import Ways, make_partners
from services.certificates.actions.receipting import Receipts
from services.certificates.actions.retrying import Patience
from services.certificates.actions.reviewing import lapse_expired
from services.certificates.actions.sealing import seal
from services.certificates.actions.signed_importing import drop_old_reports
from services.certificates.actions.tabling import TableVault, Tabling
from services.certificates.actions.verifying import Verifier
from services.certificates.api import routing
from services.certificates.api.asking import CITY, Allowances
from services.certificates.domain.digests import Pepper
from services.certificates.domain.guesses import Allowance
from services.certificates.domain.identity import stands_in
from services.certificates.settings import CertificatesSettings
from services.kit import http
from services.kit.auth import Authenticator, KeySet, Role
from services.kit.background import background
from services.kit.database import Database
from services.kit.idempotency import prune_idempotency
from services.kit.migrations import migrate
from services.kit.periodic import run_every
from services.kit.relay import Relay
from services.kit.settings import load

TITLE = "证书 Certificates"
_PRUNE_EVERY_S = 600.0
_TURN_EVERY_S = 3600.0

_DESCRIPTION = (
    "证书登记库：发证机构的登记导入，求职者认领即时核验，协作城市查询。编号、姓名、身份证号只存带密钥的摘要。"
    "\n\n"
    "The registry of certificates: issuers' records are imported, a seeker's claim is judged at "
    "once, partner cities look certificates up. Of numbers and names only keyed digests are kept."
)


def make_app(settings: CertificatesSettings) -> FastAPI:
    """Settings → database → relay → app. Nothing connects before it is served."""
    url = settings.database_url.get_secret_value()
    pepper = Pepper(settings.pepper.get_secret_value())
    db = Database(url)
    relay = Relay(url, settings.kafka)
    signer = Signer(pepper)
    lists = StatusLists(db, signer, settings.public_url, clock=now)
    signing = routing.Signing(signer, lists, settings.public_url, secrets.token_bytes)

    receipts = Receipts(signer, settings.city_id, settings.public_url)
    verifier = Verifier(db, pepper, receipts, settings.city_id, now, secrets.token_bytes)
    partners = make_partners(
        db,
        pepper,
        signer,
        ways_of(settings),
        resolve=verifier.resolve,
        clock=now,
        new_id=new_id,
        random=secrets.token_bytes,
    )

    verifier.others, verifier.keeps = partners.others, partners.retrying
    allowances = allowances_of(settings)
    vault = TableVault(pepper, secrets.token_bytes)
    tabling = Tabling(db, verifier, vault, allowances, now, new_id)
    asking = routing.Asking(verifier, tabling, allowances)

    async def expire() -> None:
        await lapse_expired(db, now())

    async def turn() -> None:
        await turn_keys_when_due(db, signer, secrets.token_bytes, now(), key_days=settings.key_days)

    async def drop_reports() -> None:
        await drop_old_reports(db, now(), timedelta(days=settings.report_days))

    async def reload_keys() -> None:
        await signer.reload(db, now())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await migrate(url, "services.certificates")
        await db.open()
        try:
            await seal(db, pepper)
            await make_keys(db, signer, secrets.token_bytes, now())
            async with background(
                relay=relay.run,
                expiry=partial(run_every, settings.expiry_interval_s, expire, "expiry"),
                turn_keys=partial(run_every, _TURN_EVERY_S, turn, "signing_keys"),
                reload_keys=partial(run_every, RELOAD_EVERY_S, reload_keys, "signing_keys_read"),
                prune=partial(
                    run_every, _PRUNE_EVERY_S, partial(prune_idempotency, db), "idempotency"
                ),
                tables=tabling.run,
                old_tables=partial(run_every, _PRUNE_EVERY_S, tabling.forget_old, "old_tables"),
                old_reports=partial(run_every, _PRUNE_EVERY_S, drop_reports, "old_reports"),
                misses=partial(run_every, _PRUNE_EVERY_S, verifier.forget_misses, "misses"),
                **partners.jobs,
            ):
                yield
        finally:
            await partners.aclose()
            await db.close()

    return http.make_app(
        title=TITLE,
        service="certificates",
        description=_DESCRIPTION,
        authenticator=Authenticator(
            KeySet(settings.jwks_url),
            settings.issuer,
            settings.audience,
            # It would stand in the audit log, and be shown to the holder.
            names_person=stands_in,
        ),
        readiness=[http.Check("database", db.ping)],
        lifespan=lifespan,
        routers=[
            routing.routes(
                db,
                pepper,
                signing,
                partners,
                asking,
                clock=now,
                new_id=new_id,
                allow_unsigned=settings.unsigned_imports,
            )
        ],
        asyncapi=asyncapi_document,
        repeats_input=False,
    )


def ways_of(settings: CertificatesSettings) -> Ways:
    """How other cities are reached."""
    return Ways(
        settings.city_id,
        allow_private=settings.cities_private,
        timeout_s=settings.city_timeout_s,
        lists_every_s=settings.city_lists_interval_s,
        limits=Limits(fresh_for=timedelta(seconds=settings.city_fresh_s)),
        patience=Patience(
            first_s=settings.city_retry_s,
            give_up_after=timedelta(hours=settings.city_give_up_hours),
        ),
    )


def allowances_of(settings: CertificatesSettings) -> Allowances:
    """How often each kind of asker may be wrong."""
    in_an_hour = {
        Role.OPERATOR: settings.misses_per_hour,
        Role.EMPLOYER: settings.misses_per_hour_employer,
        Role.SEEKER: settings.misses_per_hour_seeker,
        Role.PARTNER: settings.misses_per_hour_partner,
        CITY: settings.misses_per_hour_city,
    }
    return {
        str(role): Allowance(settings.misses_per_number, most) for role, most in in_an_hour.items()
    }


def now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): ids of claims sort by their time."""
    return uuid_utils.compat.uuid7()


def asyncapi_document() -> dict[str, Any]:
    """What this service announces."""
    return asyncapi.document(
        title=TITLE,
        version="1",
        sends=[
            CertificateClaimed,
            CertificateVerified,
            CertificateRejected,
            CertificateLapsed,
            VerificationResolved,
        ],
        receives=[],
    )


if __name__ == "__main__":
    http.serve(make_app, load(CertificatesSettings))
