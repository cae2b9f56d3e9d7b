"""The certificates service's door on a fresh database, and callers to send in."""

import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import uuid_utils.compat
from fastapi import FastAPI

from contracts.certificates import CertificateState
from contracts.events import CertificateEvent
from services.certificates.actions.keeping_keys import Signer, make_keys
from services.certificates.actions.listing import StatusLists
from services.certificates.actions.partners import Partners, Ways, make_partners
from services.certificates.actions.receipting import Receipts
from services.certificates.actions.tabling import TableVault, Tabling
from services.certificates.actions.verifying import Verifier
from services.certificates.api import routing
from services.certificates.api.asking import CITY, Allowances
from services.certificates.domain.digests import Pepper
from services.certificates.domain.guesses import Allowance
from services.kit.database import Database
from tests.certificates.samples import LI_NA, PEPPER, Person
from tests.conftest import FreshDatabase
from tests.kit.door import Issuer, an_app, knocking
from tests.present import SharedApps
from tests.servers import Databases
from tests.support import Clock, Door, opened, published_issuer

IMPORT = "/v1/registry/import"
CLAIMS = "/v1/claims"
PUBLIC_URL = "https://certificates.kunming.example"
KUNMING = Ways("kunming", allow_private=True)
# Small enough to be reached in a test; each test has askers of its own.
ALLOWANCES: Allowances = {
    "operator": Allowance(5, 50),
    "employer": Allowance(5, 12),
    "seeker": Allowance(5, 1000),
    "partner": Allowance(5, 60),
    CITY: Allowance(5, 100),
}


@dataclass
class CertificatesDoor(Door):
    """The door, its clock, and short ways to say what most tests do."""

    clock: Clock = field(default_factory=Clock)
    signer: Signer = field(default_factory=lambda: Signer(PEPPER))
    partners: Partners = field(kw_only=True)
    verifier: Verifier = field(kw_only=True)
    tabling: Tabling = field(kw_only=True)

    def anybody(self, language: str = "en") -> httpx.AsyncClient:
        """A client without any token."""
        client = knocking(self.app)
        client.headers["Accept-Language"] = language
        self.clients.append(client)
        return client

    def seeker(self, person: Person = LI_NA, language: str = "en") -> httpx.AsyncClient:
        return self.caller(person.subject, "seeker", language)

    async def import_(self, *lines: Mapping[str, Any]) -> dict[str, Any]:
        """What the operator is told of an import of these lines."""
        body = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
        operator = self.caller("op-1", "operator")
        headers = {"Content-Type": "application/x-ndjson"}
        answer = await operator.post(IMPORT, content=body.encode(), headers=headers)
        assert answer.status_code == 200, answer.text
        report: dict[str, Any] = answer.json()
        return report

    async def claim(self, stated: Mapping[str, Any], person: Person = LI_NA) -> dict[str, Any]:
        """The claim as its seeker is told of it."""
        answer = await self.seeker(person).post(CLAIMS, json=stated)
        assert answer.status_code in (200, 201), answer.text
        claim: dict[str, Any] = answer.json()
        return claim

    async def kept(self) -> int:
        """How many rows a write could have left."""
        async with self.db.transaction() as tx:
            tables = ("registry", "claims", "verifications", "outbox", "idempotency")
            counts = [await tx.fetchval(f"SELECT count(*) FROM {table}") for table in tables]
        return sum(counts)

    async def folder_events(self, person: Person = LI_NA) -> list[CertificateEvent]:
        """What was announced of this seeker's folder, in order."""
        return [
            event
            for event in await self.announced()
            if isinstance(event, CertificateEvent) and event.subject == str(person.seeker_id)
        ]

    async def told(self, person: Person = LI_NA) -> list[tuple[str, int, int]]:
        """Type, version and number of certificates in force of each event."""
        return [
            (event.type, event.version, len(event.data.in_force))
            for event in await self.folder_events(person)
        ]

    async def in_force(self, person: Person = LI_NA) -> tuple[CertificateState, ...]:
        """What counts for the seeker, by the last event."""
        return (await self.folder_events(person))[-1].data.in_force


@pytest.fixture(scope="session")
async def issuer_at() -> AsyncIterator[tuple[Issuer, str]]:
    async with published_issuer() as issuer_at:
        yield issuer_at


@pytest.fixture
async def db(fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    async with opened(await fresh_database("certificates")) as database:
        yield database


@pytest.fixture
async def door(db: Database, issuer_at: tuple[Issuer, str]) -> AsyncIterator[CertificatesDoor]:
    async with a_door(db, issuer_at) as door:
        yield door


@pytest.fixture(scope="session")
async def refusing(
    databases: Databases, issuer_at: tuple[Issuer, str]
) -> AsyncIterator[CertificatesDoor]:
    """One door for all tests of what is refused: none of them leaves anything behind."""
    url = await databases.create("certificates")
    async with opened(url) as database, a_door(database, issuer_at) as door:
        yield door
    await databases.drop(url)


@asynccontextmanager
async def a_door(
    db: Database,
    issuer_at: tuple[Issuer, str],
    pepper: Pepper = PEPPER,
    ways: Ways = KUNMING,
) -> AsyncIterator[CertificatesDoor]:
    issuer, jwks_url = issuer_at
    clock = Clock()
    signer = Signer(pepper)
    await make_keys(db, signer, secrets.token_bytes, clock())
    lists = StatusLists(db, signer, PUBLIC_URL, clock=clock, remember_s=0)
    receipts = Receipts(signer, ways.city_id, PUBLIC_URL)
    verifier = Verifier(db, pepper, receipts, ways.city_id, clock, secrets.token_bytes)
    partners = make_partners(
        db,
        pepper,
        signer,
        ways,
        resolve=verifier.resolve,
        clock=clock,
        new_id=uuid_utils.compat.uuid7,
        random=secrets.token_bytes,
    )
    verifier.others, verifier.keeps = partners.others, partners.retrying
    vault = TableVault(pepper, secrets.token_bytes)
    tabling = Tabling(db, verifier, vault, ALLOWANCES, clock, uuid_utils.compat.uuid7)
    behind = {
        "db": db,
        "signer": signer,
        "lists": lists,
        "partners": partners,
        "verifier": verifier,
        "tabling": tabling,
        "clock": clock,
    }
    with _apps(pepper, ways, jwks_url).used(**behind) as app:
        door = CertificatesDoor(
            app,
            db,
            issuer,
            clock=clock,
            signer=signer,
            partners=partners,
            verifier=verifier,
            tabling=tabling,
        )
        yield door
        await partners.aclose()
        await door.close()


@cache
def _apps(pepper: Pepper, ways: Ways, jwks_url: str) -> SharedApps:
    def build(present: Callable[[str], Any]) -> FastAPI:
        now = present("partners")
        partners: Any = SimpleNamespace(
            ways=ways, doorkeeper=now.doorkeeper, others=now.others, retrying=now.retrying
        )
        router = routing.routes(
            present("db"),
            pepper,
            routing.Signing(present("signer"), present("lists"), PUBLIC_URL, secrets.token_bytes),
            partners,
            routing.Asking(present("verifier"), present("tabling"), ALLOWANCES),
            clock=present("clock"),
            new_id=uuid_utils.compat.uuid7,
            allow_unsigned=True,
        )
        return an_app(router, jwks_url=jwks_url, service="certificates")

    return SharedApps(build)
