"""One process a shard: a second waits, one that was overtaken cannot write, one that lost ends."""

import asyncio
import os
import sys
from asyncio.subprocess import Process

import httpx
import pytest

from services.kit.migrations import migrate
from services.kit.provision import provision
from services.matcher.actions import begin
from services.matcher.index import Index, IndexNotReady
from services.matcher.settings import Shard
from services.matcher.store.shard import ShardTaken, shard_lock
from tests.kit.door import ISSUER, eventually, free_port
from tests.matcher.harness import TIGHT, Matcher
from tests.matcher.market import Market
from tests.matcher.running import failing, is_ready, living, settings
from tests.support import opened

SCHEMA = Shard(0, 1).schema


async def cut_the_lock(url: str) -> None:
    """End the session that holds the shard, as a network that fails does."""
    async with opened(url) as admin, admin.transaction() as tx:
        cut = await tx.fetch(
            """
            SELECT pg_terminate_backend(pid) FROM pg_locks, pg_database
            WHERE datname = current_database() AND database = pg_database.oid
              AND locktype = 'advisory' AND granted
              AND classid::bigint = hashtext('rengang.matcher.shard')::bigint & 4294967295
            """
        )
    assert len(cut) == 1


async def test_the_shard_is_given_to_one_at_a_time(empty_database: str) -> None:
    await migrate(empty_database, "services.matcher", schema=SCHEMA)
    order: list[str] = []

    async def own(name: str, hold_s: float) -> None:
        async with shard_lock(empty_database, SCHEMA, every_s=0.02):
            order.append(f"{name} begins")
            await asyncio.sleep(hold_s)
            order.append(f"{name} ends")

    await asyncio.gather(own("a", 0.2), own("b", 0.2), own("c", 0.2))
    assert [line.split()[1] for line in order] == ["begins", "ends"] * 3


async def test_two_shards_do_not_wait_for_each_other(empty_database: str) -> None:
    for shard in (Shard(0, 2), Shard(1, 2)):
        await migrate(empty_database, "services.matcher", schema=shard.schema)
    async with (
        asyncio.timeout(5),
        shard_lock(empty_database, Shard(0, 2).schema),
        shard_lock(empty_database, Shard(1, 2).schema),
    ):
        pass


async def test_a_lock_that_is_cut_is_noticed_at_once(empty_database: str) -> None:
    await migrate(empty_database, "services.matcher", schema=SCHEMA)
    async with shard_lock(empty_database, SCHEMA, every_s=30) as lock:
        losing = asyncio.create_task(lock.lost())
        await asyncio.sleep(0.1)
        assert not losing.done()
        await cut_the_lock(empty_database)
        assert await asyncio.wait_for(losing, 5)


async def test_who_was_overtaken_can_write_no_more(matcher: Matcher) -> None:
    market = Market(1)
    await matcher.take(*market.events(40))
    overtaken, before = matcher.handle, matcher.index
    matcher.index = Index(matcher.db, TIGHT)
    await begin(matcher.index)
    stored = await matcher.live()
    with pytest.raises(ShardTaken):
        await overtaken(market.events(10))
    before.close()
    assert await matcher.live() == stored


async def test_before_the_index_is_built_nothing_is_explained(matcher: Matcher) -> None:
    index = Index(matcher.db, {})
    with pytest.raises(IndexNotReady, match="waiting"):
        await index.check()
    with pytest.raises(IndexNotReady):
        _ = index.model
    index.close()


async def test_a_second_process_is_not_ready_until_the_first_is_gone(
    empty_database: str, kafka_server: str
) -> None:
    await provision(kafka_server)
    chosen = settings(empty_database, kafka_server)
    async with living(chosen) as first:
        await eventually(lambda: is_ready(first), 30)
        async with living(chosen) as second:
            await asyncio.sleep(1.5)
            assert "index" in await failing(second)
            assert await is_ready(first)
    async with living(chosen) as third:
        await eventually(lambda: is_ready(third), 30)


async def test_a_process_that_loses_the_shard_says_so_once(
    empty_database: str, kafka_server: str
) -> None:
    await provision(kafka_server)
    lost = asyncio.Event()
    async with living(settings(empty_database, kafka_server), lost.set) as door:
        await eventually(lambda: is_ready(door), 30)
        await cut_the_lock(empty_database)
        await asyncio.wait_for(lost.wait(), 10)


async def test_a_process_that_loses_the_shard_ends_so_that_it_is_started_again(
    empty_database: str, kafka_server: str
) -> None:
    await provision(kafka_server)
    port = free_port()
    process = await started(empty_database, kafka_server, port)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as door:
            await eventually(lambda: answers_ready(door), 60)
        await cut_the_lock(empty_database)
        assert await asyncio.wait_for(process.wait(), 20) == os.EX_TEMPFAIL
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def started(url: str, kafka: str, port: int) -> Process:
    """`python -m services.matcher.main`, as the supervisor starts it."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "services.matcher.main"),
        env=os.environ
        | {
            "RENGANG_PORT": str(port),
            "RENGANG_DATABASE_URL": url,
            "RENGANG_KAFKA": kafka,
            "RENGANG_JWKS_URL": "http://127.0.0.1:9/jwks",
            "RENGANG_ISSUER": ISSUER,
        },
        stderr=asyncio.subprocess.DEVNULL,
    )


async def answers_ready(door: httpx.AsyncClient) -> bool:
    try:
        return (await door.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False
