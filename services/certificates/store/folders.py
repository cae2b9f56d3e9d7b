"""Rows of folders and of the claims in them.

What the registry says stands in store.registry.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from uuid import UUID

from contracts.values import CertificateId, CertificateStatus, SeekerId
from services.certificates.domain.digests import Statement
from services.certificates.domain.folder import Claim, ClaimReason, Folder
from services.certificates.store.registry import entry_of
from services.kit.database import Record, Transaction


async def insert_folder(tx: Transaction, seeker_id: SeekerId) -> None:
    """Open an empty folder, unless the seeker has one."""
    await tx.execute(
        "INSERT INTO folders (seeker_id) VALUES ($1) ON CONFLICT DO NOTHING", seeker_id
    )


async def lock_folders(tx: Transaction, seeker_ids: Collection[SeekerId]) -> list[Folder]:
    """The folders with all their claims; nobody else changes them before this transaction ends.

    Locked in order of id, so that two who lock several never wait for each other.
    """
    rows = await tx.fetch(
        "SELECT seeker_id, version FROM folders WHERE seeker_id = ANY($1::uuid[]) "
        "ORDER BY seeker_id FOR UPDATE",
        list(seeker_ids),
    )
    claims: defaultdict[SeekerId, dict[CertificateId, Claim]] = defaultdict(dict)
    for seeker_id, claim in await select_claims(tx, seeker_ids):
        claims[seeker_id][claim.claim_id] = claim
    return [Folder(row["seeker_id"], row["version"], claims[row["seeker_id"]]) for row in rows]


async def select_claims(
    tx: Transaction, seeker_ids: Iterable[SeekerId]
) -> list[tuple[SeekerId, Claim]]:
    """Every claim of these seekers, the oldest first."""
    rows = await tx.fetch(
        "SELECT * FROM claims WHERE seeker_id = ANY($1::uuid[]) ORDER BY claim_id",
        list(seeker_ids),
    )
    return [(row["seeker_id"], _claim_of(row)) for row in rows]


def _claim_of(row: Record) -> Claim:
    return Claim(
        claim_id=row["claim_id"],
        statement=Statement(row["number_digest"], row["holder_digest"], row["identity_digest"]),
        occupation=row["asked_occupation"],
        number_masked=row["number_masked"],
        claimed_at=row["claimed_at"],
        decided_at=row["decided_at"],
        status=CertificateStatus(row["status"]),
        reason=None if row["reason"] is None else ClaimReason(row["reason"]),
        entry=None if row["entry_id"] is None else entry_of(row),
    )


async def update_versions(tx: Transaction, versions: Mapping[SeekerId, int]) -> None:
    """Keep how far these folders have come."""
    await tx.execute(
        """
        UPDATE folders f SET version = n.version
        FROM unnest($1::uuid[], $2::int[]) AS n (seeker_id, version)
        WHERE f.seeker_id = n.seeker_id
        """,
        list(versions),
        list(versions.values()),
    )


async def upsert_claims(tx: Transaction, claims: Sequence[tuple[SeekerId, Claim]]) -> None:
    """Keep the claims as they are now, in the order given.

    One by one: where an entry passes from one claim to another, the first must let go of it
    before the index allows the second to have it.
    """
    await tx.executemany(
        """
        INSERT INTO claims (
            claim_id, seeker_id, number_digest, holder_digest, identity_digest, asked_occupation,
            number_masked, claimed_at, decided_at, status, reason, entry_id, issuer, occupation,
            level, level_label, name, issued_on, valid_until, entry_status, recognised, kind,
            title_rank, review_due)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
                $19, $20, $21, $22, $23, $24)
        ON CONFLICT (claim_id) DO UPDATE SET
            decided_at = excluded.decided_at, status = excluded.status, reason = excluded.reason,
            entry_id = excluded.entry_id, issuer = excluded.issuer,
            occupation = excluded.occupation, level = excluded.level,
            level_label = excluded.level_label, name = excluded.name,
            issued_on = excluded.issued_on, valid_until = excluded.valid_until,
            entry_status = excluded.entry_status, recognised = excluded.recognised,
            kind = excluded.kind, title_rank = excluded.title_rank,
            review_due = excluded.review_due
        """,
        [_row_of(seeker_id, claim) for seeker_id, claim in claims],
    )


def _row_of(seeker_id: SeekerId, claim: Claim) -> tuple[object, ...]:
    entry = claim.entry
    return (
        claim.claim_id,
        seeker_id,
        claim.statement.number,
        claim.statement.holder,
        claim.statement.identity,
        claim.occupation,
        claim.number_masked,
        claim.claimed_at,
        claim.decided_at,
        claim.status.value,
        claim.reason and claim.reason.value,
        entry and entry.entry_id,
        entry and entry.issuer,
        entry and entry.occupation,
        entry and entry.level,
        entry and entry.level_label,
        entry and entry.name,
        entry and entry.issued_on,
        entry and entry.valid_until,
        entry and entry.status.value,
        entry and entry.recognised,
        entry and entry.kind.value,
        entry and entry.title_rank,
        entry and entry.review_due,
    )


async def select_seeker_of(tx: Transaction, claim_id: CertificateId) -> SeekerId | None:
    """Whose claim it is; None where it is gone."""
    seeker_id: SeekerId | None = await tx.fetchval(
        "SELECT seeker_id FROM claims WHERE claim_id = $1", claim_id
    )
    return seeker_id


async def select_claims_touching(
    tx: Transaction, entry_ids: Sequence[UUID]
) -> dict[SeekerId, set[CertificateId]]:
    """The claims that say what one of these entries says, or that rest on one of them."""
    rows = await tx.fetch(
        """
        SELECT seeker_id, claim_id FROM claims WHERE entry_id = ANY($1::uuid[])
        UNION
        SELECT c.seeker_id, c.claim_id
        FROM registry r JOIN claims c USING (number_digest, identity_digest, holder_digest)
        WHERE r.entry_id = ANY($1::uuid[])
        """,
        entry_ids,
    )
    touched: defaultdict[SeekerId, set[CertificateId]] = defaultdict(set)
    for row in rows:
        touched[row["seeker_id"]].add(row["claim_id"])
    return touched


async def select_seekers_due(
    tx: Transaction, today: date, after: SeekerId | None, limit: int
) -> list[SeekerId]:
    """Seekers, in order of id, of whom a verified certificate was good until before that day.

    Its validity may have ended, or the time for its review.
    """
    rows = await tx.fetch(
        """
        SELECT DISTINCT seeker_id FROM claims
        WHERE status = 'verified' AND least(valid_until, review_due) < $1
          AND ($2::uuid IS NULL OR seeker_id > $2)
        ORDER BY seeker_id LIMIT $3
        """,
        today,
        after,
        limit,
    )
    return [row["seeker_id"] for row in rows]
