"""The seekers' door on a fresh database, with a clock to turn, callers to send in, and streams."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from contracts.events import AnyEvent
from services.kit.background import background
from services.kit.database import Database
from services.seekers import api
from services.seekers.actions.live import Listeners
from services.seekers.domain.feed import Entry
from services.seekers.handlers import match_of, on_matches
from services.seekers.store import feed
from services.seekers.store.wakeups import Wakeups
from tests import support
from tests.conftest import FreshDatabase
from tests.kit.door import Issuer, an_app, served
from tests.seekers.samples import LI_NA, LI_NA_ID, PROFILE, SOMEONE_ELSE

MATERIAL_PPM = 50_000
STREAMS = 3


@dataclass
class Door(support.Door):
    """The seekers' door, with its clock."""

    clock: support.Clock = field(default_factory=support.Clock)

    async def hear(self, *events: AnyEvent) -> None:
        """Have match events come in by the Kafka door, as one batch."""
        kept = [match_of(event, event.encoded()) for event in events]
        await on_matches(self.db, self.clock, MATERIAL_PPM, kept)

    async def told(self, seeker_id: object = LI_NA_ID) -> list[tuple[int, str, bool]]:
        """Seq, kind and whether it notifies, of each entry of the feed."""
        return [(entry.seq, str(entry.kind), entry.notify) for entry in await self.feed(seeker_id)]

    async def feed(self, seeker_id: object = LI_NA_ID) -> list[Entry]:
        """The whole feed."""
        async with self.db.transaction() as tx:
            return await feed.select_entries(tx, seeker_id, 0, 10_000)  # type: ignore[arg-type]

    @asynccontextmanager
    async def on_a_socket(self) -> AsyncIterator[str]:
        """The door behind a real socket, with what wakes its streams running."""
        listeners: Listeners = self.app.state.listeners
        wakeups = Wakeups(self.db.url, on_grown=listeners.wake, on_any=listeners.wake_all)
        async with background(wakeups=wakeups.run), served(self.app) as url:
            try:
                yield url
            finally:
                self.app.state.streams.end_all()


@pytest.fixture(scope="session")
async def issuer_at() -> AsyncIterator[tuple[Issuer, str]]:
    """An issuer of tokens, and where its keys are published."""
    async with support.published_issuer() as issuer:
        yield issuer


@pytest.fixture
async def database_url(fresh_database: FreshDatabase) -> str:
    return await fresh_database("seekers")


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    async with support.opened(database_url) as database:
        yield database


@pytest.fixture
async def door(db: Database, issuer_at: tuple[Issuer, str]) -> AsyncIterator[Door]:
    issuer, jwks_url = issuer_at
    clock = support.Clock()
    listeners = Listeners(most_per_seeker=STREAMS)
    secrets = (bytes([n]) * 32 for n in range(256))
    router = api.routes(
        db,
        listeners,
        clock=clock,
        new_secret=lambda: next(secrets),
        allow_private_webhooks=True,
        wake_courier=lambda: None,
    )
    app = an_app(router, jwks_url=jwks_url, service="seekers")
    app.state.listeners = listeners
    door = Door(app, db, issuer, clock=clock)
    yield door
    await door.close()


@pytest.fixture
def li_na(door: Door) -> httpx.AsyncClient:
    """The seeker most tests speak of; without a profile yet."""
    return door.caller(LI_NA, "seeker")


@pytest.fixture
def someone_else(door: Door) -> httpx.AsyncClient:
    """Another seeker; without a profile yet."""
    return door.caller(SOMEONE_ELSE, "seeker")


@pytest.fixture
async def looking(li_na: httpx.AsyncClient) -> httpx.AsyncClient:
    """LI_NA with a profile, on the market."""
    answer = await li_na.post("/v1/seekers", json=PROFILE)
    assert answer.status_code == 201, answer.text
    return li_na
