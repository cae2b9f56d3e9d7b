"""A service as its own process: it starts, says what it does, and stops in good order."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from services.kit.settings import ServiceSettings, variables_of
from tests.kit.door import eventually, free_port

PROGRAM = """
import asyncio, sys
from contextlib import asynccontextmanager
from fastapi import APIRouter
from fastapi.sse import EventSourceResponse, ServerSentEvent
from services.kit.http import serve
from services.kit.settings import ServiceSettings, load
from tests.kit.door import an_app

router = APIRouter()

@router.get("/events", response_class=EventSourceResponse)
async def events():
    try:
        yield ServerSentEvent(data="hello")
        await asyncio.Event().wait()
    finally:
        print("stream closed", flush=True)

@router.post("/slow")
async def slow() -> str:
    await asyncio.sleep(1)
    return "done"

@asynccontextmanager
async def lifespan(app):
    if "broken" in sys.argv:
        raise RuntimeError("cannot begin")
    print("opened", flush=True)
    yield
    print("closed", flush=True)

def build(settings):
    return an_app(router, lifespan=lifespan)

serve(build, load(ServiceSettings))
"""


@dataclass
class Running:
    process: asyncio.subprocess.Process
    client: httpx.AsyncClient

    async def stopped(self) -> tuple[list[str], list[dict[str, Any]]]:
        """What it printed and logged until its end."""
        out, err = await asyncio.wait_for(self.process.communicate(), 20)
        return out.decode().splitlines(), [json.loads(line) for line in err.splitlines()]


@asynccontextmanager
async def a_process(port: int, *words: str, **changes: str) -> AsyncIterator[Running]:
    given = {
        "RENGANG_PORT": str(port),
        "RENGANG_DATABASE_URL": "postgresql://127.0.0.1/none",
        "RENGANG_KAFKA": "127.0.0.1:9",
        "RENGANG_JWKS_URL": "http://127.0.0.1:9/jwks",
        "RENGANG_ISSUER": "https://issuer.example",
    }
    ours = set(variables_of(ServiceSettings))
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", PROGRAM, *words),
        env={**kept, **given, **changes},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    base_url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=base_url, trust_env=False) as client:
        try:
            yield Running(process, client)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


@asynccontextmanager
async def a_service() -> AsyncIterator[Running]:
    async with a_process(free_port()) as running:

        async def lives() -> bool:
            try:
                return (await running.client.get("/livez")).status_code == 200
            except httpx.ConnectError:
                return False

        await eventually(lives, patience_s=30)
        yield running


async def test_event_streams_end_and_requests_finish_when_it_stops() -> None:
    async with a_service() as running, running.client.stream("GET", "/events") as events:
        chunks = events.aiter_bytes()
        assert b'data: "hello"' in await anext(chunks)
        slow = asyncio.create_task(running.client.post("/slow"))
        await asyncio.sleep(0.2)
        running.process.send_signal(signal.SIGTERM)
        # A proper end: had the connection been cut, this would raise.
        assert [chunk async for chunk in chunks] == []
        assert (await slow).json() == "done"
        printed, logged = await running.stopped()
    assert printed == ["opened", "stream closed", "closed"]
    requests = {line["route"]: line for line in logged if line["event"] == "http.request"}
    assert requests["/slow"]["status"] == 200
    assert requests["/slow"]["ms"] >= 1000
    assert requests["/events"]["status"] == 200
    assert {line["service"] for line in logged} == {"sample"}


async def test_it_names_neither_itself_nor_its_server() -> None:
    async with a_service() as running:
        answer = await running.client.get(
            "/livez", headers={"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https"}
        )
        assert "server" not in answer.headers
        running.process.send_signal(signal.SIGINT)
        _, logged = await running.stopped()
    assert all("1.2.3.4" not in json.dumps(line) for line in logged)


async def test_a_port_in_use_ends_it_with_a_word() -> None:
    async with (
        a_service() as running,
        a_process(running.client.base_url.port or 0) as second,
    ):
        _, logged = await second.stopped()
        assert second.process.returncode not in (0, None)
        assert any("in use" in line["event"] for line in logged)


async def test_an_app_that_cannot_begin_ends_with_code_three() -> None:
    async with a_process(free_port(), "broken") as running:
        _, logged = await running.stopped()
    assert running.process.returncode == 3
    assert any("cannot begin" in line["event"] for line in logged)


async def test_wrong_settings_end_it_with_code_two_and_one_line() -> None:
    async with a_process(free_port(), RENGANG_KAFKA="nowhere") as running:
        out, err = await asyncio.wait_for(running.process.communicate(), 20)
    assert running.process.returncode == 2
    assert out == b""
    assert err.count(b"\n") == 1
    assert err.startswith(b"settings: RENGANG_KAFKA is wrong: ")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /livez HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: \x00\r\n\r\n",
    ],
    ids=range(6),
)
async def test_what_is_no_http_is_refused_and_breaks_nothing(
    service: Running, request_bytes: bytes
) -> None:
    url = service.client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(request_bytes)
    await writer.drain()
    answer = await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    assert answer.split()[1] in (b"400", b"404", b"501")
    assert (await service.client.get("/livez")).status_code == 200


@pytest.fixture(scope="module")
async def service() -> AsyncIterator[Running]:
    async with a_service() as running:
        yield running
