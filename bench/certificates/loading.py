"""Bringing certificates in through the import door, signed, and how long that took.

What they are is `drawing`'s.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import BinaryIO
from uuid import UUID, uuid4

import httpx
import orjson

from bench.certificates.drawing import ISSUER, lines
from bench.certificates.figures import BenchFailed, Load
from bench.certificates.house import House
from bench.flow import cpu
from dev import signed_files

Say = Callable[[str], None]

_OPERATOR = ("operator", "bench")
_CHUNK_BYTES = 1 << 20
_TELL_EVERY_S = 5.0
_PATIENCE_S = 3600.0


async def bring_in(house: House, what: str, count: int, say: Say) -> Load:
    """Register the issuer, sign a file of `count` certificates, and have it imported.

    Raises BenchFailed where a line is not taken in.
    """
    key, _ = signed_files.new_key()
    async with httpx.AsyncClient(
        base_url=house.url(what),
        headers=house.headers(*_OPERATOR),
        timeout=_PATIENCE_S,
        trust_env=False,
    ) as client:
        await _register(client, signed_files.public_jwk(key))
        with tempfile.TemporaryFile() as file:
            say(f"writing {count:,} lines")
            await asyncio.to_thread(_write, file, count)
            facts = await asyncio.to_thread(signed_files.facts_of, file, signed_files.NDJSON)
            import_id = uuid4()
            jws = signed_files.sign(key, ISSUER, facts, import_id, int(time.time()))
            file_bytes = file.seek(0, 2)
            telling = asyncio.create_task(_tell(client, import_id, say))
            before, began = cpu.read(house.pids()), time.perf_counter()
            try:
                done = await _send(client, file, jws)
            finally:
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)
            seconds = time.perf_counter() - began
            used = cpu.cores(before, cpu.read(house.pids()))
    if done != count:
        raise BenchFailed(f"{done:,} of {count:,} lines were taken in")
    table_bytes, index_bytes = await house.sizes(what)
    say(f"{count:,} certificates in {seconds:.1f} s, {count / seconds:,.0f} lines/s")
    return Load(count, file_bytes, seconds, table_bytes, index_bytes, used)


def _write(file: BinaryIO, count: int) -> None:
    file.writelines(lines(count))
    file.seek(0)


async def _register(client: httpx.AsyncClient, key: dict[str, str]) -> None:
    said = {
        "name": "样例发证机构",
        "province": "53",
        "cities": ["530100"],
        "bases": ["样例"],
        "recognised_by": ["样例"],
        "keys": [key],
        "upload_lag_days": 15,
    }
    answer = await client.put(f"/v1/issuers/{ISSUER}", json=said)
    if not answer.is_success:
        raise BenchFailed(f"the issuer was not registered: {answer.text[:300]}")


async def _send(client: httpx.AsyncClient, file: BinaryIO, jws: str) -> int:
    """How many rows were taken in. The report is read as it comes, and looked at but not kept."""
    headers = {signed_files.HEADER: jws, "Content-Type": signed_files.NDJSON}
    head = b""
    async with client.stream(
        "POST", "/v1/registry/imports", content=_chunks(file), headers=headers
    ) as answer:
        async for chunk in answer.aiter_bytes():
            if len(head) < 4096:
                head += chunk
    if answer.status_code != httpx.codes.OK:
        raise BenchFailed(f"the import was refused: {head[:500].decode()}")
    told = orjson.loads(head[: head.index(b',"lines":')] + b"}")
    return int(told["created"])


async def _chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    file.seek(0)
    while chunk := file.read(_CHUNK_BYTES):
        yield chunk


async def _tell(client: httpx.AsyncClient, import_id: UUID, say: Say) -> None:
    while True:
        await asyncio.sleep(_TELL_EVERY_S)
        with suppress(httpx.HTTPError):
            answer = await client.get(
                f"/v1/registry/imports/{import_id}", params={"lines": "false"}
            )
            if answer.is_success:
                told = answer.json()
                say(f"{told['done']:,} of {told['rows']:,}")
