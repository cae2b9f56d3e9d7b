"""The talent service's two doors on a fresh database, and callers to send in."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from contracts.events import AnyEvent
from contracts.values import PostingId
from services.kit.database import Database
from services.talent import api
from services.talent.handlers import kept_of, on_news
from tests.conftest import FreshDatabase
from tests.kit.door import Issuer, an_app
from tests.support import Door, opened, published_issuer
from tests.talent.samples import EMPLOYER, POSTING

K_P = 5


@dataclass
class TalentDoor(Door):
    """The HTTP door, and the Kafka door as the bus would knock at it."""

    async def hear(self, *events: AnyEvent) -> None:
        """One batch."""
        await on_news(self.db, [kept_of(event, event.encoded()) for event in events])

    async def matches(
        self, posting_id: PostingId = POSTING, employer: str = EMPLOYER, **query: Any
    ) -> dict[str, Any]:
        answer = await self.caller(employer, "employer").get(
            f"/v1/postings/{posting_id}/matches", params=query
        )
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        return page

    async def seekers(self, posting_id: PostingId = POSTING) -> list[str]:
        """Who stands in the posting's list, the best first."""
        return [match["seeker_id"] for match in (await self.matches(posting_id))["items"]]

    async def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that is kept."""
        async with self.db.transaction() as tx:
            return {
                table: [tuple(row) for row in await tx.fetch(f"SELECT * FROM {table} ORDER BY 1")]
                for table in ("postings", "matches")
            }


@pytest.fixture(scope="session")
async def issuer_at() -> AsyncIterator[tuple[Issuer, str]]:
    async with published_issuer() as issuer_at:
        yield issuer_at


@pytest.fixture
async def db(fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    async with opened(await fresh_database("talent")) as database:
        yield database


@pytest.fixture
async def door(db: Database, issuer_at: tuple[Issuer, str]) -> AsyncIterator[TalentDoor]:
    issuer, jwks_url = issuer_at
    app = an_app(api.routes(db, k_p=K_P), jwks_url=jwks_url, service="talent")
    door = TalentDoor(app, db, issuer)
    yield door
    await door.close()
