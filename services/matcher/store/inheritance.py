"""Taking over from shards of another count, which are other schemas of the same database.

What belongs to a seeker is moved, so that nothing of anyone stays in a schema that nobody keeps;
postings are copied, since every shard has them all. Of two versions the higher one is taken.
"""
# ruff: noqa: S608 (the names of schemas come from the database itself, by a strict pattern)

from collections.abc import AsyncIterator, Sequence

from contracts.topics import MODELS
from contracts.values import SeekerId
from services.kit.database import Transaction

# A schema may hold a hundred million rows; each is read once.
_PATIENCE_S = 6 * 60 * 60.0

_COLUMNS = {
    "postings": "posting_id version open document terms facts made_by",
    "seekers": "seeker_id version looking document terms facts made_by",
    "certificates": "seeker_id version held",
    "matches": "match_id seeker_id posting_id version live score_ppm for_seeker for_posting digest "
    "model",
}
"""Of each table its key, its version and the rest, in this order or another."""

_OUTCOME = "event_id, seeker_id, posting_id, kind, reason, happened_at, parts, made_by"


async def select_predecessors(tx: Transaction, count: int) -> list[str]:
    """The schemas of shards of another count, in order of name."""
    rows = await tx.fetch(
        "SELECT nspname FROM pg_namespace WHERE nspname ~ '^shard_[0-9]+_of_[0-9]+$' "
        "AND split_part(nspname, '_', 4) <> $1 ORDER BY nspname",
        str(count),
    )
    return [row["nspname"] for row in rows]


async def share_lock(tx: Transaction, schema: str) -> bool:
    """Let no process take that shard before this transaction ends; False where one has it.

    Shared, so that several can take over from one.
    """
    return bool(
        await tx.fetchval(
            "SELECT pg_try_advisory_xact_lock_shared("
            "hashtext('rengang.matcher.shard'), hashtext($1))",
            schema,
        )
    )


async def seekers_of(tx: Transaction, schema: str, page: int) -> AsyncIterator[list[SeekerId]]:
    """All seekers it has a profile or a folder of, a page at a time."""
    cursor = await tx.cursor(
        f"SELECT seeker_id FROM {schema}.seekers UNION SELECT seeker_id FROM {schema}.certificates"
    )
    while rows := await cursor.fetch(page):
        yield [row["seeker_id"] for row in rows]


async def create_mine(tx: Transaction) -> None:
    """Begin a list of the seekers that belong to this shard, for this transaction."""
    await tx.execute("CREATE TEMP TABLE mine (seeker_id uuid PRIMARY KEY) ON COMMIT DROP")


async def insert_mine(tx: Transaction, seeker_ids: Sequence[SeekerId]) -> None:
    """Add to the list of those that belong to this shard."""
    await tx.execute(
        "INSERT INTO mine SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING", seeker_ids
    )


async def copy_models(tx: Transaction, schema: str) -> None:
    """Take over its models, and go on with the one in force there unless ours was chosen later."""
    await tx.execute(
        f"""
        INSERT INTO models AS own (version, artefact, active, stored_at, documents, choice)
        SELECT version, artefact, false, stored_at, documents, choice FROM {schema}.models
        ON CONFLICT (version) DO UPDATE SET choice = greatest(own.choice, excluded.choice)
        """
    )
    await tx.execute(
        f"""
        UPDATE models SET active = false FROM {schema}.models AS other
        WHERE models.active AND other.active AND other.version <> models.version
            AND coalesce(other.choice, 0) >= coalesce(models.choice, 0)
        """
    )
    await tx.execute(
        f"""
        UPDATE models SET active = true FROM {schema}.models AS other
        WHERE other.active AND other.version = models.version
            AND NOT EXISTS (SELECT FROM models WHERE active)
        """
    )
    # A choice that it was still preparing is heard again by us, from the topic's beginning.
    await tx.execute(
        f"""
        UPDATE shard SET choice_taken = greatest(shard.choice_taken, other.choice_taken)
        FROM {schema}.shard AS other WHERE other.wanted_model IS NULL
        """
    )


async def copy_postings(tx: Transaction, schema: str) -> None:
    """Take over its postings."""
    await tx.execute(_take(schema, "postings"), timeout=_PATIENCE_S)


async def move_seekers(tx: Transaction, schema: str) -> None:
    """Take over the profiles, folders, matches and outcomes of those who belong here."""
    for table in ("seekers", "certificates", "matches"):
        await tx.execute(_take(schema, table), timeout=_PATIENCE_S)
    await tx.execute(
        f"INSERT INTO outcomes ({_OUTCOME}) SELECT {_OUTCOME} FROM {schema}.outcomes "
        "JOIN mine USING (seeker_id) ON CONFLICT (event_id) DO NOTHING",
        timeout=_PATIENCE_S,
    )
    for table in ("outcomes", "matches", "certificates", "seekers"):
        await tx.execute(
            f"DELETE FROM {schema}.{table} USING mine WHERE {table}.seeker_id = mine.seeker_id",
            timeout=_PATIENCE_S,
        )


async def move_outbox(tx: Transaction, schema: str) -> None:
    """Take over what it still had to send about those who belong here, in order."""
    await tx.execute(
        f"""
        INSERT INTO outbox (topic, key, value, added_at, refused)
        SELECT topic, key, value, added_at, refused
        FROM {schema}.outbox JOIN mine ON key = seeker_id::text ORDER BY id
        """,
        timeout=_PATIENCE_S,
    )
    await tx.execute(
        f"DELETE FROM {schema}.outbox USING mine WHERE key = seeker_id::text", timeout=_PATIENCE_S
    )
    # A choice of a model is nobody's: the first of us to come takes it along.
    await tx.execute(
        f"""
        WITH moved AS (
            DELETE FROM {schema}.outbox WHERE topic = $1
            RETURNING topic, key, value, added_at, refused
        )
        INSERT INTO outbox (topic, key, value, added_at, refused) SELECT * FROM moved
        """,
        MODELS.name,
    )


async def forget_computed(tx: Transaction, schema: str) -> None:
    """Let that shard, should it be taken again, take over in its turn."""
    await tx.execute(
        f"UPDATE {schema}.shard SET model = NULL, tau_ppm = NULL, k_s = NULL, k_p = NULL, "
        "rules = NULL, wanted_model = NULL, sweep_of = NULL, swept_to = NULL, epoch = epoch + 1"
    )


def _take(schema: str, table: str) -> str:
    columns = _COLUMNS[table].split()
    listed, told = ", ".join(columns), ", ".join(f"excluded.{column}" for column in columns)
    mine = "" if table == "postings" else "JOIN mine USING (seeker_id)"
    return f"""
        INSERT INTO {table} AS own ({listed})
        SELECT {listed} FROM {schema}.{table} {mine}
        ON CONFLICT ({columns[0]}) DO UPDATE SET ({listed}) = ROW({told})
        WHERE own.version < excluded.version
        """
