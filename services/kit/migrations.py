"""Plain SQL migrations: applied once, in order, under a lock, and never changed afterwards."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

import asyncpg

_NAME = re.compile(r"^\d{4}_[a-z0-9_]+\.sql$")
_LOCK = 0x72656E67  # "reng": one migrating process a database
_SCHEMA = re.compile(r"^[a-z_][a-z0-9_]{0,62}$")

_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    owner text NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (owner, name)
)
"""


class MigrationChanged(Exception):
    """An applied migration's file is no longer what was applied. Write a new one instead."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One SQL file. owner: the package it belongs to."""

    owner: str
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Fingerprint of the text, whatever the line endings."""
        return hashlib.sha256(self.sql.replace("\r\n", "\n").encode()).hexdigest()


def migrations_of(package: str) -> Iterator[Migration]:
    """The package's `migrations/NNNN_name.sql`, in order."""
    folder = files(package) / "migrations"
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if _NAME.match(entry.name):
            yield Migration(package, entry.name, entry.read_text(encoding="utf-8"))


async def migrate(url: str, package: str, *, schema: str | None = None) -> list[str]:
    """Bring a database up to date: the kit's tables first, then the service's own.

    package: e.g. "services.postings". schema: made if missing and put first on the search path.
    Returns the names applied now. Raises MigrationChanged.
    """
    if schema is not None and not _SCHEMA.match(schema):
        raise ValueError(f"not a schema name: {schema!r}")
    connection = await asyncpg.connect(url, timeout=10)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        if schema is not None:
            await connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
            await connection.execute(f'SET search_path TO "{schema}"')
        await connection.execute(_LEDGER)
        applied = {
            (row["owner"], row["name"]): row["sha256"]
            for row in await connection.fetch("SELECT owner, name, sha256 FROM schema_migrations")
        }
        done: list[str] = []
        for owner in dict.fromkeys(("services.kit", package)):
            for migration in migrations_of(owner):
                before = applied.get((migration.owner, migration.name))
                if before is None:
                    await _apply(connection, migration)
                    done.append(f"{migration.owner}/{migration.name}")
                elif before != migration.sha256:
                    raise MigrationChanged(f"{migration.owner}/{migration.name}")
        return done
    finally:
        # Closing ends the session, and with it the advisory lock.
        await connection.close()


async def _apply(connection: "asyncpg.Connection[asyncpg.Record]", migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(migration.sql)
        await connection.execute(
            "INSERT INTO schema_migrations (owner, name, sha256) VALUES ($1, $2, $3)",
            migration.owner,
            migration.name,
            migration.sha256,
        )
