"""All routes of the service put together, and what they are given.

Of what each answers, nothing lives here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter

from services.certificates.actions.importing import Importer
from services.certificates.actions.keeping_keys import Random, Signer
from services.certificates.actions.listing import StatusLists
from services.certificates.actions.partners import Partners
from services.certificates.actions.tabling import Tabling
from services.certificates.actions.verifying import Verifier
from services.certificates.api import (
    audit,
    cities,
    claims,
    entries,
    exchange,
    imports,
    issuers,
    keys,
    receipts,
    recognition,
    statuslists,
    tables,
    verifications,
)
from services.certificates.api.asking import CITY, Allowances
from services.certificates.domain.digests import Pepper
from services.certificates.domain.places import PlaceOrder
from services.kit.auth import Role
from services.kit.database import Database

PUBLIC = keys.PUBLIC | receipts.PUBLIC | statuslists.PUBLIC
"""Route templates that answer without a token: keys and status lists, and receipts by number."""


@dataclass(frozen=True, slots=True)
class Signing:
    """What is signed with, and where it is published.

    public_url: of this service, without a slash at the end. random: as many bytes as asked for,
    which nobody can guess.
    """

    signer: Signer
    lists: StatusLists
    public_url: str
    random: Random


@dataclass(frozen=True, slots=True)
class Asking:
    """Who answers, and how often an asker may be wrong."""

    verifier: Verifier
    tabling: Tabling
    allowances: Allowances


def routes(
    db: Database,
    pepper: Pepper,
    signing: Signing,
    partners: Partners,
    asking: Asking,
    *,
    clock: Callable[[], datetime],
    new_id: Callable[[], UUID],
    allow_unsigned: bool = False,
) -> APIRouter:
    """Every route of the service. clock: aware, UTC. new_id: never the same twice.

    allow_unsigned: let operators import what no issuer signed.
    """
    router = APIRouter()
    # First, for it is asked most: routes are tried in turn. Not included but put in: what is
    # included is looked through twice at each level.
    asked_most = verifications.routes(db, asking.verifier, asking.allowances, clock=clock)
    router.routes.extend(asked_most.routes)
    guesses = asking.allowances[Role.SEEKER]
    router.include_router(claims.routes(db, pepper, partners, guesses, clock=clock, new_id=new_id))
    router.include_router(tables.routes(db, asking.tabling))
    router.include_router(audit.routes(db))
    router.include_router(issuers.routes(db, clock=clock))
    importer = Importer(PlaceOrder(pepper), new_id)
    router.include_router(
        imports.routes(db, pepper, importer, clock=clock, allow_unsigned=allow_unsigned)
    )
    router.include_router(entries.routes(db))
    router.include_router(cities.routes(db, partners, clock=clock))
    router.include_router(
        exchange.routes(partners.doorkeeper, asking.verifier, asking.allowances[CITY], clock=clock)
    )
    router.include_router(recognition.routes(db, clock=clock))
    router.include_router(keys.routes(db, signing.signer, clock=clock, random=signing.random))
    router.include_router(statuslists.routes(signing.lists))
    router.include_router(receipts.routes(db, signing.signer, signing.public_url))
    return router
