"""All SQL of the postings, one statement a function.

When to run which, and in whose transaction, is decided in actions.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast

from contracts.values import (
    ClosedReason,
    Education,
    EmployerId,
    Employment,
    PayUnit,
    PostingId,
    PostingStatus,
)
from services.kit.database import Record, Transaction
from services.postings.domain.offers import CertificateWanted, Offer, Pay, SkillWanted
from services.postings.domain.postings import Posting

_COLUMNS = (
    "posting_id, employer_id, reference, version, status, closed_reason, published_at, changed_at, "
    "title, text, occupation, county, remote, pay_min, pay_max, pay_unit, headcount, employment, "
    "skills, certificates, education, experience_years, valid_until"
)


async def lock_references(tx: Transaction, employer_id: EmployerId) -> None:
    """Wait until no other transaction gives references to this employer's postings."""
    # Two imports of one file would else both find a reference free, and lock its rows crosswise.
    await tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('postings.reference:' || $1, 0))",
        employer_id,
    )


async def select_posting(tx: Transaction, posting_id: PostingId) -> Posting | None:
    """The posting as it stands."""
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM postings WHERE posting_id = $1",  # noqa: S608
        posting_id,
    )
    return None if row is None else _posting(row)


async def lock_posting(tx: Transaction, posting_id: PostingId) -> Posting | None:
    """The posting as it stands, which nobody else changes before this transaction ends."""
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM postings WHERE posting_id = $1 FOR UPDATE",  # noqa: S608
        posting_id,
    )
    return None if row is None else _posting(row)


async def lock_referenced(
    tx: Transaction, employer_id: EmployerId, references: Sequence[str]
) -> list[Posting]:
    """The employer's postings of these references, locked in order of their ids."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM postings "  # noqa: S608
        "WHERE employer_id = $1 AND reference = ANY($2::text[]) ORDER BY posting_id FOR UPDATE",
        employer_id,
        references,
    )
    return [_posting(row) for row in rows]


async def lock_due(tx: Transaction, now: datetime, limit: int) -> list[Posting]:
    """Open postings whose time is over, the oldest first; not those that another works on."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM postings "  # noqa: S608
        "WHERE status = 'open' AND valid_until <= $1 "
        "ORDER BY valid_until LIMIT $2 FOR UPDATE SKIP LOCKED",
        now,
        limit,
    )
    return [_posting(row) for row in rows]


async def select_postings(
    tx: Transaction,
    employer_id: EmployerId,
    status: PostingStatus | None,
    before: PostingId | None,
    limit: int,
) -> list[Posting]:
    """The employer's postings, newest first, from the one published before `before` on."""
    # The status stands in the text: a parameter would keep the planner from the partial index.
    narrowed = "" if status is None else f"AND status = '{status.value}' "
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM postings WHERE employer_id = $1 {narrowed}"  # noqa: S608
        "AND ($2::uuid IS NULL OR posting_id < $2) ORDER BY posting_id DESC LIMIT $3",
        employer_id,
        before,
        limit,
    )
    return [_posting(row) for row in rows]


async def insert_postings(tx: Transaction, postings: Iterable[Posting]) -> None:
    """Keep new postings."""
    await tx.executemany(
        f"INSERT INTO postings ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, "  # noqa: S608
        "$11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)",
        [_row(posting) for posting in postings],
    )


async def update_postings(tx: Transaction, postings: Iterable[Posting]) -> None:
    """Keep what became of postings that this transaction has locked."""
    await tx.executemany(
        "UPDATE postings SET version = $4, status = $5, closed_reason = $6, changed_at = $8, "
        "title = $9, text = $10, occupation = $11, county = $12, remote = $13, pay_min = $14, "
        "pay_max = $15, pay_unit = $16, headcount = $17, employment = $18, skills = $19, "
        "certificates = $20, education = $21, experience_years = $22, valid_until = $23 "
        # What never changes is compared, so that each argument has its place and its type.
        "WHERE posting_id = $1 AND employer_id = $2 AND reference IS NOT DISTINCT FROM $3 "
        "AND published_at = $7",
        [_row(posting) for posting in postings],
    )


def _row(posting: Posting) -> tuple[Any, ...]:
    offer = posting.offer
    return (
        posting.posting_id,
        posting.employer_id,
        posting.reference,
        posting.version,
        posting.status,
        posting.closed_reason,
        posting.published_at,
        posting.changed_at,
        offer.title,
        offer.text,
        offer.occupation,
        offer.county,
        offer.remote,
        offer.pay.min,
        offer.pay.max,
        offer.pay.unit,
        offer.headcount,
        offer.employment,
        [{"name": skill.name, "required": skill.required} for skill in offer.skills],
        [
            {"occupation": wanted.occupation, "level": wanted.level, "required": wanted.required}
            for wanted in offer.certificates
        ],
        offer.education,
        offer.experience_years,
        offer.valid_until,
    )


def _posting(row: Record) -> Posting:
    reason, education = row["closed_reason"], row["education"]
    return Posting(
        posting_id=PostingId(row["posting_id"]),
        employer_id=EmployerId(row["employer_id"]),
        reference=cast("str | None", row["reference"]),
        offer=Offer(
            title=row["title"],
            text=row["text"],
            occupation=row["occupation"],
            county=row["county"],
            remote=row["remote"],
            pay=Pay(row["pay_min"], row["pay_max"], PayUnit(row["pay_unit"])),
            headcount=row["headcount"],
            employment=Employment(row["employment"]),
            skills=tuple(SkillWanted(**skill) for skill in row["skills"]),
            certificates=tuple(CertificateWanted(**wanted) for wanted in row["certificates"]),
            education=None if education is None else Education(education),
            experience_years=row["experience_years"],
            valid_until=row["valid_until"],
        ),
        version=row["version"],
        published_at=row["published_at"],
        changed_at=row["changed_at"],
        closed_reason=None if reason is None else ClosedReason(reason),
    )
