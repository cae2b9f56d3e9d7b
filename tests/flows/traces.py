"""What would give a person away, in every spelling it could have, and where a system could keep it.

What is done with numbers and names before is the tests'.
"""

import asyncio
import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from dev.stack import postgres

_HASHES = ("md5", "sha1", "sha224", "sha256", "sha512", "sha3_256", "blake2b", "blake2s", "sm3")


@dataclass(frozen=True)
class Trace:
    """Bytes to look for. what: whose spelling they are, without the secret itself."""

    what: str
    content: bytes


def traces_of(secrets: Mapping[str, str]) -> list[Trace]:
    """Each secret as it is, encoded, and under hashes without a key."""
    found: dict[bytes, Trace] = {}
    for what, secret in secrets.items():
        for how, content in _spellings(secret):
            found.setdefault(content, Trace(f"{what}, {how}", content))
    return list(found.values())


def plain_traces_of(secrets: Mapping[str, str]) -> list[Trace]:
    """Each secret as it is: for places that are too large to look for all."""
    return [Trace(what, secret.encode()) for what, secret in secrets.items()]


def _spellings(secret: str) -> Iterator[tuple[str, bytes]]:
    for charset in ("utf-8", "gb18030", "utf-16-le"):
        raw = secret.encode(charset)
        yield f"in {charset}", raw
        yield f"in {charset} as hexadecimal", raw.hex().encode()
        yield from ((f"in {charset} as base64", part) for part in _in_base64(raw))
    yield "escaped", json.dumps(secret)[1:-1].encode()
    yield "percent-encoded", quote(secret, safe="").encode()
    for algorithm in _HASHES:
        if algorithm not in hashlib.algorithms_available:
            continue
        digest = hashlib.new(algorithm, secret.encode()).digest()
        yield f"under {algorithm}", digest.hex().encode()
        yield f"under {algorithm}, raw", digest
        yield f"under {algorithm}, base64", base64.b64encode(digest).rstrip(b"=")
        yield f"under {algorithm}, base64url", base64.urlsafe_b64encode(digest).rstrip(b"=")


def _in_base64(raw: bytes) -> Iterator[bytes]:
    """What stands in the base64 of any text that holds these bytes, wherever they begin in it."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw)
        # Six bits a character: those that hold a bit of what stands around are left out.
        yield encoded[-(-8 * before // 6) : 8 * (before + len(raw)) // 6]


def found_in(places: Mapping[str, bytes], traces: Iterable[Trace]) -> list[str]:
    """Which trace stands in which place."""
    wanted = list(traces)
    return [
        f"{trace.what} in {place}"
        for place, content in places.items()
        for trace in wanted
        if trace.content in content
    ]


async def dumped(server: str, *names: str) -> dict[str, bytes]:
    """Databases of the server as pg_dump writes them: rows of all tables, bytea in hexadecimal.

    server: the administrator's URL without a database. names: of databases; every one without.
    """
    connection = await asyncpg.connect(f"{server}/postgres")
    try:
        rows = await connection.fetch("SELECT datname FROM pg_database WHERE datallowconn")
    finally:
        await connection.close()
    places = {}
    for name in names or sorted(row["datname"] for row in rows):
        process = await asyncio.create_subprocess_exec(
            str(postgres.binaries() / "bin" / "pg_dump"),
            f"--dbname={server}/{name}",
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        assert process.returncode == 0
        places[f"database {name}"] = out
    return places


async def on_the_bus(kafka: str) -> dict[str, bytes]:
    """Key, headers and value of every record of every topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        described = await admin.describe_topics()
    finally:
        await admin.close()
    where = [
        TopicPartition(told["topic"], each["partition"])
        for told in described
        if not told["topic"].startswith("__")
        for each in told["partitions"]
    ]
    assert where
    # All at once, and answered at once: what is empty would be waited for, topic by topic.
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=10,
    )
    await consumer.start()
    content: dict[str, list[bytes]] = {place.topic: [] for place in where}
    try:
        consumer.assign(where)
        ends = await consumer.end_offsets(where)
        while [place for place in where if await consumer.position(place) < ends[place]]:
            for place, records in (await consumer.getmany(timeout_ms=100)).items():
                for record in records:
                    headers = b"".join(k.encode() + (v or b"") for k, v in record.headers)
                    content[place.topic] += [record.key or b"", headers, record.value or b""]
    finally:
        await consumer.stop()
    return {f"topic {topic}": b"\n".join(parts) for topic, parts in content.items()}


# Of Kafka: places and times of records, no part of any; 20 MiB of nothing for each partition.
_INDEXES = (".index", ".timeindex")


def in_files(folder: Path, *, suffix: str = "") -> dict[str, bytes]:
    """The bytes of each file below a folder; what goes away meanwhile is left out."""
    places = {}
    for path in sorted(folder.rglob(f"*{suffix}")):
        try:
            if path.is_file() and not path.is_symlink() and path.suffix not in _INDEXES:
                places[str(path.relative_to(folder))] = path.read_bytes()
        except FileNotFoundError:
            continue
    return places
