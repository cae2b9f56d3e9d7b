"""Rows of verifications and of misses, and what a verification reads of registry and issuers.

The audit log stands in store.audit; the registry's own rows in store.registry.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.certificates.domain.audit import Head
from services.certificates.domain.guesses import Counted
from services.certificates.domain.lookups import Candidate, KnownIssuer
from services.certificates.domain.verdicts import Verdict
from services.certificates.store.registry import ENTRY, entry_of
from services.kit.database import Record, Transaction, affected


async def select_candidates(
    tx: Transaction, number_digests: Sequence[bytes]
) -> Mapping[bytes, list[Candidate]]:
    """Our own entries under each of these numbers, whoever holds them."""
    rows = await tx.fetch(
        f"""
        SELECT r.number_digest, r.holder_digest, r.identity_digest, {ENTRY}
        FROM unnest($1::bytea[]) AS q (number_digest) JOIN registry r USING (number_digest)
        WHERE r.origin IS NULL
        """,  # noqa: S608 (a constant)
        number_digests,
    )
    candidates: defaultdict[bytes, list[Candidate]] = defaultdict(list)
    for row in rows:
        candidates[row["number_digest"]].append(
            Candidate(entry_of(row), row["holder_digest"], row["identity_digest"])
        )
    return candidates


async def select_issuers_and_misses(
    tx: Transaction, codes: Iterable[str], since: Mapping[tuple[str, bytes], datetime]
) -> tuple[dict[str, KnownIssuer], list[Counted]]:
    """Those of these issuers that are registered, and what select_misses() gives.

    In one statement: each costs a way to the server and back, and every look-up waits for both.
    """
    rows = await tx.fetch(
        """
        SELECT true AS is_issuer, code AS name, origin, NULL::bytea AS number_digest,
            NULL::timestamptz AS bucket, upload_lag_days::integer AS n
        FROM issuers WHERE code = ANY($1::text[])
        UNION ALL
        SELECT false, m.requester, NULL, m.number_digest, m.bucket, m.n
        FROM unnest($2::text[], $3::bytea[], $4::timestamptz[])
            AS k (requester, number_digest, since)
        JOIN misses m USING (requester, number_digest)
        WHERE m.bucket >= k.since
        """,
        list(codes),
        [asker for asker, _ in since],
        [number for _, number in since],
        list(since.values()),
    )
    issuers: dict[str, KnownIssuer] = {}
    misses: list[Counted] = []
    for row in rows:
        if row["is_issuer"]:
            issuers[row["name"]] = KnownIssuer(row["origin"], row["n"])
        else:
            misses.append(Counted(row["name"], row["number_digest"], row["bucket"], row["n"]))
    return issuers, misses


async def select_misses(
    tx: Transaction, since: Mapping[tuple[str, bytes], datetime]
) -> list[Counted]:
    """The counters of these askers and numbers. since: the oldest bucket that counts."""
    rows = await tx.fetch(
        """
        SELECT m.requester, m.number_digest, m.bucket, m.n
        FROM unnest($1::text[], $2::bytea[], $3::timestamptz[])
            AS k (requester, number_digest, since)
        JOIN misses m USING (requester, number_digest)
        WHERE m.bucket >= k.since
        """,
        [asker for asker, _ in since],
        [number for _, number in since],
        list(since.values()),
    )
    return [_counted(row) for row in rows]


async def upsert_misses(tx: Transaction, changes: Sequence[Counted]) -> list[Counted]:
    """Add these to the counters; a negative n takes back.

    Returns what each that was added to holds now. Nobody else changes those before this
    transaction ends.
    """
    # In one order, so that two who count at once never wait for each other.
    ordered = sorted(changes, key=lambda each: (each.asker, each.number, each.bucket))
    rows = await tx.fetch(
        """
        INSERT INTO misses AS m (requester, number_digest, bucket, n)
        SELECT requester, number_digest, bucket, greatest(n, 0)
        FROM unnest($1::text[], $2::bytea[], $3::timestamptz[], $4::int[])
            WITH ORDINALITY AS c (requester, number_digest, bucket, n, place) ORDER BY place
        ON CONFLICT (requester, number_digest, bucket) DO UPDATE SET n = m.n + excluded.n
        RETURNING requester, number_digest, bucket, n
        """,
        [each.asker for each in ordered if each.n > 0],
        [each.number for each in ordered if each.n > 0],
        [each.bucket for each in ordered if each.n > 0],
        [each.n for each in ordered if each.n > 0],
    )
    taken_back = [each for each in ordered if each.n < 0]
    if taken_back:
        await tx.execute(
            """
            UPDATE misses m SET n = greatest(m.n + c.n, 0)
            FROM unnest($1::text[], $2::bytea[], $3::timestamptz[], $4::int[])
                AS c (requester, number_digest, bucket, n)
            WHERE (m.requester, m.number_digest, m.bucket)
                = (c.requester, c.number_digest, c.bucket)
            """,
            [each.asker for each in taken_back],
            [each.number for each in taken_back],
            [each.bucket for each in taken_back],
            [each.n for each in taken_back],
        )
    return [_counted(row) for row in rows]


def _counted(row: Record) -> Counted:
    return Counted(row["requester"], row["number_digest"], row["bucket"], row["n"])


async def delete_misses_before(tx: Transaction, bucket: datetime) -> int:
    """Remove what counts no more; returns how many rows."""
    return affected(await tx.execute("DELETE FROM misses WHERE bucket < $1", bucket))


@dataclass(frozen=True, slots=True)
class Verification:
    """A verdict that was given. jws: as it was signed."""

    receipt_no: str
    requester: str
    role: str
    purpose: str
    verdict: Verdict
    entry_id: UUID | None
    verified_at: datetime
    jws: str
    superseded_by: str | None = None


async def insert_verifications(tx: Transaction, verifications: Sequence[Verification]) -> Head:
    """Keep these verdicts, and lock the audit log's last row, as store.audit.lock_head() does.

    In one statement, for the same reason: whoever gives a verdict also adds to the log.
    """
    row = await tx.fetchrow(
        """
        WITH kept AS (
            INSERT INTO verifications
                (receipt_no, requester, role, purpose, verdict, entry_id, verified_at, jws)
            SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
                $6::uuid[], $7::timestamptz[], $8::text[])
        )
        SELECT seq, hash FROM audit_head FOR UPDATE
        """,
        [each.receipt_no for each in verifications],
        [each.requester for each in verifications],
        [each.role for each in verifications],
        [each.purpose for each in verifications],
        [each.verdict.value for each in verifications],
        [each.entry_id for each in verifications],
        [each.verified_at for each in verifications],
        [each.jws for each in verifications],
    )
    return Head() if row is None else Head(row["seq"], row["hash"])


async def select_verification(
    tx: Transaction, receipt_no: str, *, lock: bool = False
) -> Verification | None:
    """The verdict of that receipt number. lock: nobody else changes it in the meantime."""
    row = await tx.fetchrow(
        f"SELECT * FROM verifications WHERE receipt_no = $1{' FOR UPDATE' if lock else ''}",  # noqa: S608 (constants)
        receipt_no,
    )
    return None if row is None else _verification_of(row)


async def update_superseded(tx: Transaction, receipt_no: str, by: str) -> None:
    """Another receipt took the place of this one."""
    await tx.execute(
        "UPDATE verifications SET superseded_by = $2 WHERE receipt_no = $1", receipt_no, by
    )


def _verification_of(row: Record) -> Verification:
    return Verification(
        receipt_no=row["receipt_no"],
        requester=row["requester"],
        role=row["role"],
        purpose=row["purpose"],
        verdict=Verdict(row["verdict"]),
        entry_id=row["entry_id"],
        verified_at=row["verified_at"],
        jws=row["jws"],
        superseded_by=row["superseded_by"],
    )
