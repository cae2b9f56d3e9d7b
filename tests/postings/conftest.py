"""The employers' door on a fresh database, with a clock to turn and callers to send in."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest

from services.kit.database import Database, Transaction
from services.postings import api
from tests import support
from tests.conftest import FreshDatabase
from tests.kit.door import Issuer, an_app
from tests.postings.samples import EMPLOYER, a_posting_id


@dataclass
class Door(support.Door):
    """The employers' door, with its clock."""

    clock: support.Clock = field(default_factory=support.Clock)

    async def told(self) -> list[tuple[str, int]]:
        """Type and version of each event."""
        return [(event.type, event.version) for event in await self.announced()]

    async def count(self) -> int:
        """How many postings there are."""
        async with self.db.transaction() as tx:
            return int(await tx.fetchval("SELECT count(*) FROM postings"))


async def waiting_backends(tx: Transaction, count: int = 1) -> list[int]:
    """The database's processes that wait for a lock, as soon as there are that many."""
    async with asyncio.timeout(10):
        while True:
            rows = await tx.fetch(
                "SELECT pid FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if len(rows) >= count:
                return [row["pid"] for row in rows]
            # Within a transaction the activity stays as it was first seen.
            await tx.execute("SELECT pg_stat_clear_snapshot()")
            await asyncio.sleep(0.01)


@pytest.fixture(scope="session")
async def issuer_at() -> AsyncIterator[tuple[Issuer, str]]:
    """An issuer of tokens, and where its keys are published."""
    async with support.published_issuer() as issuer:
        yield issuer


@pytest.fixture
async def db(fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    async with support.opened(await fresh_database("postings")) as database:
        yield database


@pytest.fixture
async def door(db: Database, issuer_at: tuple[Issuer, str]) -> AsyncIterator[Door]:
    issuer, jwks_url = issuer_at
    clock = support.Clock()
    router = api.routes(db, clock=clock, new_id=a_posting_id)
    door = Door(an_app(router, jwks_url=jwks_url, service="postings"), db, issuer, clock=clock)
    yield door
    await door.close()


@pytest.fixture
def employer(door: Door) -> httpx.AsyncClient:
    """The employer most tests speak of."""
    return door.caller(EMPLOYER, "employer")


@pytest.fixture
def rival(door: Door) -> httpx.AsyncClient:
    """Another employer."""
    return door.caller("emp-qujing-rival", "employer")


@pytest.fixture
def operator(door: Door) -> httpx.AsyncClient:
    return door.caller("op-1", "operator")
