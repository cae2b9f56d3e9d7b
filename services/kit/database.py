"""PostgreSQL: a pool, transactions, and one error for "not there right now"."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg
import orjson

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Transaction = PoolConnectionProxy[asyncpg.Record]
else:
    Transaction = asyncpg.pool.PoolConnectionProxy

Record = asyncpg.Record

UniqueViolation = asyncpg.UniqueViolationError

_GONE = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    ConnectionError,
    TimeoutError,
)


class DatabaseUnavailable(Exception):
    """The database does not answer. Nothing was written; the same call may work later."""


async def _prepare(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="text",
        encoder=lambda value: orjson.dumps(value).decode(),
        decoder=orjson.loads,
    )


def _is_gone(error: BaseException) -> bool:
    # A pool or connection that was closed under us raises InterfaceError, which also stands for
    # wrong use of the API; its text is the only thing that tells them apart. So it is with a
    # connection that died in the middle of something and is handed out before that was noticed:
    # "cannot switch to state 15; another operation (2) is in progress".
    return (
        isinstance(error, _GONE)
        or (isinstance(error, asyncpg.InterfaceError) and "clos" in str(error))
        or (isinstance(error, asyncpg.InternalClientError) and "switch to state" in str(error))
    )


class Database:
    """One service's database.

    url: postgresql://… ; schema: put first on the search path, for a service that keeps several
    shards in one database.
    """

    def __init__(
        self, url: str, *, schema: str | None = None, max_size: int = 10, timeout_s: float = 10.0
    ) -> None:
        self.url = url
        self.schema = schema
        self._max_size = max_size
        self._timeout_s = timeout_s
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def open(self, *, patience_s: float = 60.0) -> None:
        """Connect, waiting for a server that is still starting. Raises DatabaseUnavailable."""
        deadline = asyncio.get_running_loop().time() + patience_s
        while True:
            try:
                self._pool = await asyncpg.create_pool(
                    self.url,
                    min_size=1,
                    max_size=self._max_size,
                    timeout=self._timeout_s,
                    command_timeout=60,
                    init=_prepare,
                    server_settings={"search_path": self.schema} if self.schema else None,
                )
            except Exception as error:
                if not _is_gone(error):
                    raise
                if asyncio.get_running_loop().time() > deadline:
                    raise DatabaseUnavailable(str(error)) from error
                await asyncio.sleep(0.3)
            else:
                return

    async def close(self) -> None:
        """Give back every connection; those still busy after five seconds are cut."""
        if self._pool is None:
            return
        pool, self._pool = self._pool, None
        try:
            await asyncio.wait_for(pool.close(), 5)
        except TimeoutError:
            pool.terminate()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction (read committed): commits on leaving, rolls back on an error.

        Raises DatabaseUnavailable where the server is not there, also in the middle. A commit whose
        answer was lost may have happened: callers repeat by a key of their own.
        """
        if self._pool is None:
            raise DatabaseUnavailable("not connected")
        try:
            async with (
                self._pool.acquire(timeout=self._timeout_s) as connection,
                connection.transaction(),
            ):
                yield connection
        except Exception as error:
            if _is_gone(error):
                raise DatabaseUnavailable(str(error) or type(error).__name__) from error
            raise

    async def ping(self) -> None:
        """Raises DatabaseUnavailable unless the server answers."""
        async with self.transaction() as tx:
            await tx.execute("SELECT 1")


def affected(status: str) -> int:
    """Rows touched, from PostgreSQL's command tag: 'UPDATE 3' → 3."""
    return int(status.rsplit(" ", 1)[-1])
