"""What was kept of matches in parts is shown as before once it is kept as an event."""

import asyncpg
import orjson

from contracts.matches import content_in
from contracts.values import match_id_of
from services.kit.migrations import migrations_of
from services.seekers.store import feed
from tests.seekers.samples import LI_NA_ID, a_posting_id, found
from tests.support import NOW, opened

BEFORE = "0004"


async def test_matches_and_entries_of_before_are_shown_as_they_were(empty_database: str) -> None:
    connection = await asyncpg.connect(empty_database)
    migrations = list(migrations_of("services.seekers"))
    for each in (migration for migration in migrations if migration.name < BEFORE):
        await connection.execute(each.sql)
    seen, unseen, gone = a_posting_id(), a_posting_id(), a_posting_id()
    event = found(seen)
    parts = event.data.model_dump(
        mode="json", include={"posting", "reason", "missing"}, exclude_defaults=True
    )
    content = orjson.dumps(parts).decode()
    await connection.execute("INSERT INTO feed_heads VALUES ($1, 2)", LI_NA_ID)
    await connection.executemany(
        "INSERT INTO feed VALUES ($1, $2, $3, $4, false, $5, $6, $7, $8, $9)",
        [
            (LI_NA_ID, 1, NOW, "found", match_id_of(LI_NA_ID, seen), seen, 1, 500_000, content),
            (LI_NA_ID, 2, NOW, "withdrawn", match_id_of(LI_NA_ID, gone), gone, 2, None, None),
        ],
    )
    await connection.executemany(
        "INSERT INTO matches VALUES ($1, $2, $3, 2, $4, $5, $6, NULL, $7)",
        [
            (match_id_of(LI_NA_ID, seen), LI_NA_ID, seen, "seen", 500_000, content, NOW),
            (match_id_of(LI_NA_ID, unseen), LI_NA_ID, unseen, "unseen", 500_000, content, NOW),
            (match_id_of(LI_NA_ID, gone), LI_NA_ID, gone, "gone", None, None, NOW),
        ],
    )
    for each in (migration for migration in migrations if migration.name >= BEFORE):
        await connection.execute(each.sql)
    await connection.close()

    shown = content_in(event.encoded())
    async with opened(empty_database) as db, db.transaction() as tx:
        entry, withdrawn = await feed.select_entries(tx, LI_NA_ID, 0, 10)
        ((match, _),) = await feed.select_seen(tx, LI_NA_ID, None, 10)
        untold = await feed.select_untold(tx, LI_NA_ID)
        kept = await tx.fetch("SELECT standing FROM matches ORDER BY standing")
    assert (entry.seq, withdrawn.seq, withdrawn.content) == (1, 2, None)
    assert match.posting_id == seen
    contents = [entry.content, *(each.content for each in (match, *untold))]
    assert [content_in(content or b"") for content in contents] == [shown] * 3
    assert [row["standing"] for row in kept] == ["gone", "seen", "unseen"]
