"""Rows of issuers.

What they issued stands in store.registry.
"""

from collections.abc import Iterable
from datetime import datetime

from services.certificates.domain.issuers import Issuer
from services.kit.database import Record, Transaction


async def upsert_issuer(tx: Transaction, issuer: Issuer, now: datetime) -> bool:
    """Keep the issuer; returns whether it is new."""
    return bool(
        await tx.fetchval(
            """
            INSERT INTO issuers (code, name, province, cities, bases, recognised_by, keys,
                upload_lag_days, origin, changed_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            ON CONFLICT (code) DO UPDATE SET
                name = excluded.name, province = excluded.province, cities = excluded.cities,
                bases = excluded.bases, recognised_by = excluded.recognised_by,
                keys = excluded.keys, upload_lag_days = excluded.upload_lag_days,
                origin = excluded.origin, changed_at = excluded.changed_at
            RETURNING xmax = 0
            """,
            issuer.code,
            issuer.name,
            issuer.province,
            list(issuer.cities),
            list(issuer.bases),
            list(issuer.recognised_by),
            list(issuer.keys),
            issuer.upload_lag_days,
            issuer.origin,
            now,
        )
    )


async def select_issuer(tx: Transaction, code: str) -> Issuer | None:
    """The issuer of that code."""
    row = await tx.fetchrow("SELECT * FROM issuers WHERE code = $1", code)
    return None if row is None else _issuer_of(row)


async def select_issuers(tx: Transaction, after: str, limit: int) -> list[Issuer]:
    """Issuers in order of code, from the one after that code on."""
    rows = await tx.fetch(
        "SELECT * FROM issuers WHERE code > $1 ORDER BY code LIMIT $2", after, limit
    )
    return [_issuer_of(row) for row in rows]


async def select_issuers_elsewhere(tx: Transaction, codes: Iterable[str]) -> set[str]:
    """Those of these that a partner city answers for."""
    rows = await tx.fetch(
        "SELECT code FROM issuers WHERE code = ANY($1::text[]) AND origin IS NOT NULL", list(codes)
    )
    return {row["code"] for row in rows}


def _issuer_of(row: Record) -> Issuer:
    return Issuer(
        code=row["code"],
        name=row["name"],
        province=row["province"],
        cities=tuple(row["cities"]),
        bases=tuple(row["bases"]),
        recognised_by=tuple(row["recognised_by"]),
        keys=tuple(row["keys"]),
        upload_lag_days=row["upload_lag_days"],
        origin=row["origin"],
    )
