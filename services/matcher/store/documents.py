"""Postings, seekers and what they hold: written by version, read with their term vectors.

A row never goes: a closed posting and a withdrawn seeker leave their version, so that an older
event is known as older.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import TypeAdapter

from contracts.values import PostingId, SeekerId
from services.kit.database import Record, Transaction
from services.matcher.domain.documents import HeldCertificate, Posting, Seeker
from services.matcher.domain.facts import PostingFacts, SeekerFacts
from services.matcher.domain.vector import TermVector
from services.matcher.store.copying import Rows, copy_rows

Facts = TypeVar("Facts", PostingFacts, SeekerFacts)

# The documents are dataclasses of plain values; these read back what orjson wrote of them.
_POSTING = TypeAdapter(Posting)
_SEEKER = TypeAdapter(Seeker)
_HELD = TypeAdapter(tuple[HeldCertificate, ...])

# A first page may have to wait until a million rows are sorted.
_PATIENCE_S = 600.0


@dataclass(frozen=True, slots=True)
class Folder:
    """All that a seeker holds in force, as it stands at `version`."""

    seeker_id: SeekerId
    version: int
    held: tuple[HeldCertificate, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Made(Generic[Facts]):
    """What the index needs of a document; by: the model and the rules that made it."""

    vector: TermVector
    facts: Facts
    by: str


@dataclass(frozen=True, slots=True, eq=False)
class PostingRow:
    """A posting and what was made of it; made: None unless it is open."""

    doc: Posting
    made: Made[PostingFacts] | None


@dataclass(frozen=True, slots=True, eq=False)
class SeekerRow:
    """A profile and what was made of it and of its certificates; made: None unless looking.

    held: certificates in force, joined when read; they are written as a folder.
    """

    doc: Seeker
    made: Made[SeekerFacts] | None
    held: tuple[HeldCertificate, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """All that is known of a seeker: a profile, a folder, or one of them, each of its version."""

    profile: SeekerRow | None
    folder: Folder | None


async def upsert_postings(tx: Transaction, postings: Sequence[PostingRow]) -> None:
    """Write them where they are newer than what is stored; each id once."""
    if not postings:
        return
    await tx.execute(
        """
        INSERT INTO postings AS old (posting_id, version, open, document, terms, facts, made_by)
        SELECT * FROM unnest(
            $1::uuid[], $2::int[], $3::bool[], $4::jsonb[], $5::bytea[], $6::bytea[], $7::text[]
        )
        ON CONFLICT (posting_id) DO UPDATE SET
            version = excluded.version, open = excluded.open, document = excluded.document,
            terms = excluded.terms, facts = excluded.facts, made_by = excluded.made_by
        WHERE old.version < excluded.version
        """,
        [row.doc.posting_id for row in postings],
        [row.doc.version for row in postings],
        [row.doc.open for row in postings],
        [row.doc for row in postings],
        *_made(row.made for row in postings),
    )


async def upsert_seekers(tx: Transaction, seekers: Sequence[SeekerRow]) -> None:
    """Write them where they are newer than what is stored; each id once.

    Of a seeker who withdrew nothing is kept but the version.
    """
    if not seekers:
        return
    await tx.execute(
        """
        INSERT INTO seekers AS old (seeker_id, version, looking, document, terms, facts, made_by)
        SELECT * FROM unnest(
            $1::uuid[], $2::int[], $3::bool[], $4::jsonb[], $5::bytea[], $6::bytea[], $7::text[]
        )
        ON CONFLICT (seeker_id) DO UPDATE SET
            version = excluded.version, looking = excluded.looking, document = excluded.document,
            terms = excluded.terms, facts = excluded.facts, made_by = excluded.made_by
        WHERE old.version < excluded.version
        """,
        [row.doc.seeker_id for row in seekers],
        [row.doc.version for row in seekers],
        [row.doc.looking for row in seekers],
        [row.doc if row.doc.looking else None for row in seekers],
        *_made(row.made for row in seekers),
    )


async def upsert_folders(tx: Transaction, folders: Sequence[Folder]) -> None:
    """Write them where they are newer than what is stored; each seeker once."""
    if not folders:
        return
    await tx.execute(
        """
        INSERT INTO certificates AS old (seeker_id, version, held)
        SELECT * FROM unnest($1::uuid[], $2::int[], $3::jsonb[])
        ON CONFLICT (seeker_id) DO UPDATE SET version = excluded.version, held = excluded.held
        WHERE old.version < excluded.version
        """,
        [folder.seeker_id for folder in folders],
        [folder.version for folder in folders],
        [folder.held for folder in folders],
    )


async def update_made_of_postings(tx: Transaction, postings: Sequence[PostingRow]) -> None:
    """Replace what was made of these, where they are still of the same version."""
    await tx.execute(
        """
        UPDATE postings SET terms = new.terms, facts = new.facts, made_by = new.made_by
        FROM unnest($1::uuid[], $2::int[], $3::bytea[], $4::bytea[], $5::text[])
            AS new (posting_id, version, terms, facts, made_by)
        WHERE postings.posting_id = new.posting_id AND postings.version = new.version AND open
        """,
        [row.doc.posting_id for row in postings],
        [row.doc.version for row in postings],
        *_made(row.made for row in postings),
    )


async def update_made_of_seekers(tx: Transaction, seekers: Sequence[SeekerRow]) -> None:
    """Replace what was made of these, where their profiles are still of the same version."""
    if not seekers:
        return
    await tx.execute(
        """
        UPDATE seekers SET terms = new.terms, facts = new.facts, made_by = new.made_by
        FROM unnest($1::uuid[], $2::int[], $3::bytea[], $4::bytea[], $5::text[])
            AS new (seeker_id, version, terms, facts, made_by)
        WHERE seekers.seeker_id = new.seeker_id AND seekers.version = new.version AND looking
        """,
        [row.doc.seeker_id for row in seekers],
        [row.doc.version for row in seekers],
        *_made(row.made for row in seekers),
    )


def _made(
    rows: Iterable[Made[PostingFacts] | Made[SeekerFacts] | None],
) -> tuple[list[bytes | None], list[bytes | None], list[str | None]]:
    made = list(rows)
    return (
        [each.vector.to_bytes() if each else None for each in made],
        [each.facts.to_bytes() if each else None for each in made],
        [each.by if each else None for each in made],
    )


_POSTINGS = "SELECT document, terms, facts, made_by FROM postings"
_SEEKERS = """
SELECT seeker_id, s.version, looking, document, terms, facts, made_by,
       coalesce(held, '[]') AS held
FROM seekers s LEFT JOIN certificates USING (seeker_id)
"""


async def select_posting_versions(
    tx: Transaction, posting_ids: Collection[PostingId]
) -> dict[PostingId, int]:
    """The versions of these postings, without those that were never heard of."""
    rows = await tx.fetch(
        "SELECT posting_id, version FROM postings WHERE posting_id = ANY($1::uuid[])",
        list(posting_ids),
    )
    return {row["posting_id"]: row["version"] for row in rows}


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


async def select_known(tx: Transaction, seeker_ids: Collection[SeekerId]) -> dict[SeekerId, Known]:
    """All that is known of these seekers, each with its version."""
    rows = await tx.fetch(
        """
        SELECT seeker_id, s.version, looking, document, terms, facts, made_by,
               c.version AS held_version, coalesce(held, '[]') AS held
        FROM unnest($1::uuid[]) AS asked (seeker_id)
        LEFT JOIN seekers s USING (seeker_id) LEFT JOIN certificates c USING (seeker_id)
        """,
        list(seeker_ids),
    )
    return {
        row["seeker_id"]: Known(
            _seeker(row) if row["version"] else None,
            Folder(row["seeker_id"], row["held_version"], _HELD.validate_python(row["held"]))
            if row["held_version"]
            else None,
        )
        for row in rows
    }


async def open_postings(tx: Transaction, page: int) -> AsyncIterator[list[PostingRow]]:
    """All open postings in order of id, a page at a time, as of the first page."""
    async for rows in _pages(tx, f"{_POSTINGS} WHERE open ORDER BY posting_id", page):
        yield [_posting(row) for row in rows]


async def looking_seekers(tx: Transaction, page: int) -> AsyncIterator[list[SeekerRow]]:
    """All seekers who are looking in order of id, a page at a time, as of the first page."""
    async for rows in _pages(tx, f"{_SEEKERS} WHERE looking ORDER BY seeker_id", page):
        yield [_seeker(row) for row in rows]


async def sample_of_postings(tx: Transaction, limit: int) -> list[PostingRow]:
    """Some open postings without regard to what they are or when they came, always the same."""
    rows = await tx.fetch(
        f"{_POSTINGS} WHERE open ORDER BY md5(posting_id::text) LIMIT $1",
        limit,
        timeout=_PATIENCE_S,
    )
    return [_posting(row) for row in rows]


async def sample_of_seekers(tx: Transaction, limit: int) -> list[SeekerRow]:
    """Some who are looking without regard to who they are, always the same."""
    rows = await tx.fetch(
        f"{_SEEKERS} WHERE looking ORDER BY md5(seeker_id::text) LIMIT $1",
        limit,
        timeout=_PATIENCE_S,
    )
    return [_seeker(row) for row in rows]


async def postings_not_made_by(tx: Transaction, by: str, limit: int) -> list[PostingRow]:
    """Some of the open postings that something else made, or nothing."""
    rows = await tx.fetch(
        f"{_POSTINGS} WHERE open AND (made_by, facts IS NULL) IS DISTINCT FROM ($1, false) "
        "LIMIT $2",
        by,
        limit,
    )
    return [_posting(row) for row in rows]


async def count_seekers_not_made_by(tx: Transaction, by: str) -> int:
    """How many who are looking something else made, or nothing."""
    # Counted first: where there is none, to look for them in order of id reads the whole table
    # row by row, here and there, and takes ten times as long.
    count: int = await tx.fetchval(
        "SELECT count(*) FROM seekers "
        "WHERE looking AND (made_by, facts IS NULL) IS DISTINCT FROM ($1, false)",
        by,
        timeout=_PATIENCE_S,
    )
    return count


async def seekers_not_made_by(
    tx: Transaction, by: str, after: SeekerId | None, limit: int
) -> list[SeekerRow]:
    """Those who are looking and that something else made, or nothing, in order of id."""
    rows = await tx.fetch(
        f"{_SEEKERS} WHERE looking AND (made_by, facts IS NULL) IS DISTINCT FROM ($1, false) "
        "AND ($2::uuid IS NULL OR seeker_id > $2) ORDER BY seeker_id LIMIT $3",
        by,
        after,
        limit,
    )
    return [_seeker(row) for row in rows]


async def made_postings(
    tx: Transaction, page: int
) -> AsyncIterator[list[tuple[PostingId, Made[PostingFacts]]]]:
    """What was made of all open postings, a page at a time, as of the first page."""
    query = "SELECT posting_id, terms, facts, made_by FROM postings WHERE open ORDER BY posting_id"
    async for rows in _pages(tx, query, page):
        yield [(row["posting_id"], _made_posting(row)) for row in rows]


async def made_seekers(
    tx: Transaction, page: int
) -> AsyncIterator[list[tuple[SeekerId, Made[SeekerFacts]]]]:
    """What was made of all who are looking, a page at a time, as of the first page."""
    query = "SELECT seeker_id, terms, facts, made_by FROM seekers WHERE looking ORDER BY seeker_id"
    async for rows in _pages(tx, query, page):
        yield [(row["seeker_id"], _made_seeker(row)) for row in rows]


async def copy_made_seekers(tx: Transaction, take: Callable[[Rows], Awaitable[None]]) -> None:
    """What was made of all who are looking, in no order: seeker_id, terms, facts; as stored."""
    query = "SELECT seeker_id, terms, facts FROM seekers WHERE looking"
    await copy_rows(tx, query, 3, take)


async def select_seeker_ids(tx: Transaction, after: SeekerId | None, limit: int) -> list[SeekerId]:
    """Seekers of whom a profile was ever heard, in order of id."""
    rows = await tx.fetch(
        "SELECT seeker_id FROM seekers WHERE $1::uuid IS NULL OR seeker_id > $1 "
        "ORDER BY seeker_id LIMIT $2",
        after,
        limit,
    )
    return [row["seeker_id"] for row in rows]


async def _pages(tx: Transaction, query: str, page: int) -> AsyncIterator[list[Record]]:
    cursor = await tx.cursor(query)
    while rows := await cursor.fetch(page, timeout=_PATIENCE_S):
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
    return PostingRow(
        _POSTING.validate_python(row["document"]),
        _made_posting(row) if row["facts"] is not None else None,
    )


def _seeker(row: Record) -> SeekerRow:
    doc = (
        _SEEKER.validate_python(row["document"])
        if row["looking"]
        else Seeker(SeekerId(row["seeker_id"]), row["version"], looking=False)
    )
    made = _made_seeker(row) if row["facts"] is not None else None
    return SeekerRow(doc, made, _HELD.validate_python(row["held"]))


def _made_posting(row: Record) -> Made[PostingFacts]:
    facts = PostingFacts.from_bytes(row["facts"])
    return Made(TermVector.from_bytes(row["terms"]), facts, row["made_by"])


def _made_seeker(row: Record) -> Made[SeekerFacts]:
    facts = SeekerFacts.from_bytes(row["facts"])
    return Made(TermVector.from_bytes(row["terms"]), facts, row["made_by"])
