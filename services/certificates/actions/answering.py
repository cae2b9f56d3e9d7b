"""Other cities at our door: who shows a good assertion is let in, once for each.

What they are answered is what our own registry says, by verifying; nothing is passed on to others.
"""

from dataclasses import dataclass
from datetime import datetime

import structlog
from prometheus_client import Counter

from services.certificates.actions.adapters import CityKeys
from services.certificates.actions.calling import NoAnswer
from services.certificates.domain.cities import City
from services.certificates.domain.exchange import AssertionRefused, claimed_city, shown
from services.certificates.store import cities as store
from services.kit.database import Database

log = structlog.get_logger(__name__)

SHOWN = Counter("rengang_city_assertions_total", "Assertions of other cities", ["city", "outcome"])


class KeysUnreachable(Exception):
    """The city publishes its keys where we cannot read them now."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """A city that was let in, and why it asks."""

    city: City
    purpose: str


class Doorkeeper:
    """Lets registered cities in. city_id: our own, which an assertion must be meant for."""

    def __init__(self, db: Database, keys: CityKeys, *, city_id: str) -> None:
        self._db = db
        self._keys = keys
        self._city_id = city_id

    async def visitor(self, token: str, now: datetime) -> Visitor:
        """Whose assertion it is. Raises AssertionRefused, KeysUnreachable."""
        city_id = claimed_city(token)
        if city_id is None:
            SHOWN.labels("?", "malformed").inc()
            raise AssertionRefused("not a signed assertion")
        async with self._db.transaction() as tx:
            city = await store.select_city(tx, city_id)
        if city is None or not city.enabled or not city.is_signed:
            SHOWN.labels("?", "unknown").inc()
            raise AssertionRefused("no city of that id is registered here, or it is not enabled")
        try:
            good = shown(
                token,
                await self._keys.of(city, token),
                city_id=city_id,
                audience=self._city_id,
                now=now,
            )
        except NoAnswer as error:
            SHOWN.labels(city_id, "keys_unreachable").inc()
            raise KeysUnreachable(error.fault) from error
        except AssertionRefused as error:
            SHOWN.labels(city_id, "refused").inc()
            log.warning("exchange.refused", city=city_id, reason=str(error))
            raise
        async with self._db.transaction() as tx:
            first = await store.insert_assertion(tx, city_id, good.jti, good.expires_at)
        if not first:
            SHOWN.labels(city_id, "replayed").inc()
            log.warning("exchange.refused", city=city_id, reason="shown before")
            raise AssertionRefused("it was shown before; sign a new one for each call")
        SHOWN.labels(city_id, "good").inc()
        return Visitor(city, good.purpose)


async def forget_assertions(db: Database, now: datetime) -> int:
    """Delete those that can no longer be shown; for kit.periodic."""
    async with db.transaction() as tx:
        return await store.delete_assertions_over(tx, now)
