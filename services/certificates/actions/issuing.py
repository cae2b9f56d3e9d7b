"""Issuers are registered, and looked up.

What they issue comes in by importing.
"""

from datetime import datetime

import structlog

from services.certificates.domain.issuers import Issuer
from services.certificates.store import cities
from services.certificates.store import issuers as store
from services.kit.database import Database

log = structlog.get_logger(__name__)


class OriginUnknown(Exception):
    """No partner city has that id."""


async def register_issuer(db: Database, issuer: Issuer, now: datetime) -> bool:
    """Keep the issuer as it is stated now; returns whether it is new. Raises OriginUnknown."""
    async with db.transaction() as tx:
        if issuer.origin is not None and await cities.select_city(tx, issuer.origin) is None:
            raise OriginUnknown(issuer.origin)
        is_new = await store.upsert_issuer(tx, issuer, now)
    log.info("issuers.registered", issuer=issuer.code, keys=len(issuer.keys), new=is_new)
    return is_new


async def issuer_of(db: Database, code: str) -> Issuer | None:
    """The issuer of that code."""
    async with db.transaction() as tx:
        return await store.select_issuer(tx, code)


async def issuers_after(db: Database, after: str, limit: int) -> list[Issuer]:
    """Issuers in order of code, those after that code."""
    async with db.transaction() as tx:
        return await store.select_issuers(tx, after, limit)
