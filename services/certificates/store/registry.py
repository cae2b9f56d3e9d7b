"""Rows of the registry, and the seal of the secret that keys the digests.

Claims and folders stand in store.folders.
"""

from collections.abc import Iterable
from uuid import UUID

from contracts.values import CertificateId
from services.certificates.domain.digests import Statement
from services.certificates.domain.registry import Entry, Kind, RegistryStatus
from services.kit.database import Record, Transaction

# One registry, one lock: an import alone, claims together. It is held for a batch of an import,
# not for the whole of it.
_REGISTRY_LOCK = 0x72656769


async def lock_registry_for_import(tx: Transaction) -> None:
    """Wait for open claims to commit, and let none begin before this transaction ends."""
    await tx.execute("SELECT pg_advisory_xact_lock($1)", _REGISTRY_LOCK)


async def lock_registry_for_claim(tx: Transaction) -> None:
    """Let no import begin or end before this transaction ends.

    Without it an import could miss a claim that is not committed yet, which in turn did not see
    the imported entry: the claim would stay rejected.
    """
    await tx.execute("SELECT pg_advisory_xact_lock_shared($1)", _REGISTRY_LOCK)


async def insert_seal(tx: Transaction, digest: bytes) -> None:
    """Remember the secret's seal, unless one is remembered."""
    await tx.execute("INSERT INTO seal (digest) VALUES ($1) ON CONFLICT DO NOTHING", digest)


async def select_seal(tx: Transaction) -> bytes:
    """The seal that this database was filled under."""
    return bytes(await tx.fetchval("SELECT digest FROM seal"))


# The columns that entry_of() reads; r: the registry.
ENTRY = (
    "r.entry_id, r.issuer, r.occupation, r.level, r.level_label, r.name, r.issued_on, "
    "r.valid_until, r.status AS entry_status, r.recognised, r.kind, r.title_rank, r.review_due, "
    "r.origin, r.checked_at, r.status_list, r.status_index"
)


async def select_entries_stating(
    tx: Transaction, statement: Statement, occupation: str | None
) -> list[Entry]:
    """What is registered under exactly this number, holder and identity number."""
    rows = await tx.fetch(
        f"""
        SELECT {ENTRY} FROM registry r
        WHERE number_digest = $1 AND identity_digest = $2 AND holder_digest = $3
          AND ($4::text IS NULL OR occupation = $4)
        """,  # noqa: S608 (a constant)
        statement.number,
        statement.identity,
        statement.holder,
        occupation,
    )
    return [entry_of(row) for row in rows]


async def select_entry(tx: Transaction, entry_id: UUID) -> Entry:
    """The entry of that id."""
    row = await tx.fetchrow(
        f"SELECT {ENTRY} FROM registry r WHERE entry_id = $1",  # noqa: S608 (a constant)
        entry_id,
    )
    if row is None:
        raise LookupError(f"no entry {entry_id}")
    return entry_of(row)


async def select_entries_claimed(
    tx: Transaction, claim_ids: Iterable[CertificateId]
) -> dict[CertificateId, list[Entry]]:
    """For each of these claims, what is registered under what it says."""
    entries: dict[CertificateId, list[Entry]] = {claim_id: [] for claim_id in claim_ids}
    rows = await tx.fetch(
        f"""
        SELECT c.claim_id, {ENTRY}
        FROM claims c JOIN registry r USING (number_digest, identity_digest, holder_digest)
        WHERE c.claim_id = ANY($1::uuid[])
          AND (c.asked_occupation IS NULL OR c.asked_occupation = r.occupation)
        """,  # noqa: S608 (a constant)
        list(entries),
    )
    for row in rows:
        entries[row["claim_id"]].append(entry_of(row))
    return entries


def entry_of(row: Record) -> Entry:
    """The entry in a row of the registry, or as a claim remembers it."""
    return Entry(
        entry_id=row["entry_id"],
        issuer=row["issuer"],
        occupation=row["occupation"],
        level=row["level"],
        level_label=row["level_label"],
        name=row["name"],
        issued_on=row["issued_on"],
        valid_until=row["valid_until"],
        status=RegistryStatus(row["entry_status"]),
        recognised=row["recognised"],
        kind=Kind(row["kind"]),
        title_rank=row["title_rank"],
        review_due=row["review_due"],
        # A claim does not remember where the entry came from, nor its place.
        origin=row.get("origin"),
        checked_at=row.get("checked_at"),
        status_list=row.get("status_list"),
        status_index=row.get("status_index"),
    )
