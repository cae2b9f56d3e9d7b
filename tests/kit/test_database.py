"""What is the database's absence and what is not, for those who try again only while it is away."""

import asyncpg
import pytest

from services.kit.database import DatabaseUnavailable
from tests.support import opened


@pytest.mark.parametrize(
    "error",
    [
        # Seen when PostgreSQL was killed: a connection that had died was handed out once more.
        asyncpg.InternalClientError(
            "cannot switch to state 15; another operation (2) is in progress"
        ),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.AdminShutdownError("terminating connection due to administrator command"),
        ConnectionResetError(),
    ],
    ids=repr,
)
async def test_a_connection_that_breaks_is_a_database_that_is_away(
    empty_database: str, error: Exception
) -> None:
    async with opened(empty_database) as db:
        with pytest.raises(DatabaseUnavailable):
            async with db.transaction():
                raise error
        await db.ping()


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InternalClientError("got result for unknown protocol state 3"),
        asyncpg.InterfaceError("the number of columns in each row does not match"),
        asyncpg.UniqueViolationError("duplicate key"),
        ValueError("a number"),
    ],
    ids=repr,
)
async def test_what_is_wrong_with_what_was_asked_stays_what_it_is(
    empty_database: str, error: Exception
) -> None:
    async with opened(empty_database) as db:
        with pytest.raises(type(error)):
            async with db.transaction():
                raise error
