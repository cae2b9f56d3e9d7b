"""The table of partner cities: kept by operators.

Asking a city stands in asking, letting one in, in answering.
"""

from datetime import datetime

from services.certificates.domain.cities import MOST_CITIES, City
from services.certificates.store import cities as store
from services.kit.database import Database


class TooManyCities(Exception):
    """There are MOST_CITIES already."""


async def keep_city(db: Database, city: City, now: datetime) -> bool:
    """Add or change a city; returns whether it is new. Raises TooManyCities."""
    async with db.transaction() as tx:
        if await store.count_other_cities(tx, city.city_id) >= MOST_CITIES:
            raise TooManyCities
        return await store.upsert_city(tx, city, now)


async def known_cities(db: Database) -> list[City]:
    """All of them, in order of id."""
    async with db.transaction() as tx:
        return await store.select_cities(tx)


async def known_city(db: Database, city_id: str) -> City | None:
    """The city of that id."""
    async with db.transaction() as tx:
        return await store.select_city(tx, city_id)


async def forget_city(db: Database, city_id: str) -> bool:
    """Ask it no more and let it in no more; returns whether it was known.

    What it vouched for stays; what of that counts is for the recognition table to say.
    """
    async with db.transaction() as tx:
        return await store.delete_city(tx, city_id)
