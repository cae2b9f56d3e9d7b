"""Rows of the registry as imports write them: many at once, in few statements.

What is read of them for claims and look-ups stands in store.registry.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.certificates.domain.digests import Statement
from services.certificates.domain.numbers import NumberFormat
from services.certificates.domain.registry import Kind, Registration, RegistryStatus
from services.kit.database import Record, Transaction

Key = tuple[str, bytes, str]
"""Issuer, number digest and scope: what makes two registrations speak of one certificate."""


@dataclass(frozen=True, slots=True)
class Source:
    """Whence rows come. stated_at: when it was said. import_id: None where nobody signed."""

    stated_at: datetime
    now: datetime
    import_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in the registry of a certificate. stated_at: when its issuer said so, if known.

    is_mirrored: another city's answer, which the issuer's own word takes the place of.
    """

    entry_id: UUID
    said: Registration
    stated_at: datetime | None
    is_mirrored: bool
    has_place: bool


@dataclass(frozen=True, slots=True)
class Written:
    """A row to write. place: in our status lists, where it is given one now."""

    entry_id: UUID
    said: Registration
    place: tuple[int, int] | None


async def select_standing(tx: Transaction, keys: Iterable[Key]) -> dict[Key, Standing]:
    """What stands of these certificates."""
    wanted = list(keys)
    # OFFSET 0 keeps the planner to one look into the index a key: by the statistics of a table that
    # was empty a minute ago it would read the whole of it.
    rows = await tx.fetch(
        """
        SELECT r.*
        FROM unnest($1::text[], $2::bytea[], $3::text[]) AS k (issuer, number_digest, scope)
        CROSS JOIN LATERAL (
            SELECT * FROM registry e
            WHERE e.issuer = k.issuer AND e.number_digest = k.number_digest AND e.scope = k.scope
            OFFSET 0
        ) r
        """,
        [issuer for issuer, _, _ in wanted],
        [number for _, number, _ in wanted],
        [scope for _, _, scope in wanted],
    )
    return {standing.said.key: standing for standing in map(_standing_of, rows)}


def _standing_of(row: Record) -> Standing:
    said = Registration(
        statement=Statement(row["number_digest"], row["holder_digest"], row["identity_digest"]),
        scope=row["scope"],
        number_masked=row["number_masked"],
        number_format=NumberFormat(row["number_format"]),
        issuer=row["issuer"],
        occupation=row["occupation"],
        level=row["level"],
        level_label=row["level_label"],
        name=row["name"],
        issued_on=row["issued_on"],
        valid_until=row["valid_until"],
        status=RegistryStatus(row["status"]),
        kind=Kind(row["kind"]),
        title_rank=row["title_rank"],
        review_due=row["review_due"],
    )
    return Standing(
        row["entry_id"],
        said,
        row["stated_at"],
        is_mirrored=row["origin"] is not None,
        has_place=row["status_list"] is not None,
    )


async def update_places_given(tx: Transaction, count: int) -> int:
    """Take that many places in our status lists; returns the first one's number, from 0."""
    return int(
        await tx.fetchval(
            "UPDATE status_places SET given = given + $1 RETURNING given - $1::bigint", count
        )
    )


_COLUMNS = (
    "entry_id",
    "issuer",
    "number_digest",
    "scope",
    "holder_digest",
    "identity_digest",
    "number_masked",
    "number_format",
    "occupation",
    "level",
    "level_label",
    "title_rank",
    "name",
    "kind",
    "issued_on",
    "valid_until",
    "review_due",
    "status",
    "status_list",
    "status_index",
    "changed_at",
    "stated_at",
    "import_id",
)


async def insert_entries(tx: Transaction, rows: Sequence[Written], source: Source) -> None:
    """Put in what did not stand there yet."""
    await tx.copy_records_to_table(
        "registry",
        columns=_COLUMNS,
        records=[_record(row, source) for row in rows],
    )


def _record(row: Written, source: Source) -> tuple[object, ...]:
    # Of a kind, format and status the text is sent as it is: asking each for its value would take
    # a tenth of the time.
    said = row.said
    status_list, status_index = row.place or (None, None)
    return (
        row.entry_id,
        said.issuer,
        said.statement.number,
        said.scope,
        said.statement.holder,
        said.statement.identity,
        said.number_masked,
        said.number_format,
        said.occupation,
        said.level,
        said.level_label,
        said.title_rank,
        said.name,
        said.kind,
        said.issued_on,
        said.valid_until,
        said.review_due,
        said.status,
        status_list,
        status_index,
        source.now,
        source.stated_at,
        source.import_id,
    )


async def update_entries(tx: Transaction, rows: Sequence[Written], source: Source) -> None:
    """Let these say what their issuer says now; they are our own from then on."""
    said = [row.said for row in rows]
    await tx.execute(
        """
        UPDATE registry r SET
            holder_digest = n.holder_digest, identity_digest = n.identity_digest,
            occupation = n.occupation, level = n.level, level_label = n.level_label,
            title_rank = n.title_rank, name = n.name, kind = n.kind, issued_on = n.issued_on,
            valid_until = n.valid_until, review_due = n.review_due, status = n.status,
            status_list = coalesce(r.status_list, n.status_list),
            status_index = coalesce(r.status_index, n.status_index),
            origin = NULL, checked_at = NULL, recognised = true,
            changed_at = $16, stated_at = $17, import_id = $18
        FROM unnest(
            $1::uuid[], $2::bytea[], $3::bytea[], $4::text[], $5::smallint[], $6::text[],
            $7::smallint[], $8::text[], $9::text[], $10::date[], $11::date[], $12::date[],
            $13::text[], $14::int[], $15::int[]
        ) AS n (
            entry_id, holder_digest, identity_digest, occupation, level, level_label, title_rank,
            name, kind, issued_on, valid_until, review_due, status, status_list, status_index)
        WHERE r.entry_id = n.entry_id
        """,
        [row.entry_id for row in rows],
        [each.statement.holder for each in said],
        [each.statement.identity for each in said],
        [each.occupation for each in said],
        [each.level for each in said],
        [each.level_label for each in said],
        [each.title_rank for each in said],
        [each.name for each in said],
        [each.kind.value for each in said],
        [each.issued_on for each in said],
        [each.valid_until for each in said],
        [each.review_due for each in said],
        [each.status.value for each in said],
        [None if row.place is None else row.place[0] for row in rows],
        [None if row.place is None else row.place[1] for row in rows],
        source.now,
        source.stated_at,
        source.import_id,
    )


async def update_stated(tx: Transaction, entry_ids: Sequence[UUID], source: Source) -> None:
    """Note that the issuer said the same again: what it said in between gives way."""
    await tx.execute(
        "UPDATE registry SET stated_at = $2, import_id = $3 WHERE entry_id = ANY($1::uuid[])",
        entry_ids,
        source.stated_at,
        source.import_id,
    )


async def delete_mirrors(tx: Transaction, entry_ids: Sequence[UUID]) -> None:
    """Forget that these mirrored another city's answer: its lists say nothing of them any more."""
    await tx.execute("DELETE FROM mirrors WHERE entry_id = ANY($1::uuid[])", entry_ids)
