"""Rows of what other cities vouched for: entries of the registry that are not our own.

Our own entries, and who claims them, stand in store.registry and store.folders.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.certificates.domain.digests import Statement
from services.certificates.domain.recognition import Foreign, Standing
from services.certificates.domain.registry import Entry, Registration, RegistryStatus
from services.certificates.store.registry import ENTRY, entry_of
from services.kit.database import Transaction

# Nobody's digest: HMAC-SHA256 gives it for no text that anybody could find.
_NOBODY = bytes(32)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a status list of another city."""

    url: str
    index: int


@dataclass(frozen=True, slots=True)
class Mirror:
    """What another city vouched for. foreign: as it told it. answered_at: when it did last."""

    foreign: Foreign
    answered_at: datetime
    kind: str = "skill-level"
    review_due: date | None = None
    revocation: Place | None = None
    suspension: Place | None = None


@dataclass(frozen=True, slots=True)
class Mirrored:
    """An entry that another city vouched for, with what it is a mirror of."""

    entry: Entry
    mirror: Mirror


async def upsert_mirrored(
    tx: Transaction,
    registration: Registration,
    mirror: Mirror,
    standing: Standing,
    now: datetime,
) -> UUID | None:
    """Keep what a city told us of a certificate; None where the entry is our own or another's.

    Of an issuer of our own nobody else may say anything, so such a row stays as it is.
    """
    city_id = mirror.foreign.city
    entry_id: UUID | None = await tx.fetchval(
        """
        INSERT INTO registry AS r (
            issuer, number_digest, scope, holder_digest, identity_digest, number_masked,
            number_format, occupation, level, level_label, name, issued_on, valid_until, status,
            changed_at, kind, review_due, origin, checked_at, recognised)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
                $15, $19)
        ON CONFLICT (issuer, number_digest, scope) DO UPDATE SET
            holder_digest = excluded.holder_digest, identity_digest = excluded.identity_digest,
            occupation = excluded.occupation, level = excluded.level,
            level_label = excluded.level_label, name = excluded.name, kind = excluded.kind,
            issued_on = excluded.issued_on, valid_until = excluded.valid_until,
            review_due = excluded.review_due, status = excluded.status,
            changed_at = excluded.changed_at, checked_at = excluded.checked_at,
            recognised = excluded.recognised
        WHERE r.origin = excluded.origin
        RETURNING entry_id
        """,
        registration.issuer,
        registration.statement.number,
        registration.scope,
        registration.statement.holder,
        registration.statement.identity,
        registration.number_masked,
        registration.number_format.value,
        registration.occupation,
        standing.level,
        registration.level_label,
        registration.name,
        registration.issued_on,
        registration.valid_until,
        registration.status.value,
        now,
        mirror.kind,
        mirror.review_due,
        city_id,
        standing.recognised,
    )
    if entry_id is None:
        return None
    revocation, suspension = mirror.revocation, mirror.suspension
    await tx.execute(
        """
        INSERT INTO mirrors (entry_id, city_id, level, label, answered_at, revocation_list,
            revocation_index, suspension_list, suspension_index)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (entry_id) DO UPDATE SET
            level = excluded.level, label = excluded.label, answered_at = excluded.answered_at,
            revocation_list = excluded.revocation_list,
            revocation_index = excluded.revocation_index,
            suspension_list = excluded.suspension_list,
            suspension_index = excluded.suspension_index
        """,
        entry_id,
        city_id,
        mirror.foreign.level,
        mirror.foreign.label,
        mirror.answered_at,
        revocation and revocation.url,
        revocation and revocation.index,
        suspension and suspension.url,
        suspension and suspension.index,
    )
    return entry_id


async def select_mirrored_stating(
    tx: Transaction, statement: Statement, *, occupation: str | None, issuer: str | None
) -> list[Mirrored]:
    """What other cities vouched for under exactly this number, holder and identity number."""
    rows = await tx.fetch(
        f"""
        SELECT {ENTRY}, m.city_id, m.level AS told_level, m.label AS told_label, m.answered_at
        FROM registry r JOIN mirrors m USING (entry_id)
        WHERE r.number_digest = $1 AND r.identity_digest = $2 AND r.holder_digest = $3
          AND ($4::text IS NULL OR r.occupation = $4) AND ($5::text IS NULL OR r.issuer = $5)
        """,  # noqa: S608 (a constant)
        statement.number,
        statement.identity,
        statement.holder,
        occupation,
        issuer,
    )
    return [
        Mirrored(
            entry_of(row),
            Mirror(
                Foreign(
                    row["city_id"],
                    row["issuer"],
                    row["occupation"],
                    row["told_level"],
                    row["told_label"],
                ),
                row["answered_at"],
            ),
        )
        for row in rows
    ]


async def update_mirrored_to_nobody(
    tx: Transaction, city_id: str, statement: Statement, occupation: str | None, now: datetime
) -> list[UUID]:
    """Take from this holder what that city no longer says to be the holder's; the entries' ids."""
    rows = await tx.fetch(
        """
        UPDATE registry SET holder_digest = $1, changed_at = $2, checked_at = $2
        WHERE origin = $3 AND number_digest = $4 AND identity_digest = $5 AND holder_digest = $6
          AND ($7::text IS NULL OR occupation = $7)
        RETURNING entry_id
        """,
        _NOBODY,
        now,
        city_id,
        statement.number,
        statement.identity,
        statement.holder,
        occupation,
    )
    return [row["entry_id"] for row in rows]


async def select_foreign(tx: Transaction) -> dict[UUID, tuple[Foreign, Standing]]:
    """Every mirrored entry: what was told of it, and what it counts as now."""
    rows = await tx.fetch(
        """
        SELECT r.entry_id, m.city_id, r.issuer, r.occupation, m.level AS told_level,
               m.label AS told_label, r.level, r.recognised
        FROM mirrors m JOIN registry r USING (entry_id)
        """
    )
    return {
        row["entry_id"]: (
            Foreign(
                row["city_id"],
                row["issuer"],
                row["occupation"],
                row["told_level"],
                row["told_label"],
            ),
            Standing(row["level"], row["recognised"]),
        )
        for row in rows
    }


async def update_standings(
    tx: Transaction, standings: Mapping[UUID, Standing], now: datetime
) -> None:
    """Keep what these entries count as from now on; not of those that became our own meanwhile."""
    await tx.execute(
        """
        UPDATE registry r SET level = n.level, recognised = n.recognised, changed_at = $4
        FROM unnest($1::uuid[], $2::smallint[], $3::boolean[]) AS n (entry_id, level, recognised)
        WHERE r.entry_id = n.entry_id AND r.origin IS NOT NULL
        """,
        list(standings),
        [each.level for each in standings.values()],
        [each.recognised for each in standings.values()],
        now,
    )


@dataclass(frozen=True, slots=True)
class ListInUse:
    """A status list that mirrored entries have places in. etag: as it was read last."""

    url: str
    city_id: str
    purpose: str
    etag: str | None
    issued_at: datetime | None


async def select_lists_in_use(tx: Transaction) -> list[ListInUse]:
    """Every list that an entry not revoked yet has a place in, in order of address."""
    rows = await tx.fetch(
        """
        SELECT u.*, l.etag, l.issued_at FROM (
            SELECT DISTINCT m.revocation_list AS list, m.city_id, 'revocation' AS purpose
            FROM mirrors m WHERE m.revocation_list IS NOT NULL
            UNION
            SELECT DISTINCT m.suspension_list, m.city_id, 'suspension'
            FROM mirrors m WHERE m.suspension_list IS NOT NULL
        ) u LEFT JOIN lists_read l USING (list)
        ORDER BY list
        """
    )
    return [
        ListInUse(row["list"], row["city_id"], row["purpose"], row["etag"], row["issued_at"])
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry with a place in a list. answered_at: when its city last told us of it."""

    entry_id: UUID
    index: int
    status: RegistryStatus
    answered_at: datetime


async def select_places(tx: Transaction, url: str, purpose: str) -> list[Listed]:
    """The entries with a place in that list."""
    column = {"revocation": "revocation", "suspension": "suspension"}[purpose]
    rows = await tx.fetch(
        f"""
        SELECT r.entry_id, m.{column}_index AS place, r.status, m.answered_at
        FROM mirrors m JOIN registry r USING (entry_id) WHERE m.{column}_list = $1
        """,  # noqa: S608 (one of two constants)
        url,
    )
    return [
        Listed(row["entry_id"], row["place"], RegistryStatus(row["status"]), row["answered_at"])
        for row in rows
    ]


async def update_statuses(
    tx: Transaction, statuses: Mapping[UUID, RegistryStatus], now: datetime
) -> None:
    """Keep what the lists say of these entries."""
    await tx.execute(
        """
        UPDATE registry r SET status = n.status, changed_at = $3, checked_at = $3
        FROM unnest($1::uuid[], $2::text[]) AS n (entry_id, status)
        WHERE r.entry_id = n.entry_id
        """,
        list(statuses),
        [status.value for status in statuses.values()],
        now,
    )


async def upsert_list_read(
    tx: Transaction, read: ListInUse, *, etag: str | None, issued_at: datetime, now: datetime
) -> None:
    """Note that the list was read, and which one it was."""
    await tx.execute(
        """
        INSERT INTO lists_read (list, city_id, etag, issued_at, read_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (list) DO UPDATE SET etag = excluded.etag, issued_at = excluded.issued_at,
            read_at = excluded.read_at
        """,
        read.url,
        read.city_id,
        etag,
        issued_at,
        now,
    )


async def update_lists_to_read(tx: Transaction, urls: Iterable[str]) -> None:
    """Have these lists read whole the next time: an entry has come that was not in view yet.

    When each was issued stays known, so that an older one is not taken for it.
    """
    await tx.execute("UPDATE lists_read SET etag = NULL WHERE list = ANY($1::text[])", list(urls))
