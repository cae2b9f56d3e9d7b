"""What was kept of matches in parts is shown as before once it is kept as an event."""

import asyncpg
import orjson

from contracts.matches import MatchFound, reasons_in
from services.kit.migrations import migrations_of
from services.talent import store
from tests.support import NOW, opened
from tests.talent.samples import POSTING, a_match, a_seeker_id, withdrawn

BEFORE = "0002"


async def test_candidates_of_before_are_explained_as_they_were(empty_database: str) -> None:
    connection = await asyncpg.connect(empty_database)
    migrations = list(migrations_of("services.talent"))
    for each in (migration for migration in migrations if migration.name < BEFORE):
        await connection.execute(each.sql)
    event = a_match(1)
    assert isinstance(event, MatchFound)
    parts = event.data.model_dump(mode="json", include={"reason", "missing"}, exclude_defaults=True)
    await connection.executemany(
        "INSERT INTO matches VALUES ($1, 1, $2, $3, $4, $4, $5, $6, $7, $8)",
        [
            (
                *(event.data.match_id, POSTING, a_seeker_id(1), True),
                *(event.data.score_ppm, orjson.dumps(parts).decode(), event.data.model, NOW),
            ),
            (withdrawn(2).data.match_id, POSTING, a_seeker_id(2), False, None, None, None, NOW),
        ],
    )
    for each in (migration for migration in migrations if migration.name >= BEFORE):
        await connection.execute(each.sql)
    await connection.close()

    async with opened(empty_database) as db, db.transaction() as tx:
        (candidate,) = await store.select_candidates(tx, POSTING, 5)
        (row,) = await tx.fetch("SELECT said FROM matches WHERE NOT live")
    assert candidate.seeker_id == a_seeker_id(1)
    assert reasons_in(candidate.said) == reasons_in(event.encoded())
    assert row["said"] is None
