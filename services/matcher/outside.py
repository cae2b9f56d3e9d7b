"""The shards of a database as a command reaches them: each read at a moment, models stored in all.

What is made of what is read does not live here, nor what a shard's own process does.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.kit.database import Database, Transaction
from services.matcher.store import models
from services.matcher.store import shard as shards


@asynccontextmanager
async def connected(url: str, schema: str | None = None) -> AsyncIterator[Database]:
    """The database, with one connection. Raises DatabaseUnavailable."""
    db = Database(url, schema=schema, max_size=1)
    await db.open(patience_s=5)
    try:
        yield db
    finally:
        await db.close()


@asynccontextmanager
async def reading(url: str, schema: str) -> AsyncIterator[Transaction]:
    """A transaction that reads one moment of a shard."""
    async with connected(url, schema) as db, db.transaction() as tx:
        await shards.freeze(tx)
        yield tx


async def shard_schemas(url: str) -> list[str]:
    """The schemas of all shards, in order of name."""
    async with connected(url) as db, db.transaction() as tx:
        return await models.select_shard_schemas(tx)


async def store_model(url: str, version: str, artefact: bytes, n_documents: int | None) -> bool:
    """Store the model in every shard; False where all of them had it.

    n_documents: that its IDF was fitted to, None where that is not known.
    """
    async with connected(url) as db, db.transaction() as tx:
        # A list, so that no shard is left out after the first that lacks it.
        stored = [
            await models.insert_model(tx, schema, version, artefact, n_documents)
            for schema in await models.select_shard_schemas(tx)
        ]
    return any(stored)
