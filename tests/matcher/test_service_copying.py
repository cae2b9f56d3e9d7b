"""Rows that come by COPY are those that a query gives, whatever pieces they come in."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from services.kit.database import Database
from services.matcher.store.copying import Rows, copy_rows

ROWS = 9_000
# About 7 MB: several pieces, and rows that begin in one and end in another.
QUERY = f"""
SELECT md5(n::text)::uuid, (n - 7) * 1003, n % 3 = 0, convert_to(repeat('职', n % 500), 'utf8')
FROM generate_series(1, {ROWS}) AS n
"""


@pytest.fixture
async def db(empty_database: str) -> AsyncIterator[Database]:
    db = Database(empty_database)
    await db.open()
    yield db
    await db.close()


async def test_rows_come_in_pieces_and_are_all_there(db: Database) -> None:
    pieces: list[list[tuple[UUID, int, bool, bytes]]] = []

    async def take(rows: Rows) -> None:
        pieces.append(plainly(rows))

    async with db.transaction() as tx:
        await copy_rows(tx, QUERY, 4, take)
        expected = [tuple(row) for row in await tx.fetch(QUERY)]
    assert len(pieces) > 2
    assert [row for piece in pieces for row in piece] == expected


def plainly(rows: Rows) -> list[tuple[UUID, int, bool, bytes]]:
    high, low = rows.uuids(0)
    halves = zip(high.tolist(), low.tolist(), strict=True)
    places = zip(rows.starts[:, 3].tolist(), rows.lengths[:, 3].tolist(), strict=True)
    return list(
        zip(
            [UUID(int=upper << 64 | lower) for upper, lower in halves],
            rows.integers(1).tolist(),
            rows.booleans(2).tolist(),
            [rows.data[start : start + length].tobytes() for start, length in places],
            strict=True,
        )
    )


async def test_of_no_rows_nothing_is_handed_on(db: Database) -> None:
    async with db.transaction() as tx:
        await copy_rows(tx, "SELECT 1 WHERE false", 1, never)


async def never(rows: Rows) -> None:
    raise AssertionError(f"{len(rows)} rows")


@pytest.mark.parametrize(
    ("query", "fields"),
    [("SELECT 1, NULL::int", 2), ("SELECT 1, 2", 1), ("SELECT 1", 2)],
    ids=["NULL", "too many", "too few"],
)
async def test_what_is_not_as_agreed_is_refused(db: Database, query: str, fields: int) -> None:
    async with db.transaction() as tx:
        with pytest.raises(ValueError, match="has not"):
            await copy_rows(tx, query, fields, never)


async def test_a_field_of_another_type_is_refused(db: Database) -> None:
    async def take(rows: Rows) -> None:
        rows.uuids(0)

    async with db.transaction() as tx:
        with pytest.raises(ValueError, match="16 bytes"):
            await copy_rows(tx, "SELECT 1", 1, take)


async def test_after_work_that_failed_the_database_goes_on(db: Database) -> None:
    """In the middle of what it sends, too: the connection is used again."""

    async def take(rows: Rows) -> None:
        raise ZeroDivisionError(len(rows))

    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            async with db.transaction() as tx:
                await copy_rows(tx, QUERY, 4, take)
        await db.ping()
