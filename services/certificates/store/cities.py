"""Rows of partner cities, and of the assertions that they showed.

What they answered stands in store.mirrors.
"""

from collections.abc import Sequence
from datetime import datetime

from services.certificates.domain.cities import AdapterKind, City
from services.kit.database import Record, Transaction, affected


async def select_cities(tx: Transaction) -> list[City]:
    """All of them, in order of id."""
    return [_city_of(row) for row in await tx.fetch("SELECT * FROM cities ORDER BY city_id")]


async def select_city(tx: Transaction, city_id: str) -> City | None:
    """The city of that id."""
    row = await tx.fetchrow("SELECT * FROM cities WHERE city_id = $1", city_id)
    return None if row is None else _city_of(row)


async def count_other_cities(tx: Transaction, city_id: str) -> int:
    """How many there are beside this one."""
    return int(await tx.fetchval("SELECT count(*) FROM cities WHERE city_id <> $1", city_id))


async def upsert_city(tx: Transaction, city: City, now: datetime) -> bool:
    """Keep the city; returns whether it is new."""
    return bool(
        await tx.fetchval(
            """
            INSERT INTO cities (city_id, name, base_url, divisions, adapter, enabled, jwks,
                jwks_url, mapping, certificate_sha256, trusted_unsigned, timeout_ms, changed_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
            ON CONFLICT (city_id) DO UPDATE SET
                name = excluded.name, base_url = excluded.base_url,
                divisions = excluded.divisions, adapter = excluded.adapter,
                enabled = excluded.enabled, jwks = excluded.jwks, jwks_url = excluded.jwks_url,
                mapping = excluded.mapping, certificate_sha256 = excluded.certificate_sha256,
                trusted_unsigned = excluded.trusted_unsigned, timeout_ms = excluded.timeout_ms,
                changed_at = excluded.changed_at
            RETURNING xmax = 0
            """,
            city.city_id,
            city.name,
            city.base_url,
            list(city.divisions),
            city.adapter.value,
            city.enabled,
            city.jwks,
            city.jwks_url,
            city.mapping,
            city.certificate_sha256,
            city.trusted_unsigned,
            None if city.timeout_s is None else round(city.timeout_s * 1000),
            now,
        )
    )


async def delete_city(tx: Transaction, city_id: str) -> bool:
    """Forget the city; returns whether there was one. What it vouched for stays."""
    return affected(await tx.execute("DELETE FROM cities WHERE city_id = $1", city_id)) == 1


def _city_of(row: Record) -> City:
    return City(
        city_id=row["city_id"],
        name=row["name"],
        base_url=row["base_url"],
        divisions=tuple(row["divisions"]),
        adapter=AdapterKind(row["adapter"]),
        enabled=row["enabled"],
        jwks=row["jwks"],
        jwks_url=row["jwks_url"],
        mapping=row["mapping"],
        certificate_sha256=row["certificate_sha256"],
        trusted_unsigned=row["trusted_unsigned"],
        timeout_s=None if row["timeout_ms"] is None else row["timeout_ms"] / 1000,
    )


async def insert_assertion(tx: Transaction, city_id: str, jti: str, expires_at: datetime) -> bool:
    """Note that it was shown; returns whether it is the first time."""
    status = await tx.execute(
        "INSERT INTO assertions_shown (city_id, jti, expires_at) VALUES ($1, $2, $3) "
        "ON CONFLICT DO NOTHING",
        city_id,
        jti,
        expires_at,
    )
    return affected(status) == 1


async def delete_assertions_over(tx: Transaction, before: datetime) -> int:
    """Forget those that can no longer be shown; returns how many."""
    return affected(await tx.execute("DELETE FROM assertions_shown WHERE expires_at < $1", before))


async def select_origins(tx: Transaction, issuers: Sequence[str]) -> dict[str, str | None]:
    """For each of these issuers that is registered, the city it belongs to; None: to our own."""
    rows = await tx.fetch(
        "SELECT code, origin FROM issuers WHERE code = ANY($1::text[])", list(issuers)
    )
    return {row["code"]: row["origin"] for row in rows}
