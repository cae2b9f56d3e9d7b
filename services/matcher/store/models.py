"""The models that are stored, in this shard and beside it in the others of the database.

Which of them is in force here, and the way to another, stand with the shard's own row.
"""
# ruff: noqa: S608 (the names of schemas come from the database itself, by a strict pattern)

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.kit.database import Transaction, affected


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model as it lies in this shard.

    documents: it was fitted to, None where that is not known. choice: number of the last choice
    that named it, None: never. wanted: to be put in force here, and prepared for that.
    """

    version: str
    artefact: bytes
    stored_at: datetime
    active: bool
    documents: int | None
    choice: int | None
    wanted: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sweep of the live matches is, in seekers who are looking."""

    done: int
    seekers: int


_SELECT = """
SELECT version, artefact, stored_at, active, documents, choice,
       wanted_model IS NOT DISTINCT FROM version AS wanted
FROM models CROSS JOIN shard
"""


async def select_models(tx: Transaction) -> list[StoredModel]:
    """All that are stored here, the newest first."""
    rows = await tx.fetch(f"{_SELECT} ORDER BY stored_at DESC, version")
    return [StoredModel(**row) for row in rows]


async def select_model(tx: Transaction, version: str) -> StoredModel | None:
    """The one of this version; None where it is not stored here."""
    row = await tx.fetchrow(f"{_SELECT} WHERE version = $1", version)
    return StoredModel(**row) if row else None


async def select_progress(tx: Transaction) -> Progress | None:
    """How far the sweep is that is under way; None where none is."""
    row = await tx.fetchrow(
        """
        SELECT (SELECT count(*) FROM seekers WHERE looking AND seeker_id <= swept_to) AS done,
               (SELECT count(*) FROM seekers WHERE looking) AS seekers
        FROM shard WHERE sweep_of IS NOT NULL
        """
    )
    return Progress(**row) if row else None


async def select_shard_schemas(tx: Transaction) -> list[str]:
    """The schemas of this database's shards, in order of name.

    Without those that are of an older release still, or were left behind by one.
    """
    rows = await tx.fetch(
        """
        SELECT nspname FROM pg_namespace
        WHERE nspname ~ '^shard_[0-9]+_of_[0-9]+$' AND EXISTS (
            SELECT FROM pg_attribute
            WHERE attrelid = to_regclass(nspname || '.models') AND attname = 'choice'
        )
        ORDER BY nspname
        """
    )
    return [row["nspname"] for row in rows]


async def insert_model(
    tx: Transaction, schema: str, version: str, artefact: bytes, documents: int | None
) -> bool:
    """Store a model in a shard, not in force; False where it has it already."""
    status = await tx.execute(
        f"INSERT INTO {schema}.models (version, artefact, active, documents) "
        "VALUES ($1, $2, false, $3) ON CONFLICT (version) DO NOTHING",
        version,
        artefact,
        documents,
    )
    return affected(status) == 1


async def lock_choices(tx: Transaction) -> None:
    """Let nobody else choose a model, at any shard of this database, until this commits."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtext('rengang.matcher.choice'))")


async def select_last_choice(tx: Transaction, schemas: Sequence[str]) -> int:
    """The number of the last choice made at any of these shards; 0 before the first."""
    parts = (f"SELECT max(choice) AS choice FROM {schema}.models" for schema in schemas)
    found = await tx.fetchval(f"SELECT max(choice) FROM ({' UNION ALL '.join(parts)}) AS each")
    return int(found or 0)


async def upsert_choice(tx: Transaction, schema: str, model: StoredModel, choice: int) -> None:
    """Note the choice in a shard, and give it the model where it lacks that."""
    await tx.execute(
        f"INSERT INTO {schema}.models (version, artefact, active, stored_at, documents, choice) "
        "VALUES ($1, $2, false, $3, $4, $5) "
        "ON CONFLICT (version) DO UPDATE SET choice = excluded.choice",
        model.version,
        model.artefact,
        model.stored_at,
        model.documents,
        choice,
    )


async def count_corpus(tx: Transaction) -> tuple[int, int]:
    """Open postings and looking seekers of this shard."""
    row = await tx.fetchrow(
        """
        SELECT (SELECT count(*) FROM postings WHERE open) AS postings,
               (SELECT count(*) FROM seekers WHERE looking) AS seekers
        """
    )
    return (row["postings"], row["seekers"]) if row else (0, 0)
