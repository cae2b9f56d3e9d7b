"""Whichever place the test servers come from, they are what we say they are."""

import asyncio
import struct

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from dev.stack import kafka, postgres


async def test_postgres_is_the_version_we_state(postgres_server: str) -> None:
    connection = await asyncpg.connect(postgres_server)
    try:
        assert connection.get_server_version().major == int(postgres.VERSION)
    finally:
        await connection.close()


async def test_text_is_ordered_the_same_everywhere(postgres_server: str) -> None:
    connection = await asyncpg.connect(postgres_server)
    try:
        rows = await connection.fetch(
            "SELECT * FROM unnest(ARRAY['工', 'b', 'A', 'a', 'B']) t ORDER BY t"
        )
        assert [row["t"] for row in rows] == ["A", "B", "a", "b", "工"]
    finally:
        await connection.close()


async def test_kafka_is_the_version_we_state(kafka_server: str) -> None:
    # A broker tells its features, not its version; this is the newest level of metadata that each
    # release knows (org.apache.kafka.server.common.MetadataVersion).
    newest_level = {"4.3.1": 30}[kafka.VERSION]
    assert await _newest_metadata_level(kafka_server) == newest_level


async def test_kafka_makes_no_topic_by_itself_and_as_many_partitions_as_asked(
    kafka_server: str,
) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_server)
    await admin.start()
    try:
        await admin.create_topics([NewTopic("three-parts", num_partitions=3, replication_factor=1)])
        (topic,) = await admin.describe_topics(["three-parts"])
        assert len(topic["partitions"]) == 3
        await admin.describe_topics(["never-made"])
        assert "never-made" not in await admin.list_topics()
    finally:
        await admin.delete_topics(["three-parts"])
        await admin.close()


@pytest.mark.parametrize("_again", range(2))
async def test_a_fresh_database_is_empty_each_time(empty_database: str, _again: int) -> None:
    connection = await asyncpg.connect(empty_database)
    try:
        await connection.execute("CREATE TABLE mine (id int)")
    finally:
        await connection.close()


async def _newest_metadata_level(address: str) -> int:
    """Ask as ApiVersions v3 does (KIP-584) and read one feature out of the answer."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        header = struct.pack(">hhih", 18, 3, 1, 1) + b"t" + b"\0"
        body = b"\x02t" + b"\x02t" + b"\0"
        writer.write(struct.pack(">i", len(header + body)) + header + body)
        (length,) = struct.unpack(">i", await reader.readexactly(4))
        answer = await reader.readexactly(length)
    finally:
        writer.close()
    name = b"metadata.version"
    place = answer.index(name) + len(name)
    _oldest, newest = struct.unpack(">hh", answer[place : place + 4])
    return int(newest)
