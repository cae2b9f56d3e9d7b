"""The employers' door on a fresh database, with a clock to turn and callers to send in."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI

from contracts.events import AnyEvent, parse
from services.kit.database import Database
from services.postings import api
from tests.conftest import FreshDatabase
from tests.kit.door import Issuer, an_app, knocking, served
from tests.postings.samples import EMPLOYER, NOW, a_posting_id


@dataclass
class Clock:
    """A clock that goes only when it is told to."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)


@dataclass
class Door:
    """The service without its background jobs: what is announced stays in the outbox."""

    app: FastAPI
    db: Database
    issuer: Issuer
    clock: Clock
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def caller(self, subject: str, role: str = "employer") -> httpx.AsyncClient:
        client = knocking(self.app)
        token = self.issuer.token(sub=subject, role=role)
        client.headers.update({"Authorization": f"Bearer {token}", "Accept-Language": "en"})
        self.clients.append(client)
        return client

    async def announced(self) -> list[AnyEvent]:
        """Every event in the outbox, in the order in which it will be sent."""
        async with self.db.transaction() as tx:
            rows = await tx.fetch("SELECT value FROM outbox ORDER BY id")
        return [parse(row["value"]) for row in rows]

    async def told(self) -> list[tuple[str, int]]:
        """Type and version of each event."""
        return [(event.type, event.version) for event in await self.announced()]

    async def count(self) -> int:
        """How many postings there are."""
        async with self.db.transaction() as tx:
            return int(await tx.fetchval("SELECT count(*) FROM postings"))


@pytest.fixture(scope="session")
async def issuer_at() -> AsyncIterator[tuple[Issuer, str]]:
    """An issuer of tokens, and where its keys are published."""
    issuer = Issuer()
    async with served(issuer) as url:
        yield issuer, f"{url}/jwks"


@pytest.fixture
async def db(fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    database = Database(await fresh_database("postings"))
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def door(db: Database, issuer_at: tuple[Issuer, str]) -> AsyncIterator[Door]:
    issuer, jwks_url = issuer_at
    clock = Clock()
    router = api.routes(db, clock=clock, new_id=a_posting_id)
    door = Door(an_app(router, jwks_url=jwks_url, service="postings"), db, issuer, clock)
    yield door
    for client in door.clients:
        await client.aclose()


@pytest.fixture
def employer(door: Door) -> httpx.AsyncClient:
    """The employer most tests speak of."""
    return door.caller(EMPLOYER)


@pytest.fixture
def rival(door: Door) -> httpx.AsyncClient:
    """Another employer."""
    return door.caller("emp-qujing-rival")


@pytest.fixture
def operator(door: Door) -> httpx.AsyncClient:
    return door.caller("op-1", "operator")
