"""Postings, seekers and what they hold: written by version, read with their term vectors.

A row never goes: a closed posting and a withdrawn seeker leave their version, so that an older
event is known as older.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic import TypeAdapter

from contracts.values import PostingId, SeekerId
from services.kit.database import Record, Transaction
from services.matcher.domain.documents import HeldCertificate, Posting, Seeker
from services.matcher.domain.vector import TermVector

# The documents are dataclasses of plain values; these read back what orjson wrote of them.
_POSTING = TypeAdapter(Posting)
_SEEKER = TypeAdapter(Seeker)
_HELD = TypeAdapter(tuple[HeldCertificate, ...])


@dataclass(frozen=True, slots=True)
class Folder:
    """All that a seeker holds in force, as it stands at `version`."""

    seeker_id: SeekerId
    version: int
    held: tuple[HeldCertificate, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """A document's term vector, and the version of the model that made it."""

    vector: TermVector
    model: str


@dataclass(frozen=True, slots=True, eq=False)
class PostingRow:
    """A posting and the terms of its text; terms: None unless it is open."""

    doc: Posting
    terms: Terms | None


@dataclass(frozen=True, slots=True, eq=False)
class SeekerRow:
    """A profile and the terms of its text; terms: None unless looking.

    held: certificates in force, joined when read; they are written as a folder.
    """

    doc: Seeker
    terms: Terms | None
    held: tuple[HeldCertificate, ...] = ()


async def upsert_postings(tx: Transaction, postings: Sequence[PostingRow]) -> set[PostingId]:
    """Write those that are newer than what is stored, each id once; returns their ids."""
    rows = await tx.fetch(
        """
        INSERT INTO postings AS old (posting_id, version, open, document, terms, terms_model)
        SELECT * FROM unnest(
            $1::uuid[], $2::int[], $3::bool[], $4::jsonb[], $5::bytea[], $6::text[]
        )
        ON CONFLICT (posting_id) DO UPDATE SET
            version = excluded.version, open = excluded.open, document = excluded.document,
            terms = excluded.terms, terms_model = excluded.terms_model
        WHERE old.version < excluded.version
        RETURNING posting_id
        """,
        [row.doc.posting_id for row in postings],
        [row.doc.version for row in postings],
        [row.doc.open for row in postings],
        [row.doc for row in postings],
        [row.terms and row.terms.vector.to_bytes() for row in postings],
        [row.terms and row.terms.model for row in postings],
    )
    return {row["posting_id"] for row in rows}


async def upsert_seekers(tx: Transaction, seekers: Sequence[SeekerRow]) -> set[SeekerId]:
    """Write those that are newer than what is stored, each id once; returns their ids.

    Of a seeker who withdrew nothing is kept but the version.
    """
    rows = await tx.fetch(
        """
        INSERT INTO seekers AS old (seeker_id, version, looking, document, terms, terms_model)
        SELECT * FROM unnest(
            $1::uuid[], $2::int[], $3::bool[], $4::jsonb[], $5::bytea[], $6::text[]
        )
        ON CONFLICT (seeker_id) DO UPDATE SET
            version = excluded.version, looking = excluded.looking, document = excluded.document,
            terms = excluded.terms, terms_model = excluded.terms_model
        WHERE old.version < excluded.version
        RETURNING seeker_id
        """,
        [row.doc.seeker_id for row in seekers],
        [row.doc.version for row in seekers],
        [row.doc.looking for row in seekers],
        [row.doc if row.doc.looking else None for row in seekers],
        [row.terms and row.terms.vector.to_bytes() for row in seekers],
        [row.terms and row.terms.model for row in seekers],
    )
    return {row["seeker_id"] for row in rows}


async def upsert_folders(tx: Transaction, folders: Sequence[Folder]) -> set[SeekerId]:
    """Write those that are newer than what is stored, each seeker once; returns their ids."""
    rows = await tx.fetch(
        """
        INSERT INTO certificates AS old (seeker_id, version, held)
        SELECT * FROM unnest($1::uuid[], $2::int[], $3::jsonb[])
        ON CONFLICT (seeker_id) DO UPDATE SET version = excluded.version, held = excluded.held
        WHERE old.version < excluded.version
        RETURNING seeker_id
        """,
        [folder.seeker_id for folder in folders],
        [folder.version for folder in folders],
        [folder.held for folder in folders],
    )
    return {row["seeker_id"] for row in rows}


async def update_terms_of_postings(
    tx: Transaction, terms: Sequence[tuple[PostingId, Terms]]
) -> None:
    """Replace the term vectors of open postings."""
    await tx.execute(
        """
        UPDATE postings SET terms = new.terms, terms_model = new.model
        FROM unnest($1::uuid[], $2::bytea[], $3::text[]) AS new (posting_id, terms, model)
        WHERE postings.posting_id = new.posting_id AND open
        """,
        *_columns(terms),
    )


async def update_terms_of_seekers(tx: Transaction, terms: Sequence[tuple[SeekerId, Terms]]) -> None:
    """Replace the term vectors of those who are looking."""
    await tx.execute(
        """
        UPDATE seekers SET terms = new.terms, terms_model = new.model
        FROM unnest($1::uuid[], $2::bytea[], $3::text[]) AS new (seeker_id, terms, model)
        WHERE seekers.seeker_id = new.seeker_id AND looking
        """,
        *_columns(terms),
    )


def _columns(terms: Sequence[tuple[UUID, Terms]]) -> tuple[list[UUID], list[bytes], list[str]]:
    return (
        [document_id for document_id, _ in terms],
        [made.vector.to_bytes() for _, made in terms],
        [made.model for _, made in terms],
    )


_POSTINGS = "SELECT document, terms, terms_model FROM postings"
_SEEKERS = """
SELECT seeker_id, s.version, looking, document, terms, terms_model, coalesce(held, '[]') AS held
FROM seekers s LEFT JOIN certificates USING (seeker_id)
"""


async def select_postings(
    tx: Transaction, posting_ids: Collection[PostingId]
) -> dict[PostingId, PostingRow]:
    """These postings, open or closed; without those that were never heard of."""
    rows = await tx.fetch(f"{_POSTINGS} WHERE posting_id = ANY($1::uuid[])", list(posting_ids))
    found = map(_posting, rows)
    return {row.doc.posting_id: row for row in found}


async def select_seekers(
    tx: Transaction, seeker_ids: Collection[SeekerId]
) -> dict[SeekerId, SeekerRow]:
    """These seekers, looking or withdrawn; without those whose profile was never heard of."""
    rows = await tx.fetch(f"{_SEEKERS} WHERE seeker_id = ANY($1::uuid[])", list(seeker_ids))
    found = map(_seeker, rows)
    return {row.doc.seeker_id: row for row in found}


async def open_postings(tx: Transaction, page: int) -> AsyncIterator[list[PostingRow]]:
    """All open postings in order of id, a page at a time, as of the first page."""
    async for rows in _pages(tx, f"{_POSTINGS} WHERE open ORDER BY posting_id", page):
        yield [_posting(row) for row in rows]


async def looking_seekers(tx: Transaction, page: int) -> AsyncIterator[list[SeekerRow]]:
    """All seekers who are looking in order of id, a page at a time, as of the first page."""
    async for rows in _pages(tx, f"{_SEEKERS} WHERE looking ORDER BY seeker_id", page):
        yield [_seeker(row) for row in rows]


async def _pages(tx: Transaction, query: str, page: int) -> AsyncIterator[list[Record]]:
    cursor = await tx.cursor(query)
    while rows := await cursor.fetch(page):
        yield rows


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a shard holds."""

    open_postings: int
    looking_seekers: int
    folders: int
    live_matches: int


async def count_all(tx: Transaction) -> Counts:
    """Counted, not remembered: it reads every live match."""
    row = await tx.fetchrow(
        """
        SELECT (SELECT count(*) FROM postings WHERE open) AS open_postings,
               (SELECT count(*) FROM seekers WHERE looking) AS looking_seekers,
               (SELECT count(*) FROM certificates) AS folders,
               (SELECT count(*) FROM matches WHERE live) AS live_matches
        """
    )
    return Counts(**dict(row or {}))


def _posting(row: Record) -> PostingRow:
    return PostingRow(_POSTING.validate_python(row["document"]), _terms(row))


def _seeker(row: Record) -> SeekerRow:
    doc = (
        _SEEKER.validate_python(row["document"])
        if row["looking"]
        else Seeker(SeekerId(row["seeker_id"]), row["version"], looking=False)
    )
    return SeekerRow(doc, _terms(row), _HELD.validate_python(row["held"]))


def _terms(row: Record) -> Terms | None:
    if row["terms"] is None:
        return None
    return Terms(TermVector.from_bytes(row["terms"]), row["terms_model"])
